//! The trait of instruments in which `#[metrics(time = …)]` records.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};
use core::time::Duration;

use crate::{Buckets, CachePadded, Histogram, ShardedHistogram};

/// An instrument that records durations: the value of [`#[metrics(time = …)]`](crate::metrics).
///
/// Implemented for a [`Histogram`] and a [`ShardedHistogram`] of durations; for references, `Box`, `Rc`, `Arc` and
/// [`CachePadded`] of these; and for an `Option`, whose `None` records nothing. Implement this trait for your own
/// instruments that record durations.
///
/// ```
/// use papyra_metrics::{Histogram, Latency, RecordDuration};
/// use std::time::Duration;
///
/// let append = Some(Histogram::<Latency>::default());
/// append.record_duration(Duration::from_micros(80), 1);
/// assert_eq!(append.unwrap().get().count(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a histogram of durations",
    label = "expected a `papyra_metrics::Histogram` of durations",
    note = "durations are recorded in a `Histogram<B>` or a `ShardedHistogram<B>` whose values are `Duration`s, such as `Histogram<Latency>`, in a reference, `Box`, `Rc`, `Arc` or `CachePadded` of one, or in an `Option` of those; for an instrument of your own, implement `papyra_metrics::RecordDuration`",
    note = "for a family, choose the member to record in, such as `latency[Op::Get]`"
)]
pub trait RecordDuration {
    /// Records a duration `n` times. `n` is above 1 if the duration is a sample that represents `n` durations.
    fn record_duration(&self, duration: Duration, n: u64);
}

#[diagnostic::do_not_recommend]
impl<B: Buckets<Value = Duration>> RecordDuration for Histogram<B> {
    #[inline]
    fn record_duration(&self, duration: Duration, n: u64) {
        self.record_n(duration, n);
    }
}

#[diagnostic::do_not_recommend]
impl<B: Buckets<Value = Duration>> RecordDuration for ShardedHistogram<B> {
    #[inline]
    fn record_duration(&self, duration: Duration, n: u64) {
        self.record_n(duration, n);
    }
}

macro_rules! through {
    ($pointer:ty) => {
        #[diagnostic::do_not_recommend]
        impl<H: RecordDuration + ?Sized> RecordDuration for $pointer {
            #[inline]
            fn record_duration(&self, duration: Duration, n: u64) {
                H::record_duration(self, duration, n);
            }
        }
    };
}

through!(&H);
#[cfg(feature = "alloc")]
through!(Box<H>);
#[cfg(feature = "alloc")]
through!(Rc<H>);
#[cfg(feature = "alloc")]
through!(Arc<H>);

#[diagnostic::do_not_recommend]
impl<H: RecordDuration> RecordDuration for CachePadded<H> {
    #[inline]
    fn record_duration(&self, duration: Duration, n: u64) {
        H::record_duration(self, duration, n);
    }
}

#[diagnostic::do_not_recommend]
impl<H: RecordDuration> RecordDuration for Option<H> {
    #[inline]
    fn record_duration(&self, duration: Duration, n: u64) {
        if let Some(histogram) = self {
            histogram.record_duration(duration, n);
        }
    }
}
