//! `time` records the duration of each call that returns, for every form of function. With `sample`, it records the
//! durations of some of these calls.

#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, clippy::unused_self)] // the tests need such functions
#![allow(clippy::unused_async)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use papyra_metrics::{
    CachePadded, Counter, FineLatency, Gauge, Histogram, Metrics, RecordDuration, ShardedHistogram,
    metrics,
};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    errors: Counter,
    ok: Counter,
    calls: Counter,
    in_flight: Gauge,
    time: Histogram,
}

impl LogMetrics {
    fn timed(&self) -> u64 {
        self.time.get().count()
    }
}

type Fallible<T> = Result<T, std::num::ParseIntError>;

/// Calls a function three times: with a number, with a text that is not a number, and with a text that makes the
/// function panic. Checks that only the first two calls are recorded.
macro_rules! check {
    ($metrics:expr, |$text:ident| $call:expr) => {{
        let before = $metrics.timed();
        let $text = "1";
        ignore($call);
        assert_eq!($metrics.timed(), before + 1, "a success");
        let $text = "x";
        ignore($call);
        assert_eq!($metrics.timed(), before + 2, "an error");
        let $text = "panic";
        catch_unwind(AssertUnwindSafe(|| ignore($call))).unwrap_err();
        assert_eq!($metrics.timed(), before + 2, "a panic");
    }};
}

fn ignore<T>(_: T) {}

fn parse(text: &str) -> Fallible<u32> {
    assert_ne!(text, "panic");
    text.parse()
}

#[derive(Default)]
struct Log {
    records: Vec<u32>,
    metrics: LogMetrics,
}

impl Log {
    #[metrics(time = time)]
    fn tail(&self, text: &str) -> Fallible<u32> {
        parse(text)
    }

    #[metrics(errors, ok = ok, calls = calls, in_flight = in_flight, time = time)]
    fn all(&self, text: &str) -> Fallible<u32> {
        assert_eq!(self.metrics.in_flight.get(), 1);
        Ok(parse(text)? + 1)
    }

    #[metrics(errors, time = time)]
    fn exclusive(&mut self, text: &str) -> Fallible<()> {
        self.records.push(parse(text)?);
        Ok(())
    }

    #[metrics(errors, in_flight = in_flight, time = time)]
    fn exclusive_in_flight(&mut self, text: &str) -> Fallible<()> {
        let this = self;
        this.records.push(parse(text)?);
        Ok(())
    }

    #[metrics(time = time)]
    fn without_a_result(&mut self, text: &str) {
        if let Ok(record) = parse(text) {
            self.records.push(record);
        }
    }

    #[metrics(time = time, in_flight = in_flight)]
    fn early_without_a_result(&mut self, text: &str) -> usize {
        let Ok(record) = parse(text) else { return 0 };
        self.records.push(record);
        self.records.len()
    }

    #[metrics(time = time)]
    fn returns_at_the_end(&self, text: &str) -> bool {
        let is_ok = parse(text).is_ok();
        #[allow(clippy::needless_return)] // the test needs this `return`
        return is_ok;
    }

    #[metrics(time = time)]
    fn named(&self, text: &str) -> String {
        parse(text).map_or_else(|error| error.to_string(), |number| number.to_string())
    }

    #[metrics(time = time)]
    fn borrowed<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        parse(text).ok().map(|_| text)
    }

    #[metrics(time = time)]
    fn iterator(&self, text: &str) -> impl Iterator<Item = &u32> + use<'_> {
        let skip = usize::from(parse(text).is_ok());
        self.records.iter().skip(skip)
    }

    #[metrics(time = time)]
    fn closure(&self, text: &str) -> impl Fn(&str) -> bool + use<> {
        let is_ok = parse(text).is_ok();
        move |text| is_ok && text.is_empty()
    }

    #[metrics(time = time)]
    fn exclusive_iterator(&mut self, text: &str) -> Box<dyn Iterator<Item = u32>> {
        self.records.extend(parse(text));
        Box::new(self.records.clone().into_iter())
    }

    #[metrics(time = time)]
    #[track_caller]
    fn located(&self, text: &str) -> &'static Location<'static> {
        assert_ne!(text, "panic");
        Location::caller()
    }

    #[metrics(time = self.metrics.time)]
    fn pinned(self: Pin<&mut Self>, text: &str) -> Poll<u32> {
        let this = self.get_mut();
        this.records.extend(parse(text));
        Poll::Pending
    }

    #[metrics(at = self.metrics, time = time)]
    unsafe fn at(&mut self, text: &str) -> Option<Fallible<u32>> {
        Some(parse(text))
    }

    #[metrics(errors, time = time)]
    async fn later(&self, text: &str) -> Fallible<u32> {
        std::future::ready(()).await;
        parse(text)
    }

    #[metrics(time = time)]
    async fn later_without_a_result(&mut self, text: &str) {
        std::future::ready(()).await;
        self.records.extend(parse(text));
    }

    #[metrics(time = time)]
    fn job(&self, text: &str) -> Job<'_> {
        let text = text.to_owned();
        Box::pin(async move { drop(parse(&text)) })
    }

    #[metrics(time = time)]
    fn job_of_another(&self, text: &str) -> Job<'_> {
        if text.is_empty() {
            return Box::pin(std::future::ready(()));
        }
        bare_job(text)
    }
}

