//! Data points of the protocol.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, NumberDataPoint, Sum, metric,
    number_data_point,
};

use crate::registry::SeriesView;
use crate::series::number::Form;
use crate::series::shown::ShownValues;

/// The time span of a cumulative value, in nanoseconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// A data point of one of the exported kinds.
pub(super) enum Point {
    Sum(NumberDataPoint),
    Gauge(NumberDataPoint),
    Histogram(HistogramDataPoint),
}

pub(super) fn attribute(name: &str, value: &str) -> KeyValue {
    let value = Some(any_value::Value::StringValue(value.to_owned()));
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

/// Returns the data point of a series. `None` if the series has no value, such as a gauge of a closed backend.
pub(super) fn point(
    series: &SeriesView,
    values: &ShownValues,
    attributes: &[KeyValue],
    span: Span,
) -> Option<Point> {
    let number = values.numbers[series.place];
    let number_point = |start: u64, value| NumberDataPoint {
        attributes: attributes.to_vec(),
        start_time_unix_nano: start,
        time_unix_nano: span.end,
        value: Some(value),
        ..NumberDataPoint::default()
    };
    let gauge = |value| series.is_open.then(|| Point::Gauge(number_point(0, value)));
    match series.form {
        Form::Total => Some(Point::Sum(number_point(span.start, integer(number.total())))),
        Form::Level => gauge(number_data_point::Value::AsInt(number.level())),
        Form::Float => gauge(number_data_point::Value::AsDouble(number.float())),
        Form::Histogram => {
            let reading = values.histogram(series.place, &series.id.family)?;
            let counts: Vec<_> = reading.tallies.iter().map(|tally| tally.count).collect();
            let sums = reading.tallies.iter().map(|tally| tally.sum);
            let sum = sums.fold(0, u64::wrapping_add);
            #[allow(clippy::cast_precision_loss)] // the sum is a float in the protocol
            let sum = sum as f64 / reading.buckets.base_units_per_unit() as f64;
            Some(Point::Histogram(HistogramDataPoint {
                attributes: attributes.to_vec(),
                start_time_unix_nano: span.start,
                time_unix_nano: span.end,
                count: counts.iter().fold(0, |count, it| count.wrapping_add(*it)),
                sum: Some(sum),
                bucket_counts: counts,
                explicit_bounds: reading.buckets.bounds_in_unit().collect(),
                ..HistogramDataPoint::default()
            }))
        }
    }
}

fn integer(total: u64) -> number_data_point::Value {
    #[allow(clippy::cast_precision_loss)] // the protocol has no larger integers
    let float = || number_data_point::Value::AsDouble(total as f64);
    i64::try_from(total).map_or_else(|_| float(), number_data_point::Value::AsInt)
}

/// Adds a data point to a metric, all of whose points are of one kind.
pub(super) fn push(data: &mut Option<metric::Data>, point: Point) {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    match point {
        Point::Sum(point) => {
            let sum = Sum { aggregation_temporality, is_monotonic: true, ..Sum::default() };
            if let metric::Data::Sum(sum) = data.get_or_insert(metric::Data::Sum(sum)) {
                sum.data_points.push(point);
            }
        }
        Point::Gauge(point) => {
            let gauge = metric::Data::Gauge(Gauge::default());
            if let metric::Data::Gauge(gauge) = data.get_or_insert(gauge) {
                gauge.data_points.push(point);
            }
        }
        Point::Histogram(point) => {
            let histogram = Histogram { aggregation_temporality, ..Histogram::default() };
            let histogram = data.get_or_insert(metric::Data::Histogram(histogram));
            if let metric::Data::Histogram(histogram) = histogram {
                histogram.data_points.push(point);
            }
        }
    }
}
