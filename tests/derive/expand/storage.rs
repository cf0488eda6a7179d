#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = LogMetrics)]
pub struct LogCounts {
    /// Records appended.
    pub records_written: u64,
    #[metrics(errors)]
    pub write_errors: u64,
    pub open_segments: i64,
}
