//! Adds up the metrics of the processes of one service.

use std::collections::HashMap;

use papyra_metrics::Value;

use crate::source::{Reading, Row};

/// Adds up counters and gauges of all processes, in the order in which they first appear.
///
/// Returns an error if two processes disagree about the kind or the unit of a metric.
pub(crate) fn sum(readings: &[Reading]) -> Result<Vec<Row>, String> {
    let mut sum: Vec<Row> = Vec::new();
    let mut indices = HashMap::new();
    for Reading { origin, rows } in readings {
        for row in rows {
            let &mut (index, first) =
                indices.entry(row.name.as_str()).or_insert((sum.len(), origin));
            let Some(known) = sum.get_mut(index) else {
                sum.push(row.clone());
                continue;
            };
            if known.kind != row.kind || known.unit != row.unit {
                return Err(format!(
                    "`{}` is {} in {} and {} in {}, so they cannot be added up; --each shows them apart",
                    row.name,
                    describe_kind(known),
                    first.name(),
                    describe_kind(row),
                    origin.name()
                ));
            }
            known.value = add(&known.value, &row.value);
            known.total = add(&known.total, &row.total);
        }
    }
    Ok(sum)
}

fn describe_kind(row: &Row) -> String {
    let kind = row.kind;
    row.unit.as_ref().map_or_else(|| format!("a {kind}"), |unit| format!("a {kind} of {unit}"))
}

fn add(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Counter(a), Value::Counter(b)) => Value::Counter(a.wrapping_add(*b)),
        (Value::Gauge(a), Value::Gauge(b)) => Value::Gauge(a.wrapping_add(*b)),
        // The kinds are the same.
        _ => a.clone(),
    }
}
