//! The requirement on a field of a derived struct: an instrument, or a family of them.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::array;

use crate::histogram::scale::Scale;
use crate::{
    CachePadded, Descriptor, Family, Instrument, Kind, Label, LabelValues, Member, Walker,
};

/// One metric, with one series or several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an instrument",
    label = "this type is not a metric",
    note = "use an instrument of `papyra_metrics`, such as `Counter` or `Gauge`, a `Family` for one per label value, an `AtomicU64` or an `AtomicI64`, or implement `Instrument`",
    note = "for a struct of plain `u64` and `i64` fields, add `#[metrics(storage = Name)]` to the struct",
    note = "for a struct of metrics, add `#[derive(Metrics)]` to the struct and `#[metrics(flatten)]` to the field",
    note = "for a field that is not a metric, add `#[metrics(skip)]`"
)]
pub trait Metric {
    /// The kind of each series.
    const KIND: Kind;
    /// The unit, if the type determines it.
    const UNIT: Option<&'static str>;
    /// The buckets, if the type is that of a histogram.
    const SCALE: Option<Scale<'static>>;
    /// The labels that distinguish the series of a family, which [`family_labels`](super::family_labels) checks.
    const LABELS: &'static [LabelValues] = &[];

    /// The kind of a type with the name of an instrument, for which the derive lists one series. An error if the type is a
    /// family, which an alias can give that name.
    const SINGLE: KindOrProblem = single(Self::KIND, Self::LABELS);

    /// The kind of a type with the name of a counter or a gauge, for which the derive lists one series without a unit. An
    /// error if the type is a family or a histogram.
    const NUMBER: KindOrProblem = match Self::SCALE {
        None => Self::SINGLE,
        Some(_) => {
            Err("an alias of a histogram is named like another instrument; rename the alias")
        }
    };

    /// Shows the series of neighbouring fields of this type to the walker.
    fn __walk_batch(fields: &[&Self], walker: &mut dyn Walker)
    where
        Self: Sized;
}

/// A kind, or the error about a type whose kind is not the one that its name suggests.
pub(super) type KindOrProblem = Result<Kind, &'static str>;

pub(super) const fn single(kind: Kind, labels: &[LabelValues]) -> KindOrProblem {
    match labels {
        [] => Ok(kind),
        _ => Err(
            "an alias of a family is named like an instrument; rename the alias, for example to `CounterByOperation`",
        ),
    }
}

/// A descriptor of this kind. An error is reported where this is called, at the type of the field.
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

/// A family behind a pointer. Pointers to instruments are instruments themselves.
macro_rules! metric_through {
    ($($(#[$cfg:meta])* $pointer:ty),*) => {$(
        $(#[$cfg])*
        #[diagnostic::do_not_recommend]
        impl<L: Label, I: Member + Instrument> Metric for $pointer {
            const KIND: Kind = I::KIND;
            const UNIT: Option<&'static str> = I::__UNIT;
            const SCALE: Option<Scale<'static>> = I::__SCALE;
            const LABELS: &'static [LabelValues] = Family::<L, I>::LABELS;

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
