//! The value of a key is a path in `self.metrics`, a path in the metrics that `at` names, an argument, or any other
//! expression.

#![allow(clippy::unused_async, clippy::needless_pass_by_value, clippy::unnecessary_wraps)] // the tests need such functions
#![allow(clippy::unused_self)]

use std::future::Future;
use std::ops::Index;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use papyra_metrics::{Counter, Gauge, Metrics, metrics};

#[derive(Debug, Default, Metrics)]
struct Compaction {
    #[metrics(errors)]
    errors: Counter,
    runs: Counter,
    open: Gauge,
}

impl Compaction {
    const fn new() -> Self {
        Self { errors: Counter::new(), runs: Counter::new(), open: Gauge::new() }
    }

    /// Returns the values of `errors`, `runs` and `open`.
    fn read(&self) -> (u64, u64, i64) {
        (self.errors.get(), self.runs.get(), self.open.get())
    }
}

#[derive(Clone, Copy)]
enum Op {
    Get,
    Put,
}

/// Counters that are indexed by a label.
#[derive(Debug, Default)]
struct ByOp([Counter; 2]);

impl Index<Op> for ByOp {
    type Output = Counter;

    fn index(&self, op: Op) -> &Counter {
        &self.0[op as usize]
    }
}

#[derive(Debug, Default)]
struct StoreMetrics {
    compaction: Compaction,
    requests: ByOp,
}

#[derive(Debug, Default)]
struct Inner {
    stats: Compaction,
}

static GLOBAL: Compaction = Compaction::new();

type Checked = Result<u32, &'static str>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

fn check(level: u32) -> Checked {
    if level < 10 { Ok(level) } else { Err("full") }
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

#[derive(Debug, Default)]
struct Store {
    level: u32,
    metrics: StoreMetrics,
    stats: Compaction,
    inner: Arc<Inner>,
    maybe: Option<Compaction>,
    shared: Option<Arc<Compaction>>,
}

impl Store {
    fn touch(&mut self) {
        self.level += 1;
    }

    fn counts(&self) -> &Compaction {
        &self.stats
    }

    #[metrics(errors = compaction.errors, ok = compaction.runs, in_flight = compaction.open)]
    fn nested(&mut self, level: u32) -> Checked {
        let level = check(level)?;
        self.touch();
        Ok(level)
    }

    #[metrics(errors = compaction.errors, ok = requests[Op::Get], calls = requests[op])]
    async fn indexed(&self, level: u32, op: Op) -> Checked {
        let level = check(level)?;
        std::future::ready(()).await;
        Ok(level + op as u32)
    }

    #[metrics(errors = compaction.errors, calls = compaction.runs)]
    fn argument(&self, level: u32, compaction: &Compaction) -> Checked {
        assert_eq!(compaction.open.get(), 0);
        check(level)
    }

    #[metrics(errors = GLOBAL.errors, ok = self::GLOBAL.runs)]
    fn global(&self, level: u32) -> Checked {
        check(level)
    }

    #[metrics(at = self.stats, errors, ok = runs, in_flight = open)]
    fn field(&mut self, level: u32) -> Checked {
        let level = check(level)?;
        self.touch();
        Ok(level)
    }

    #[metrics(at = self.inner.stats, errors, ok = runs, in_flight = open)]
    fn behind_arc(&self, level: u32) -> Checked {
        let level = check(level)?;
        Ok(level)
    }

    #[metrics(at = self.inner.stats, errors, ok = runs, in_flight = open)]
    async fn behind_arc_consumed(self, level: u32) -> Checked {
        let level = check(level)?;
        std::future::ready(()).await;
        drop(self);
        Ok(level)
    }

    #[metrics(at = self.inner.stats, errors, ok = runs, in_flight = open)]
    fn behind_arc_later(&self, level: u32) -> BoxFuture<'static, Checked> {
        if level == 20 {
            return Box::pin(async { Err("twenty") });
        }
        Box::pin(async move { check(level) })
    }

    #[metrics(at = self.maybe, errors, ok = runs, in_flight = open)]
    fn maybe(&mut self, level: u32) -> Checked {
        let level = check(level)?;
        self.touch();
        Ok(level)
    }

    #[metrics(at = self.shared, errors, ok = runs, in_flight = open)]
    async fn maybe_shared(self, level: u32) -> Checked {
        let level = check(level)?;
        std::future::ready(()).await;
        drop(self);
        Ok(level)
    }

    #[metrics(at = self.shared, errors, ok = runs, in_flight = open)]
    fn maybe_shared_later(&mut self, level: u32) -> impl Future<Output = Checked> + Send + use<> {
        self.touch();
        async move { check(level) }
    }

    #[metrics(at = self.counts(), errors, ok = runs)]
    fn call(&self, level: u32) -> Checked {
        let level = check(level)?;
        Ok(level)
    }

    #[metrics(at = GLOBAL, errors, ok = runs)]
    fn global_root(self, level: u32) -> Checked {
        let level = check(level)?;
        drop(self);
        Ok(level)
    }

    #[metrics(at = stats, errors, ok = runs, in_flight = open)]
    fn argument_root(&self, level: u32, stats: &Compaction) -> Checked {
        let level = check(level)?;
        assert_eq!(stats.open.get(), 1);
        Ok(level)
    }
}

