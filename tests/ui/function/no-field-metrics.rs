// Expected: one error, on `errors`.
use papyra_metrics::metrics;

struct Log {
    path: String,
}

impl Log {
    #[metrics(errors)]
    fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
