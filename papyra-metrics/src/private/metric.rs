//! The types that a metric field of a derived struct can have: instruments, and families of instruments.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::array;

use crate::histogram::scale::Scale;
use crate::label::stored_members;
use crate::{
    CachePadded, Descriptor, Family, Instrument, Kind, Label, LabelValues, Member, Walker,
};

/// The type of a metric field in a derived struct: an instrument, which has one series, or a family, which has one series for
/// each member.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an instrument",
    label = "this type is not a metric",
    note = "use an instrument of `papyra_metrics`, such as `Counter` or `Gauge`; a `Family`, which has an instrument for each label value; or an `AtomicU64` or `AtomicI64`; or implement `Instrument` for the type",
    note = "for a struct of plain `u64`, `i64` and `f64` fields, add `#[metrics(storage = Name)]` to the struct",
    note = "for a struct of metrics, add `#[derive(Metrics)]` to the struct and `#[metrics(flatten)]` to the field",
    note = "for a field that is not a metric, add `#[metrics(skip)]`"
)]
pub trait Metric {
    /// The kind of each series.
    const KIND: Kind;
    /// The unit, if the type determines it.
    const UNIT: Option<&'static str>;
    /// The buckets, if each series is a histogram.
    const SCALE: Option<Scale<'static>>;
    /// The labels that distinguish the series of a family; empty for an instrument. [`family_labels`](super::family_labels)
    /// checks them.
    const LABELS: &'static [LabelValues] = &[];
    /// The number of members that a family stores; 1 for an instrument.
    const STORED_MEMBERS: usize = 1;

    /// The kind of a type that has a single series, or an error if the type is a family. The derive uses this constant for
    /// a field whose type is named like an instrument. The derive sees only the name, which may be an alias of a family.
    const SINGLE: KindOrProblem = single(Self::KIND, Self::LABELS);

    /// The kind of a counter or a gauge, or an error if the type is a family or a histogram. The derive uses this constant
    /// for a field whose type is named like a counter or a gauge.
    const NUMBER: KindOrProblem = match Self::SCALE {
        None => Self::SINGLE,
        Some(_) => {
            Err("an alias of a histogram is named like another instrument; rename the alias")
        }
    };

    /// Passes the series of adjacent fields of this type to the walker.
    fn __walk_batch(fields: &[&Self], walker: &mut dyn Walker)
    where
        Self: Sized;
}

/// A kind, or the message of the compile error if the type is not what its name suggests.
pub(super) type KindOrProblem = Result<Kind, &'static str>;

pub(super) const fn single(kind: Kind, labels: &[LabelValues]) -> KindOrProblem {
    match labels {
        [] => Ok(kind),
        _ => Err(
            "an alias of a family is named like an instrument; rename the alias, for example to `CounterByOperation`",
        ),
    }
}

/// Returns a descriptor of this kind. If `kind` is an error, panics with the error's message. The call has the span of the
/// field's type, so the compile error points to the type.
#[track_caller]
pub const fn descriptor(name: &'static str, kind: KindOrProblem) -> Descriptor {
    match kind {
        Ok(kind) => Descriptor::new(name, kind),
        Err(problem) => panic!("{}", problem),
    }
}

#[diagnostic::do_not_recommend]
impl<I: Instrument> Metric for I {
    const KIND: Kind = I::KIND;
    const UNIT: Option<&'static str> = I::__UNIT;
    const SCALE: Option<Scale<'static>> = I::__SCALE;

    #[inline]
    fn __walk_batch(fields: &[&Self], walker: &mut dyn Walker) {
        I::__walk_batch(fields, walker);
    }
}

#[diagnostic::do_not_recommend]
impl<L: Label, I: Member + Instrument> Metric for Family<L, I> {
    const KIND: Kind = I::KIND;
    const UNIT: Option<&'static str> = I::__UNIT;
    const SCALE: Option<Scale<'static>> = I::__SCALE;
    const LABELS: &'static [LabelValues] = L::LABELS;
    const STORED_MEMBERS: usize = stored_members::<L>();

    fn __walk_batch(fields: &[&Self], walker: &mut dyn Walker) {
        const BATCH: usize = 32;
        for family in fields {
            for start in (0..L::COUNT).step_by(BATCH) {
                let last = L::COUNT - 1;
                let members: [&I; BATCH] = array::from_fn(|i| family.at((start + i).min(last)));
                I::__walk_batch(&members[..BATCH.min(L::COUNT - start)], walker);
            }
        }
    }
}

/// Implements [`Metric`] for pointers to a family. Pointers to an instrument need no such implementation, because each such
/// pointer is itself an instrument.
macro_rules! metric_through {
    ($($(#[$cfg:meta])* $pointer:ty),*) => {$(
        $(#[$cfg])*
        #[diagnostic::do_not_recommend]
        impl<L: Label, I: Member + Instrument> Metric for $pointer {
            const KIND: Kind = I::KIND;
            const UNIT: Option<&'static str> = I::__UNIT;
            const SCALE: Option<Scale<'static>> = I::__SCALE;
            const LABELS: &'static [LabelValues] = Family::<L, I>::LABELS;
            const STORED_MEMBERS: usize = Family::<L, I>::STORED_MEMBERS;

            fn __walk_batch(fields: &[&Self], walker: &mut dyn Walker) {
                for family in fields {
                    Family::__walk_batch(&[&***family], walker);
                }
            }
        }
    )*};
}

metric_through! {
    CachePadded<Family<L, I>>,
    &Family<L, I>,
    #[cfg(feature = "alloc")]
    Box<Family<L, I>>,
    #[cfg(feature = "alloc")]
    Rc<Family<L, I>>,
    #[cfg(feature = "alloc")]
    Arc<Family<L, I>>
}