/// An alias whose name does not mention a future.
type Job<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

fn bare_job(text: &str) -> Job<'static> {
    let text = text.to_owned();
    Box::pin(async move { drop(parse(&text)) })
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns the output of a future that is ready at once.
fn now<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

#[test]
fn each_call_of_a_method_that_returns_is_recorded_once() {
    let mut log = Log::default();
    check!(log.metrics, |text| log.tail(text));
    check!(log.metrics, |text| log.all(text));
    check!(log.metrics, |text| log.exclusive(text));
    check!(log.metrics, |text| log.exclusive_in_flight(text));
    check!(log.metrics, |text| Pin::new(&mut log).pinned(text));
    // SAFETY: the call has no preconditions.
    check!(log.metrics, |text| unsafe { log.at(text) });
    assert_eq!((log.metrics.errors.get(), log.metrics.ok.get()), (3, 1));
    assert_eq!((log.metrics.calls.get(), log.metrics.in_flight.get()), (3, 0));
}

#[test]
fn each_call_without_a_result_that_returns_is_recorded_once() {
    let mut log = Log::default();
    check!(log.metrics, |text| log.without_a_result(text));
    check!(log.metrics, |text| log.early_without_a_result(text));
    check!(log.metrics, |text| log.returns_at_the_end(text));
    check!(log.metrics, |text| log.named(text));
    check!(log.metrics, |text| log.borrowed(text));
    check!(log.metrics, |text| log.iterator(text));
    check!(log.metrics, |text| log.closure(text));
    check!(log.metrics, |text| log.exclusive_iterator(text));
    check!(log.metrics, |text| log.located(text));
    assert_eq!(log.located("1").line(), line!(), "`#[track_caller]` keeps its meaning");
}

#[test]
fn each_future_that_finishes_is_recorded_once() {
    let mut log = Log::default();
    check!(log.metrics, |text| now(log.later(text)));
    check!(log.metrics, |text| now(log.later_without_a_result(text)));
    check!(log.metrics, |text| now(log.job(text)));
    check!(log.metrics, |text| now(log.job_of_another(text)));
    let before = log.metrics.timed();
    drop((log.later("1"), log.job("1"), log.job_of_another("1")));
    assert_eq!(log.metrics.timed(), before, "never polled");
}

/// A backend whose metrics are in an `Arc`, or absent.
#[derive(Clone, Default)]
struct Shared {
    records: Vec<u32>,
    metrics: Option<Arc<LogMetrics>>,
}

impl Shared {
    #[metrics(time = time)]
    fn consumed(mut self, text: &str) -> Fallible<Self> {
        self.records.push(parse(text)?);
        Ok(self)
    }

    #[metrics(time = time)]
    fn boxed(self: Box<Self>, text: &str) -> Box<Self> {
        drop(parse(text));
        self
    }

    #[metrics(errors, time = time)]
    fn counted(self: Arc<Self>, text: &str) -> Fallible<Arc<Self>> {
        parse(text)?;
        Ok(self)
    }

    #[metrics(time = time)]
    fn borrowed(&mut self, text: &str) -> &mut Vec<u32> {
        self.records.extend(parse(text));
        &mut self.records
    }

    #[metrics(time = time)]
    fn iterator(&mut self, text: &str) -> impl Iterator<Item = &mut u32> + use<'_> {
        self.records.extend(parse(text));
        self.records.iter_mut()
    }
}

#[test]
fn a_call_that_consumes_self_is_recorded_in_shared_metrics() {
    let metrics = Arc::new(LogMetrics::default());
    let mut log = Shared { metrics: Some(Arc::clone(&metrics)), ..Shared::default() };
    check!(metrics, |text| log.clone().consumed(text));
    check!(metrics, |text| Box::new(log.clone()).boxed(text));
    check!(metrics, |text| Arc::new(log.clone()).counted(text));
    check!(metrics, |text| log.borrowed(text).len());
    check!(metrics, |text| log.iterator(text).count());
}

