//! Writes to a `fjall` database in a directory, reads from the database, and prints the metrics.
//!
//! `cargo run -p papyra-metrics-wrapped-examples --bin wrapped_fjall [DIRECTORY]`

use std::error::Error;

use papyra_metrics::Metrics;
use papyra_metrics_wrapped_examples::{fjall_store::FjallStore, load};

fn main() -> Result<(), Box<dyn Error>> {
    let (directory, _temporary) = load::directory()?;
    let store = FjallStore::open(&directory)?;
    load::write_and_read(|key, value| store.write(key, value), |key| store.read(key));
    println!("{}", store.snapshot());
    Ok(())
}
