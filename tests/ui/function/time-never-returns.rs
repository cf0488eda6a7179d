// Expected: one error, on `time`: the function never returns.

use papyra_metrics::{Counter, Gauge, Histogram, Metrics, Sizes, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    write_errors: Counter,
    open: Gauge,
    append: Histogram,
    record_size: Histogram<Sizes>,
}

#[derive(Default)]
struct OrderLog {
    metrics: LogMetrics,
}

impl OrderLog {
    #[metrics(time = append)]
    fn append(&self, record: &str) -> ! {
        loop {
            std::thread::park();
            let _ = record;
        }
    }
}

fn main() {
    let _ = OrderLog::default().append("");
}
