//! The schema of the metrics in a published file.

use papyra_metrics::publish::{ReadError, Reader};
use papyra_metrics::{ExpositionName, Value};

use super::label_set::LabelSet;
use super::model::{Declaration, Schema};
use crate::series::histogram::Buckets;

impl Schema {
    /// Returns the schema of the metrics in a published file, whether or not the process that publishes them still
    /// runs. The result is equal to the schema of the published struct.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or is truncated while it is read.
    pub fn of_published(reader: &Reader) -> Result<Self, ReadError> {
        let mut schema = Self::default();
        for (metric, (_, value)) in reader.metrics().iter().zip(reader.totals()?) {
            let (kind, unit) = (metric.kind(), metric.unit());
            let name = ExpositionName::new(metric.name(), metric.prefix_len(), kind, unit);
            let name = name.to_string();
            schema.declare(Declaration {
                name: &name,
                prefix_len: metric.prefix_len(),
                kind,
                unit,
                help: metric.help(),
                labels: LabelSet::new(metric.labels()),
                is_error_counter: metric.is_error_counter(),
                objective: metric.objective(),
            });
            if let Value::Histogram(distribution) = &value {
                schema.set_bounds(&name, &Buckets::of(distribution));
            }
        }
        Ok(schema)
    }
}
