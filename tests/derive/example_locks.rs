//! Checks the lock files of the examples. The checks need the export crate, so they are not in the package of the examples:
//! if that package depended on the export crate, running an example would first build the export crate with all features
//! that other members of the workspace enable.

use papyra_metrics_export::schema::{self, SchemaError};

#[allow(dead_code)] // only the declaration of the metrics is used
#[path = "../../examples/async_backend/log.rs"]
mod async_backend;
#[allow(dead_code)] // only the declaration of the metrics is used
#[path = "../../examples/record_log/log.rs"]
mod record_log;

macro_rules! lock_file {
    ($path:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../", $path)
    };
}

#[test]
fn the_metrics_of_the_record_log_are_those_of_its_lock_file() -> Result<(), SchemaError> {
    schema::check::<record_log::LogMetrics>(lock_file!("examples/record_log/metrics.lock"))?;
    Ok(())
}

#[test]
fn the_metrics_of_the_async_backend_are_those_of_its_lock_file() -> Result<(), SchemaError> {
    schema::check::<async_backend::LogMetrics>(lock_file!("examples/async_backend/metrics.lock"))?;
    Ok(())
}
