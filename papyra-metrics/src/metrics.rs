//! The trait of every set of metrics.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};

#[cfg(feature = "alloc")]
use crate::Snapshot;
use crate::descriptor::StaticTable;
use crate::walk::{Drain, Lifetime, Reset, SinceReset, Visit};
use crate::{Descriptor, Value, Walker};

/// A set of metrics, usually a struct of instruments.
///
/// Derive this trait; see the [derive's documentation](derive@crate::Metrics). The trait is also implemented for `&M`,
/// `Box<M>`, `Rc<M>`, `Arc<M>` and `Option<M>`; `None` has no metrics. The trait is object safe.
///
/// A reading includes everything that was counted before it began. The metrics are not read at one instant: an event that
/// is counted during the reading may be included in one metric and not yet in another.
///
/// # By hand
///
/// A type whose metrics are computed, or known only at run time, implements the trait itself. Such a type cannot be
/// flattened, because `#[metrics(flatten)]` needs the names at compile time, and it cannot be published in a file:
///
/// ```
/// use papyra_metrics::{Descriptor, Metrics, Value, Walker};
///
/// struct Queue { waiting: std::cell::Cell<i64> }
///
/// impl Metrics for Queue {
///     fn descriptors(&self) -> &[Descriptor] {
///         const { &[Descriptor::gauge("waiting").with_help("Items in the queue.")] }
///     }
///
///     fn walk(&self, walker: &mut dyn Walker) {
///         walker.instrument(&Value::Gauge(self.waiting.get()));
///     }
/// }
///
/// let queue = Queue { waiting: 4.into() };
/// assert_eq!(queue.snapshot()["waiting"], 4);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no metrics",
    label = "this type does not implement `Metrics`",
    note = "add `#[derive(Metrics)]` to the struct that holds the counters"
)]
pub trait Metrics {
    /// Returns the name, kind, help, unit and labels of each metric, in declaration order.
    ///
    /// The metrics of a flattened `Option` are listed even while the `Option` is `None`. Readings then skip these metrics.
    fn descriptors(&self) -> &[Descriptor];

    /// Passes every instrument to the walker, in the order of [`descriptors`](Self::descriptors).
    ///
    /// All methods that read or reset metrics are based on this method. The module [`walk`](crate::walk) describes
    /// walkers. A metric that is listed but has no value now is passed as [absent](Walker::absent).
    fn walk(&self, walker: &mut dyn Walker);

    /// Returns [`descriptors`](Self::descriptors) if they are static. A snapshot then stores only the values, and
    /// borrows the names of the metrics from the descriptors, unless a hand-written descriptor has labels.
    ///
    /// For a hand-written `Metrics`, the default returns `None`. Overriding this method makes snapshots and registration
    /// cheaper, and does not change their results.
    fn static_descriptors(&self) -> Option<&'static [Descriptor]> {
        self.__static_table().descriptors
    }

    /// For generated code: returns the static descriptors, and whether every descriptor has a precomputed series key. The
    /// derive computes this at compile time, because checking every descriptor takes as long as the rest of a snapshot.
    #[doc(hidden)]
    fn __static_table(&self) -> StaticTable {
        StaticTable::UNKNOWN
    }

    /// Calls the visitor with each metric and its value since the last reset, in declaration order. Allocates nothing but
    /// one box for each histogram.
    fn visit(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
        self.walk(&mut Visit::<SinceReset>::new(self.descriptors(), visitor));
    }

    /// Calls the visitor with each metric and its value over the lifetime, which resets do not change; see
    /// [`reset`](Self::reset) for exceptions. Allocates nothing but one box for each histogram.
    fn visit_totals(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
        self.walk(&mut Visit::<Lifetime>::new(self.descriptors(), visitor));
    }

    /// Drains without building a snapshot: calls the visitor with each metric and its value since the last reset. Each
    /// metric is read and reset in one step. Gauges other than peaks keep their values, as with [`reset`](Self::reset).
    /// Allocates nothing but one box for each histogram.
    fn visit_drain(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
        self.walk(&mut Visit::<Drain>::new(self.descriptors(), visitor));
    }

    /// Resets every counter to zero, and empties every histogram and every [`Peak`](crate::Peak). Other gauges keep their
    /// values. Totals do not change, except the totals of instruments without a separate total, such as an `AtomicU64` or a
    /// `Peak`.
    fn reset(&self) {
        // A reset does not need the descriptors, but using them makes colliding names in a generic struct a compile
        // error here too.
        let _ = self.descriptors();
        self.walk(&mut Reset);
    }

    /// Reads the value of every metric since the last reset, in declaration order. For a derived struct, this allocates
    /// once, plus once for each histogram.
    #[cfg(feature = "alloc")]
    fn snapshot(&self) -> Snapshot {
        Snapshot::read::<SinceReset, _>(self)
    }

    /// Reads the value of every metric over its lifetime, which resets do not change; see [`reset`](Self::reset) for
    /// exceptions. Exporters read these values. For a derived struct, this allocates once, plus once for each histogram.
    #[cfg(feature = "alloc")]
    fn totals(&self) -> Snapshot {
        Snapshot::read::<Lifetime, _>(self)
    }

    /// Takes a snapshot and resets the metrics. Each metric is read and reset in one step. Gauges other than peaks keep
    /// their values, as with [`reset`](Self::reset). Over any number of concurrent drains, no increment is lost or counted
    /// twice. For a derived struct, this allocates once, plus once for each histogram.
    #[cfg(feature = "alloc")]
    fn drain(&self) -> Snapshot {
        Snapshot::read::<Drain, _>(self)
    }
}

macro_rules! metrics_through {
    ($pointer:ty) => {
        impl<M: Metrics + ?Sized> Metrics for $pointer {
            fn descriptors(&self) -> &[Descriptor] {
                M::descriptors(self)
            }

            fn walk(&self, walker: &mut dyn Walker) {
                M::walk(self, walker);
            }

            fn static_descriptors(&self) -> Option<&'static [Descriptor]> {
                M::static_descriptors(self)
            }

            fn __static_table(&self) -> StaticTable {
                M::__static_table(self)
            }
        }
    };
}

metrics_through!(&M);
#[cfg(feature = "alloc")]
metrics_through!(Box<M>);
#[cfg(feature = "alloc")]
metrics_through!(Rc<M>);
#[cfg(feature = "alloc")]
metrics_through!(Arc<M>);
#[cfg(feature = "publish")]
metrics_through!(crate::publish::Published<M>);

impl<M: Metrics> Metrics for Option<M> {
    fn descriptors(&self) -> &[Descriptor] {
        self.as_ref().map_or(&[], M::descriptors)
    }

    fn walk(&self, walker: &mut dyn Walker) {
        if let Some(metrics) = self {
            metrics.walk(walker);
        }
    }

    fn static_descriptors(&self) -> Option<&'static [Descriptor]> {
        self.as_ref().map_or(Some(&[]), M::static_descriptors)
    }

    fn __static_table(&self) -> StaticTable {
        self.as_ref().map_or(StaticTable::new(&[]), M::__static_table)
    }
}
