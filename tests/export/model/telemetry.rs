//! Two readers of OpenTelemetry's SDK, whose values are compared with the model. One of them may collect while the
//! other is collecting.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use papyra_metrics_export::Registry;
use papyra_metrics_export::opentelemetry::OpenTelemetry;

use crate::backends::{LABELS_IN_OTHERS, METRICS, Part, part_suffix};
use crate::model::{Key, Model};
use crate::sdk::SharedReader;

/// A receiver that sums the data points of one reader of the SDK.
pub(crate) struct Collector {
    pub(crate) reader: SharedReader,
    pub(crate) totals: BTreeMap<(String, String), i128>,
    pub(crate) gauges: BTreeMap<(String, String), i128>,
}

impl Collector {
    pub(crate) fn new(temporality: Temporality) -> Self {
        let (totals, gauges) = Default::default();
        Self { reader: SharedReader::new(temporality), totals, gauges }
    }

    pub(crate) fn collect(&mut self) {
        let mut collected = ResourceMetrics::default();
        self.reader.collect(&mut collected).unwrap();
        self.gauges.clear();
        let mut names = Vec::new();
        for metric in collected.scope_metrics().flat_map(ScopeMetrics::metrics) {
            names.push(metric.name().to_owned());
            match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                    assert!(sum.is_monotonic());
                    let is_delta = sum.temporality() == Temporality::Delta;
                    for point in sum.data_points() {
                        let name = name(metric.name(), point.attributes());
                        let total = self.totals.entry(name).or_default();
                        let value = i128::from(point.value());
                        assert!(is_delta || value >= *total, "{} fell to {value}", metric.name());
                        *total = if is_delta { *total + value } else { value };
                    }
                }
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    let is_delta = histogram.temporality() == Temporality::Delta;
                    for point in histogram.data_points() {
                        #[allow(clippy::cast_possible_truncation)] // a small number
                        let sum = (Part::Sum, point.sum().round() as i128);
                        let buckets = point.bucket_counts().enumerate();
                        let buckets =
                            buckets.map(|(index, count)| (Part::Bucket(index), i128::from(count)));
                        for (part, value) in buckets.chain([sum]).filter(|(_, value)| *value > 0) {
                            let (name, attributes) = name(metric.name(), point.attributes());
                            let name = (name + &part_suffix(part), attributes);
                            let total = self.totals.entry(name).or_default();
                            assert!(
                                is_delta || value >= *total,
                                "{} fell to {value}",
                                metric.name()
                            );
                            *total = if is_delta { *total + value } else { value };
                        }
                    }
                }
                AggregatedMetrics::I64(MetricData::Gauge(gauge)) => {
                    for point in gauge.data_points() {
                        let name = name(metric.name(), point.attributes());
                        self.gauges.insert(name, point.value().into());
                    }
                }
                // The `u64` gauges observe no values. Their callbacks only replay histograms or interrupt a collection.
                AggregatedMetrics::U64(MetricData::Gauge(_)) => {}
                other => panic!("{} is {other:?}", metric.name()),
            }
        }
        let len = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), len, "an instrument was collected twice");
    }

    /// Asserts that no received total exceeds the total of the same series in the model.
    pub(crate) fn assert_at_most(&self, model: &Model) {
        let expected = named(model.totals());
        for (name, total) in &self.totals {
            let expected = expected.get(name).copied().unwrap_or(0);
            assert!(*total <= expected, "{name:?} is {total}, more than {expected}");
        }
    }

    /// Asserts that no received total is less than the total of the same series in `totals`.
    pub(crate) fn assert_at_least(&self, totals: BTreeMap<Key, i128>) {
        for (name, expected) in named(totals) {
            let total = self.totals.get(&name).copied().unwrap_or(0);
            assert!(total >= expected, "{name:?} is {total}, less than {expected}");
        }
    }

    /// Asserts that the received totals equal the totals of the model, and that the gauges of registered objects have
    /// the values of the model.
    pub(crate) fn assert_equals(&self, model: &Model) {
        assert_eq!(self.totals, named(model.totals()));
        // In the SDK, the callbacks that run for one reader write their values into all readers. So after a gauge's
        // series is closed, a reader may return an old value of the gauge once more. Only gauges of open series are
        // compared.
        let open = model
            .series
            .iter()
            .filter(|((_, metric), series)| !METRICS[*metric].is_counter && series.open.is_some());
        let open = named(open.filter_map(|(&key, series)| Some((key, series.value?))).collect());
        for (name, value) in open {
            assert_eq!(self.gauges.get(&name), Some(&value), "{name:?}");
        }
    }
}

