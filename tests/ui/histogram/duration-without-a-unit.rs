// Expected: one error on how a duration is written.
use core::time::Duration;

papyra_metrics::buckets!(pub Flush: Duration = [1, 1000]);

fn main() {}
