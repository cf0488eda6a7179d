// Expected: one error, on the value, with one that is valid.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
enum Kind {
    #[metrics(name = "Not-Found")]
    NotFound,
}

fn main() {}
