// Expected: one error, on the enum.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
enum Nothing {}

fn main() {}