#[test]
fn a_call_without_metrics_works_and_records_nothing() {
    let mut log = Shared::default();
    assert_eq!(log.borrowed("1").len(), 1);
    assert_eq!(log.iterator("2").count(), 2);
    assert!(log.clone().consumed("3").is_ok() && Arc::new(log).counted("x").is_err());
}

trait Store {
    fn metrics(&self) -> &LogMetrics;

    #[metrics(time = self.metrics().time)]
    fn get(&self, text: &str) -> Fallible<u32> {
        parse(text)
    }

    #[metrics(time = self.metrics().time)]
    async fn get_later(&self, text: &str) -> Fallible<u32> {
        let number = std::future::ready(parse(text)).await?;
        Ok(number)
    }
}

impl Store for Log {
    fn metrics(&self) -> &LogMetrics {
        &self.metrics
    }
}

static METRICS: std::sync::LazyLock<LogMetrics> = std::sync::LazyLock::new(LogMetrics::default);

#[metrics(at = METRICS, errors, time = time)]
fn in_a_static(text: &str) -> Fallible<u32> {
    Ok(parse(text)? + 1)
}

#[metrics(time = log.metrics.time)]
fn in_an_exclusive_argument(log: &mut Log, text: &str) -> Fallible<()> {
    log.records.push(parse(text)?);
    Ok(())
}

#[metrics(time = metrics.time)]
fn in_an_argument_by_value(metrics: Arc<LogMetrics>, text: &str) -> Fallible<u32> {
    drop(metrics);
    parse(text)
}

#[test]
fn functions_without_self_and_of_traits_are_recorded() {
    let mut log = Log::default();
    check!(log.metrics, |text| Store::get(&log, text));
    check!(log.metrics, |text| now(log.get_later(text)));
    check!(log.metrics, |text| in_an_exclusive_argument(&mut log, text));
    check!(METRICS, |text| in_a_static(text));
    let metrics = Arc::new(LogMetrics::default());
    check!(metrics, |text| in_an_argument_by_value(Arc::clone(&metrics), text));
}

/// A backend with every type of histogram of durations, and every wrapper in which a histogram may be.
struct Backend {
    metrics: Histograms,
}

#[derive(Default)]
struct Histograms {
    fine: Histogram<FineLatency>,
    sharded: Box<ShardedHistogram>,
    padded: CachePadded<Histogram>,
    shared: Arc<Histogram>,
    present: Option<Histogram>,
    absent: Option<Arc<Histogram>>,
    by_level: [Histogram; 2],
}

impl Backend {
    #[metrics(time = fine)]
    fn fine(&self) {}

    #[metrics(time = sharded)]
    fn sharded(&self) {}

    #[metrics(time = padded)]
    fn padded(&self) {}

    #[metrics(time = shared)]
    fn shared(&self) -> &Self {
        self
    }

    #[metrics(time = present)]
    fn present(&self) {}

    #[metrics(time = absent)]
    fn absent(&self) {}

    #[metrics(time = by_level[level])]
    fn by_level(&self, level: usize) -> usize {
        level
    }

    #[metrics(time = &self.metrics.shared)]
    async fn expression(&self) {}
}

#[test]
fn any_histogram_of_durations_records_behind_any_pointer() {
    let metrics = Histograms { present: Some(Histogram::new()), ..Histograms::default() };
    let backend = Backend { metrics };
    backend.fine();
    backend.sharded();
    backend.padded();
    backend.shared().absent();
    backend.present();
    backend.by_level(1);
    now(backend.expression());
    let all = &backend.metrics;
    assert_eq!((all.fine.get().count(), all.sharded.get().count()), (1, 1));
    assert_eq!((all.padded.get().count(), all.shared.get().count()), (1, 2));
    assert_eq!(all.present.as_ref().map(|present| present.get().count()), Some(1));
    assert_eq!(all.by_level.each_ref().map(|level| level.get().count()), [0, 1]);
}

/// Spins for the given time.
fn spin(duration: Duration) {
    let started = Instant::now();
    while started.elapsed() < duration {
        std::hint::spin_loop();
    }
}

static SPIN: Histogram = Histogram::new();
static LATER: Histogram = Histogram::new();

#[metrics(time = SPIN)]
fn timed_spin(duration: Duration) {
    spin(duration);
}

