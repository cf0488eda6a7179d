// Expected: one error, on `static`.
use papyra_metrics::metrics;

#[metrics(errors = ERRORS)]
static LIMIT: u64 = 7;

fn main() {}
