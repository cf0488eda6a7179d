//! What every struct of metrics can do, and how a backend says whether it has any.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};

use crate::__private::Walker;
#[cfg(feature = "alloc")]
use crate::__private::{Lifetime, Since, Taking};
#[cfg(feature = "alloc")]
use crate::Snapshot;
use crate::{Descriptor, Value};

/// A set of metrics that belongs to one value, usually a struct of instruments.
///
/// Derive it; the [derive's documentation](derive@crate::Metrics) tells how. It is also implemented for
/// `&M`, `Box<M>`, `Rc<M>`, `Arc<M>` and `Option<M>`, whose `None` has no metrics, and it is object safe.
///
/// Every reading takes each value exactly, with relaxed ordering, but is not one instant across several
/// metrics: what is counted while the reading goes on may be in one metric and not yet in another.
///
/// # By hand
///
/// What knows its metrics only at run time implements the trait itself, and serves everywhere but in
/// `#[metrics(flatten)]`:
///
/// ```
/// use papyra_metrics::{Descriptor, Metrics, Value};
///
/// struct Queue { waiting: std::cell::Cell<i64> }
///
/// const METRICS: &[Descriptor] = &[Descriptor::gauge("waiting").with_help("Items in the queue.")];
///
/// impl Metrics for Queue {
///     fn descriptors(&self) -> &[Descriptor] { METRICS }
///     fn visit(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
///         visitor(&METRICS[0], Value::Gauge(self.waiting.get()));
///     }
///     // A gauge is the same in every reading, and no reset touches it.
///     fn visit_totals(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) { self.visit(visitor) }
///     fn visit_drain(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) { self.visit(visitor) }
///     fn reset(&self) {}
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
    /// Name, kind, help and unit of each metric, in declaration order.
    ///
    /// Where an `Option` is flattened, its metrics are listed also while it is `None` and readings pass over them.
    fn descriptors(&self) -> &[Descriptor];

    /// Shows each metric and its value since the last reset, in declaration order, without allocating.
    fn visit(&self, visitor: &mut dyn FnMut(&Descriptor, Value));

    /// Shows each metric and its value over the lifetime, which no reset touches, without allocating.
    fn visit_totals(&self, visitor: &mut dyn FnMut(&Descriptor, Value));

    /// What [`drain`](Self::drain) does, without allocating: shows each metric and its value since the last
    /// reset, and resets it in the same step.
    fn visit_drain(&self, visitor: &mut dyn FnMut(&Descriptor, Value));

    /// Has every counter read zero from here. Gauges keep their value, and so do the totals.
    fn reset(&self);

    /// Reads every metric since the last reset, in declaration order. Allocates once.
    #[cfg(feature = "alloc")]
    fn snapshot(&self) -> Snapshot {
        Snapshot::read::<Since, _>(self, Self::visit)
    }

    /// Reads every metric over its lifetime, which no reset touches: what exporters read. Allocates once.
    #[cfg(feature = "alloc")]
    fn totals(&self) -> Snapshot {
        Snapshot::read::<Lifetime, _>(self, Self::visit_totals)
    }

    /// A snapshot and a reset in one step per counter: over any number of concurrent drains no increment is
    /// lost or counted twice. Allocates once.
    #[cfg(feature = "alloc")]
    fn drain(&self) -> Snapshot {
        Snapshot::read::<Taking, _>(self, Self::visit_drain)
    }

    /// For generated code: all metrics that [`__walk`](Self::__walk) goes through, or `None` where it does nothing.
    #[doc(hidden)]
    fn __table(&self) -> Option<&'static [Descriptor]> {
        None
    }

    /// For generated code: takes the walker through the instruments.
    #[doc(hidden)]
    fn __walk(&self, _: &mut dyn Walker) {}
}

/// A backend that may have metrics. One that has none opts out with an empty impl.
///
/// ```
/// use papyra_metrics::{Metered, Metrics};
///
/// struct NullStore;
/// impl Metered for NullStore {}
///
/// fn report(backend: &dyn Metered) -> String {
///     match backend.metrics() {
///         Some(metrics) => metrics.snapshot().to_string(),
///         None => "metrics: <unavailable>".to_owned(),
///     }
/// }
/// assert_eq!(report(&NullStore), "metrics: <unavailable>");
/// ```
pub trait Metered {
    /// The backend's metrics, or `None` where it has none.
    fn metrics(&self) -> Option<&dyn Metrics> {
        None
    }
}

macro_rules! metrics_through {
    ($pointer:ty) => {
        impl<M: Metrics + ?Sized> Metrics for $pointer {
            fn descriptors(&self) -> &[Descriptor] {
                M::descriptors(self)
            }

            fn visit(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
                M::visit(self, visitor);
            }

            fn visit_totals(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
                M::visit_totals(self, visitor);
            }

            fn visit_drain(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
                M::visit_drain(self, visitor);
            }

            fn reset(&self) {
                M::reset(self);
            }

            fn __table(&self) -> Option<&'static [Descriptor]> {
                M::__table(self)
            }

            fn __walk(&self, walker: &mut dyn Walker) {
                M::__walk(self, walker);
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

    fn visit(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
        if let Some(metrics) = self {
            metrics.visit(visitor);
        }
    }

    fn visit_totals(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
        if let Some(metrics) = self {
            metrics.visit_totals(visitor);
        }
    }

    fn visit_drain(&self, visitor: &mut dyn FnMut(&Descriptor, Value)) {
        if let Some(metrics) = self {
            metrics.visit_drain(visitor);
        }
    }

    fn reset(&self) {
        if let Some(metrics) = self {
            metrics.reset();
        }
    }

    fn __table(&self) -> Option<&'static [Descriptor]> {
        self.as_ref().map_or(Some(&[]), M::__table)
    }

    fn __walk(&self, walker: &mut dyn Walker) {
        if let Some(metrics) = self {
            metrics.__walk(walker);
        }
    }
}
