// The caret is on `u32`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = Storage)]
struct LogMetrics {
    writes: u32,
}


// A use of the storage is no mistake.
fn report(storage: &Storage) {
    storage.writes.inc();
    storage.read();
    storage.reset();
}

fn main() {}
