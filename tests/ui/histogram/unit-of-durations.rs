// Expected: one error, which says that durations are exported in seconds.
use core::time::Duration;

papyra_metrics::buckets!(pub Flush: Duration = [1ms, 1s], unit = "milliseconds");

fn main() {}
