//! Writes to a `redb` database in a directory, reads from the database, and prints the metrics.
//!
//! `cargo run -p papyra-metrics-wrapped-examples --bin wrapped_redb [DIRECTORY]`

use std::error::Error;

use papyra_metrics::Metrics;
use papyra_metrics_wrapped_examples::{load, redb_store::RedbStore};

fn main() -> Result<(), Box<dyn Error>> {
    let (directory, _temporary) = load::directory()?;
    let store = RedbStore::open(&directory.join("records.redb"))?;
    load::write_and_read(|key, value| store.write(key, value), |key| store.read(key));
    println!("{}", store.metrics.snapshot());
    Ok(())
}
