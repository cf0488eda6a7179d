//! Structs whose families have thousands of series compile without `#[allow(long_running_const_eval)]`. Each series has the
//! expected key and labels.

use std::collections::HashSet;

use papyra_metrics::{Counter, Family, Gauge, Label, Metrics};

include!("slot.in");

/// A struct with 4,000 series.
#[allow(clippy::struct_field_names)] // the fields have no meaning, so their names are numbered
#[derive(Default, Metrics)]
struct Sixteen {
    family_0: Family<Slot, Counter>,
    family_1: Family<Slot, Counter>,
    family_2: Family<Slot, Counter>,
    family_3: Family<Slot, Counter>,
    family_4: Family<Slot, Counter>,
    family_5: Family<Slot, Counter>,
    family_6: Family<Slot, Counter>,
    family_7: Family<Slot, Counter>,
    family_8: Family<Slot, Counter>,
    family_9: Family<Slot, Counter>,
    family_10: Family<Slot, Counter>,
    family_11: Family<Slot, Counter>,
    family_12: Family<Slot, Counter>,
    family_13: Family<Slot, Counter>,
    family_14: Family<Slot, Counter>,
    family_15: Family<Slot, Gauge>,
}

#[test]
fn thousands_of_series_flattened_twice_into_a_generic_struct_have_their_own_keys_and_labels() {
    #[derive(Default, Metrics)]
    struct Twice<C> {
        own: C,
        #[metrics(flatten, prefix = "left_", labels(side = "left"))]
        left: Sixteen,
        #[metrics(flatten, prefix = "right_")]
        right: Sixteen,
    }

    let metrics = Twice::<Counter>::default();
    metrics.left.family_0[Slot::Slot249].inc();
    metrics.right.family_15[Slot::Slot100].set(-2);
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot.len(), 1 + 2 * 16 * 250);
    assert_eq!(snapshot["left_family_0{side=left,slot=slot249}"], 1);
    assert_eq!(snapshot.member("right_family_15", Slot::Slot100).unwrap(), &-2);
    assert_eq!(snapshot.iter().map(|(key, _)| key).collect::<HashSet<_>>().len(), snapshot.len());
    let descriptors = metrics.descriptors();
    for (descriptor, (key, _)) in descriptors.iter().zip(&snapshot) {
        assert_eq!(descriptor.series().to_string(), key);
    }
    let last = descriptors.last().unwrap();
    assert_eq!((last.name(), last.prefix_len()), ("right_family_15", "right_".len()));
    assert!(last.labels().eq([("slot", "slot249")]));
}

#[test]
fn labels_of_several_structs_come_before_those_of_the_family_outermost_first() {
    #[derive(Default, Metrics)]
    struct Inner {
        #[metrics(labels(kind = "data"))]
        reads: Family<Slot, Counter>,
        plain: Counter,
    }

    #[derive(Default, Metrics)]
    struct Middle {
        #[metrics(flatten, labels(level = "0"))]
        zero: Inner,
        #[metrics(flatten, labels(level = "1"))]
        one: Inner,
        own: Counter,
    }

    #[derive(Default, Metrics)]
    #[metrics(labels(component = "tree"))]
    struct Outer {
        #[metrics(flatten, prefix = "hot_")]
        hot: Middle,
        #[metrics(flatten, prefix = "cold_", labels(tier = "cold"))]
        cold: Middle,
    }

    let metrics = Outer::default();
    metrics.hot.one.reads[Slot::Slot7].inc();
    metrics.cold.zero.plain.add(2);
    metrics.cold.own.add(3);
    let snapshot = metrics.snapshot();
    assert_eq!(snapshot["hot_reads{component=tree,level=1,kind=data,slot=slot7}"], 1);
    assert_eq!(snapshot["cold_plain{component=tree,tier=cold,level=0}"], 2);
    assert_eq!(snapshot["cold_own{component=tree,tier=cold}"], 3);
    for (descriptor, (key, _)) in metrics.descriptors().iter().zip(&snapshot) {
        assert_eq!(descriptor.series().to_string(), key);
    }
}
