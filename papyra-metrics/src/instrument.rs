//! The trait of all instruments. Plain atomics implement it too.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, rc::Rc, sync::Arc};

use crate::atomic_layout::AtomicLayout;
use crate::histogram::scale::Scale;
use crate::{Distribution, Kind, Value, Walker};

/// A value that can be a field of a struct that derives [`Metrics`](crate::Metrics).
///
/// [`Counter`](crate::Counter) and [`Gauge`](crate::Gauge) are instruments, and so are a plain `AtomicU64` (a counter)
/// and `AtomicI64` (a gauge). An `AtomicU64` is a single number, so a reset sets its lifetime total to zero too. Implement
/// the trait for any other type that holds a number:
///
/// ```
/// use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
/// use papyra_metrics::{Instrument, Kind, Metrics, Value};
///
/// /// The highest level seen since the last reset.
/// #[derive(Default)]
/// struct Peak(AtomicI64);
///
/// impl Instrument for Peak {
///     const KIND: Kind = Kind::Gauge;
///     const IS_RESETTABLE: bool = true;
///     fn value(&self) -> Value { Value::Gauge(self.0.load(Relaxed)) }
///     fn reset(&self) { self.0.store(0, Relaxed) }
///     fn take(&self) -> Value { Value::Gauge(self.0.swap(0, Relaxed)) }
/// }
///
/// #[derive(Default, Metrics)]
/// struct QueueMetrics { longest: Peak }
///
/// let metrics = QueueMetrics::default();
/// metrics.longest.0.fetch_max(7, Relaxed);
/// assert_eq!(metrics.snapshot()["longest"], 7);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an instrument",
    label = "this type is not a metric",
    note = "use an instrument of `papyra_metrics`, such as `Counter` or `Gauge`; a `Family`, which has an instrument for each label value; or an `AtomicU64` or `AtomicI64`; or implement `Instrument` for the type",
    note = "for a struct of plain `u64`, `i64` and `f64` fields, add `#[metrics(storage = Name)]` to the struct",
    note = "for a struct of metrics, add `#[derive(Metrics)]` to the struct and `#[metrics(flatten)]` to the field",
    note = "for a field that is not a metric, add `#[metrics(skip)]`"
)]
pub trait Instrument {
    /// The kind of metric.
    const KIND: Kind;

    /// Whether a [reset](Self::reset) has an effect. Defaults to `true` for a counter or histogram and to `false` for a
    /// gauge. Set this constant to `true` for a gauge whose value depends on the last reset.
    const IS_RESETTABLE: bool = !matches!(Self::KIND, Kind::Gauge);

    /// Returns the value; for a counter or histogram, what was recorded since the last reset.
    fn value(&self) -> Value;

    /// Returns the value over the lifetime, which resets do not change. Defaults to [`value`](Self::value), for instruments
    /// without a separate lifetime value.
    fn total(&self) -> Value {
        self.value()
    }

    /// Resets the value: a counter to zero, a histogram to no values. A gauge keeps its value, unless the value depends on
    /// the last reset, as in a [`Peak`](crate::Peak).
    fn reset(&self);

    /// Returns the [`value`](Self::value) and [resets](Self::reset) it in one step. A concurrent event is included either
    /// in this reading or in the next, but not in both.
    fn take(&self) -> Value;

    /// For generated code: the unit of the values, if the type of the instrument determines it.
    #[doc(hidden)]
    const __UNIT: Option<&'static str> = None;

    /// For generated code: the buckets of a histogram.
    #[doc(hidden)]
    const __SCALE: Option<Scale<'static>> = None;

    /// For generated code: writes the lifetime distribution of a histogram, without allocating. Returns `false` for
    /// other instruments.
    #[doc(hidden)]
    fn __total_into(&self, _: &mut Distribution) -> bool {
        false
    }

    /// For generated code: passes adjacent instruments of this type to the walker. It is a method of this trait, so that
    /// a field that is not an instrument causes one compile error, not two.
    #[doc(hidden)]
    #[inline]
    fn __walk_batch(instruments: &[&Self], walker: &mut dyn Walker)
    where
        Self: Sized,
    {
        for &instrument in instruments {
            walker.metric(Some(instrument));
        }
    }

    /// For publishing: returns the location of the atomics, or `None` if the instrument does not consist only of atomics.
    #[doc(hidden)]
    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        None
    }
}

macro_rules! instrument_for_atomics {
    ($atomic:ident) => {
        #[diagnostic::do_not_recommend]
        impl Instrument for $atomic::AtomicU64 {
            const KIND: Kind = Kind::Counter;

            #[inline]
            fn value(&self) -> Value {
                Value::Counter(self.load($atomic::Ordering::Relaxed))
            }

            fn reset(&self) {
                self.store(0, $atomic::Ordering::Relaxed);
            }

            fn take(&self) -> Value {
                Value::Counter(self.swap(0, $atomic::Ordering::Relaxed))
            }

            fn __atomic_layout(&self) -> Option<AtomicLayout> {
                Some(AtomicLayout::cell(self))
            }
        }

        #[diagnostic::do_not_recommend]
        impl Instrument for $atomic::AtomicI64 {
            const KIND: Kind = Kind::Gauge;

            #[inline]
            fn value(&self) -> Value {
                Value::Gauge(self.load($atomic::Ordering::Relaxed))
            }

            fn reset(&self) {}

            fn take(&self) -> Value {
                self.value()
            }

            fn __atomic_layout(&self) -> Option<AtomicLayout> {
                Some(AtomicLayout::cell(self))
            }
        }
    };
}

#[cfg(target_has_atomic = "64")]
use core::sync::atomic;
#[cfg(target_has_atomic = "64")]
instrument_for_atomics!(atomic);
#[cfg(feature = "portable-atomic")]
instrument_for_atomics!(portable_atomic);

macro_rules! instrument_through {
    ($pointer:ty) => {
        #[diagnostic::do_not_recommend]
        impl<I: Instrument + ?Sized> Instrument for $pointer {
            const KIND: Kind = I::KIND;
            const IS_RESETTABLE: bool = I::IS_RESETTABLE;

            #[inline]
            fn value(&self) -> Value {
                I::value(self)
            }

            #[inline]
            fn total(&self) -> Value {
                I::total(self)
            }

            fn reset(&self) {
                I::reset(self);
            }

            fn take(&self) -> Value {
                I::take(self)
            }

            const __UNIT: Option<&'static str> = I::__UNIT;
            const __SCALE: Option<Scale<'static>> = I::__SCALE;

            fn __total_into(&self, into: &mut Distribution) -> bool {
                I::__total_into(self, into)
            }
        }
    };
}

instrument_through!(&I);
#[cfg(feature = "alloc")]
instrument_through!(Box<I>);
#[cfg(feature = "alloc")]
instrument_through!(Rc<I>);
#[cfg(feature = "alloc")]
instrument_through!(Arc<I>);
