//! OpenTelemetry: instruments on a meter of the application.
//!
//! This module depends on the API crate `opentelemetry` alone, and supports one version of it. An application that uses
//! another version can export over OTLP, with the feature `otlp`.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use ::opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};
use papyra_metrics::Kind;

use crate::family::Family;
use crate::registry::listener::FamilyListener;
use crate::series::number::{Form, Number};
use crate::{Registry, RegistryReader, panics};
use collection::Collections;
use instruments::{BuiltHistogram, Definition, Instruments, Part, Pending};

mod collection;
mod instruments;
mod observed;

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
/// Counters become observable counters of `u64`, and gauges become observable gauges of `i64` or `f64`. Names keep the
/// dots of the registry's prefix and omit the unit, which is passed separately in UCUM notation (`By`, `s`). If a
/// metric declares no unit, its unit is derived from its name: `{record}` for `records_written`. Labels become
/// attributes, and the help text becomes the description.
///
/// The SDK merges instruments whose names are equal or differ only in case. If an earlier metric already has the name
/// without the unit, the name of the later metric includes the unit. If the later metric has no unit, or that name is
/// taken too, its kind is appended, as in `latency_gauge`. The SDK refuses names of more than 255 characters, so a longer
/// name is shortened; a unit of more than 63 characters is left out. If no name is left, the metric is not exported.
/// [`Registry::problems`] reports all of these cases, except that a name includes the unit.
///
/// The observed totals never fall, neither at a reset nor when a backend is closed and opened again under the same
/// labels. The sum that a reader receives therefore equals the number of counted events, with cumulative and with delta
/// temporality, and with any number of readers, even if they collect at the same time.
///
/// This requires that the registry remembers a closed backend until it is opened again. If a reader collects after the
/// registry has forgotten the backend and before the backend is opened again, the totals of the reopened backend begin
/// at zero, so a cumulative reader sees them fall. If the provider also has a reader with delta temporality, and this
/// reader does not collect during that time, the SDK subtracts the larger earlier total from the smaller new total, and
/// the subtraction overflows. To prevent both, set [`Registry::set_closed_retention`] to a longer time than backends
/// stay closed.
///
/// # Cardinality
///
/// The SDK keeps 2000 attribute sets for each instrument, unless a view sets another limit. If a metric has more label
/// sets, the totals of the counters that came last are added up in one series with the attribute
/// `otel.metric.overflow`, so that the sum over all series stays right; the gauges that came last are not exported; and
/// the SDK adds up the values of histograms in the same way. [`Registry::problems`] reports this. The label set of a
/// closed backend's counter counts toward the limit until ten minutes after the registry has forgotten the backend. If
/// a view of the provider sets another limit, pass the same limit to
/// [`with_cardinality_limit`](Self::with_cardinality_limit).
///
/// # Histograms
///
/// The SDK accepts single values only, not the counts of buckets. Each collection therefore first records the mean of
/// each bucket's new values, once for every new value, into a histogram with the same bounds. Every reader receives
/// each value once: the count of each bucket is exact, and the sum is exact up to the precision of a float. The values
/// are recorded in the callback of an additional instrument, which observes nothing and is therefore not exported.
///
/// Recording takes about 0.1 µs for each value and reader. At most a million values are recorded in one collection. The
/// rest follow in later collections, and [`Registry::problems`] reports how many are left. A histogram without values
/// is not exported.
///
/// # Instruments and locks
///
/// The SDK builds an instrument under a lock that it also holds while it collects. Instruments are therefore built by a
/// thread that is started when there are new names. Registering waits until they are built, but for one second at most,
/// and not at all while a collection runs the code of a backend. An application may therefore register while it holds a
/// lock that another backend needs in order to be read. The new metrics are then part of a later collection. The code
/// of backends, which a collection runs, must not build instruments itself, nor flush the provider.
///
/// A histogram that is absent when it is registered, for example in a flattened `Option` that is `None`, has no bounds
/// yet. It is built after the first collection in which it is present, and the following collection exports it with all
/// of its values. A process that flushes only once should call [`build_missing`](Self::build_missing) before the flush.
///
/// OpenTelemetry cannot remove an instrument: the instruments stay, and observe nothing once this value is dropped.
/// Flush the provider before you drop this value. A meter taken from `opentelemetry::global` before the provider was set
/// never reports anything.
///
/// # Processes that fork
///
/// The first collection observes the lifetime totals. A forked process inherits the totals of its parent, which the
/// parent exports too. The child must therefore create a new provider, and export through a new `OpenTelemetry` with
/// [`with_current_baseline`](Self::with_current_baseline).
#[must_use = "observing stops when this is dropped"]
pub struct OpenTelemetry {
    adapter: Arc<Adapter>,
}

