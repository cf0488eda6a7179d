#[derive(Metrics)]
#[metrics(prefix = "log_")]
struct LogMetrics<T> {
    /// Records appended.
    records_written: Counter,
    #[metrics(flatten, prefix = "cache_")]
    cache: CacheMetrics<T>,
    #[metrics(skip)]
    path: PathBuf,
}
