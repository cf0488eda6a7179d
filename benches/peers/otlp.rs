//! Encodes counters as OTLP messages.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use papyra_metrics_export::Registry;
use papyra_metrics_export::otlp::Otlp;
use prost::Message as _;

use crate::measure::{Entry, Subject};
use crate::ours::{ByHand, Hundred, Thousand};
use crate::peers::OpenTelemetry;
use crate::subjects::US;

/// Returns the subjects, which increment all counters before each message.
pub fn all() -> [Subject; 2] {
    [encode::<Hundred>(), encode::<Thousand>()]
}

fn encode<M: ByHand + Send + Sync>() -> Subject {
    let len = M::LEN;
    let (registry, metrics) = (Registry::new(), Arc::new(M::default()));
    registry.register(Arc::clone(&metrics), &[]).unwrap();
    let mut ours = Otlp::new(&registry);
    let mut prepared = Prepared::of(&ours.encode());
    assert_eq!(prepared.len(), len, "each counter is a metric");
    assert_eq!(prepared.encode().len(), ours.encode().len(), "the message of the baseline differs");
    let mut sdk = OpenTelemetry::new(len);
    assert_eq!(decode(&sdk.encode_otlp()).len(), len, "each counter is a metric");
    let entries = vec![
        Entry::alone("a prepared message with new values and timestamps", move |repeats| {
            for _ in 0..repeats {
                black_box(prepared.encode());
            }
        }),
        Entry::alone(US, move |repeats| {
            for _ in 0..repeats {
                metrics.add(|_| 1);
                black_box(ours.encode());
            }
        }),
        Entry::alone("opentelemetry_sdk", move |repeats| {
            for _ in 0..repeats {
                sdk.counters.iter().for_each(|counter| counter.add(1, &[]));
                black_box(sdk.encode_otlp());
            }
        }),
    ];
    Subject {
        name: format!("Increment {len} counters and encode them as OTLP"),
        unit: "metric",
        units: len as u64,
        entries,
    }
}

/// Returns the metrics of an encoded message.
fn decode(bytes: &[u8]) -> Vec<Metric> {
    let message = ExportMetricsServiceRequest::decode(bytes).unwrap();
    let scopes = message.resource_metrics.into_iter().flat_map(|it| it.scope_metrics);
    scopes.flat_map(|it| it.metrics).collect()
}

/// The baseline: a prepared message in which only the numbers and times are replaced.
struct Prepared {
    message: ExportMetricsServiceRequest,
    counts: Vec<i64>,
}

impl Prepared {
    fn of(bytes: &[u8]) -> Self {
        let message = ExportMetricsServiceRequest::decode(bytes).unwrap();
        let counts = vec![0; decode(bytes).len()];
        Self { message, counts }
    }

    fn len(&self) -> usize {
        self.counts.len()
    }

    fn encode(&mut self) -> Vec<u8> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let scopes = self.message.resource_metrics.iter_mut().flat_map(|it| &mut it.scope_metrics);
        for (metric, count) in scopes.flat_map(|it| &mut it.metrics).zip(&mut self.counts) {
            let Some(metric::Data::Sum(sum)) = &mut metric.data else { continue };
            *count += 1;
            for point in &mut sum.data_points {
                point.time_unix_nano = now;
                point.value = Some(number_data_point::Value::AsInt(*count));
            }
        }
        self.message.encode_to_vec()
    }
}

impl OpenTelemetry {
    /// Collects the metrics, and encodes the message that the OTLP exporter of the SDK sends.
    fn encode_otlp(&mut self) -> Vec<u8> {
        ExportMetricsServiceRequest::from(self.collect()).encode_to_vec()
    }
}