impl OpenTelemetry {
    /// Builds an instrument on this meter for each name in the registry, now and whenever names are added.
    ///
    /// Create only one `OpenTelemetry` for each provider: a second one would observe every value a second time.
    pub fn new(registry: &Registry, meter: &Meter) -> Self {
        let adapter = Arc::new(Adapter {
            meter: meter.clone(),
            registry: registry.clone(),
            instruments: Instruments::new(registry),
            collections: Collections::new(registry),
        });
        registry.listen(&adapter);
        Self { adapter }
    }

    /// Sets the number of label sets of a metric that are exported separately. The default is 2000, as in the SDK.
    ///
    /// The limit must not be higher than that of the SDK, which a view can set with `Stream`'s `with_cardinality_limit`.
    /// Call this before the first collection: label sets that were already exported keep their series.
    pub fn with_cardinality_limit(self, limit: usize) -> Self {
        self.adapter.collections.set_limit(limit);
        self
    }

    /// Exports only what is counted from now on, as if the current totals had been exported already.
    ///
    /// Use it in a forked process whose parent exports the counts so far, before the first collection.
    pub fn with_current_baseline(self) -> Self {
        self.adapter.collections.set_baseline();
        self
    }

    /// Reads all backends, and builds the histograms that were absent when they were registered and are present now.
    /// First waits for instruments that are still being built, and afterwards for these histograms. Each of the two
    /// waits takes at most one second, as in a registration.
    ///
    /// Each collection also builds such histograms, but only the following collection exports them. Call this before
    /// the only flush of a process, or before its last flush if metrics have become present shortly before.
    pub fn build_missing(&self) {
        // The building thread puts a histogram without bounds on the list `without_bounds`, so it has to finish first.
        self.adapter.instruments.wait_until_built();
        // A reading sets the bounds of the histograms that it contains.
        RegistryReader::with_closed(&self.adapter.registry).refresh();
        self.adapter.add_histograms();
        self.adapter.instruments.wait_until_built();
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

    fn build(self: &Arc<Self>, instrument: Pending) {
        let Pending { index, definition, part } = instrument;
        match (part, definition.family.kind) {
            (Part::Histogram(built), _) => {
                self.build_histogram(&definition, &built);
            }
            (Part::FloatGauge, _) => self.build_float_gauge(index, definition),
            (Part::First, Kind::Counter) => self.build_counter(index, definition),
            (Part::First, Kind::Gauge) => self.build_gauge(index, definition),
            (Part::First, Kind::Histogram) => self.build_replay(index, definition),
            // Other kinds are not exported.
            _ => {}
        }
    }

    // The returned handles of the observable instruments are not needed: dropping them has no effect, because the
    // provider keeps the callbacks.

    fn build_counter(self: &Arc<Self>, index: usize, definition: Arc<Definition>) {
        let builder = self.meter.u64_observable_counter(definition.name.clone());
        let builder = builder.with_description(definition.family.help().to_owned());
        let (builder, adapter) = (builder.with_unit(definition.unit.clone()), Arc::downgrade(self));
        let callback = move |it: &dyn AsyncInstrument<u64>| {
            observe(&adapter, index, &definition.family, it);
        };
        builder.with_callback(callback).build();
    }

    fn build_gauge(self: &Arc<Self>, index: usize, definition: Arc<Definition>) {
        let builder = self.meter.i64_observable_gauge(definition.name.clone());
        let builder = builder.with_description(definition.family.help().to_owned());
        let (builder, adapter) = (builder.with_unit(definition.unit.clone()), Arc::downgrade(self));
        let callback = move |it: &dyn AsyncInstrument<i64>| {
            observe(&adapter, index, &definition.family, it);
        };
        builder.with_callback(callback).build();
    }

    fn build_float_gauge(self: &Arc<Self>, index: usize, definition: Arc<Definition>) {
        let builder = self.meter.f64_observable_gauge(definition.name.clone());
        let builder = builder.with_description(definition.family.help().to_owned());
        let (builder, adapter) = (builder.with_unit(definition.unit.clone()), Arc::downgrade(self));
        let callback = move |it: &dyn AsyncInstrument<f64>| {
            observe(&adapter, index, &definition.family, it);
        };
        builder.with_callback(callback).build();
    }

    /// Builds a histogram, and an additional observable instrument whose callback replays values into the histogram.
    /// The additional instrument is needed because the SDK runs callbacks for observable instruments only. It observes
    /// nothing and is therefore not exported.
    fn build_replay(self: &Arc<Self>, index: usize, definition: Arc<Definition>) {
        let built = BuiltHistogram::default();
        if !self.build_histogram(&definition, &built) {
            self.instruments.add_without_bounds(Arc::clone(&definition), Arc::clone(&built));
        }
        let adapter = Arc::downgrade(self);
        let callback = move |_: &dyn AsyncInstrument<u64>| {
            replay(&adapter, index, &definition.family, built.get());
        };
        let name = format!("papyra_metrics.replay.{index}");
        self.meter.u64_observable_gauge(name).with_callback(callback).build();
    }

    /// Builds a histogram if its bounds are known. Returns whether they are known.
    fn build_histogram(&self, definition: &Definition, built: &OnceLock<Histogram<f64>>) -> bool {
        let Some(buckets) = definition.family.buckets() else { return false };
        built.get_or_init(|| {
            let builder = self.meter.f64_histogram(definition.name.clone());
            let builder = builder.with_description(definition.family.help().to_owned());
            let builder = builder.with_unit(definition.unit.clone());
            builder.with_boundaries(buckets.bounds_in_unit().collect()).build()
        });
        true
    }

    /// Builds the histograms whose bounds have become known. They are built in another thread.
    fn add_histograms(self: &Arc<Self>) {
        let adapter = Arc::downgrade(self);
        self.instruments.add_histograms(move || {
            if let Some(adapter) = adapter.upgrade() {
                adapter.build_pending();
            }
        });
    }
}

/// A number type that an instrument can observe: `u64`, `i64` or `f64`.
trait Observable: Sized {
    /// Converts the number to this type. Returns `None` if `form` says that the number has another type.
    fn of(form: Form, number: Number) -> Option<Self>;
}

impl Observable for u64 {
    fn of(form: Form, number: Number) -> Option<Self> {
        (form == Form::Total).then(|| number.total())
    }
}

impl Observable for i64 {
    fn of(form: Form, number: Number) -> Option<Self> {
        (form == Form::Level).then(|| number.level())
    }
}

impl Observable for f64 {
    fn of(form: Form, number: Number) -> Option<Self> {
        (form == Form::Float).then(|| number.float())
    }
}

/// Observes the current values of a family. This is the callback of the instruments for counters and gauges.
fn observe<N: Observable>(
    adapter: &Weak<Adapter>,
    index: usize,
    family: &Family,
    instrument: &dyn AsyncInstrument<N>,
) {
    let Some(adapter) = adapter.upgrade() else { return };
    adapter.call_back(family, |collections| {
        collections.observe(index, family, |form, number, attributes| {
            if let Some(number) = N::of(form, number) {
                instrument.observe(number, attributes);
            }
        });
    });
}

/// Replays the new values of a histogram. This is the callback of the additional instrument of a histogram.
fn replay(
    adapter: &Weak<Adapter>,
    index: usize,
    family: &Family,
    histogram: Option<&Histogram<f64>>,
) {
    let Some(adapter) = adapter.upgrade() else { return };
    adapter.call_back(family, |collections| {
        if !collections.replay(index, family, histogram) {
            // The histograms are built in another thread, because building needs a lock that the SDK holds during this
            // callback.
            adapter.add_histograms();
        }
    });
}

impl Adapter {
    /// Runs a callback, and catches and reports its panic. An uncaught panic would end the SDK's reader permanently.
    /// The totals that a callback has not observed because of its panic are missing from this collection, and a reader
    /// with delta temporality counts them a second time in the next collection.
    fn call_back(&self, family: &Family, callback: impl FnOnce(&Collections)) {
        let called = panics::catch(|| {
            let _reading = self.instruments.begin_reading();
            callback(&self.collections);
        });
        if let Err(message) = called {
            self.collections.report_panic(family, &message);
        }
    }
}
