// Expected: one error that says in which unit durations are exported.
use core::time::Duration;

papyra_metrics::buckets!(pub Flush: Duration = [1ms, 1s], unit = "milliseconds");

fn main() {}
