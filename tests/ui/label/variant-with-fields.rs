// Expected: one error, on the fields.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
enum Kind {
    NotFound,
    Other(u32),
}

fn main() {}
