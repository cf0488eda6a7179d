// Expected: one error, from the compiler. Generated code does not repeat the error.
use papyra_metrics::{Counter, Metrics};
use std::marker::PhantomData;

#[derive(Metrics)]
struct LogMetrics<T, 'a> {
    appended: Counter,
    #[metrics(skip)]
    of: PhantomData<&'a T>,
}

fn main() {}
