//! Errors by kind on each shape of function that `kinds.rs` does not have: each receiver, returned type, trait method, type of
//! error and type of family.

#![allow(
    clippy::boxed_local,
    clippy::manual_async_fn,
    clippy::mut_mut,
    clippy::needless_pass_by_value,
    clippy::redundant_closure,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self
)] // forms under test

use std::convert::Infallible;
use std::error::Error;
use std::fmt::Debug;
use std::future::{Future, ready};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use papyra_metrics::{
    CachePadded, Counter, Family, Inc, Label, Member, Metrics, ShardedCounter, metrics,
};

#[derive(Clone, Copy, Debug, Label)]
enum Kind {
    Full,
    Other,
}

#[derive(Clone, Copy, Debug, Label)]
enum Op {
    Get,
    Put,
}

/// An error whose number determines its kind.
#[derive(Debug)]
struct Failed(usize);

impl From<&Failed> for Kind {
    fn from(error: &Failed) -> Self {
        if error.0 == 1 { Self::Full } else { Self::Other }
    }
}

impl From<&str> for Kind {
    fn from(error: &str) -> Self {
        if error == "full" { Self::Full } else { Self::Other }
    }
}

fn full<E: Debug>(_: &E) -> Kind {
    Kind::Full
}

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    errors: Family<Kind, Counter>,
    atomic: Family<Kind, AtomicU64>,
    padded: Family<Kind, CachePadded<Counter>>,
    boxed: Box<Family<Kind, Box<Counter>>>,
    shared: Arc<Family<Kind, Arc<Counter>>>,
    sharded: Family<(Op, Kind), ShardedCounter>,
    ok: Counter,
}

#[derive(Clone, Default)]
struct Log {
    len: usize,
    metrics: Arc<LogMetrics>,
}

impl Log {
    fn of(metrics: &Arc<LogMetrics>) -> Self {
        Self { len: 0, metrics: Arc::clone(metrics) }
    }
}

fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

/// Checks that each expression is an error, and that it adds one to the member `full` of the marked family, and to no other series.
macro_rules! each_counts_as_full {
    ($metrics:expr, $($call:expr,)*) => {$({
        let before = $metrics.snapshot();
        assert!($call.is_err(), "{}", stringify!($call));
        let since = $metrics.snapshot().since(&before);
        let counted: Vec<_> = since.iter().filter(|(_, value)| **value != 0).collect();
        let [(series, count)] = counted.as_slice() else {
            panic!("{}: {counted:?}", stringify!($call))
        };
        assert_eq!((*series, count.as_u64()), ("errors{kind=full}", Some(1)), "{}", stringify!($call));
    })*};
}

/// Each receiver.
impl Log {
    #[metrics(errors)]
    fn pinned(self: Pin<&mut Self>, error: usize) -> Result<(), Failed> {
        self.get_mut().len += 1;
        Err(Failed(error))?
    }

    #[metrics(errors)]
    fn boxed(self: Box<Self>, error: usize) -> Result<(), Failed> {
        drop(self);
        Err(Failed(error))?
    }

    #[metrics(errors)]
    fn counted(self: Rc<Self>, error: usize) -> Result<Rc<Self>, Failed> {
        if error > 0 { Err(Failed(error)) } else { Ok(self) }
    }

    #[metrics(errors, errors_by = |error| full(error))]
    fn borrowed_handle(self: &Arc<Self>, error: usize) -> Result<Arc<Self>, Failed> {
        if error > 0 {
            return Err(Failed(error));
        }
        Ok(Arc::clone(self))
    }

    #[metrics(errors)]
    async fn consumed_later(self, error: usize) -> Result<usize, Failed> {
        ready(()).await;
        if error > 0 {
            return Err(Failed(error));
        }
        Ok(self.len)
    }

    #[metrics(errors)]
    fn returns_a_borrow(&mut self, error: usize) -> Result<&mut usize, Failed> {
        if error > 0 {
            return Err(Failed(error));
        }
        Ok(&mut self.len)
    }
}

#[test]
fn every_receiver_counts_an_error_by_kind() {
    let metrics = Arc::new(LogMetrics::default());
    let log = || Log::of(&metrics);
    each_counts_as_full!(
        metrics,
        Pin::new(&mut log()).pinned(1),
        Box::new(log()).boxed(1),
        Rc::new(log()).counted(1),
        Arc::new(log()).borrowed_handle(7),
        run(log().consumed_later(1)),
        log().returns_a_borrow(1),
    );
}

