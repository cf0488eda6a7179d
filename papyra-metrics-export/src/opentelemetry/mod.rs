//! OpenTelemetry: observable instruments on a meter of the application.
//!
//! Built on the API crate alone, of which this crate supports one version; see the README for how an application
//! that uses another version can export.

use std::fmt;
use std::sync::{Arc, Weak};

use ::opentelemetry::metrics::{AsyncInstrument, Meter};
use papyra_metrics::Kind;

use crate::family::Family;
use crate::registry::listener::FamilyListener;
use crate::series::values::Number;
use crate::{Registry, panics};
use collection::Collections;
use instruments::Instruments;

mod collection;
mod instruments;
mod unit;

/// Exports a registry through a `Meter` until dropped, including metrics that are registered later.
///
/// ```
/// use opentelemetry::metrics::{MeterProvider, noop::NoopMeterProvider};
/// use papyra_metrics_export::{Registry, opentelemetry::OpenTelemetry};
///
/// # let provider = NoopMeterProvider::new();
/// let registry = Registry::with_prefix("papyra")?;
/// let exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
/// // … the application runs, and at its end:
/// drop(exported);
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
///
/// Counters become observable counters of `u64`, gauges observable gauges of `i64`. Names keep the dots of the
/// registry's prefix and leave the unit out, which is given in UCUM (`By`, `s`). The unit of a metric without one is
/// what its name counts (`{record}`). If two metrics differ in their unit alone, the later one keeps it in its name.
/// Labels become attributes, help the description.
///
/// The SDK refuses names of more than 255 characters, and merges names that differ only in case. Such a metric is not
/// exported; a unit of more than 63 characters is left out. [`Registry::problems`] reports both.
///
/// Observed are totals that never fall, over resets and over backends that are closed and opened again under the same
/// labels. So what a reader adds up is what was counted, with cumulative values and with deltas, and with any number of
/// readers, also if they collect at the same time. To that end a closed backend's totals continue to be observed as
/// long as the registry remembers them, while its gauges are not. The SDK keeps 2000 sets of attributes for an
/// instrument, unless a view says otherwise, and calculates in `i64` on the wire.
///
/// # Instruments and locks
///
/// The SDK builds an instrument under a lock that it also holds while it collects. Instruments are therefore built by a
/// thread that is started when there are new names. Registering waits until they are built, but for one second at most,
/// and not at all while a collection runs the code of a backend: so an application may register while it holds a lock
/// that a backend needs to be read. The new metrics are then part of a later collection.
///
/// OpenTelemetry cannot remove an instrument: the instruments stay, and observe nothing once this value is dropped.
/// Flush the provider before. A meter taken from `opentelemetry::global` before the provider was set never reports
/// anything.
#[must_use = "nothing is observed any more when this is dropped"]
pub struct OpenTelemetry {
    _adapter: Arc<Adapter>,
}

impl OpenTelemetry {
    /// Builds an instrument on this meter for each name in the registry, now and whenever there are more.
    ///
    /// One for each provider is enough; a second one would observe the same values twice.
    pub fn new(registry: &Registry, meter: &Meter) -> Self {
        let adapter = Arc::new(Adapter {
            meter: meter.clone(),
            registry: registry.clone(),
            instruments: Instruments::new(registry),
            collections: Collections::new(registry),
        });
        registry.listen(&adapter);
        Self { _adapter: adapter }
    }
}

impl fmt::Debug for OpenTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetry").finish_non_exhaustive()
    }
}

struct Adapter {
    meter: Meter,
    registry: Registry,
    instruments: Instruments,
    collections: Collections,
}

impl FamilyListener for Adapter {
    fn families_added(self: Arc<Self>) {
        let families = self.registry.families();
        let adapter = Arc::downgrade(&self);
        self.instruments.add(&families, move || {
            if let Some(adapter) = adapter.upgrade() {
                adapter.build_pending();
            }
        });
    }
}

impl Adapter {
    fn build_pending(self: &Arc<Self>) {
        while let Some(instrument) = self.instruments.next_pending() {
            let _ = panics::catch(|| self.build(instrument));
            self.instruments.mark_built();
        }
    }

    fn build(self: &Arc<Self>, instrument: instruments::Pending) {
        let instruments::Pending { index, family, name, unit } = instrument;
        let help = family.help().to_owned();
        let adapter = Arc::downgrade(self);
        // The handles do nothing; the callbacks stay with the provider.
        match family.kind {
            Kind::Counter => {
                let builder = self.meter.u64_observable_counter(name);
                let builder = builder.with_description(help).with_unit(unit);
                builder.with_callback(move |it| observe(&adapter, index, &family, it)).build();
            }
            Kind::Gauge => {
                let builder = self.meter.i64_observable_gauge(name);
                let builder = builder.with_description(help).with_unit(unit);
                builder.with_callback(move |it| observe(&adapter, index, &family, it)).build();
            }
            // Such a kind has no family yet.
            _ => {}
        }
    }
}

/// What an instrument observes.
trait Observable: Sized {
    fn of(number: Number) -> Self;
}

impl Observable for u64 {
    fn of(number: Number) -> Self {
        number.total()
    }
}

impl Observable for i64 {
    fn of(number: Number) -> Self {
        number.level()
    }
}

/// A callback. A panic here would end the SDK's reader for good, and a total that is not observed once would be counted
/// again by the next delta.
fn observe<N: Observable>(
    adapter: &Weak<Adapter>,
    index: usize,
    family: &Family,
    instrument: &dyn AsyncInstrument<N>,
) {
    let Some(adapter) = adapter.upgrade() else { return };
    let Adapter { instruments, collections, .. } = &*adapter;
    let observed = panics::catch(|| {
        let _reading = instruments.begin_reading();
        collections.observe(index, family, |number, attributes| {
            instrument.observe(N::of(number), attributes);
        });
    });
    if let Err(message) = observed {
        collections.report_panic(family, &message);
    }
}
