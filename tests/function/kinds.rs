//! Errors by kind: if the key `errors` names a family, each error is counted once, in the member of the family for the kind
//! of the error.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, clippy::unused_async)] // the tests need such functions

use std::future::Future;
use std::io;
use std::ops::Index;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use papyra_metrics::{
    CachePadded, Counter, Family, IoErrorKind, Label, Metrics, ShardedCounter, metrics,
};

#[derive(Clone, Copy, Debug, Label)]
enum Kind {
    NotFound,
    Full,
    Other,
}

/// An error that is neither `Clone` nor `Copy`, so that a returned error can only be the original value.
#[derive(Debug)]
enum Failed {
    NotFound(String),
    Full,
    Io(io::Error),
}

impl From<&Failed> for Kind {
    fn from(error: &Failed) -> Self {
        match error {
            Failed::NotFound(name) if name.is_empty() => Self::Other,
            Failed::NotFound(_) => Self::NotFound,
            Failed::Full => Self::Full,
            Failed::Io(error) => kind_of_io(error),
        }
    }
}

fn kind_of_io(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::NotFound => Kind::NotFound,
        io::ErrorKind::StorageFull => Kind::Full,
        _ => Kind::Other,
    }
}

#[derive(Clone, Copy, Debug, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    errors: Family<Kind, Counter>,
    by_op: Family<(Op, Kind), Counter>,
    sharded: Box<Family<Kind, ShardedCounter>>,
    padded: CachePadded<Family<Kind, Counter>>,
    io_errors: Family<IoErrorKind, Counter>,
    ok: Counter,
}

/// Returns the counts of `NotFound`, `Full` and `Other`.
fn counts(family: &impl Index<Kind, Output = Counter>) -> [u64; 3] {
    [Kind::NotFound, Kind::Full, Kind::Other].map(|kind| family[kind].get())
}

/// Returns an error if `what` is the name of an error.
fn work(what: &str) -> Result<usize, Failed> {
    match what {
        "full" => Err(Failed::Full),
        "io" => Err(Failed::Io(io::Error::other("as requested"))),
        "missing" => Err(Failed::NotFound(what.to_owned())),
        what => Ok(what.len()),
    }
}

fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

/// Calls a function once with each outcome. Checks that each error is counted once, in the member for its kind.
macro_rules! check {
    ($family:expr, |$what:ident| $call:expr) => {{
        let before = counts($family);
        let $what = "fine";
        assert!($call.is_ok());
        assert_eq!(counts($family), before, "a success");
        for (at, what) in ["missing", "full", "io"].into_iter().enumerate() {
            let before = counts($family);
            let $what = what;
            assert!($call.is_err());
            let mut expected = before;
            expected[at] += 1;
            assert_eq!(counts($family), expected, "{what}");
        }
    }};
}

type Fallible<T = usize> = Result<T, Failed>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Default)]
struct Log {
    len: usize,
    metrics: LogMetrics,
}

impl Log {
    #[metrics(errors)]
    fn marked(&self, what: &str) -> Result<usize, Failed> {
        work(what)
    }

    #[metrics(errors, ok = ok)]
    fn marked_exclusive(&mut self, what: &str) -> Result<(), Failed> {
        self.len += work(what)?;
        Ok(())
    }

    #[metrics(errors = padded, ok = ok)]
    fn padded(&self, what: &str) -> Fallible {
        Ok(work(what)? + self.len)
    }

    #[metrics(errors)]
    async fn later(&mut self, what: &str) -> Result<usize, Failed> {
        self.len += std::future::ready(work(what)).await?;
        Ok(self.len)
    }

