// Expected: one error, on `u32`.

use papyra_metrics::Metrics;

#[derive(Metrics)]
#[metrics(storage = Storage)]
struct LogMetrics {
    writes: u32,
}


// Using the generated struct adds no error.
fn report(storage: &Storage) {
    storage.writes.inc();
    storage.read();
    storage.reset();
}

fn main() {}
