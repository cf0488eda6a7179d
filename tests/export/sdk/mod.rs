//! The SDK of OpenTelemetry with readers that collect on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
};

/// A reader that a provider and a test share.
#[derive(Clone, Debug)]
pub(crate) struct SharedReader(Arc<ManualReader>);

impl SharedReader {
    pub(crate) fn new(temporality: Temporality) -> Self {
        Self(Arc::new(ManualReader::builder().with_temporality(temporality).build()))
    }
}

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// Creates a provider with one reader of cumulative values. Returns the provider and the reader.
#[allow(dead_code)] // not every test binary uses this function
pub(crate) fn provider() -> (SdkMeterProvider, SharedReader) {
    let reader = SharedReader::new(Temporality::Cumulative);
    (SdkMeterProvider::builder().with_reader(reader.clone()).build(), reader)
}

/// Collects with this reader. Returns the values by name, and sums the values that have the same name but different
/// attributes.
#[allow(dead_code)] // not every test binary uses this function
pub(crate) fn collect(reader: &SharedReader) -> BTreeMap<String, i128> {
    let mut collected = ResourceMetrics::default();
    reader.collect(&mut collected).unwrap();
    let mut points = BTreeMap::new();
    for metric in collected.scope_metrics().flat_map(ScopeMetrics::metrics) {
        let values: Vec<i128> = match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                sum.data_points().map(|point| point.value().into()).collect()
            }
            AggregatedMetrics::I64(MetricData::Gauge(gauge)) => {
                gauge.data_points().map(|point| point.value().into()).collect()
            }
            other => panic!("{} is {other:?}", metric.name()),
        };
        let sum = values.into_iter().sum();
        assert!(points.insert(metric.name().to_owned(), sum).is_none(), "{}", metric.name());
    }
    points
}
