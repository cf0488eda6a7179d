//! The traits of instruments in which functions count: `Inc` for events, `IncDec` for levels.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::sync::atomic::Ordering;

use crate::{Counter, Gauge, ShardedCounter};

/// An instrument that counts events one by one. [`#[metrics(errors = …, ok = …, calls = …)]`](crate::metrics) counts in
/// such an instrument. A field marked `errors` must be such an instrument, or a [`Family`](crate::Family) of such instruments.
///
/// Implemented for [`Counter`], [`ShardedCounter`] and `AtomicU64`; for references, `Box`, `Rc`, `Arc` and
/// [`CachePadded`](crate::CachePadded) of these; and for an `Option`, whose `None` counts nothing. Implement this trait
/// for your own instruments that count events.
///
/// ```
/// use papyra_metrics::{Inc, Counter};
///
/// let events = Some(Counter::new());
/// events.inc();
/// assert_eq!(events.unwrap().get(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a counter",
    label = "expected a `papyra_metrics::Counter`",
    note = "events are counted in a `Counter` or an `AtomicU64`, a reference, `Box`, `Rc` or `Arc` of one, or an `Option` of those; for an instrument of your own, implement `papyra_metrics::Inc`",
    note = "for a family, choose the member to count in, such as `requests[Op::Get]`"
)]
pub trait Inc {
    /// Counts one event.
    fn inc(&self);
}

/// An instrument that goes up and down by one, such as the gauge of [`#[metrics(in_flight = …)]`](crate::metrics).
///
/// Implemented for [`Gauge`] and `AtomicI64`; for references, `Box`, `Rc`, `Arc` and
/// [`CachePadded`](crate::CachePadded) of these; and for an `Option`, whose `None` changes nothing. Implement this trait
/// for your own instruments that go up and down.
///
/// ```
/// use papyra_metrics::{Gauge, IncDec};
///
/// let open = Gauge::new();
/// open.inc();
/// assert_eq!(open.get(), 1);
/// open.dec();
/// assert_eq!(open.get(), 0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a gauge",
    label = "expected a `papyra_metrics::Gauge`",
    note = "calls in flight are counted up and down, in a `Gauge` or an `AtomicI64`, a reference, `Box`, `Rc` or `Arc` of one, or an `Option` of those; for an instrument of your own, implement `papyra_metrics::IncDec`",
    note = "for a family, choose the member to count in, such as `in_flight[Op::Get]`"
)]
pub trait IncDec {
    /// Adds one.
    fn inc(&self);

    /// Subtracts one.
    fn dec(&self);
}

#[diagnostic::do_not_recommend]
impl Inc for Counter {
    #[inline]
    fn inc(&self) {
        self.inc();
    }
}

#[diagnostic::do_not_recommend]
impl Inc for ShardedCounter {
    #[inline]
    fn inc(&self) {
        self.inc();
    }
}

#[diagnostic::do_not_recommend]
impl IncDec for Gauge {
    #[inline]
    fn inc(&self) {
        self.inc();
    }

    #[inline]
    fn dec(&self) {
        self.dec();
    }
}

macro_rules! for_atomics {
    ($atomic:ident) => {
        #[diagnostic::do_not_recommend]
        impl Inc for $atomic::AtomicU64 {
            #[inline]
            fn inc(&self) {
                self.fetch_add(1, Ordering::Relaxed);
            }
        }

        #[diagnostic::do_not_recommend]
        impl IncDec for $atomic::AtomicI64 {
            #[inline]
            fn inc(&self) {
                self.fetch_add(1, Ordering::Relaxed);
            }

            #[inline]
            fn dec(&self) {
                self.fetch_sub(1, Ordering::Relaxed);
            }
        }
    };
}

#[cfg(target_has_atomic = "64")]
use core::sync::atomic;
#[cfg(target_has_atomic = "64")]
for_atomics!(atomic);
#[cfg(feature = "portable-atomic")]
for_atomics!(portable_atomic);

macro_rules! through {
    ($pointer:ty) => {
        #[diagnostic::do_not_recommend]
        impl<I: Inc + ?Sized> Inc for $pointer {
            #[inline]
            fn inc(&self) {
                I::inc(self);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<I: IncDec + ?Sized> IncDec for $pointer {
            #[inline]
            fn inc(&self) {
                I::inc(self);
            }

            #[inline]
            fn dec(&self) {
                I::dec(self);
            }
        }
    };
}

through!(&I);
#[cfg(feature = "alloc")]
through!(Box<I>);
#[cfg(feature = "alloc")]
through!(Rc<I>);
#[cfg(feature = "alloc")]
through!(Arc<I>);

#[diagnostic::do_not_recommend]
impl<I: Inc> Inc for Option<I> {
    #[inline]
    fn inc(&self) {
        if let Some(counter) = self {
            counter.inc();
        }
    }
}

#[diagnostic::do_not_recommend]
impl<I: IncDec> IncDec for Option<I> {
    #[inline]
    fn inc(&self) {
        if let Some(gauge) = self {
            gauge.inc();
        }
    }

    #[inline]
    fn dec(&self) {
        if let Some(gauge) = self {
            gauge.dec();
        }
    }
}
