//! Adds up the metrics of the processes of one service.

use std::collections::HashMap;

use papyra_metrics::{BoundsMismatch, Value};

use crate::source::{Reading, Row, by_family};

/// Adds up the values of all processes, in the order in which the families first appear.
///
/// Returns an error if two processes disagree about the kind, the unit or the buckets of a metric.
pub(crate) fn sum(readings: &[Reading]) -> Result<Vec<Row>, String> {
    let mut sum: Vec<Row> = Vec::new();
    let mut indices = HashMap::new();
    for Reading { origin, rows } in readings {
        for row in rows {
            let &mut (index, first) =
                indices.entry(row.series.as_str()).or_insert((sum.len(), origin));
            let Some(known) = sum.get_mut(index) else {
                sum.push(row.clone());
                continue;
            };
            if known.kind != row.kind || known.unit != row.unit {
                return Err(format!(
                    "`{}` is {} in {} and {} in {}, so they cannot be added up; --each shows them separately",
                    row.series,
                    describe_kind(known),
                    first.name(),
                    describe_kind(row),
                    origin.name()
                ));
            }
            let added =
                add(&mut known.value, &row.value).and_then(|()| add(&mut known.total, &row.total));
            if added.is_err() {
                return Err(format!(
                    "`{}` has other buckets in {} than in {}, so they cannot be added up; --each shows them separately",
                    row.series,
                    origin.name(),
                    first.name()
                ));
            }
        }
    }
    Ok(by_family(sum))
}

fn describe_kind(row: &Row) -> String {
    let kind = row.kind;
    row.unit.as_ref().map_or_else(|| format!("a {kind}"), |unit| format!("a {kind} of {unit}"))
}

/// Adds a value of the same kind.
pub(crate) fn add(sum: &mut Value, value: &Value) -> Result<(), BoundsMismatch> {
    match (sum, value) {
        (Value::Counter(sum), Value::Counter(n)) => *sum = sum.wrapping_add(*n),
        (Value::Gauge(sum), Value::Gauge(n)) => *sum = sum.wrapping_add(*n),
        (Value::Histogram(sum), Value::Histogram(distribution)) => return sum.merge(distribution),
        // Gauges, at least one of which is a float.
        (sum, value) => *sum = Value::Float(sum.as_f64() + value.as_f64()),
    }
    Ok(())
}
