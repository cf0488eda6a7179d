//! `cancelled` counts each future that is dropped while it waits, and nothing else. The tests cover every form of function
//! that returns a future.

#![allow(clippy::needless_pass_by_value, clippy::manual_async_fn)] // the tests need such functions

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use papyra_metrics::{
    CachePadded, Counter, FineLatency, Gauge, Histogram, Metrics, ShardedHistogram, metrics,
};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    errors: Counter,
    ok: Counter,
    cancelled: Counter,
    in_flight: Gauge,
    time: Histogram,
}

/// The values of the metrics at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counts {
    errors: u64,
    ok: u64,
    cancelled: u64,
    in_flight: i64,
    timed: u64,
}

impl LogMetrics {
    fn counts(&self) -> Counts {
        Counts {
            errors: self.errors.get(),
            ok: self.ok.get(),
            cancelled: self.cancelled.get(),
            in_flight: self.in_flight.get(),
            timed: self.time.get().count(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Failed;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Waits twice. Then returns an error for `error`, panics for `panic`, and returns `Ok` for any other text.
async fn step(what: &str) -> Result<usize, Failed> {
    yield_now().await;
    yield_now().await;
    match what {
        "error" => Err(Failed),
        "panic" => panic!("as requested"),
        what => Ok(what.len()),
    }
}

/// Waits once.
async fn yield_now() {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
}

fn is_send<F: Send>(future: F) -> F {
    future
}

/// Checks a function whose future waits four times. `$make` calls the function. `$what` is the outcome of the last step
/// of the future.
macro_rules! check {
    ($metrics:expr, |$what:ident| $make:expr) => {{
        let ($what, before) = ("ok", $metrics.counts());
        drop($make);
        assert_eq!($metrics.counts(), before, "never polled");

        for polls in 1..=4 {
            let before = $metrics.counts();
            let $what = "ok";
            {
                let mut future = Box::pin(is_send($make));
                for _ in 0..polls {
                    assert!(poll_once(future.as_mut()).is_pending());
                }
            }
            let cancelled = before.cancelled + 1;
            assert_eq!($metrics.counts(), Counts { cancelled, ..before }, "dropped after {polls}");
        }

        let ($what, before) = ("ok", $metrics.counts());
        assert!(run($make).is_ok());
        let (ok, timed) = (before.ok + 1, before.timed + 1);
        assert_eq!($metrics.counts(), Counts { ok, timed, ..before }, "a success");

        let ($what, before) = ("error", $metrics.counts());
        assert!(run($make).is_err());
        let (errors, timed) = (before.errors + 1, before.timed + 1);
        assert_eq!($metrics.counts(), Counts { errors, timed, ..before }, "an error");

        let ($what, before) = ("panic", $metrics.counts());
        catch_unwind(AssertUnwindSafe(|| {
            let _ = run($make);
        }))
        .unwrap_err();
        assert_eq!($metrics.counts(), before, "a panic");
    }};
}

/// A backend that contains its metrics directly, without an `Arc`.
#[derive(Default)]
struct Log {
    steps: usize,
    metrics: LogMetrics,
}

impl Log {
    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn shared(&self, what: &str) -> Result<usize, Failed> {
        step("first").await?;
        step(what).await
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, time = time)]
    async fn tail(&self, what: &str) -> Result<usize, Failed> {
        self.bare(what).await
    }

    async fn bare(&self, what: &str) -> Result<usize, Failed> {
        step("first").await?;
        step(what).await
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, time = time)]
    async fn exclusive(&mut self, what: &str) -> Result<(), Failed> {
        self.steps += step("first").await?;
        self.steps += step(what).await?;
        Ok(())
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn exclusive_in_flight(&mut self, what: &str) -> Result<(), Failed> {
        let this = self;
        this.steps += step("first").await?;
        this.steps += step(what).await?;
        Ok(())
    }

    #[metrics(errors, ok = ok, time = time,
        cancelled = self.metrics.cancelled, in_flight = self.metrics.in_flight)]
    async fn expressions(&mut self, what: &str) -> Result<(), Failed> {
        self.steps += step("first").await?;
        self.steps += step(what).await?;
        Ok(())
    }

    #[metrics(at = self.metrics, errors, ok = ok, cancelled = cancelled, time = time)]
    async fn at(&self, what: &str) -> Result<usize, Failed> {
        step("first").await?;
        step(what).await
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn pinned(self: Pin<&mut Self>, what: &str) -> Result<(), Failed> {
        let this = self.get_mut();
        this.steps += step("first").await?;
        this.steps += step(what).await?;
        Ok(())
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, time = time)]
    async fn generic<T: AsRef<str> + Send>(&mut self, what: T) -> Result<T, Failed> {
        step("first").await?;
        step(what.as_ref()).await?;
        Ok(what)
    }

    /// Has an argument that is `Send` but not `Sync`. To be `Send`, the future must own the argument instead of a reference
    /// to the argument.
    #[metrics(errors, ok = ok, cancelled = cancelled, time = time)]
    async fn moved(&mut self, cell: std::cell::Cell<u8>, what: &str) -> Result<u8, Failed> {
        step("first").await?;
        step(what).await?;
        Ok(cell.get())
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn opaque(&self, what: &str) -> impl Future<Output = Result<usize, Failed>> + Send {
        async move {
            step("first").await?;
            Ok(self.steps + step(what).await?)
        }
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn opaque_of_another<'a>(
        &'a self,
        what: &'a str,
    ) -> impl Future<Output = Result<usize, Failed>> + Send {
        let what = what.trim();
        self.bare(what)
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn boxed<'a>(
        &'a mut self,
        what: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failed>> + Send + 'a>> {
        Box::pin(async move {
            self.steps += step("first").await?;
            self.steps += step(what).await?;
            Ok(())
        })
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn boxed_early<'a>(
        &'a self,
        what: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<usize, Failed>> + Send + 'a>> {
        if what == "error" {
            return Box::pin(self.bare("error"));
        }
        Box::pin(self.bare(what))
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn alias<'a>(&'a self, what: &'a str) -> BoxFuture<'a, Result<usize, Failed>> {
        self.alias_of_another(what)
    }

    fn alias_of_another<'a>(&'a self, what: &'a str) -> BoxFuture<'a, Result<usize, Failed>> {
        Box::pin(self.bare(what))
    }
}

#[test]
fn a_future_of_an_async_method_that_is_dropped_at_any_await_counts_as_cancelled() {
    let mut log = Log::default();
    check!(log.metrics, |what| log.shared(what));
    check!(log.metrics, |what| log.tail(what));
    check!(log.metrics, |what| log.exclusive(what));
    check!(log.metrics, |what| log.exclusive_in_flight(what));
    check!(log.metrics, |what| log.expressions(what));
    check!(log.metrics, |what| log.at(what));
    check!(log.metrics, |what| Pin::new(&mut log).pinned(what));
    check!(log.metrics, |what| log.generic(what));
    check!(log.metrics, |what| log.moved(std::cell::Cell::new(1), what));
}

#[test]
fn a_returned_future_that_is_dropped_at_any_await_counts_as_cancelled() {
    let mut log = Log::default();
    check!(log.metrics, |what| log.opaque(what));
    check!(log.metrics, |what| log.opaque_of_another(what));
    check!(log.metrics, |what| log.boxed(what));
    check!(log.metrics, |what| log.boxed_early(what));
    check!(log.metrics, |what| log.alias(what));
}

/// A backend whose metrics are in an `Arc`.
#[derive(Clone, Default)]
struct Shared {
    steps: usize,
    metrics: Arc<LogMetrics>,
}

impl Shared {
    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn consumed(mut self, what: &str) -> Result<Self, Failed> {
        self.steps += step("first").await?;
        self.steps += step(what).await?;
        Ok(self)
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn counted(self: Arc<Self>, what: &str) -> Result<Arc<Self>, Failed> {
        step("first").await?;
        step(what).await?;
        Ok(self)
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn borrowed(&mut self, what: &str) -> Result<&mut usize, Failed> {
        step("first").await?;
        step(what).await?;
        Ok(&mut self.steps)
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn outlives(&mut self, what: &'static str) -> BoxFuture<'static, Result<usize, Failed>> {
        self.steps += 1;
        Box::pin(async move {
            step("first").await?;
            step(what).await
        })
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn outlives_by_name(&self, what: &'static str) -> BoxFuture<'static, Result<usize, Failed>> {
        named(what)
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn counted_future(
        self: Arc<Self>,
        what: &'static str,
    ) -> BoxFuture<'static, Result<usize, Failed>> {
        if what.is_empty() {
            return named("error");
        }
        named(what)
    }
}

fn named(what: &'static str) -> BoxFuture<'static, Result<usize, Failed>> {
    Box::pin(async move {
        step("first").await?;
        step(what).await
    })
}

#[test]
fn a_future_of_a_consumed_self_counts_in_shared_metrics() {
    let mut log = Shared::default();
    let metrics = Arc::clone(&log.metrics);
    let counted = Arc::new(log.clone());
    check!(metrics, |what| log.clone().consumed(what));
    check!(metrics, |what| Arc::clone(&counted).counted(what));
    check!(metrics, |what| log.borrowed(what));
    check!(metrics, |what| log.outlives(what));
    check!(metrics, |what| log.outlives_by_name(what));
    check!(metrics, |what| Arc::clone(&counted).counted_future(what));
}

static METRICS: std::sync::LazyLock<LogMetrics> = std::sync::LazyLock::new(LogMetrics::default);

#[metrics(at = METRICS, errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
async fn in_a_static(what: &str) -> Result<usize, Failed> {
    step("first").await?;
    step(what).await
}

#[metrics(errors = metrics.errors, ok = metrics.ok, cancelled = metrics.cancelled,
    in_flight = metrics.in_flight, time = metrics.time)]
async fn in_an_argument(metrics: &LogMetrics, what: &str) -> Result<usize, Failed> {
    step("first").await?;
    step(what).await
}

#[metrics(errors = log.metrics.errors, ok = log.metrics.ok, cancelled = log.metrics.cancelled,
    in_flight = log.metrics.in_flight, time = log.metrics.time)]
async fn in_an_exclusive_argument(log: &mut Log, what: &str) -> Result<(), Failed> {
    let log = log;
    log.steps += step("first").await?;
    log.steps += step(what).await?;
    Ok(())
}

#[metrics(errors = metrics.errors, ok = metrics.ok, cancelled = metrics.cancelled,
    in_flight = metrics.in_flight, time = metrics.time)]
async fn in_an_argument_by_value(metrics: Arc<LogMetrics>, what: &str) -> Result<usize, Failed> {
    step("first").await?;
    drop(metrics);
    step(what).await
}

#[test]
fn a_future_of_a_function_without_self_counts() {
    check!(METRICS, |what| in_a_static(what));
    let metrics = Arc::new(LogMetrics::default());
    check!(metrics, |what| in_an_argument(&metrics, what));
    check!(metrics, |what| in_an_argument_by_value(Arc::clone(&metrics), what));
    let mut log = Log::default();
    check!(log.metrics, |what| in_an_exclusive_argument(&mut log, what));
}

#[async_trait]
trait Store {
    async fn get(&self, what: &str) -> Result<usize, Failed>;
    async fn put(&mut self, what: &str) -> Result<(), Failed>;
}

#[async_trait]
impl Store for Log {
    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn get(&self, what: &str) -> Result<usize, Failed> {
        step("first").await?;
        step(what).await
    }

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    async fn put(&mut self, what: &str) -> Result<(), Failed> {
        self.steps += step("first").await?;
        self.steps += step(what).await?;
        Ok(())
    }
}

trait Call {
    type Future: Future<Output = Result<usize, Failed>>;

    fn call(&mut self, what: &'static str) -> Self::Future;
}

impl Call for Shared {
    type Future = BoxFuture<'static, Result<usize, Failed>>;

    #[metrics(errors, ok = ok, cancelled = cancelled, in_flight = in_flight, time = time)]
    fn call(&mut self, what: &'static str) -> Self::Future {
        named(what)
    }
}

#[test]
fn futures_of_trait_methods_count() {
    let mut log = Log::default();
    check!(log.metrics, |what| log.get(what));
    check!(log.metrics, |what| log.put(what));
    let mut service = Shared::default();
    let metrics = Arc::clone(&service.metrics);
    check!(metrics, |what| service.call(what));
}

/// A backend whose functions return no `Result`, and whose instruments are behind pointers or absent.
#[derive(Default)]
struct Task {
    steps: usize,
    metrics: Option<Arc<TaskMetrics>>,
}

#[derive(Default)]
struct TaskMetrics {
    cancelled: CachePadded<Counter>,
    absent: Option<Counter>,
    time: Option<Box<ShardedHistogram<FineLatency>>>,
}

impl Task {
    #[metrics(cancelled = cancelled, time = time)]
    async fn run(&mut self, what: &str) {
        self.steps += step(what).await.unwrap_or(0);
    }

    #[metrics(cancelled = cancelled)]
    async fn only_cancelled(&self) -> usize {
        step("ok").await.map_or(0, |len| self.steps + len)
    }

    #[metrics(cancelled = absent)]
    fn absent(&self) -> impl Future<Output = usize> {
        self.only_cancelled()
    }
}

/// Polls a future once, and drops it.
fn cancel(future: impl Future) {
    assert!(poll_once(pin!(future)).is_pending());
}

#[test]
fn a_future_without_a_result_counts_if_metrics_are_present() {
    let mut task = Task::default();
    cancel(task.run("ok"));
    run(task.run("ok"));

    let time = Some(Box::default());
    let metrics = Arc::new(TaskMetrics { time, ..TaskMetrics::default() });
    task.metrics = Some(Arc::clone(&metrics));
    cancel(task.run("ok"));
    cancel(task.only_cancelled());
    cancel(task.absent());
    assert_eq!(metrics.cancelled.get(), 3, "the future that `absent` calls counts too");
    run(task.run("ok"));
    run(task.run("error"));
    run(task.only_cancelled());
    assert_eq!(metrics.cancelled.get(), 3);
    assert_eq!(metrics.time.as_ref().map(|time| time.get().count()), Some(2));
}

#[test]
fn a_future_that_is_dropped_because_its_owner_panics_is_cancelled() {
    let log = Log::default();
    catch_unwind(AssertUnwindSafe(|| {
        let mut future = Box::pin(log.shared("ok"));
        assert!(poll_once(future.as_mut()).is_pending());
        panic!("in the owner");
    }))
    .unwrap_err();
    let expected = Counts { errors: 0, ok: 0, cancelled: 1, in_flight: 0, timed: 0 };
    assert_eq!(log.metrics.counts(), expected);
}

#[test]
fn a_future_that_loses_a_race_is_cancelled() {
    let log = Log::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = log.shared("ok") => unreachable!(),
            () = std::future::ready(()) => {}
        }
        log.shared("ok").await.unwrap();
    });
    let expected = Counts { errors: 0, ok: 1, cancelled: 1, in_flight: 0, timed: 1 };
    assert_eq!(log.metrics.counts(), expected);
}

#[metrics(cancelled = counter, in_flight = gauge)]
async fn in_two_exclusive_arguments(counter: &mut Counter, gauge: &mut Gauge) {
    gauge.add(1);
    counter.add(10);
    yield_now().await;
    gauge.sub(1);
}

#[metrics(cancelled = pair.0, in_flight = pair.1)]
async fn in_one_exclusive_argument(pair: &mut (Counter, Gauge)) {
    pair.1.add(1);
    yield_now().await;
    pair.1.sub(1);
}

#[test]
fn instruments_behind_exclusive_references_count_while_the_body_uses_them() {
    let mut pair = (Counter::new(), Gauge::new());
    cancel(in_two_exclusive_arguments(&mut pair.0, &mut pair.1));
    assert_eq!((pair.0.get(), pair.1.get()), (11, 1));
    run(in_two_exclusive_arguments(&mut pair.0, &mut pair.1));
    assert_eq!((pair.0.get(), pair.1.get()), (21, 1));
    cancel(in_one_exclusive_argument(&mut pair));
    assert_eq!((pair.0.get(), pair.1.get()), (22, 2));
    run(in_one_exclusive_argument(&mut pair));
    assert_eq!((pair.0.get(), pair.1.get()), (22, 2));
}

impl Log {
    /// Counts calls in flight in a gauge that is an argument, and results in the metrics of `self`.
    #[metrics(errors, ok = ok, in_flight = gauge)]
    fn beside_an_argument(&self, gauge: &mut Gauge, what: &str) -> Result<usize, Failed> {
        gauge.add(10);
        if what == "error" { Err(Failed) } else { Ok(self.steps) }
    }

    /// Counts calls in flight in a static gauge, and errors in the metrics of a pinned `self`.
    #[metrics(errors, in_flight = POLLS)]
    fn pinned_beside_a_static(self: Pin<&mut Self>, what: &str) -> Result<i64, Failed> {
        let this = self.get_mut();
        this.steps += 1;
        if what == "error" { Err(Failed) } else { Ok(POLLS.get()) }
    }
}

static POLLS: Gauge = Gauge::new();

#[test]
fn the_gauge_may_be_in_other_metrics_than_the_counters() {
    let mut log = Log::default();
    let mut gauge = Gauge::new();
    assert!(log.beside_an_argument(&mut gauge, "ok").is_ok());
    assert!(log.beside_an_argument(&mut gauge, "error").is_err());
    assert_eq!((log.metrics.ok.get(), log.metrics.errors.get(), gauge.get()), (1, 1, 20));
    assert!(Pin::new(&mut log).pinned_beside_a_static("ok").unwrap() > 0);
    assert!(Pin::new(&mut log).pinned_beside_a_static("error").is_err());
    assert_eq!((log.steps, log.metrics.errors.get()), (2, 2));
}
