// Expected: one error on how a bound is written.
use core::time::Duration;

papyra_metrics::buckets!(pub Flush: Duration = [_ms, 1s]);

fn main() {}
