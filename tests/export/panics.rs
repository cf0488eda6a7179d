//! A backend panics while it is read. The other backends are exported, the panic is reported, and later readings
//! succeed.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    AsyncInstrument, AsyncInstrumentBuilder, Callback, InstrumentProvider, Meter,
    MeterProvider as _, ObservableCounter,
};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics, SumDataPoint,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use papyra_metrics::{Counter, Descriptor, Histogram, Metrics, Walker};
use papyra_metrics_export::Registry;
use papyra_metrics_export::opentelemetry::OpenTelemetry;
use papyra_metrics_export::prometheus::{Format, Prometheus};

use crate::sdk::SharedReader;

#[derive(Default, Metrics)]
struct LogMetrics {
    append: Histogram,
    writes: Counter,
}

/// Metrics whose `walk` passes the first instrument to the walker. If `panics` is set, `walk` then panics before the
/// second instrument.
#[derive(Default)]
struct Fragile {
    metrics: LogMetrics,
    panics: AtomicBool,
}

impl Metrics for Fragile {
    fn descriptors(&self) -> &[Descriptor] {
        self.metrics.descriptors()
    }

    fn walk(&self, walker: &mut dyn Walker) {
        walker.instrument(&self.metrics.append);
        assert!(!self.panics.load(Relaxed), "the disk has failed");
        walker.counters(&[&self.metrics.writes]);
    }
}

/// Returns a registry with three backends, then the backend in the middle, which panics if its field `panics` is set,
/// and then the other two backends.
fn fixture() -> (Registry, Arc<Fragile>, [Arc<LogMetrics>; 2]) {
    let registry = Registry::new();
    let [before, after] = [(); 2].map(|()| Arc::new(LogMetrics::default()));
    let fragile = Arc::new(Fragile::default());
    registry.register(before.clone(), &[("backend", "before")]).unwrap();
    registry.register(fragile.clone(), &[("backend", "fragile")]).unwrap();
    registry.register(after.clone(), &[("backend", "after")]).unwrap();
    before.writes.add(1);
    fragile.metrics.writes.add(2);
    after.writes.add(3);
    (registry, fragile, [before, after])
}

const PROBLEM: &str =
    "backend {backend=\"fragile\"}: reading its metrics panicked: the disk has failed";

