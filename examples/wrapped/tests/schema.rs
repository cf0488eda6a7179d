//! The exported metrics of the wrappers are the metrics in the lock files.

use papyra_metrics_export::schema::{self, Schema, SchemaError};
use papyra_metrics_wrapped_examples::fjall_store::FjallStore;
use papyra_metrics_wrapped_examples::redb_store::RedbMetrics;

#[test]
fn the_metrics_are_those_of_the_lock_files() -> Result<(), SchemaError> {
    schema::check::<RedbMetrics>("redb.lock")?;
    // The statistics of the database need an open database.
    let directory = tempfile::tempdir().unwrap();
    let store = FjallStore::open(directory.path()).unwrap();
    Schema::of(&store).check("fjall.lock")?;
    Ok(())
}
