//! What a function's outcomes can be counted in: `Count` for events, `UpDown` for levels.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::sync::atomic::Ordering;

use crate::{Counter, Gauge, ShardedCounter};

/// Something that counts events one by one: what [`#[metrics(errors = …, ok = …, calls = …)]`](crate::metrics)
/// counts in, and what a field marked `errors` has to be.
///
/// Implemented for [`Counter`], [`ShardedCounter`] and `AtomicU64`, for references, `Box`, `Rc` and `Arc` of one, and for an
/// `Option`, whose `None` counts nothing. Implement it for an instrument of your own that counts events.
///
/// ```
/// use papyra_metrics::{Count, Counter};
///
/// let events = Some(Counter::new());
/// events.count();
/// assert_eq!(events.unwrap().get(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a counter",
    label = "expected a `papyra_metrics::Counter`",
    note = "events are counted in a `Counter` or an `AtomicU64`, a reference, `Box`, `Rc` or `Arc` of one, or an `Option` of those; an instrument of your own implements `papyra_metrics::Count`"
)]
pub trait Count {
    /// Counts one event.
    fn count(&self);
}

/// Something that goes up and down by one: what [`#[metrics(in_flight = …)]`](crate::metrics) moves.
///
/// Implemented for [`Gauge`] and `AtomicI64`, for references, `Box`, `Rc` and `Arc` of one, and for an
/// `Option`, whose `None` moves nothing. Implement it for an instrument of your own that shows a level.
///
/// ```
/// use papyra_metrics::{Gauge, UpDown};
///
/// let open = Gauge::new();
/// open.up();
/// assert_eq!(open.get(), 1);
/// open.down();
/// assert_eq!(open.get(), 0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a gauge",
    label = "expected a `papyra_metrics::Gauge`",
    note = "what is in flight goes up and down, in a `Gauge` or an `AtomicI64`, a reference, `Box`, `Rc` or `Arc` of one, or an `Option` of those; an instrument of your own implements `papyra_metrics::UpDown`"
)]
pub trait UpDown {
    /// Raises the level by one.
    fn up(&self);

    /// Lowers the level by one.
    fn down(&self);
}

#[diagnostic::do_not_recommend]
impl Count for Counter {
    #[inline]
    fn count(&self) {
        self.inc();
    }
}

#[diagnostic::do_not_recommend]
impl Count for ShardedCounter {
    #[inline]
    fn count(&self) {
        self.inc();
    }
}

#[diagnostic::do_not_recommend]
impl UpDown for Gauge {
    #[inline]
    fn up(&self) {
        self.inc();
    }

    #[inline]
    fn down(&self) {
        self.dec();
    }
}

macro_rules! for_atomics {
    ($atomic:ident) => {
        #[diagnostic::do_not_recommend]
        impl Count for $atomic::AtomicU64 {
            #[inline]
            fn count(&self) {
                self.fetch_add(1, Ordering::Relaxed);
            }
        }

        #[diagnostic::do_not_recommend]
        impl UpDown for $atomic::AtomicI64 {
            #[inline]
            fn up(&self) {
                self.fetch_add(1, Ordering::Relaxed);
            }

            #[inline]
            fn down(&self) {
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
        impl<I: Count + ?Sized> Count for $pointer {
            #[inline]
            fn count(&self) {
                I::count(self);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<I: UpDown + ?Sized> UpDown for $pointer {
            #[inline]
            fn up(&self) {
                I::up(self);
            }

            #[inline]
            fn down(&self) {
                I::down(self);
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
impl<I: Count> Count for Option<I> {
    #[inline]
    fn count(&self) {
        if let Some(counter) = self {
            counter.count();
        }
    }
}

#[diagnostic::do_not_recommend]
impl<I: UpDown> UpDown for Option<I> {
    #[inline]
    fn up(&self) {
        if let Some(gauge) = self {
            gauge.up();
        }
    }

    #[inline]
    fn down(&self) {
        if let Some(gauge) = self {
            gauge.down();
        }
    }
}
