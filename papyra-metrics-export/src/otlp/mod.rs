//! OTLP: the metrics of a registry as messages of the OpenTelemetry protocol, without its SDK.
//!
//! [`Otlp`] encodes the messages, and [`OtlpHttp`] sends them over HTTP. Unlike the feature `opentelemetry`, the
//! feature `otlp` does not need an SDK, and exports histograms exactly, regardless of how many values they have.
//!
//! The messages are those of <https://opentelemetry.io/docs/specs/otlp/>, version 1.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use papyra_metrics::Kind;
use prost::Message;

use crate::family::Family;
use crate::otel_naming::{Names, unit};
use crate::reader::PerSeries;
use crate::registry::ProblemReport;
use crate::{Registry, RegistryReader};
use message::attribute;

mod http;
mod message;

pub use http::OtlpHttp;

/// Encodes the metrics of a registry as OTLP messages, for [HTTP](Self::into_http) or a transport of the application.
///
/// ```no_run
/// use papyra_metrics_export::{Periodic, Registry, otlp::Otlp};
/// use std::time::Duration;
///
/// let registry = Registry::with_prefix("papyra").unwrap();
/// let otlp = Otlp::new(&registry).with_resource(&[("service.name", "orders")]);
/// let otlp = otlp.into_http("http://127.0.0.1:4318/v1/metrics")?;
/// let periodic = Periodic::spawn(Duration::from_secs(60), otlp)?;
/// // … the application runs, and at its end:
/// periodic.stop()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Names and units are those of the feature `opentelemetry`: the dots of the registry's prefix are kept, and the unit
/// is given in UCUM (`By`, `s`). Counters become monotonic sums, and gauges become gauges. A histogram has its bounds,
/// the exact count of each bucket, and its sum as a float. Labels become attributes, and the help text becomes the
/// description.
///
/// # Delivery
///
/// All values are cumulative: the next message makes up for a lost one, and a message that arrives twice changes
/// nothing. Totals never fall, neither at a reset nor when a backend is closed and opened again under the same labels.
/// The totals of a closed backend are exported until the registry forgets them. With
/// [`Registry::set_closed_retention`], choose a longer time than the collector may be unavailable.
///
/// The start time of a counter or histogram is the time of the last reading that did not contain its series. If the
/// first reading contains the series, the start time is the time at which the `Otlp` was created. If the registry has
/// forgotten a total, the series starts again at zero with a later start time. Gauges have no start time. If the clock
/// is set back, the times of the data points go back too, and start times that would be in the future become the time
/// of the next message.
///
/// # Processes that fork
///
/// The first message contains the lifetime totals. A forked process inherits the totals of its parent, which the parent
/// exports too. The child must therefore create a new `Otlp` with
/// [`with_current_baseline`](Self::with_current_baseline), and with resource attributes that differ from those of the
/// parent.
///
/// # Integers
///
/// Integers of the protocol are signed and have 64 bits. A larger total is sent as a float.
pub struct Otlp {
    registry: Registry,
    reader: RegistryReader,
    resource: Resource,
    names: Names,
    /// The instruments, by the address of their family. `None` if no name was available for the family.
    instruments: HashMap<usize, Option<Instrument>>,
    series: PerSeries<Stream>,
    /// The last message. Only its values are updated as long as the series do not change.
    request: ExportMetricsServiceRequest,
    /// The position of each series' data point in the message: the index of the metric, and the index of the data point
    /// in that metric. `None` if the series has no data point.
    points: Vec<Option<(usize, usize)>>,
    /// The time of the last reading of the registry, in nanoseconds since 1970. Before the first reading, the time at
    /// which this `Otlp` was created.
    read_at: u64,
    report: ProblemReport,
}

/// A family, with its OpenTelemetry name and unit.
struct Instrument {
    /// The family, whose help text becomes the description.
    family: Family,
    name: String,
    unit: String,
}

