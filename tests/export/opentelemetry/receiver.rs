//! A collector that decodes OTLP over HTTP and sums the data points, and an SDK that exports to two such collectors.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use flate2::read::GzDecoder;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, HistogramDataPoint, NumberDataPoint, metric, number_data_point,
};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use papyra_metrics_export::Registry;
use papyra_metrics_export::opentelemetry::OpenTelemetry;
use prost::Message;

/// The data that one receiver has received, by name and attributes of the series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// Cumulative values, or the sums of deltas.
    pub(crate) totals: BTreeMap<String, i64>,
    pub(crate) histograms: BTreeMap<String, Buckets>,
    /// The integer gauges of the last request.
    pub(crate) gauges: BTreeMap<String, i64>,
    /// The float gauges of the last request.
    pub(crate) float_gauges: BTreeMap<String, f64>,
    /// The unit and the description of each metric, by name.
    pub(crate) about: BTreeMap<String, (String, String)>,
    /// Messages about data points that violate the protocol, such as a total that fell.
    pub(crate) faults: Vec<String>,
}

/// A histogram at a receiver.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Buckets {
    pub(crate) bounds: Vec<f64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) sum: f64,
}

impl Received {
    pub(crate) fn take(&mut self, request: ExportMetricsServiceRequest) {
        self.gauges.clear();
        self.float_gauges.clear();
        let scopes =
            request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        for metric in scopes.flat_map(|scope| scope.metrics) {
            let about = (metric.unit.clone(), metric.description.clone());
            self.about.insert(metric.name.clone(), about);
            match metric.data {
                Some(metric::Data::Sum(sum)) => {
                    if !sum.is_monotonic {
                        self.faults.push(format!("{} is not a counter", metric.name));
                    }
                    let is_delta =
                        sum.aggregation_temporality == AggregationTemporality::Delta as i32;
                    for point in sum.data_points {
                        let (name, value) = read(&metric.name, &point);
                        let total = self.totals.entry(name.clone()).or_default();
                        if value < 0 || !is_delta && value < *total {
                            self.faults.push(format!("{name} is {value} after {total}"));
                        }
                        *total = if is_delta { *total + value } else { value };
                    }
                }
                Some(metric::Data::Gauge(gauge)) => {
                    for point in gauge.data_points {
                        match point.value {
                            Some(number_data_point::Value::AsDouble(value)) => {
                                let name = full_name(&metric.name, &point.attributes);
                                self.float_gauges.insert(name, value);
                            }
                            _ => self.gauges.extend([read(&metric.name, &point)]),
                        }
                    }
                }
                Some(metric::Data::Histogram(histogram)) => {
                    let is_delta =
                        histogram.aggregation_temporality == AggregationTemporality::Delta as i32;
                    for point in histogram.data_points {
                        self.take_histogram(&metric.name, point, is_delta);
                    }
                }
                other => self.faults.push(format!("{} is {other:?}", metric.name)),
            }
        }
    }

    fn take_histogram(&mut self, name: &str, point: HistogramDataPoint, is_delta: bool) {
        let name = full_name(name, &point.attributes);
        if point.bucket_counts.iter().sum::<u64>() != point.count {
            self.faults.push(format!("the count of {name} is not the sum of its buckets"));
        }
        let known = self.histograms.entry(name.clone()).or_default();
        let sum = point.sum.unwrap_or(f64::NAN);
        let mut received =
            Buckets { bounds: point.explicit_bounds, counts: point.bucket_counts, sum };
        if is_delta && !known.counts.is_empty() {
            let counts = received.counts.iter_mut().zip(&known.counts);
            counts.for_each(|(count, known)| *count += known);
            received.sum += known.sum;
        } else if received.counts.iter().zip(&known.counts).any(|(count, known)| count < known) {
            self.faults.push(format!("a bucket of {name} fell"));
        }
        *known = received;
    }
}

fn read(name: &str, point: &NumberDataPoint) -> (String, i64) {
    let Some(number_data_point::Value::AsInt(value)) = point.value else { panic!("{point:?}") };
    (full_name(name, &point.attributes), value)
}

