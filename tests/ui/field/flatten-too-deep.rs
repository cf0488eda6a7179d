// Expected: one error, on the type `L31`, which already contains 31 levels of flattened structs.

use papyra_metrics::{Counter, Metrics};

#[derive(Default, Metrics)]
struct Innermost {
    appends: Counter,
}

macro_rules! levels {
    ($outer:ident) => {};
    ($inner:ident $outer:ident $($rest:ident)*) => {
        #[derive(Default, Metrics)]
        struct $outer {
            #[metrics(flatten)]
            inner: $inner,
        }
        levels!($outer $($rest)*);
    };
}

levels!(Innermost
    L1 L2 L3 L4 L5 L6 L7 L8 L9 L10 L11 L12 L13 L14 L15 L16 L17 L18 L19 L20 L21 L22 L23 L24 L25
    L26 L27 L28 L29 L30 L31);

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(flatten)]
    too_deep: L31,
}

fn main() {}
