// Expected: one error, which says how to write a bound.
use core::time::Duration;

papyra_metrics::buckets!(pub Flush: Duration = [_ms, 1s]);

fn main() {}