/// Returns the name, followed by a space and the attributes in alphabetical order.
fn full_name(name: &str, attributes: &[KeyValue]) -> String {
    let attributes = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
        let Some(any_value::Value::StringValue(value)) = value else { panic!("{attribute:?}") };
        format!("{}={value}", attribute.key)
    });
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort();
    format!("{name} {}", attributes.join(" "))
}

/// A collector that receives OTLP over HTTP.
pub(crate) struct Receiver {
    pub(crate) endpoint: String,
    received: Arc<Mutex<Received>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
        let data = Arc::new(Mutex::new(Received::default()));
        let receiver = Self { endpoint, received: Arc::clone(&data) };
        // The thread runs until the test process ends.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let (_, request) = receive(&stream);
                data.lock().unwrap().take(request);
                // The answer is sent only after the data is stored, because the test reads the data as soon as the
                // flush has returned.
                answer(&stream);
            }
        });
        receiver
    }

    pub(crate) fn received(&self) -> Received {
        self.received.lock().unwrap().clone()
    }
}

/// Receives a request. Returns its head and its decoded message.
pub(crate) fn receive(stream: &TcpStream) -> (String, ExportMetricsServiceRequest) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut len, mut is_compressed) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            len = value.trim().parse().unwrap();
        }
        is_compressed |= lower.starts_with("content-encoding: gzip");
        head.push_str(&line);
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    if is_compressed {
        let mut text = Vec::new();
        GzDecoder::new(&*body).read_to_end(&mut text).unwrap();
        body = text;
    }
    (head, ExportMetricsServiceRequest::decode(&*body).unwrap())
}

fn answer(mut stream: &TcpStream) {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
}

/// A blocking HTTP client, which needs fewer dependencies than an asynchronous client.
#[derive(Debug)]
struct Client;

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let mut post = ureq::post(head.uri.to_string());
        for (name, value) in &head.headers {
            post = post.header(name, value);
        }
        let answer = post.send(&body[..])?;
        Ok(Response::builder().status(answer.status()).body(Bytes::new())?)
    }
}

/// An SDK with two readers: one for cumulative values, and one for deltas. Each reader exports to its own receiver.
pub(crate) struct Pipeline {
    pub(crate) provider: SdkMeterProvider,
    pub(crate) cumulative: Receiver,
    pub(crate) delta: Receiver,
}

impl Pipeline {
    pub(crate) fn start() -> Self {
        let (cumulative, delta) = (Receiver::start(), Receiver::start());
        let reader = |receiver: &Receiver, temporality| {
            let exporter = MetricExporter::builder()
                .with_http()
                .with_http_client(Client)
                .with_protocol(Protocol::HttpBinary)
                .with_endpoint(&receiver.endpoint)
                .with_temporality(temporality)
                .build()
                .unwrap();
            PeriodicReader::builder(exporter).with_interval(Duration::from_secs(3600)).build()
        };
        let provider = SdkMeterProvider::builder()
            .with_reader(reader(&cumulative, Temporality::Cumulative))
            .with_reader(reader(&delta, Temporality::Delta))
            .build();
        Self { provider, cumulative, delta }
    }

    pub(crate) fn observe(&self, registry: &Registry) -> OpenTelemetry {
        OpenTelemetry::new(registry, &self.provider.meter("papyra"))
    }

    /// Collects with both readers, and asserts that both receivers have the same sums. Returns the data of the receiver
    /// of deltas.
    pub(crate) fn collect(&self) -> Received {
        self.provider.force_flush().unwrap();
        let (cumulative, delta) = (self.cumulative.received(), self.delta.received());
        assert_eq!(cumulative.totals, delta.totals);
        assert_eq!(cumulative.histograms.len(), delta.histograms.len());
        for (name, buckets) in &cumulative.histograms {
            let of_deltas = &delta.histograms[name];
            assert_eq!((&buckets.bounds, &buckets.counts), (&of_deltas.bounds, &of_deltas.counts));
            let difference = (buckets.sum - of_deltas.sum).abs();
            assert!(difference <= 1e-12 * buckets.sum, "{name}: {buckets:?}, {of_deltas:?}");
        }
        assert_eq!(cumulative.about, delta.about);
        assert!(cumulative.faults.is_empty(), "{:?}", cumulative.faults);
        assert!(delta.faults.is_empty(), "{:?}", delta.faults);
        delta
    }
}