#[metrics(time = LATER)]
async fn spin_later(duration: Duration) {
    std::future::ready(()).await;
    spin(duration);
}

#[test]
fn a_recorded_duration_is_between_those_of_the_body_and_of_the_whole_call() {
    let duration = Duration::from_millis(2);
    let started = Instant::now();
    timed_spin(duration);
    let seen = started.elapsed();
    assert!((duration..=seen).contains(&SPIN.get().sum()), "{:?} of {seen:?}", SPIN.get());
}

#[test]
fn a_future_is_timed_from_its_first_poll() {
    let mut future = pin!(spin_later(Duration::from_millis(1)));
    spin(Duration::from_millis(5));
    let started = Instant::now();
    assert!(poll_once(future.as_mut()).is_ready());
    let seen = started.elapsed();
    assert!((Duration::from_millis(1)..=seen).contains(&LATER.get().sum()));
}

/// A backend whose functions have `sample`.
#[derive(Default)]
struct Sampled {
    metrics: Histograms,
}

impl Sampled {
    #[metrics(time = shared, sample = 16)]
    fn sampled(&self) {}

    #[metrics(time = present, sample = 16)]
    fn fallible(&self, text: &str) -> Fallible<u32> {
        Ok(parse(text)? + 1)
    }

    #[metrics(time = fine, sample = 7)]
    async fn later(&self) {
        std::future::ready(()).await;
    }

    #[metrics(time = sharded, sample = 1)]
    fn every(&self) {}
}

#[test]
fn the_weights_of_samples_add_up_to_about_the_number_of_calls() {
    let calls = 160_000;
    let sampled = Sampled::default();
    for _ in 0..calls {
        sampled.sampled();
    }
    let count = sampled.metrics.shared.get().count();
    assert_eq!(count % 16, 0, "each sample weighs 16");
    assert!(count.abs_diff(calls) <= 4 * 16, "{count} of {calls}");
    for _ in 0..7_000 {
        now(sampled.later());
        sampled.every();
    }
    let count = sampled.metrics.fine.get().count();
    assert!(count % 7 == 0 && count.abs_diff(7_000) <= 700, "{count} of 7,000");
    assert_eq!(sampled.metrics.sharded.get().count(), 7_000);
}

#[test]
fn two_functions_that_are_called_in_turn_are_sampled_equally() {
    let metrics = Histograms { present: Some(Histogram::new()), ..Histograms::default() };
    let sampled = Sampled { metrics };
    for _ in 0..100_000 {
        sampled.sampled();
        drop(sampled.fallible("1"));
    }
    let present = sampled.metrics.present.as_ref().map(|present| present.get().count());
    for count in [Some(sampled.metrics.shared.get().count()), present] {
        let count = count.unwrap();
        assert!(count.abs_diff(100_000) < 1_000, "{count} of 100,000");
    }
}

#[test]
fn threads_that_call_once_are_sampled_too() {
    let sampled = Sampled::default();
    std::thread::scope(|scope| {
        for _ in 0..1_000 {
            scope.spawn(|| sampled.sampled()).join().unwrap();
        }
    });
    let count = sampled.metrics.shared.get().count();
    assert!((500..2_000).contains(&count), "{count} of 1,000");
}

/// A recorder that adds up the weights of all samples in `weight_of_all`, and the weights of every 34th call in `weight`.
#[derive(Default)]
struct Each34th {
    call: AtomicU64,
    weight: AtomicU64,
    weight_of_all: AtomicU64,
}

impl RecordDuration for Each34th {
    fn record_duration(&self, _: Duration, n: u64) {
        self.weight_of_all.fetch_add(n, Ordering::Relaxed);
        if self.call.load(Ordering::Relaxed) % 34 == 0 {
            self.weight.fetch_add(n, Ordering::Relaxed);
        }
    }
}

#[metrics(time = instrument, sample = 16)]
fn numbered(instrument: &Each34th, call: u64) {
    instrument.call.store(call, Ordering::Relaxed);
}

#[test]
fn each_34th_call_has_one_34th_of_the_recorded_weight() {
    let instrument = Each34th::default();
    for call in 0..340_000 {
        numbered(&instrument, call);
    }
    let all = instrument.weight_of_all.load(Ordering::Relaxed);
    let weight = instrument.weight.load(Ordering::Relaxed);
    assert!(all.abs_diff(340_000) <= 64, "{all} of 340,000");
    assert!(weight.abs_diff(10_000) < 300, "{weight} of 10,000");
}
