//! The requirement on a field of a derived struct: an instrument, or a family of them.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::array;

use crate::histogram::scale::Scale;
use crate::{CachePadded, Family, Instrument, Kind, Label, LabelValues, Member, Walker};

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

    /// The kind, for a type that is named like an instrument. The derive lists one series for such a name, so this
    /// constant does not compile for an alias of a family.
    const SINGLE: Kind = {
        assert_single(Self::LABELS);
        Self::KIND
    };

    /// The kind, for a type that is named like a counter or a gauge. The derive writes no unit for such a name, so this
    /// constant does not compile for an alias of a histogram either.
    const NUMBER: Kind = {
        assert!(
            Self::SCALE.is_none(),
            "an alias of a histogram is named like another instrument; rename the alias"
        );
        Self::SINGLE
    };

    /// Shows the series of neighbouring fields of this type to the walker.
    fn __walk_batch(fields: &[&Self], walker: &mut dyn Walker)
    where
        Self: Sized;
}

#[track_caller]
pub(super) const fn assert_single(labels: &[LabelValues]) {
    assert!(
        labels.is_empty(),
        "an alias of a family is named like an instrument; rename the alias, for example to `CounterByOperation`"
    );
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
