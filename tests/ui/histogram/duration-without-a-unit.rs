// Expected: one error, which says how to write a duration.
use core::time::Duration;

papyra_metrics::buckets!(pub Flush: Duration = [1, 1000]);

fn main() {}