/// The start time and the attributes of a series, which are the same in each of its data points.
struct Stream {
    /// The start time, in nanoseconds since 1970.
    start: u64,
    attributes: Vec<KeyValue>,
}

impl Otlp {
    /// Creates an encoder for the metrics of a registry.
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            reader: RegistryReader::with_closed(registry),
            resource: Resource::default(),
            names: Names::default(),
            instruments: HashMap::new(),
            series: PerSeries::new(),
            request: ExportMetricsServiceRequest::default(),
            points: Vec::new(),
            read_at: unix_nanos(),
            report: registry.report(),
        }
    }

    /// Sets the resource attributes that identify the process, such as `service.name` and `service.instance.id`.
    ///
    /// Two processes need different attributes; otherwise a collector regards their series as the same.
    #[must_use]
    pub fn with_resource(mut self, attributes: &[(&str, &str)]) -> Self {
        self.resource.attributes =
            attributes.iter().map(|&(name, value)| attribute(name, value)).collect();
        for metrics in &mut self.request.resource_metrics {
            metrics.resource = Some(self.resource.clone());
        }
        self
    }

    /// Exports only what is counted from now on, as if the current totals had been exported already.
    ///
    /// Use it in a forked process whose parent exports the counts so far.
    #[must_use]
    pub fn with_current_baseline(mut self) -> Self {
        self.reader = RegistryReader::with_closed(&self.registry).with_current_baseline();
        // All series begin now.
        self.series = PerSeries::new();
        self.read_at = unix_nanos();
        self
    }

    /// Returns an exporter that sends the messages to a collector at this URL, such as `http://127.0.0.1:4318/v1/metrics`.
    ///
    /// # Errors
    ///
    /// Returns an error if this is not an absolute URL. A collector that is not running yet is not an error.
    pub fn into_http(self, url: &str) -> io::Result<OtlpHttp> {
        OtlpHttp::new(self, url)
    }

    /// Reads the registry and returns an `ExportMetricsServiceRequest` in protobuf. The result is empty if there are no
    /// metrics.
    ///
    /// The result is the body of an HTTP request, or the message of a gRPC call. As long as the series are the same,
    /// nothing is allocated except the result.
    pub fn encode(&mut self) -> Vec<u8> {
        let start = self.read_at;
        let is_changed = self.reader.refresh();
        if is_changed {
            self.series.update(self.reader.series(), |id| Stream {
                start,
                attributes: id.labels.iter().map(|(name, value)| attribute(name, value)).collect(),
            });
            self.name_families();
        }
        self.read_at = unix_nanos();
        let is_set_back = self.read_at < start;
        if is_set_back {
            self.limit_starts();
        }
        if is_changed || is_set_back {
            self.rebuild();
        }
        self.set_points();
        self.request.encode_to_vec()
    }

    /// Sets start times after the time of the reading to this time, because the time of a data point must not precede
    /// its start time. If both are equal, the start time counts as unknown, so a receiver does not take the total for
    /// new increments:
    /// <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#cumulative-streams-handling-unknown-start-time>.
    #[cold]
    fn limit_starts(&mut self) {
        for stream in self.series.iter_mut() {
            stream.start = stream.start.min(self.read_at);
        }
    }

    /// Builds the message for the current series, without values.
    fn rebuild(&mut self) {
        self.points.clear();
        let metrics = self.add_points();
        self.request.resource_metrics.clear();
        if metrics.is_empty() {
            return;
        }
        let scope = InstrumentationScope {
            name: "papyra-metrics".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_metrics =
            vec![ScopeMetrics { scope: Some(scope), metrics, schema_url: String::new() }];
        let resource = Some(self.resource.clone());
        let metrics = ResourceMetrics { resource, scope_metrics, schema_url: String::new() };
        self.request.resource_metrics.push(metrics);
    }

    /// Chooses names for families that have no name yet.
    fn name_families(&mut self) {
        for series in self.reader.series() {
            let family = &series.id.family;
            self.instruments.entry(family.address()).or_insert_with(|| {
                let name = self.names.claim(family, &self.report)?;
                let (family, unit) = (family.clone(), unit(family).into_owned());
                Some(Instrument { family, name, unit })
            });
        }
    }

    /// Returns the metrics in the order of their first series, and stores the position of each series' data point
    /// in `points`.
    fn add_points(&mut self) -> Vec<Metric> {
        let mut metrics: Vec<Metric> = Vec::new();
        let mut indices = HashMap::new();
        for (index, series) in self.reader.series().iter().enumerate() {
            let address = series.id.family.address();
            let instrument = self.instruments.get(&address).and_then(Option::as_ref);
            // A gauge of a closed backend has no current value.
            let is_exported = series.is_open || series.id.family.kind != Kind::Gauge;
            let Some(instrument) = instrument.filter(|_| is_exported) else {
                self.points.push(None);
                continue;
            };
            let stream = self.series.get(index);
            let index = *indices.entry(address).or_insert_with(|| {
                metrics.push(Metric {
                    name: instrument.name.clone(),
                    description: instrument.family.help().to_owned(),
                    unit: instrument.unit.clone(),
                    ..Metric::default()
                });
                metrics.len() - 1
            });
            let data = metrics[index].data.get_or_insert_with(|| message::data(series.form));
            let point = message::add_point(data, &stream.attributes, stream.start);
            self.points.push(Some((index, point)));
        }
        metrics
    }

    /// Sets the data points to the values of the current reading.
    fn set_points(&mut self) {
        let resource_metrics = self.request.resource_metrics.first_mut();
        let Some(metrics) = resource_metrics.and_then(|it| it.scope_metrics.first_mut()) else {
            return;
        };
        let values = self.reader.values();
        for (series, point) in self.reader.series().iter().zip(&self.points) {
            let Some((metric, point)) = *point else { continue };
            if let Some(data) = &mut metrics.metrics[metric].data {
                message::set_point(data, point, series, values, self.read_at);
            }
        }
    }
}

