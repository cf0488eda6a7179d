// Expected: one error, on the return type: a future that is counted is boxed again, which requires `R: 'static`.
use papyra_metrics::{Counter, metrics};
use std::future::Future;
use std::pin::Pin;

static ERRORS: Counter = Counter::new();

trait Service {
    type Future;
    fn call(&mut self) -> Self::Future;
}

struct Boxed<R> {
    inner: Box<dyn Service<Future = Pin<Box<dyn Future<Output = Result<R, String>>>>>>,
}

impl<R> Service for Boxed<R> {
    type Future = Pin<Box<dyn Future<Output = Result<R, String>>>>;

    #[metrics(errors = crate::ERRORS)]
    fn call(&mut self) -> Self::Future {
        self.inner.call()
    }
}

fn main() {}
