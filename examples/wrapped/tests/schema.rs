//! The metrics that the wrappers count. Those of `fjall` are compared without the prefix and without the statistics of the
//! database, because these are in a struct that needs an open database.

use papyra_metrics_export::schema::{self, SchemaError};
use papyra_metrics_wrapped_examples::fjall_store::FjallMetrics;
use papyra_metrics_wrapped_examples::redb_store::RedbMetrics;

#[test]
fn the_metrics_are_those_of_the_lock_files() -> Result<(), SchemaError> {
    schema::check::<RedbMetrics>("redb.lock")?;
    schema::check::<FjallMetrics>("fjall.lock")?;
    Ok(())
}
