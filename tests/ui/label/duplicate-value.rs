// Expected: one error, on the second value.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
enum Kind {
    NotFound,
    #[metrics(name = "not_found")]
    Missing,
}

fn main() {}
