// Expected: one error, from the compiler; generated code does not repeat it.
use papyra_metrics::{Counter, Metrics};
use std::marker::PhantomData;

#[derive(Metrics)]
struct LogMetrics<T, 'a> {
    appended: Counter,
    #[metrics(skip)]
    of: PhantomData<&'a T>,
}

fn main() {}
