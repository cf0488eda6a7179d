// Expected: one error, on the name of the label.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
#[metrics(label = "le")]
enum Bound {
    Low,
}

fn main() {}
