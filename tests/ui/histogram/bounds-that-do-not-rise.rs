// Expected: one error, which names the bound that is not above the previous bound.
use core::time::Duration;

papyra_metrics::buckets!(pub Falling: Duration = [1ms, 20ms, 20000us, 1s]);

fn main() {}
