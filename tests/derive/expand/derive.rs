/// The metrics of the order log.
#[derive(Debug, Default, Metrics)]
pub struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    /// Payload bytes appended.
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    /// Appends that returned an error.
    #[metrics(errors)]
    write_errors: Counter,
    /// Segment files open now.
    open_segments: Gauge,
}
