//! The names that dashboards and alerts depend on.

use papyra_metrics_engine_example::metrics::EngineMetrics;
use papyra_metrics_export::schema::{self, SchemaError};

#[test]
fn the_metrics_are_those_of_the_lock_file() -> Result<(), SchemaError> {
    schema::check::<EngineMetrics>("metrics.lock").map(drop)
}
