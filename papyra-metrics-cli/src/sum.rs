//! Adds up the metrics of the processes of one service.

use std::collections::HashMap;

use papyra_metrics::{BoundsMismatch, Kind, Value};
use papyra_metrics_export::schema::Combination;

use crate::source::{Reading, Row, by_family};

/// Combines the values of all processes. Values are added up, except for gauges whose sum would have no meaning: the
/// result is then the mean or the highest value. Families are in the order of their first appearance.
///
/// Returns an error if two processes disagree about the kind, the unit or the buckets of a metric.
pub(crate) fn sum(readings: &[Reading]) -> Result<Vec<Row>, String> {
    let mut sum: Vec<Row> = Vec::new();
    // For each row of the sum, the number of processes that have the metric.
    let mut counts: Vec<u32> = Vec::new();
    let mut indices = HashMap::new();
    for Reading { origin, rows } in readings {
        for row in rows {
            let &mut (index, first) =
                indices.entry(row.series.as_str()).or_insert((sum.len(), origin));
            let Some(known) = sum.get_mut(index) else {
                sum.push(row.clone());
                counts.push(1);
                continue;
            };
            let is_same = known.kind == row.kind && known.is_peak() == row.is_peak();
            if !is_same || known.unit != row.unit {
                return Err(format!(
                    "`{}` is {} in {} and {} in {}, so its values cannot be added up; show each process with `--each`",
                    row.series,
                    describe_kind(known),
                    first.name(),
                    describe_kind(row),
                    origin.name()
                ));
            }
            counts[index] += 1;
            let added = if matches!(combination(row), Combination::Highest | Combination::Latest) {
                take_higher(&mut known.value, &row.value);
                take_higher(&mut known.total, &row.total);
                Ok(())
            } else {
                add(&mut known.value, &row.value).and_then(|()| add(&mut known.total, &row.total))
            };
            if added.is_err() {
                return Err(format!(
                    "the buckets of `{}` in {} differ from those in {}, so they cannot be added up; show each process with `--each`",
                    row.series,
                    origin.name(),
                    first.name()
                ));
            }
        }
    }
    for (row, count) in sum.iter_mut().zip(counts) {
        if count > 1 && combination(row) == Combination::Mean {
            for value in [&mut row.value, &mut row.total] {
                *value = Value::Float(value.as_f64() / f64::from(count));
            }
        }
    }
    Ok(by_family(sum))
}

fn combination(row: &Row) -> Combination {
    match row.kind {
        Kind::Gauge if row.is_peak() => Combination::Highest,
        Kind::Gauge => {
            let name = row.name.get(row.prefix_len..).unwrap_or(&row.name);
            Combination::of_gauge(name, row.unit.as_deref())
        }
        _ => Combination::Sum,
    }
}

fn describe_kind(row: &Row) -> String {
    let kind = if row.is_peak() { "peak".to_owned() } else { row.kind.to_string() };
    row.unit.as_ref().map_or_else(|| format!("a {kind}"), |unit| format!("a {kind} of {unit}"))
}

/// Replaces `highest` by `value` if `value` is higher, or if `highest` is NaN.
fn take_higher(highest: &mut Value, value: &Value) {
    let is_lower = match (&*highest, value) {
        (Value::Gauge(highest), Value::Gauge(value)) => highest < value,
        (highest, value) => highest.as_f64() < value.as_f64() || highest.as_f64().is_nan(),
    };
    if is_lower {
        highest.clone_from(value);
    }
}

/// Adds `value` to `sum`, which has the same kind. Returns an error if they are histograms with different buckets.
pub(crate) fn add(sum: &mut Value, value: &Value) -> Result<(), BoundsMismatch> {
    match (sum, value) {
        (Value::Counter(sum), Value::Counter(n)) => *sum = sum.wrapping_add(*n),
        (Value::Histogram(sum), Value::Histogram(distribution)) => return sum.merge(distribution),
        (Value::Gauge(sum), Value::Gauge(n)) if sum.checked_add(*n).is_some() => *sum += n,
        // Both values are gauges, and one of them is a float or their sum exceeds the range of integers.
        (sum, value) => *sum = Value::Float(sum.as_f64() + value.as_f64()),
    }
    Ok(())
}
