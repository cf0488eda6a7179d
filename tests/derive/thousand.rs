//! Structs with a thousand counters or more compile without `#[allow(long_running_const_eval)]`, even if counters are in
//! flattened structs. All counters are read in declaration order.

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
fn a_thousand_metrics_are_read_in_declaration_order() {
    let metrics = Thousand::default();
    metrics.field_0.inc();
    metrics.field_999.add(2);
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.len(), 1000);
    assert_eq!(snapshot.iter().map(|(name, _)| name).collect::<Vec<_>>(), NAMES);
    assert_eq!((snapshot["field_0"].as_u64(), snapshot["field_999"].as_u64()), (Some(1), Some(2)));
}

#[derive(Default, Metrics)]
struct Twice {
    field_0: Counter,
    #[metrics(flatten, prefix = "a_")]
    a: Thousand,
    #[metrics(flatten, prefix = "b_")]
    b: Thousand,
}

#[test]
fn a_thousand_metrics_flattened_twice_are_read_in_declaration_order() {
    let metrics = Twice::default();
    metrics.a.field_0.inc();
    metrics.b.field_999.add(2);
    let snapshot = metrics.snapshot();
    let expected = ["a_", "b_"]
        .iter()
        .flat_map(|prefix| NAMES.iter().map(move |name| [prefix, *name].concat()));
    let names = snapshot.iter().map(|(name, _)| name);
    assert!(names.eq(["field_0".to_owned()].into_iter().chain(expected)));
    assert_eq!(
        (snapshot["a_field_0"].as_u64(), snapshot["b_field_999"].as_u64()),
        (Some(1), Some(2))
    );
}

#[test]
fn a_thousand_metrics_flattened_twice_into_a_generic_struct_have_their_names() {
    #[derive(Default, Metrics)]
    struct Generic<C> {
        own: C,
        #[metrics(flatten, prefix = "a_")]
        a: Thousand,
        #[metrics(flatten, prefix = "b_")]
        b: Thousand,
    }

    let metrics = Generic::<Counter>::default();
    metrics.b.field_999.inc();
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.len(), 2001);
    assert_eq!(snapshot["b_field_999"], 1);
}

#[test]
fn a_thousand_metrics_three_levels_deep_have_all_prefixes() {
    #[derive(Default, Metrics)]
    struct Middle {
        own: Counter,
        #[metrics(flatten, prefix = "inner_")]
        inner: Thousand,
    }

    #[derive(Default, Metrics)]
    #[metrics(prefix = "outer_")]
    struct Outer {
        own: Counter,
        #[metrics(flatten, prefix = "middle_")]
        middle: Middle,
    }

    let metrics = Outer::default();
    metrics.middle.inner.field_999.inc();
    assert_eq!(metrics.snapshot()["outer_middle_inner_field_999"], 1);
    assert_eq!(metrics.descriptors().len(), 1002);
}
