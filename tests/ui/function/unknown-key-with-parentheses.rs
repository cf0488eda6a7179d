// Expected: one error, on `errr`; the message proposes `errors`.

use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
}

struct Log {
    metrics: LogMetrics,
}

impl Log {
    #[metrics(errr(write_errors))]
    fn append(&self) -> Result<(), ()> {
        Err(())
    }
}

fn main() {}
