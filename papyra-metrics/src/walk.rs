//! The walk over a set of instruments, by which a process reads and resets its metrics.
//!
//! [`Metrics::walk`](crate::Metrics::walk) passes instruments to a [`Walker`], in the order of
//! [`Metrics::descriptors`](crate::Metrics::descriptors). Snapshots, [`visit`](crate::Metrics::visit) and its variants,
//! and [`reset`](crate::Metrics::reset) use walkers of this crate; an exporter can implement its own. A derived
//! struct passes adjacent counters, and adjacent gauges, in one call, so that a walker can read them in a loop, without
//! a virtual call for each instrument.
//!
//! ```
//! use papyra_metrics::walk::{ErasedInstrument, Walker};
//! use papyra_metrics::{Counter, Metrics, Value, persistence::PersistenceMetrics};
//!
//! /// Adds up the lifetime totals of all counters.
//! #[derive(Default)]
//! struct Sum(u64);
//!
//! impl Walker for Sum {
//!     fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
//!         if let Some(Value::Counter(total)) = instrument.map(ErasedInstrument::read_total) {
//!             self.0 += total;
//!         }
//!     }
//!
//!     // Optional, and faster for the most common instrument.
//!     fn counters(&mut self, counters: &[&Counter]) {
//!         self.0 += counters.iter().map(|counter| counter.total()).sum::<u64>();
//!     }
//! }
//!
//! let metrics = PersistenceMetrics::default();
//! metrics.records_written.add(2);
//! metrics.records_read.inc();
//! let mut sum = Sum::default();
//! metrics.walk(&mut sum);
//! assert_eq!(sum.0, 3);
//! ```

use core::marker::PhantomData;

use crate::atomic_layout::AtomicLayout;
use crate::{Counter, Descriptor, Distribution, Gauge, Instrument, Value};

/// An instrument of any type, as a trait object.
///
/// Implemented for every [`Instrument`], and for [`Value`], so that a hand-written
/// [`Metrics::walk`](crate::Metrics::walk) can pass a number that it has just computed.
///
/// The methods have other names than the methods of [`Instrument`], so that importing this trait does not change what
/// `counter.total()` means.
pub trait ErasedInstrument {
    /// Returns the value since the last reset, as [`Instrument::value`] does.
    fn read_value(&self) -> Value;

    /// Returns the value over the lifetime, as [`Instrument::total`] does.
    fn read_total(&self) -> Value;

    /// Returns the value since the last reset and resets it, in one step, as [`Instrument::take`] does.
    fn take_value(&self) -> Value;

    /// Resets the value, as [`Instrument::reset`] does.
    fn reset_value(&self);

    /// Returns whether a reset has an effect: [`Instrument::IS_RESETTABLE`], or `false` for a [`Value`].
    fn is_resettable(&self) -> bool {
        false
    }

    /// Writes the lifetime distribution of a histogram into an existing distribution, without allocating.
    ///
    /// Returns `false`, and writes nothing, if the instrument is not a histogram of this crate. For a histogram that is
    /// a [`Value`] or a hand-written [`Instrument`], [`read_total`](Self::read_total) returns the distribution.
    fn read_total_into(&self, _: &mut Distribution) -> bool {
        false
    }

    /// For publishing: returns the location of the atomics, or `None` if the instrument does not consist only of atomics.
    #[doc(hidden)]
    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        None
    }
}

impl<I: Instrument> ErasedInstrument for I {
    #[inline]
    fn read_value(&self) -> Value {
        self.value()
    }

    #[inline]
    fn read_total(&self) -> Value {
        self.total()
    }

    fn take_value(&self) -> Value {
        self.take()
    }

    fn reset_value(&self) {
        self.reset();
    }

    fn is_resettable(&self) -> bool {
        I::IS_RESETTABLE
    }

    fn read_total_into(&self, into: &mut Distribution) -> bool {
        self.__total_into(into)
    }

    #[doc(hidden)]
    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        I::__atomic_layout(self)
    }
}

/// Every reading is the value itself; a reset has no effect.
impl ErasedInstrument for Value {
    fn read_value(&self) -> Value {
        self.clone()
    }

    fn read_total(&self) -> Value {
        self.clone()
    }

    fn take_value(&self) -> Value {
        self.clone()
    }

    fn reset_value(&self) {}
}