#[metrics(at = GLOBAL, errors, ok = runs, in_flight = open)]
fn without_self(level: u32) -> Checked {
    let level = check(level)?;
    Ok(level)
}

#[metrics(at = store.stats, errors, ok = runs, in_flight = open)]
async fn argument_without_self(level: u32, store: &mut Store) -> Checked {
    let level = check(level)?;
    std::future::ready(()).await;
    store.touch();
    Ok(level)
}

#[metrics(at = stats, errors, ok = runs, in_flight = open)]
async fn shared_argument(level: u32, stats: Arc<Compaction>) -> Checked {
    let level = check(level)?;
    std::future::ready(()).await;
    drop(stats);
    Ok(level)
}

/// Calls the function twice: with level 1, which succeeds, and with level 10, which fails. Checks the counts.
macro_rules! counts {
    ($metrics:expr, $run:expr) => {{
        let (errors, runs, _) = $metrics.read();
        assert_eq!(($run)(1), Ok(1));
        assert_eq!($metrics.read(), (errors, runs + 1, 0));
        assert!(($run)(10).is_err());
        assert_eq!($metrics.read(), (errors + 1, runs + 1, 0));
    }};
}

#[test]
fn a_path_that_begins_with_a_bare_name_is_looked_up_in_the_metrics_of_self() {
    let mut store = Store::default();
    assert!(store.nested(1).is_ok() && store.nested(10).is_err());
    assert_eq!(store.metrics.compaction.read(), (1, 1, 0));
    assert!(run(store.indexed(1, Op::Put)).is_ok() && run(store.indexed(10, Op::Put)).is_err());
    assert_eq!(
        (store.metrics.requests[Op::Get].get(), store.metrics.requests[Op::Put].get()),
        (1, 2)
    );
    assert_eq!(store.metrics.compaction.errors.get(), 2);
}

#[test]
fn the_name_of_an_argument_refers_to_that_argument() {
    let (store, other) = (Store::default(), Compaction::new());
    assert!(store.argument(1, &other).is_ok() && store.argument(10, &other).is_err());
    assert_eq!((other.read(), store.metrics.compaction.read()), ((1, 2, 0), (0, 0, 0)));
}

#[test]
fn at_names_the_metrics_in_which_every_path_is_looked_up() {
    let shared = Arc::<Compaction>::default();
    let mut store = Store {
        maybe: Some(Compaction::new()),
        shared: Some(Arc::clone(&shared)),
        ..Store::default()
    };
    let inner = Arc::clone(&store.inner);
    let consumed =
        || Store { inner: Arc::clone(&inner), shared: Some(shared.clone()), ..Store::default() };
    counts!(store.stats, |level| store.field(level));
    counts!(inner.stats, |level| store.behind_arc(level));
    counts!(inner.stats, |level| run(consumed().behind_arc_consumed(level)));
    counts!(inner.stats, |level| run(store.behind_arc_later(level)));
    assert_eq!(run(store.behind_arc_later(20)), Err("twenty"));
    counts!(store.maybe.as_ref().unwrap(), |level| store.maybe(level));
    counts!(shared, |level| run(consumed().maybe_shared(level)));
    counts!(shared, |level| run(store.maybe_shared_later(level)));
    counts!(store.stats, |level| store.call(level));
    let other = Compaction::new();
    counts!(other, |level| store.argument_root(level, &other));
    counts!(store.stats, |level| run(argument_without_self(level, &mut store)));
    counts!(shared, |level| run(shared_argument(level, Arc::clone(&shared))));
    let mut none = Store::default();
    assert_eq!((none.maybe(1), run(none.maybe_shared(1))), (Ok(1), Ok(1)));
}

#[test]
fn an_upper_case_name_refers_to_a_static() {
    let store = Store::default();
    counts!(GLOBAL, |level| store.global(level));
    counts!(GLOBAL, |level| Store::default().global_root(level));
    counts!(GLOBAL, without_self);
}

/// An instrument for each type, and one that may be missing.
#[derive(Debug, Default)]
struct Typed {
    runs: Counter,
    rare: Option<Counter>,
}

impl Typed {
    fn of<T>(&self) -> &Counter {
        assert!(size_of::<T>() > 0);
        &self.runs
    }

    #[metrics(calls = self.of::<&'a str>())]
    fn lifetime<'a>(&self, text: &'a str) -> &'a str {
        text
    }

    #[metrics(calls = if let None = self.rare { &self.runs } else { &GLOBAL.runs })]
    #[allow(clippy::redundant_pattern_matching)] // the pattern has to be a single name
    fn pattern(&self) {}

    #[metrics(calls = if let mut _unused = 0 { &self.runs } else { &GLOBAL.runs })]
    #[allow(irrefutable_let_patterns)]
    fn mutable_pattern(&self) {}
}

#[test]
fn expression_with_a_lifetime_or_a_pattern() {
    let typed = Typed::default();
    assert_eq!(typed.lifetime("a"), "a");
    typed.pattern();
    typed.mutable_pattern();
    assert_eq!(typed.runs.get(), 3);
}
