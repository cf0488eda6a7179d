//! Builds the data points of OTLP messages.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, NumberDataPoint, Sum, metric,
    number_data_point,
};

use crate::registry::SeriesView;
use crate::series::exported::ExportedValues;
use crate::series::number::Form;

pub(super) fn attribute(name: &str, value: &str) -> KeyValue {
    let value = Some(any_value::Value::StringValue(value.to_owned()));
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

/// Returns an empty sum, gauge or histogram, to which the data points of series with this form are added.
pub(super) fn data(form: Form) -> metric::Data {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    match form {
        Form::Total => {
            metric::Data::Sum(Sum { aggregation_temporality, is_monotonic: true, ..Sum::default() })
        }
        Form::Level | Form::Float => metric::Data::Gauge(Gauge::default()),
        Form::Histogram => {
            metric::Data::Histogram(Histogram { aggregation_temporality, ..Histogram::default() })
        }
    }
}

/// Adds a data point without a value, and returns its index. `start` is the start time of the series, in nanoseconds
/// since 1970.
pub(super) fn add_point(data: &mut metric::Data, attributes: &[KeyValue], start: u64) -> usize {
    let attributes = attributes.to_vec();
    let number = |attributes, start_time_unix_nano| NumberDataPoint {
        attributes,
        start_time_unix_nano,
        ..NumberDataPoint::default()
    };
    match data {
        metric::Data::Sum(sum) => push(&mut sum.data_points, number(attributes, start)),
        // A gauge has no start time.
        metric::Data::Gauge(gauge) => push(&mut gauge.data_points, number(attributes, 0)),
        metric::Data::Histogram(histogram) => {
            let start_time_unix_nano = start;
            let point = HistogramDataPoint {
                attributes,
                start_time_unix_nano,
                ..HistogramDataPoint::default()
            };
            push(&mut histogram.data_points, point)
        }
        _ => 0,
    }
}

fn push<T>(points: &mut Vec<T>, point: T) -> usize {
    points.push(point);
    points.len() - 1
}

/// Sets the data point at this index to the value of a series. `time` is in nanoseconds since 1970.
pub(super) fn set_point(
    data: &mut metric::Data,
    index: usize,
    series: &SeriesView,
    values: &ExportedValues,
    time: u64,
) {
    match data {
        metric::Data::Sum(Sum { data_points, .. }) | metric::Data::Gauge(Gauge { data_points }) => {
            let number = values.numbers[series.value_index];
            let point = &mut data_points[index];
            point.time_unix_nano = time;
            point.value = match series.form {
                Form::Total => Some(integer(number.total())),
                Form::Level => Some(number_data_point::Value::AsInt(number.level())),
                Form::Float => Some(number_data_point::Value::AsDouble(number.float())),
                Form::Histogram => None,
            };
        }
        metric::Data::Histogram(histogram) => {
            let Some(reading) = values.histogram(series.value_index, &series.id.family) else {
                return;
            };
            let point = &mut histogram.data_points[index];
            point.time_unix_nano = time;
            point.bucket_counts.clear();
            point.bucket_counts.extend(reading.tallies.iter().map(|tally| tally.count));
            point.count = point.bucket_counts.iter().fold(0, |count, it| count.wrapping_add(*it));
            let sum = reading.tallies.iter().fold(0, |sum, tally| tally.sum.wrapping_add(sum));
            #[allow(clippy::cast_precision_loss)] // the sum is a float in the protocol
            let sum = sum as f64 / reading.buckets.base_units_per_unit() as f64;
            point.sum = Some(sum);
            if point.explicit_bounds.is_empty() {
                point.explicit_bounds.extend(reading.buckets.bounds_in_unit());
            }
        }
        _ => {}
    }
}

fn integer(total: u64) -> number_data_point::Value {
    #[allow(clippy::cast_precision_loss)] // the protocol has no larger integers
    let float = || number_data_point::Value::AsDouble(total as f64);
    i64::try_from(total).map_or_else(|_| float(), number_data_point::Value::AsInt)
}
