// Expected: two errors, one on each flattened type. There is no error in generated code.

use papyra_metrics::{Counter, Metrics};

#[derive(Metrics)]
pub struct Hooks<'a> {
    pub writes: Counter,
    #[metrics(flatten)]
    pub hook: &'a fn(extern "C" fn(&'a (), u32, u32, ...)),
    #[metrics(flatten)]
    pub raw: *const &'static fn(u8) -> u8,
}

fn main() {}
