//! Compares OTLP messages with the model.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use papyra_metrics_export::otlp::Otlp;
use prost::Message;

use crate::backends::{LABELS_IN_OTHERS, METRICS, Part, part_suffix};
use crate::model::{Key, Model};
use crate::readers::Reader;
use crate::telemetry::named;

/// A reader that encodes OTLP messages, decodes them, and compares their values with the model.
pub(crate) struct Messages {
    pub(crate) otlp: Otlp,
    /// For each series of a counter or a histogram, by name and attributes: the number of the registration that began
    /// the series, and the start time of the series.
    pub(crate) starts: BTreeMap<(String, String), (u64, u64)>,
}

impl Reader for Messages {
    fn check(&mut self, model: &Model) {
        let message = ExportMetricsServiceRequest::decode(&*self.otlp.encode()).unwrap();
        let (mut totals, mut gauges) = (BTreeMap::new(), BTreeMap::new());
        let scopes = message.resource_metrics.into_iter().flat_map(|it| it.scope_metrics);
        for metric in scopes.flat_map(|it| it.metrics) {
            match metric.data.unwrap() {
                metric::Data::Sum(sum) => {
                    for point in sum.data_points {
                        let name = (metric.name.clone(), attributes(&point.attributes));
                        self.check_start(
                            model,
                            &name,
                            point.start_time_unix_nano,
                            point.time_unix_nano,
                        );
                        totals.insert(name, integer(point.value));
                    }
                }
                metric::Data::Gauge(gauge) => {
                    for point in gauge.data_points {
                        let name = (metric.name.clone(), attributes(&point.attributes));
                        gauges.insert(name, integer(point.value));
                    }
                }
                metric::Data::Histogram(histogram) => {
                    for point in histogram.data_points {
                        let attributes = attributes(&point.attributes);
                        let name = (metric.name.clone(), attributes.clone());
                        self.check_start(
                            model,
                            &name,
                            point.start_time_unix_nano,
                            point.time_unix_nano,
                        );
                        assert_eq!(point.count, point.bucket_counts.iter().sum::<u64>());
                        #[allow(clippy::cast_possible_truncation)] // a small number
                        let sum = (Part::Sum, point.sum.unwrap().round() as i128);
                        let buckets = point.bucket_counts.iter().enumerate();
                        let buckets = buckets.map(|(i, &it)| (Part::Bucket(i), i128::from(it)));
                        for (part, total) in buckets.chain([sum]).filter(|(_, total)| *total > 0) {
                            let name = format!("{}{}", metric.name, part_suffix(part));
                            totals.insert((name, attributes.clone()), total);
                        }
                    }
                }
                other => panic!("{} is {other:?}", metric.name),
            }
        }
        assert_eq!(totals, named(model.totals()));
        // Only gauges of registered backends are in a message.
        let open = model.series.iter().filter(|(_, series)| series.open.is_some());
        let open = open.filter(|((_, metric), _)| !METRICS[*metric].is_counter);
        let open = open.filter_map(|(&key, series)| Some((key, series.value?)));
        assert_eq!(gauges, named(open.collect()));
    }
}

impl Messages {
    /// Asserts that the start time of a series stays the same until the series is forgotten. If the series begins
    /// again, the new start time must be later than the old one.
    fn check_start(&mut self, model: &Model, name: &(String, String), start: u64, time: u64) {
        let is_named = |&(labels, metric): &Key| {
            METRICS[metric].opentelemetry == name.0 && LABELS_IN_OTHERS[labels] == name.1
        };
        let (_, series) = model.series.iter().find(|(key, _)| is_named(key)).unwrap();
        let earlier = self.starts.insert(name.clone(), (series.registration, start));
        if let Some((registration, earlier)) = earlier {
            let is_same = registration == series.registration;
            assert!(if is_same { start == earlier } else { start > earlier }, "{name:?}: {start}");
        }
        assert!(start <= time, "{name:?} starts after its time");
    }
}

fn integer(value: Option<number_data_point::Value>) -> i128 {
    let Some(number_data_point::Value::AsInt(value)) = value else { panic!("{value:?}") };
    value.into()
}

fn attributes(attributes: &[KeyValue]) -> String {
    let attributes = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
        let Some(any_value::Value::StringValue(value)) = value else { panic!("{attribute:?}") };
        format!("{}={value}", attribute.key)
    });
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort();
    attributes.join(",")
}
