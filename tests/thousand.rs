//! A struct of a thousand counters builds and reads in order.

use papyra_metrics::{Counter, Metrics};

macro_rules! thousand {
    ($($name:ident)*) => {
        #[derive(Default, Metrics)]
        struct Thousand { $($name: Counter),* }
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

include!("thousand.in");

#[test]
fn a_thousand_metrics_read_in_declaration_order() {
    let metrics = Thousand::default();
    metrics.field_0.inc();
    metrics.field_999.add(2);
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.len(), 1000);
    assert_eq!(snapshot.iter().map(|(name, _)| name).collect::<Vec<_>>(), NAMES);
    assert_eq!((snapshot["field_0"].as_u64(), snapshot["field_999"].as_u64()), (Some(1), Some(2)));
}
