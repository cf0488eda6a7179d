// Expected: one error, on the string, which is not a supported case.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
#[metrics(rename_all = "kebab-case")]
enum Kind {
    NotFound,
}

fn main() {}
