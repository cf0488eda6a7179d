//! Compile errors for metrics that cannot be distinguished from each other.

use super::conflict::Conflict;
use super::declarations::{DeclaredMetrics, Flattened, Owner};
use super::names::{Check, Collision};
use super::table::DescriptorTable;
use super::text::Message;
use crate::Descriptor;
use crate::label_set::LabelSet;

/// Panics if metrics of the flattened field `index` collide with metrics of the struct itself or of an earlier
/// flattened field, or if a metric of the field's type already has a label that the field adds.
#[track_caller]
pub const fn assert_flattens<M: DescriptorTable + ?Sized>(index: usize) {
    let owner = Owner::Flattened(index);
    let Flattened { field, prefix, labels, .. } = &M::FLATTENED[index];
    let mut all = DeclaredMetrics::new(M::DECLARED);
    let mut series = 0;
    while !labels.is_empty() && all.advance() {
        if all.owner().is(owner) {
            let metric = &M::COMPOSED[series];
            if let Some(label) = metric.labels.repeated_name() {
                let mut message = Message::new();
                message.push("the label `").push(label).push("` of the flattened field `");
                message.push(field).push("` is a label of its metric `");
                message.push_bytes(metric.name.as_bytes().split_at(prefix.len()).1);
                message.push("` too; rename one of them");
                panic!("{}", message.as_str());
            }
        }
        series += all.members;
    }
    assert_no_collision::<M>(owner);
}

/// Panics if the struct's own metric `index` collides with an earlier own metric, or has two labels of the same name.
#[track_caller]
pub const fn assert_distinct<M: DescriptorTable + ?Sized>(index: usize) {
    let own = &M::OWN[index];
    let family = if index < M::FAMILIES.len() { M::FAMILIES[index] } else { &[] };
    let labels = LabelSet { own: own.labels.own, family, ..LabelSet::NONE };
    if let Some(label) = labels.repeated_name() {
        let mut message = Message::new();
        message.push("the label `").push(label).push("` is a label of the family `").push(own.name);
        message.push("` and one of its fixed `labels`; rename one of them");
        panic!("{}", message.as_str());
    }
    assert_no_collision::<M>(Owner::Own(index));
}

#[track_caller]
const fn assert_no_collision<M: DescriptorTable + ?Sized>(owner: Owner) {
    let collisions = &Check::<M>::COLLISIONS;
    assert!(!collisions.has_too_many_metrics, "the struct has too many metrics; split it");
    if let Some(Collision { first, second, conflict }) = collisions.of(owner) {
        panic_on_collision(
            (&M::COMPOSED[first.index], first.owner),
            (&M::COMPOSED[second.index], owner),
            conflict,
            M::FLATTENED,
        );
    }
}

#[track_caller]
const fn panic_on_collision(
    (first, first_owner): (&Descriptor, Owner),
    (second, second_owner): (&Descriptor, Owner),
    conflict: Conflict,
    flattened: &[Flattened],
) {
    let mut message = Message::new();
    let is_own = matches!((first_owner, second_owner), (Owner::Own(_), Owner::Own(_)));
    match conflict {
        Conflict::LabelNames => {
            message.push("all metrics named `").push(second.name);
            message.push("` must have labels of the same names: one has ");
            push_label_names(&mut message, first);
            message.push(" and another ");
            push_label_names(&mut message, second);
            message.push("; give them the same `labels`, or rename one of them");
        }
        Conflict::Samples if is_own => {
            message.push("`").push(first.name).push("` and `").push(second.name);
            message.push("` would export samples of the same name; rename one of them");
        }
        Conflict::Samples => {
            message.push("two metrics would export samples of the same name: `").push(first.name);
            message.push("` ").push_all(owner(flattened, &first_owner)).push(", and `");
            message.push(second.name).push("` ").push_all(owner(flattened, &second_owner));
            message.push("; give the flattened field another `prefix`, or rename one of them");
        }
        Conflict::Series if is_own => {
            message.push("two metrics of the struct are named `").push(key_of(second));
            message.push("`; rename one of them");
        }
        Conflict::Series => {
            message.push("two metrics are named `").push(key_of(second)).push("`: one ");
            message.push_all(owner(flattened, &first_owner)).push(", and one ");
            message.push_all(owner(flattened, &second_owner));
            message.push("; give the flattened field another `prefix`, or rename one of them");
        }
    }
    panic!("{}", message.as_str());
}

const fn key_of(metric: &Descriptor) -> &'static str {
    if let Some(key) = metric.key { key } else { metric.name }
}

const fn owner<'a>(flattened: &'a [Flattened], owner: &Owner) -> [&'a str; 3] {
    match owner {
        Owner::Own(_) => ["of the struct itself", "", ""],
        Owner::Flattened(field) => ["of the flattened field `", flattened[*field].field, "`"],
    }
}

const fn push_label_names(message: &mut Message, metric: &Descriptor) {
    if metric.labels.len() == 0 {
        message.push("no labels");
        return;
    }
    let mut i = 0;
    while i < metric.labels.len() {
        message.push(if i == 0 { "`" } else { "`, `" }).push(metric.labels.get(i).0);
        i += 1;
    }
    message.push("`");
}
