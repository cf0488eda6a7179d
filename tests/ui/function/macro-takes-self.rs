// Expected: one error, which shows the macro that moves `self`.

use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    write_errors: Counter,
}

struct Log {
    metrics: LogMetrics,
}

macro_rules! take {
    ($this:expr) => {
        let _this = $this;
    };
}

impl Log {
    #[metrics(errors)]
    fn append(&mut self) -> Result<(), ()> {
        take!(self);
        Err(())
    }
}

fn main() {}
