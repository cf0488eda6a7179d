// Expected: one error, at `CacheCounts`. There is no error at uses of the generated struct.

use papyra_metrics::{Metrics, metrics};

#[derive(Clone, Debug, Default, PartialEq)]
struct CacheCounts {
    hits: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Metrics)]
#[metrics(storage = LogMetrics)]
struct LogCounts {
    #[metrics(errors)]
    write_errors: u64,
    #[metrics(flatten)]
    cache: CacheCounts,
}

#[derive(Default)]
struct Log {
    metrics: LogMetrics,
}

impl Log {
    #[metrics(errors)]
    fn write(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {
    let log = Log::default();
    let _ = (log.write(), log.metrics.read(), log.metrics.snapshot());
    println!("{:?}", log.metrics);
}
