//! The descriptor tables of derived structs, and the bound on the types of fields marked `errors`.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};

use super::compose::{Sizes, sizes};
use super::declarations::{Declarations, DeclaredMetrics, Flattened};
use super::metric::{KindOrProblem, Metric, single};
use crate::descriptor::StaticTable;
use crate::{
    CachePadded, Descriptor, Family, Inc, Instrument, Kind, Label, LabelValues, Member, Metrics,
    Walker,
};

/// A struct whose descriptors are known at compile time. The derive implements it in addition to [`Metrics`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be flattened",
    label = "this type does not derive `Metrics`",
    note = "`#[metrics(flatten)]` requires a struct with `#[derive(Metrics)]`, or a `&`, `Box`, `Rc`, `Arc` or `Option` of one",
    note = "names are composed at compile time, so a trait object or a hand-written `Metrics` cannot be flattened; a single instrument needs no `flatten`"
)]
#[doc(hidden)]
pub trait DescriptorTable: Metrics {
    /// The struct's own metrics, in declaration order.
    const OWN: &'static [Descriptor];
    /// For each own metric, the labels of its family, or an empty list if the metric is not a family. If no own metric is
    /// a family, the outer list is empty.
    const FAMILIES: &'static [&'static [LabelValues]] = &[];
    /// The flattened fields, in declaration order.
    const FLATTENED: &'static [Flattened] = &[];
    /// The struct's own metrics and the flattened fields.
    const DECLARED: Declarations = Declarations::new(Self::OWN, Self::FAMILIES, Self::FLATTENED);
    /// The number of series, and the sizes of their generated keys and labels.
    const SIZES: Sizes = sizes(DeclaredMetrics::new(Self::DECLARED));
    /// The descriptors of the series of all metrics, in declaration order.
    const COMPOSED: &'static [Descriptor] = Self::OWN;
    /// The same descriptors as [`COMPOSED`](Self::COMPOSED). In a derived struct, evaluating this constant also checks them for
    /// collisions.
    const METRICS: &'static [Descriptor] = Self::COMPOSED;

    /// The result of [`Metrics::__static_table`], made from [`METRICS`](Self::METRICS).
    const STATIC_TABLE: StaticTable = StaticTable::new(Self::METRICS);

    /// Walks the struct as a flattened field. Unlike with [`Metrics::walk`], the metrics of an `Option` that is `None` are passed
    /// to the walker as absent, because the descriptors of the outer struct include them.
    fn walk_flattened(&self, walker: &mut dyn Walker) {
        self.walk(walker);
    }
}

macro_rules! table_through {
    ($pointer:ty) => {
        #[diagnostic::do_not_recommend]
        impl<M: DescriptorTable + ?Sized> DescriptorTable for $pointer {
            const OWN: &'static [Descriptor] = M::OWN;
            const DECLARED: Declarations = M::DECLARED;
            const METRICS: &'static [Descriptor] = M::METRICS;

            fn walk_flattened(&self, walker: &mut dyn Walker) {
                M::walk_flattened(self, walker);
            }
        }
    };
}

table_through!(&M);
#[cfg(feature = "alloc")]
table_through!(Box<M>);
#[cfg(feature = "alloc")]
table_through!(Rc<M>);
#[cfg(feature = "alloc")]
table_through!(Arc<M>);
#[cfg(feature = "publish")]
table_through!(crate::publish::Published<M>);

#[diagnostic::do_not_recommend]
impl<M: DescriptorTable> DescriptorTable for Option<M> {
    const OWN: &'static [Descriptor] = M::OWN;
    const DECLARED: Declarations = M::DECLARED;
    const METRICS: &'static [Descriptor] = M::METRICS;

    fn walk_flattened(&self, walker: &mut dyn Walker) {
        match self {
            Some(metrics) => metrics.walk_flattened(walker),
            None => walker.absent(M::METRICS.len()),
        }
    }
}

/// Sets the length of the prefix with which the name of a descriptor begins.
pub const fn prefixed(mut descriptor: Descriptor, prefix_len: usize) -> Descriptor {
    descriptor.prefix_len = prefix_len;
    descriptor
}

/// The bound on the type of a field marked `errors`: an instrument that implements [`Inc`](crate::Inc), or a family of such
/// instruments. It is a single trait, so that a wrong type causes one compile error, not two.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a counter",
    label = "a field marked `errors` must be a counter",
    note = "errors are counted in a `Counter`, a `ShardedCounter`, an `AtomicU64` or a `Family` of these; for an instrument of your own, implement `papyra_metrics::Inc` and `Instrument`"
)]
pub trait ErrorInstrument: Sized {
    const KIND: Kind;
    /// The labels that distinguish the series of a family; empty for an instrument.
    const LABELS: &'static [LabelValues] = &[];
    /// The number of members that a family stores; 1 for an instrument.
    const STORED_MEMBERS: usize = 1;

    /// The kind of the instrument, or an error if the type is a family. The derive uses this constant for a field that
    /// is marked `errors` and whose type is named like a counter or a gauge. For fields without `errors`, it uses
    /// [`Metric::NUMBER`](super::Metric::NUMBER).
    const NUMBER: KindOrProblem = single(Self::KIND, Self::LABELS);

    fn __walk_batch(instruments: &[&Self], walker: &mut dyn Walker);

    /// Counts one error. Not called for a family, which counts an error in the member with the error's label.
    fn inc(&self) {}
}

#[diagnostic::do_not_recommend]
impl<I: Inc + Instrument> ErrorInstrument for I {
    const KIND: Kind = I::KIND;

    #[inline]
    fn __walk_batch(instruments: &[&Self], walker: &mut dyn Walker) {
        I::__walk_batch(instruments, walker);
    }

    #[inline]
    fn inc(&self) {
        Inc::inc(self);
    }
}

macro_rules! family_of_errors {
    ($($(#[$cfg:meta])* $family:ty),*) => {$(
        $(#[$cfg])*
        #[diagnostic::do_not_recommend]
        impl<L: Label, I: Member + Inc + Instrument> ErrorInstrument for $family {
            const KIND: Kind = I::KIND;
            const LABELS: &'static [LabelValues] = <Self as Metric>::LABELS;
            const STORED_MEMBERS: usize = <Self as Metric>::STORED_MEMBERS;

            fn __walk_batch(families: &[&Self], walker: &mut dyn Walker) {
                <Self as Metric>::__walk_batch(families, walker);
            }
        }
    )*};
}

family_of_errors! {
    Family<L, I>,
    CachePadded<Family<L, I>>,
    &Family<L, I>,
    #[cfg(feature = "alloc")]
    Box<Family<L, I>>,
    #[cfg(feature = "alloc")]
    Rc<Family<L, I>>,
    #[cfg(feature = "alloc")]
    Arc<Family<L, I>>
}