    #[metrics(errors = errors)]
    fn boxed<'a>(
        &'a self,
        what: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<usize, Failed>> + Send + 'a>> {
        Box::pin(async move { work(what) })
    }

    #[metrics(errors)]
    fn alias<'a>(&'a self, what: &'a str) -> BoxFuture<'a, Fallible> {
        bare(what)
    }

    #[metrics(errors = by_op[Op::Get], ok = ok)]
    fn read(&self, what: &str) -> Fallible {
        Ok(work(what)? + self.len)
    }

    #[metrics(errors = by_op[op])]
    async fn chosen(&mut self, op: Op, what: &str) -> Result<usize, Failed> {
        self.len += std::future::ready(work(what)).await?;
        Ok(self.len)
    }

    #[metrics(errors = self.metrics.by_op[Op::Put])]
    fn boxed_put<'a>(&'a self, what: &'a str) -> BoxFuture<'a, Fallible> {
        bare(what)
    }

    #[metrics(errors = by_op[Op::Put], errors_by = kind_of_io)]
    fn put_io(&self, kind: io::ErrorKind) -> io::Result<()> {
        Err(kind)?
    }

    #[metrics(errors)]
    fn option(&self, what: &str) -> Option<Result<usize, Failed>> {
        Some(work(what))
    }

    #[metrics(errors = self.metrics.errors, errors_by = Kind::from)]
    fn expression(&mut self, what: &str) -> Result<usize, Failed> {
        self.len += work(what)?;
        Ok(self.len)
    }

    #[metrics(errors, errors_by = |error| match error { Failed::Full => Kind::Other, other => Kind::from(other) })]
    fn by_closure(&self, what: &str) -> Result<usize, Failed> {
        work(what)
    }

    #[metrics(errors = errors, errors_by = |error| if error.kind() == io::ErrorKind::NotFound { Kind::Other } else { kind_of_io(error) })]
    fn by_closure_of_an_alias(&self, kind: io::ErrorKind) -> io::Result<()> {
        Err(io::Error::from(kind))
    }

    #[metrics(errors, errors_by = kind_of_io)]
    fn by_function(&self, kind: io::ErrorKind) -> Result<(), io::Error> {
        Err(kind)?
    }

    #[metrics(errors, errors_by = |error| if error.kind() == io::ErrorKind::NotFound { Kind::Other } else { kind_of_io(error) })]
    fn by_closure_later(&self, kind: io::ErrorKind) -> BoxFuture<'_, io::Result<()>> {
        let future = async move { Err(io::Error::from(kind)) };
        Box::pin(future)
    }

    #[metrics(errors = io_errors)]
    async fn io(&self, kind: io::ErrorKind) -> io::Result<()> {
        Err(io::Error::from(kind))
    }
}

fn bare(what: &str) -> BoxFuture<'_, Fallible> {
    Box::pin(async move { work(what) })
}

#[test]
fn an_error_counts_under_its_label_in_every_shape_of_function() {
    let mut log = Log::default();
    check!(&log.metrics.errors, |what| log.marked(what));
    check!(&log.metrics.errors, |what| log.marked_exclusive(what));
    check!(&*log.metrics.padded, |what| log.padded(what));
    check!(&log.metrics.errors, |what| run(log.later(what)));
    check!(&log.metrics.errors, |what| run(log.boxed(what)));
    check!(&log.metrics.errors, |what| run(log.alias(what)));
    check!(&log.metrics.errors, |what| log.option(what).unwrap());
    check!(&log.metrics.errors, |what| log.expression(what));
    assert_eq!(log.metrics.ok.get(), 2);
    assert_eq!(log.metrics.snapshot()["errors{kind=full}"], 7);
}

#[test]
fn a_function_chooses_one_label_and_the_error_the_other() {
    let mut log = Log::default();
    check!(&log.metrics.by_op[Op::Get], |what| log.read(what));
    check!(&log.metrics.by_op[Op::Put], |what| run(log.chosen(Op::Put, what)));
    check!(&log.metrics.by_op[Op::Put], |what| run(log.boxed_put(what)));
    assert!(log.put_io(io::ErrorKind::StorageFull).is_err());
    let snapshot = log.metrics.snapshot();
    let full = ["by_op{op=get,kind=full}", "by_op{op=put,kind=full}"];
    assert_eq!(full.map(|series| snapshot[series].as_u64()), [Some(1), Some(3)]);
    assert_eq!(counts(&log.metrics.errors), [0; 3]);
}