/// Receives the instruments of a set of metrics, one after another.
///
/// The instruments are in the order of [`Metrics::descriptors`](crate::Metrics::descriptors): the first instrument
/// belongs to the first descriptor, and so on. Absent metrics are passed too, so a walker that counts what it receives
/// always knows which descriptor is next.
///
/// Only [`metric`](Self::metric) is required. By default, [`counters`](Self::counters) and [`gauges`](Self::gauges) call
/// `metric` for each instrument. A walker that overrides them can read the instruments without virtual calls.
pub trait Walker {
    /// Receives the next metric: its instrument, or `None` if the metric is absent.
    ///
    /// A metric is absent if it is listed but has no value now, such as a metric of a flattened `Option` that is `None`, or
    /// a histogram without the feature `alloc`.
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>);

    /// Receives the next metric, which is present.
    #[inline]
    fn instrument(&mut self, instrument: &dyn ErasedInstrument) {
        self.metric(Some(instrument));
    }

    /// Receives the next metrics, which are counters.
    fn counters(&mut self, counters: &[&Counter]) {
        for &counter in counters {
            self.metric(Some(counter));
        }
    }

    /// Receives the next metrics, which are gauges.
    fn gauges(&mut self, gauges: &[&Gauge]) {
        for &gauge in gauges {
            self.metric(Some(gauge));
        }
    }

    /// Receives the next `count` metrics, which are absent.
    fn absent(&mut self, count: usize) {
        for _ in 0..count {
            self.metric(None);
        }
    }
}

/// Selects the value that a reading takes from each instrument.
pub(crate) trait ReadMode {
    fn read<I: Instrument>(instrument: &I) -> Value;
    fn read_erased(instrument: &dyn ErasedInstrument) -> Value;
}

/// Reads the value since the last reset.
pub(crate) struct SinceReset;
/// Reads the value over the lifetime.
pub(crate) struct Lifetime;
/// Reads the value since the last reset, and resets the instrument in the same step.
pub(crate) struct Drain;

macro_rules! read_mode {
    ($mode:ident, $method:ident, $erased:ident) => {
        impl ReadMode for $mode {
            #[inline]
            fn read<I: Instrument>(instrument: &I) -> Value {
                instrument.$method()
            }

            #[inline]
            fn read_erased(instrument: &dyn ErasedInstrument) -> Value {
                instrument.$erased()
            }
        }
    };
}

read_mode!(SinceReset, value, read_value);
read_mode!(Lifetime, total, read_total);
read_mode!(Drain, take, take_value);

/// The walker that reads each instrument, and calls a visitor with the descriptor of the metric and the value.
pub(crate) struct Visit<'a, 'v, R> {
    /// The descriptors of the metrics that have not been visited. If the walk passes more instruments than there are
    /// descriptors, the surplus instruments are ignored.
    descriptors: &'a [Descriptor],
    visitor: &'a mut (dyn FnMut(&Descriptor, Value) + 'v),
    mode: PhantomData<R>,
}

impl<'a, 'v, R: ReadMode> Visit<'a, 'v, R> {
    pub(crate) fn new(
        descriptors: &'a [Descriptor],
        visitor: &'a mut (dyn FnMut(&Descriptor, Value) + 'v),
    ) -> Self {
        Self { descriptors, visitor, mode: PhantomData }
    }

    /// Removes and returns the descriptors of the next `count` metrics, or all descriptors that are left if there are fewer.
    #[inline]
    fn next(&mut self, count: usize) -> &'a [Descriptor] {
        let (next, rest) = self.descriptors.split_at(count.min(self.descriptors.len()));
        self.descriptors = rest;
        next
    }

    #[inline]
    fn visit_batch<I: Instrument>(&mut self, instruments: &[&I]) {
        for (descriptor, instrument) in self.next(instruments.len()).iter().zip(instruments) {
            (self.visitor)(descriptor, R::read(*instrument));
        }
    }
}

impl<R: ReadMode> Walker for Visit<'_, '_, R> {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        if let ([descriptor], Some(instrument)) = (self.next(1), instrument) {
            (self.visitor)(descriptor, R::read_erased(instrument));
        }
    }

    fn counters(&mut self, counters: &[&Counter]) {
        self.visit_batch(counters);
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        self.visit_batch(gauges);
    }

    fn absent(&mut self, count: usize) {
        self.next(count);
    }
}

/// The walker that resets each instrument. A reset does not change a [`Gauge`].
pub(crate) struct Reset;

impl Walker for Reset {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        if let Some(instrument) = instrument {
            instrument.reset_value();
        }
    }

    fn counters(&mut self, counters: &[&Counter]) {
        counters.iter().copied().for_each(Counter::reset);
    }

    fn gauges(&mut self, _: &[&Gauge]) {}

    fn absent(&mut self, _: usize) {}
}