/// Each returned type.
impl Log {
    #[metrics(errors, ok = ok)]
    fn poll(&mut self, error: Option<usize>) -> Poll<Result<usize, Failed>> {
        self.len += 1;
        error.map_or(Poll::Pending, |error| Poll::Ready(Err(Failed(error))))
    }

    #[metrics(errors, ok = ok)]
    fn poll_next(self: Pin<&mut Self>, error: Option<usize>) -> Poll<Option<Result<(), Failed>>> {
        Poll::Ready(error.map(|error| Err(Failed(error))))
    }

    #[metrics(errors)]
    fn later(&self, error: usize) -> impl Future<Output = Result<(), Failed>> + Send + use<> {
        async move { Err(Failed(error)) }
    }

    #[metrics(errors, errors_by = full)]
    fn optional_later(&self, error: usize) -> impl Future<Output = Option<Result<(), Failed>>> {
        ready(Some(Err(Failed(error))))
    }

    #[metrics(errors)]
    unsafe fn without_safety(&self, error: usize) -> Result<(), Failed> {
        Err(Failed(error))
    }
}

#[test]
fn every_returned_type_counts_an_error_by_kind() {
    let metrics = Arc::new(LogMetrics::default());
    let mut log = Log::of(&metrics);
    each_counts_as_full!(
        metrics,
        match log.poll(Some(1)) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(0),
        },
        match Pin::new(&mut log).poll_next(Some(1)) {
            Poll::Ready(Some(result)) => result,
            _ => Ok(()),
        },
        run(log.later(1)),
        run(log.optional_later(7)).unwrap(),
        // SAFETY: the function has no requirements.
        unsafe { log.without_safety(1) },
    );
    let before = metrics.snapshot();
    assert!(log.poll(None).is_pending());
    assert!(matches!(Pin::new(&mut log).poll_next(None), Poll::Ready(None)));
    drop(log.later(1));
    assert_eq!(metrics.snapshot(), before, "there was no result");
}

trait Store {
    type Error;

    fn get(&self, error: usize) -> Result<(), Self::Error>;
    fn scan(&mut self, error: usize) -> impl Future<Output = Result<usize, Failed>> + Send;
    fn sync(&self, error: usize) -> impl Future<Output = Result<(), Failed>> + Send;
}

impl Store for Log {
    type Error = Failed;

    #[metrics(errors)]
    fn get(&self, error: usize) -> Result<(), Self::Error> {
        Err(Failed(error))
    }

    #[metrics(errors, ok = ok)]
    async fn scan(&mut self, error: usize) -> Result<usize, Failed> {
        self.len += ready(error).await;
        Err(Failed(error))?;
        Ok(self.len)
    }

    #[metrics(errors)]
    fn sync(&self, error: usize) -> impl Future<Output = Result<(), Failed>> + Send {
        async move { Err(Failed(error)) }
    }
}

#[async_trait]
trait Remote {
    async fn put(&mut self, error: usize) -> Result<usize, Failed>;
    async fn close(self: Arc<Self>, error: usize) -> Result<(), Failed>;
}

#[async_trait]
impl Remote for Log {
    #[metrics(errors)]
    async fn put(&mut self, error: usize) -> Result<usize, Failed> {
        self.len += 1;
        Err(Failed(error))
    }

    #[metrics(errors, errors_by = full)]
    async fn close(self: Arc<Self>, error: usize) -> Result<(), Failed> {
        ready(()).await;
        Err(Failed(error))
    }
}

#[test]
fn every_method_of_a_trait_counts_an_error_by_kind() {
    let metrics = Arc::new(LogMetrics::default());
    let mut log = Log::of(&metrics);
    each_counts_as_full!(
        metrics,
        log.get(1),
        run(log.scan(1)),
        run(log.sync(1)),
        run(log.put(1)),
        run(Arc::new(log.clone()).close(7)),
    );
}

#[metrics(errors = metrics.errors)]
fn in_an_argument(metrics: &LogMetrics, error: usize) -> Result<(), Failed> {
    Err(Failed(error))
}

#[metrics(errors = &metrics.errors, errors_by = full)]
async fn in_an_argument_later(metrics: Arc<LogMetrics>, error: usize) -> Result<(), Failed> {
    Err(Failed(error))
}