/// Returns the time of the system's clock, in nanoseconds since 1970.
fn unix_nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp").field("reader", &self.reader).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::metric;
    use papyra_metrics::{Counter, Metrics};
    use prost::Message;

    use super::{Otlp, unix_nanos};
    use crate::Registry;

    #[derive(Default, Metrics)]
    struct LogMetrics {
        writes: Counter,
    }

    const YEAR: u64 = 365 * 24 * 3600 * 1_000_000_000;

    /// Returns the start and the time of the first data point.
    fn span(otlp: &mut Otlp) -> (u64, u64) {
        let mut message = ExportMetricsServiceRequest::decode(&*otlp.encode()).unwrap();
        let metric = message.resource_metrics[0].scope_metrics[0].metrics.remove(0);
        let Some(metric::Data::Sum(sum)) = metric.data else { panic!("{metric:?}") };
        (sum.data_points[0].start_time_unix_nano, sum.data_points[0].time_unix_nano)
    }

    #[test]
    fn times_are_those_of_the_clock_even_if_it_was_ahead_before() {
        let registry = Registry::new();
        let mut otlp = Otlp::new(&registry);
        let log = Arc::new(LogMetrics::default());
        registry.register(log.clone(), &[]).unwrap();
        // At the last reading, the clock was a year ahead.
        otlp.read_at += YEAR;
        let before = unix_nanos();
        let (start, first) = span(&mut otlp);
        assert!((before..=unix_nanos()).contains(&first));
        assert_eq!(start, first);
        // The start is kept, also if the clock is set back once more.
        let (start, second) = span(&mut otlp);
        assert_eq!(start, first);
        assert!(second >= first);
        otlp.read_at += YEAR;
        let (start, third) = span(&mut otlp);
        assert_eq!(start, first);
        assert!((second..=unix_nanos()).contains(&third));
    }
}