/// Returns the name and the attributes of a data point.
pub(crate) fn name<'a>(
    name: &str,
    attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>,
) -> (String, String) {
    let mut attributes: Vec<_> =
        attributes.map(|attribute| format!("{}={}", attribute.key, attribute.value)).collect();
    attributes.sort();
    (name.to_owned(), attributes.join(","))
}

/// Replaces the key of each series by the name and the attributes of the series in OpenTelemetry.
pub(crate) fn named(series: BTreeMap<Key, i128>) -> BTreeMap<(String, String), i128> {
    // Leaves out the parts of a histogram that are zero, because the receivers leave them out too.
    let series = series.into_iter().filter(|&((_, it), n)| METRICS[it].part.is_none() || n > 0);
    let series = series.map(|((labels, metric), value)| {
        let name = METRICS[metric].opentelemetry.to_owned() + &METRICS[metric].part_suffix();
        ((name, LABELS_IN_OTHERS[labels].to_owned()), value)
    });
    series.collect()
}

/// An operation that runs once, in the middle of the next collection. The callback of an observable instrument runs it.
pub(crate) type Interruption = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// The SDK with a cumulative and a delta reader.
pub(crate) struct Telemetry {
    pub(crate) _provider: SdkMeterProvider,
    pub(crate) meter: Meter,
    pub(crate) _exported: OpenTelemetry,
    pub(crate) collectors: [Collector; 2],
    /// The operation that is to run between two callbacks of the next collection.
    pub(crate) interruption: Interruption,
    /// The number of instruments that can interrupt a collection.
    pub(crate) interruptions: usize,
}

impl Telemetry {
    pub(crate) fn new(registry: &Registry) -> Self {
        let collectors = [Temporality::Cumulative, Temporality::Delta].map(Collector::new);
        let provider = SdkMeterProvider::builder()
            .with_reader(collectors[0].reader.clone())
            .with_reader(collectors[1].reader.clone())
            .build();
        let meter = provider.meter("papyra");
        let exported = OpenTelemetry::new(registry, &meter);
        let interruption = Interruption::default();
        Self {
            _provider: provider,
            meter,
            _exported: exported,
            collectors,
            interruption,
            interruptions: 0,
        }
    }

    /// Adds an instrument after the existing ones, so that a collection can be interrupted there. Adds no more than
    /// three such instruments.
    pub(crate) fn interrupt_here(&mut self) {
        if self.interruptions == 3 {
            return;
        }
        self.interruptions += 1;
        let interruption = Arc::clone(&self.interruption);
        self.meter
            .u64_observable_gauge(format!("interruption.{}", self.interruptions))
            .with_callback(move |_| {
                let interruption = interruption.lock().unwrap().take();
                if let Some(interrupt) = interruption {
                    interrupt();
                }
            })
            .build();
    }

    /// Collects with the reader `first`. In the middle of this collection, runs the operation and collects with the
    /// other reader.
    pub(crate) fn collect_nested(
        &mut self,
        mut model: Model,
        first: usize,
        operation: impl FnOnce(&mut Model) + Send + 'static,
    ) -> Model {
        model.observe_all();
        let before = model.totals();
        let [one, other] = &mut self.collectors;
        let (first, second) = if first == 0 { (one, other) } else { (other, one) };
        let reader = second.reader.clone();
        let totals = second.totals.clone();
        let mut state = (model, Collector { reader, totals, gauges: BTreeMap::new() });
        let (done, result) = std::sync::mpsc::channel();
        let interrupt = move || {
            let (model, second) = &mut state;
            operation(model);
            model.observe_all();
            second.collect();
            done.send(state).unwrap();
        };
        *self.interruption.lock().unwrap() = Some(Box::new(interrupt));
        first.collect();
        // The collection may have ended without reaching an interruption point.
        let interrupt = self.interruption.lock().unwrap().take();
        let was_interrupted = interrupt.is_none();
        if let Some(interrupt) = interrupt {
            interrupt();
        }
        let (model, collected) = result.try_recv().unwrap();
        *second = collected;
        second.assert_equals(&model);
        first.assert_at_least(before);
        if was_interrupted {
            first.assert_at_most(&model);
        }
        model
    }
}