fn problems(registry: &Registry) -> Vec<String> {
    registry.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn a_scrape_has_the_other_backends_and_reports_the_panic() {
    let (registry, fragile, [before, after]) = fixture();
    let prometheus = Prometheus::new(&registry);
    let scrape = |format| {
        let mut text = String::from("before\n");
        prometheus.encode(format, &mut text);
        let written = |backend| {
            let head = format!("writes_total{{backend=\"{backend}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&head)?.parse::<u64>().ok())
        };
        assert!(text.starts_with("before\n#"), "{text}");
        assert_eq!(text.ends_with("\n# EOF\n"), format == Format::OpenMetrics);
        ["before", "fragile", "after"].map(written)
    };
    let all = [&before.writes, &fragile.metrics.writes, &after.writes];
    for format in [Format::Text, Format::OpenMetrics] {
        fragile.panics.store(true, Relaxed);
        for _ in 0..3 {
            all.into_iter().for_each(Counter::inc);
            let [first, second, third] = scrape(format);
            assert_eq!(first.zip(third), Some((before.writes.get(), after.writes.get())));
            // While the backend panics, its series keep their last values. A series that was never read is left out.
            assert!(second.is_none_or(|it| it < fragile.metrics.writes.get()), "{second:?}");
            assert_eq!(problems(&registry), [PROBLEM]);
        }
        fragile.panics.store(false, Relaxed);
        assert_eq!(scrape(format), all.map(|it| Some(it.get())));
        assert_eq!(problems(&registry), [""; 0]);
    }
}

#[test]
fn a_backend_that_panics_when_it_is_registered_is_read_later() {
    let registry = Registry::new();
    let fragile = Arc::new(Fragile { panics: true.into(), ..Fragile::default() });
    registry.register(fragile.clone(), &[("backend", "fragile")]).unwrap();
    let prometheus = Prometheus::new(&registry);
    let scrape = prometheus.scrape(None);
    assert!(scrape.body.contains("append_seconds_count{backend=\"fragile\"} 0\n"), "{scrape:?}");
    assert!(!scrape.body.contains("writes"), "{scrape:?}");
    assert_eq!(problems(&registry), [PROBLEM]);
    fragile.panics.store(false, Relaxed);
    assert!(prometheus.scrape(None).body.contains("\nwrites_total{backend=\"fragile\"} 0\n"));
    assert_eq!(problems(&registry), [""; 0]);
}

#[test]
fn a_collection_has_the_other_backends_and_reports_the_panic() {
    let (registry, fragile, [before, after]) = fixture();
    let reader = SharedReader::new(Temporality::Cumulative);
    let provider = SdkMeterProvider::builder().with_reader(reader.clone()).build();
    let _exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
    let collect = || {
        let mut collected = ResourceMetrics::default();
        reader.collect(&mut collected).unwrap();
        let mut metrics = collected.scope_metrics().flat_map(ScopeMetrics::metrics);
        let writes = metrics.find(|metric| metric.name() == "writes").expect("a counter");
        let AggregatedMetrics::U64(MetricData::Sum(sum)) = writes.data() else { panic!() };
        let value = |backend: &str| {
            let mut points = sum.data_points();
            let is_of = |point: &SumDataPoint<u64>| {
                point.attributes().any(|it| it.value.as_str() == backend)
            };
            points.find(|point| is_of(point)).map(SumDataPoint::value)
        };
        ["before", "fragile", "after"].map(value)
    };
    assert_eq!(collect(), [Some(1), Some(2), Some(3)]);
    let all = [&before.writes, &fragile.metrics.writes, &after.writes];
    fragile.panics.store(true, Relaxed);
    for n in 1..=3 {
        all.into_iter().for_each(Counter::inc);
        // If a total were missing in one collection, a reader of deltas would count it a second time.
        assert_eq!(collect(), [Some(1 + n), Some(2), Some(3 + n)]);
        assert_eq!(problems(&registry), [PROBLEM]);
    }
    fragile.panics.store(false, Relaxed);
    assert_eq!(collect(), [Some(4), Some(5), Some(6)]);
    assert_eq!(problems(&registry), [""; 0]);
}

type Callbacks = Arc<Mutex<Vec<Callback<u64>>>>;

/// The instrument provider of an SDK that the test simulates. It stores the callbacks of counters.
#[derive(Default)]
struct OtherSdk(Callbacks);

impl InstrumentProvider for OtherSdk {
    fn u64_observable_counter(
        &self,
        builder: AsyncInstrumentBuilder<'_, ObservableCounter<u64>, u64>,
    ) -> ObservableCounter<u64> {
        self.0.lock().unwrap().extend(builder.callbacks);
        ObservableCounter::new()
    }
}

/// An instrument of the simulated SDK. If `refuses` is set, it panics when it observes a value.
struct OtherInstrument {
    refuses: bool,
}

impl AsyncInstrument<u64> for OtherInstrument {
    fn observe(&self, _: u64, _: &[KeyValue]) {
        assert!(!self.refuses, "the SDK has failed");
    }
}

#[test]
fn a_panic_of_the_sdk_is_a_problem_until_a_collection_succeeds() {
    let registry = Registry::new();
    let callbacks = Callbacks::default();
    let meter = Meter::new(Arc::new(OtherSdk(Arc::clone(&callbacks))));
    let _exported = OpenTelemetry::new(&registry, &meter);
    let metrics = Arc::new(TwoCounters::default());
    registry.register(metrics.clone(), &[]).unwrap();
    let collect = |refuses: [bool; 2]| {
        for (callback, refuses) in callbacks.lock().unwrap().iter().zip(refuses) {
            callback(&OtherInstrument { refuses });
        }
        problems(&registry)
    };
    let problem =
        |name| format!("observing `{name}` for OpenTelemetry panicked: the SDK has failed");
    assert_eq!(collect([false, false]), [""; 0]);
    assert_eq!(collect([true, true]), [problem("reads"), problem("writes")]);
    assert_eq!(collect([true, false]), [problem("reads")]);
    assert_eq!(collect([false, false]), [""; 0]);
}

#[derive(Default, Metrics)]
struct TwoCounters {
    reads: Counter,
    writes: Counter,
}