#[test]
fn a_function_or_a_closure_chooses_the_label() {
    let log = Log::default();
    assert!(log.by_closure("full").is_err() && log.by_closure("missing").is_err());
    assert_eq!(counts(&log.metrics.errors), [1, 0, 1]);
    assert!(log.by_closure_of_an_alias(io::ErrorKind::StorageFull).is_err());
    assert!(log.by_function(io::ErrorKind::NotFound).is_err());
    assert!(run(log.by_closure_later(io::ErrorKind::StorageFull)).is_err());
    assert_eq!(counts(&log.metrics.errors), [2, 2, 1]);
}

#[test]
fn io_errors_have_a_ready_made_label() {
    let log = Log::default();
    assert!(run(log.io(io::ErrorKind::NotFound)).is_err());
    assert!(run(log.io(io::ErrorKind::StorageFull)).is_err());
    let snapshot = log.metrics.snapshot();
    let names = ["io_errors{error_kind=not_found}", "io_errors{error_kind=storage_full}"];
    assert_eq!(names.map(|name| snapshot[name].as_u64()), [Some(1), Some(1)]);
}

#[derive(Clone, Default)]
struct Shared {
    metrics: Option<Arc<LogMetrics>>,
}

impl Shared {
    #[metrics(errors)]
    fn consumed(self, what: &str) -> Result<Self, Failed> {
        work(what)?;
        Ok(self)
    }

    #[metrics(errors = sharded)]
    async fn counted(self: Arc<Self>, what: &str) -> Result<Arc<Self>, Failed> {
        work(what)?;
        Ok(self)
    }

    #[metrics(errors)]
    fn outlives(&mut self, what: &'static str) -> BoxFuture<'static, Fallible> {
        bare(what)
    }
}

static METRICS: std::sync::LazyLock<LogMetrics> = std::sync::LazyLock::new(LogMetrics::default);

#[metrics(at = METRICS, errors)]
fn in_a_static(what: &str) -> Result<usize, Failed> {
    Ok(work(what)? + 1)
}

#[async_trait]
trait Store {
    async fn get(&self, what: &str) -> Result<usize, Failed>;
}

#[async_trait]
impl Store for Log {
    #[metrics(errors)]
    async fn get(&self, what: &str) -> Result<usize, Failed> {
        std::future::ready(work(what)).await
    }
}

#[test]
fn metrics_may_be_shared_absent_static_or_of_a_trait() {
    let metrics = Arc::new(LogMetrics::default());
    let mut log = Shared { metrics: Some(Arc::clone(&metrics)) };
    check!(&metrics.errors, |what| log.clone().consumed(what));
    check!(&metrics.errors, |what| run(log.outlives(what)));
    assert!(run(Arc::new(log.clone()).counted("full")).is_err());
    assert_eq!(metrics.sharded[Kind::Full].get(), 1);
    check!(&METRICS.errors, |what| in_a_static(what));
    let log = Log::default();
    check!(&log.metrics.errors, |what| run(log.get(what)));
    assert!(Shared::default().consumed("full").is_err());
}

impl Log {
    #[metrics(errors, ok = ok)]
    fn pass<'e>(&self, error: &'e mut Failed) -> Result<(), &'e mut Failed> {
        Err(error)
    }
}

impl From<&&mut Failed> for Kind {
    fn from(error: &&mut Failed) -> Self {
        Self::from(&**error)
    }
}

#[test]
fn the_returned_error_is_the_original_error() {
    let log = Log::default();
    let mut error = Failed::NotFound("a".to_owned());
    let address = &raw const error;
    assert!(std::ptr::eq(log.pass(&mut error).unwrap_err(), address));
    assert_eq!(counts(&log.metrics.errors), [1, 0, 0]);
}