#[metrics(at = metrics, errors)]
fn marked_in_an_argument(metrics: &LogMetrics, error: usize) -> Result<(), Failed> {
    Err(Failed(error))
}

#[metrics(errors = family)]
fn in_any_family<L, I>(family: &Family<L, I>, error: usize) -> Result<(), Failed>
where
    L: Label + for<'e> From<&'e Failed>,
    I: Member + Inc,
{
    Err(Failed(error))
}

#[test]
fn a_function_without_self_counts_an_error_by_kind() {
    let metrics = Arc::new(LogMetrics::default());
    each_counts_as_full!(
        metrics,
        in_an_argument(&metrics, 1),
        run(in_an_argument_later(Arc::clone(&metrics), 7)),
        marked_in_an_argument(&metrics, 1),
        in_any_family(&metrics.errors, 1),
    );
}

/// Each type of error, and each form of `errors_by`.
impl Log {
    #[metrics(errors)]
    fn any_error<E>(&self, error: E) -> Result<(), E>
    where
        Kind: for<'e> From<&'e E>,
    {
        Err(error)
    }

    #[metrics(errors, errors_by = full)]
    fn any_error_by<E: Debug>(&self, error: E) -> Result<(), E> {
        Err(error)
    }

    #[metrics(errors, errors_by = full::<io::Error>)]
    fn io(&self) -> io::Result<()> {
        Err(io::ErrorKind::NotFound)?
    }

    #[metrics(errors, errors_by = Self::kind)]
    fn by_function_of_the_type(&self) -> Result<(), Failed> {
        Err(Failed(0))
    }

    fn kind(_: &Failed) -> Kind {
        Kind::Full
    }

    #[metrics(errors, errors_by = |error| Kind::from(*error))]
    fn text(&self) -> Result<(), &'static str> {
        Err("full")
    }

    #[metrics(errors, errors_by = |error| if error.is::<io::Error>() { Kind::Full } else { Kind::Other })]
    fn dynamic(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(io::Error::other("full"))?
    }

    #[metrics(errors, errors_by = |error| if error.0 == names.len() { Kind::Full } else { Kind::Other })]
    fn by_argument(&self, names: &[&str]) -> Result<(), Failed> {
        Err(Failed(names.len()))
    }

    #[metrics(errors, errors_by = |never| match *never {}, ok = ok)]
    fn infallible(&self) -> Result<usize, Infallible> {
        Ok(self.len)
    }
}

#[test]
fn every_type_of_error_and_every_form_of_errors_by_choose_the_label() {
    let metrics = Arc::new(LogMetrics::default());
    let log = Log::of(&metrics);
    each_counts_as_full!(
        metrics,
        log.any_error(Failed(1)),
        log.any_error_by("full"),
        log.io(),
        log.by_function_of_the_type(),
        log.text(),
        log.dynamic(),
        log.by_argument(&["a", "b"]),
    );
    assert_eq!(log.infallible(), Ok(0));
}

/// Each type of family.
impl Log {
    #[metrics(errors = atomic)]
    fn atomic(&self) -> Result<(), Failed> {
        Err(Failed(1))
    }

    #[metrics(errors = padded)]
    fn padded(&self) -> Result<(), Failed> {
        Err(Failed(1))
    }

    #[metrics(errors = boxed)]
    fn in_a_box(&self) -> Result<(), Failed> {
        Err(Failed(1))
    }

    #[metrics(errors = shared)]
    async fn shared(&mut self) -> Result<(), Failed> {
        self.len += 1;
        Err(Failed(1))
    }

    #[metrics(errors = sharded, errors_by = |error| (Op::Put, error.into()))]
    async fn sharded(&self) -> Result<(), Failed> {
        Err(Failed(1))
    }
}

#[test]
fn a_family_of_any_counters_counts_errors_by_kind() {
    let mut log = Log::default();
    assert!(log.atomic().is_err() && log.padded().is_err() && log.in_a_box().is_err());
    assert!(run(log.shared()).is_err() && run(log.sharded()).is_err());
    let snapshot = log.metrics.snapshot();
    let counted = snapshot.iter().filter(|(_, value)| **value == 1).map(|(series, _)| series);
    assert!(counted.eq([
        "atomic{kind=full}",
        "padded{kind=full}",
        "boxed{kind=full}",
        "shared{kind=full}",
        "sharded{op=put,kind=full}",
    ]));
    assert_eq!(log.metrics.sharded[(Op::Get, Kind::Full)].get(), 0);
}
