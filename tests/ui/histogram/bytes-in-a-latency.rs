// Expected: one error on the value, which is not a duration.
use papyra_metrics::Histogram;

static APPEND: Histogram = Histogram::new();

fn main() {
    APPEND.record(4096_u64);
}
