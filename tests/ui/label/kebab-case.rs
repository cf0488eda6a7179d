// Expected: one error, on the case.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
#[metrics(rename_all = "kebab-case")]
enum Kind {
    NotFound,
}

fn main() {}
