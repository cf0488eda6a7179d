// Expected: one error: only histograms of durations measure time.
use papyra_metrics::{Histogram, Sizes};

static RECORD_SIZE: Histogram<Sizes> = Histogram::new();

fn main() {
    RECORD_SIZE.time(|| ());
}
