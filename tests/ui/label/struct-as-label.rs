// Expected: one error, on `struct`.

use papyra_metrics::Label;

#[derive(Clone, Copy, Label)]
struct Level(u8);

fn main() {}
