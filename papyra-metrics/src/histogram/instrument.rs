//! Histograms as instruments of a struct of metrics.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use super::amount::Amount;
use super::buckets::Buckets;
use super::scale::Scale;
use super::{Distribution, Histogram, ShardedHistogram};
#[cfg(not(feature = "alloc"))]
use crate::Walker;
use crate::atomic_layout::AtomicLayout;
use crate::{Instrument, Kind, Value};

/// Boxes a reading, with one allocation. Without the feature `alloc`, the value is only the count.
fn value<B: Buckets>(distribution: &Distribution<B>) -> Value {
    #[cfg(feature = "alloc")]
    return Value::Histogram(Box::new(distribution.erase()));
    #[cfg(not(feature = "alloc"))]
    return Value::Counter(distribution.count());
}

macro_rules! instrument {
    ($histogram:ident) => {
        #[diagnostic::do_not_recommend] // the notes of `Instrument` name this type
        impl<B: Buckets> Instrument for $histogram<B> {
            const KIND: Kind = Kind::Histogram;
            const __UNIT: Option<&'static str> = B::UNIT;
            const __SCALE: Option<Scale<'static>> = Some(Scale {
                bounds: B::BOUNDS,
                unit: B::UNIT,
                per_unit: <B::Value as Amount>::PER_UNIT,
            });

            fn value(&self) -> Value {
                value(&self.get())
            }

            fn total(&self) -> Value {
                value(&self.total())
            }

            fn reset(&self) {
                self.reset();
            }

            fn take(&self) -> Value {
                value(&self.take())
            }

            fn __total_into(&self, into: &mut Distribution) -> bool {
                into.assign(&self.total());
                true
            }

            fn __atomic_layout(&self) -> Option<AtomicLayout> {
                Some(self.atomic_layout())
            }

            /// Passes the histograms to the walker as absent, because their values need an allocator.
            #[cfg(not(feature = "alloc"))]
            fn __walk_batch(instruments: &[&Self], walker: &mut dyn Walker) {
                walker.absent(instruments.len());
            }
        }
    };
}

instrument!(Histogram);
instrument!(ShardedHistogram);
