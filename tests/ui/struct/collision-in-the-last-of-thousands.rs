// Expected: one error, on `b`. The message names the two metrics that collide, out of more than two thousand metrics.

use papyra_metrics::{Counter, Metrics};

macro_rules! thousand {
    ($($name:ident)*) => {
        #[derive(Default, Metrics)]
        struct Thousand { $($name: Counter),* }
    };
}

include!("../../derive/thousand.in");

#[derive(Metrics)]
struct LogMetrics {
    #[metrics(name = "b_field_999_total")]
    total: Counter,
    #[metrics(flatten, prefix = "a_")]
    a: Thousand,
    #[metrics(flatten, prefix = "b_")]
    b: Thousand,
}

fn main() {}
