//! The schema of a published file.

use papyra_metrics::ExpositionName;
use papyra_metrics::publish::{ReadError, Reader};

use super::model::Schema;

impl Schema {
    /// Returns the schema of the metrics that a process publishes in a file, live or ended. It is equal to that of the
    /// published struct.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is cut short meanwhile or cannot be read.
    pub fn of_published(reader: &Reader) -> Result<Self, ReadError> {
        let mut schema = Self::default();
        for (metric, (_, value)) in reader.metrics().iter().zip(reader.totals()?) {
            let (kind, unit) = (metric.kind(), metric.unit());
            let name = ExpositionName::new(metric.name(), metric.prefix_len(), kind, unit);
            let name = name.to_string();
            schema.add(&name, kind, unit, metric.help(), metric.labels());
            schema.set_bounds(&name, &value);
        }
        Ok(schema)
    }
}
