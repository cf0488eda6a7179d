// Expected: one error, at the family, which has a tuple of nine labels.

use papyra_metrics::{Counter, Family, Label, Metrics};

macro_rules! labels {
    ($($label:ident)*) => {
        $(#[derive(Clone, Copy, Label)]
        enum $label {
            Only,
        })*
    };
}

labels!(A B C D E F G H I);

#[derive(Metrics)]
struct LogMetrics {
    errors: Family<((A, B, C, D), (E, F, G, H), I), Counter>,
}

fn main() {}
