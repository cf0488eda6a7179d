// The caret is on `ERRORS`: it is looked up in `self.metrics`.
use papyra_metrics::{Counter, metrics};

static ERRORS: Counter = Counter::new();

struct Log {
    path: String,
}

impl Log {
    #[metrics(errors = ERRORS)]
    fn flush(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
