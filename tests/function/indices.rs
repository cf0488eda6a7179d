//! A member of a family that an argument or a field of `self` selects, such as `requests[request.op]`: the index is read before the
//! body, which may move the value that contains it.

#![allow(clippy::boxed_local, clippy::needless_pass_by_value, clippy::unused_async)] // forms under test

use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use papyra_metrics::{Counter, Family, Gauge, Histogram, Label, Metrics, metrics};

#[derive(Clone, Copy, Debug, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Clone, Copy, Debug, Label)]
enum Kind {
    Empty,
    Other,
}

#[derive(Debug)]
struct Empty;

impl From<&Empty> for Kind {
    fn from(_: &Empty) -> Self {
        Self::Empty
    }
}

type Fallible<T> = Result<T, Empty>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Default, Metrics)]
struct StoreMetrics {
    calls: Family<Op, Counter>,
    ok: Family<Op, Counter>,
    errors: Family<(Op, Kind), Counter>,
    cancelled: Family<Op, Counter>,
    in_flight: Family<Op, Gauge>,
    time: Family<Op, Histogram>,
}

/// A request that is neither `Copy` nor `Clone`.
struct Request {
    op: Op,
    key: String,
}

impl Request {
    fn new(key: &str) -> Self {
        Self { op: Op::Put, key: key.to_owned() }
    }

    fn into_key(self) -> Fallible<String> {
        if self.key.is_empty() { Err(Empty) } else { Ok(self.key) }
    }
}

struct Store {
    op: Op,
    len: usize,
    metrics: Arc<StoreMetrics>,
}

fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

/// Checks that each call counts one success or error of `Op::Put`, nothing of `Op::Get`, and leaves nothing in flight.
macro_rules! each_counts_puts {
    ($metrics:expr, $($call:expr,)*) => {$({
        let before = $metrics.snapshot();
        let (ok, errors) = if $call.is_ok() { (1, 0) } else { (0, 1) };
        let since = $metrics.snapshot().since(&before);
        let call = stringify!($call);
        assert_eq!(since["calls{op=put}"], 1, "{call}");
        assert_eq!(since["ok{op=put}"], ok, "{call}");
        assert_eq!(since["errors{op=put,kind=empty}"], errors, "{call}");
        let time = since["time{op=put}"].as_histogram().unwrap();
        assert_eq!(time.count(), 1, "{call}");
        let others = since.iter().filter(|(series, value)| {
            !series.contains("{op=put") && value.as_u64().is_none_or(|value| value > 0)
        });
        assert_eq!(others.map(|(series, _)| series).collect::<Vec<_>>(), ["time{op=get}"], "{call}");
        assert!(since["time{op=get}"].as_histogram().unwrap().is_empty(), "{call}");
        assert_eq!(since["in_flight{op=put}"], 0, "{call}");
    })*};
}

impl Store {
    fn of(metrics: &Arc<StoreMetrics>) -> Self {
        Self { op: Op::Put, len: 0, metrics: Arc::clone(metrics) }
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op]
    )]
    fn delegates(&self, request: Request) -> Result<String, Empty> {
        request.into_key()
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op]
    )]
    fn borrows(&mut self, request: Request) -> Result<usize, Empty> {
        if request.key.is_empty() {
            return Err(Empty);
        }
        self.len += request.key.len();
        Ok(self.len)
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op]
    )]
    fn lends<'a>(&self, request: &'a mut Request) -> Result<&'a mut String, Empty> {
        request.op = Op::Get;
        if request.key.is_empty() { Err(Empty) } else { Ok(&mut request.key) }
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op], cancelled = cancelled[request.op]
    )]
    async fn lends_later<'a>(&self, request: &'a mut Request) -> Result<&'a mut String, Empty> {
        ready(()).await;
        if request.key.is_empty() { Err(Empty) } else { Ok(&mut request.key) }
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op]
    )]
    fn moves(&self, request: Request) -> Fallible<usize> {
        let key = request.into_key()?;
        Ok(key.len() + self.len)
    }

    #[metrics(
        calls = calls[op], ok = ok[op], errors = errors[op], time = time[op], in_flight = in_flight[op]
    )]
    fn by_pattern(&self, Request { op, key }: Request) -> Fallible<usize> {
        Request { op, key }.into_key().map(|key| key.len())
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op], cancelled = cancelled[request.op]
    )]
    async fn later(&mut self, request: Request) -> Result<usize, Empty> {
        ready(()).await;
        self.len += request.into_key()?.len();
        Ok(self.len)
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op], cancelled = cancelled[request.op]
    )]
    fn future(&self, request: Request) -> impl Future<Output = Result<String, Empty>> + use<> {
        async move { request.into_key() }
    }

    #[metrics(
        calls = calls[request.op], ok = ok[request.op], errors = errors[request.op],
        time = time[request.op], in_flight = in_flight[request.op], cancelled = cancelled[request.op]
    )]
    fn alias(&self, request: Request) -> BoxFuture<'_, Fallible<String>> {
        if request.key.len() > 2 {
            return Box::pin(ready(Ok(request.key)));
        }
        Box::pin(async move { request.into_key() })
    }

    #[metrics(
        calls = calls[self.op], ok = ok[self.op], errors = errors[self.op], time = time[self.op],
        in_flight = in_flight[self.op]
    )]
    fn consumed(self, request: Request) -> Result<String, Empty> {
        drop(self);
        request.into_key()
    }

    #[metrics(
        calls = calls[self.op], ok = ok[self.op], errors = errors[self.op], time = time[self.op],
        in_flight = in_flight[self.op], cancelled = cancelled[self.op]
    )]
    async fn counted(self: Arc<Self>, request: Request) -> Result<String, Empty> {
        ready(()).await;
        drop(self);
        request.into_key()
    }

    #[metrics(
        calls = calls[self.op], ok = ok[self.op], errors = errors[self.op], time = time[self.op],
        in_flight = in_flight[self.op]
    )]
    fn exclusive(&mut self, request: Request) -> Result<usize, Empty> {
        self.op = Op::Put;
        self.len += request.into_key()?.len();
        Ok(self.len)
    }

    #[metrics(
        calls = calls[self.op], ok = ok[self.op], errors = errors[self.op], time = time[self.op],
        in_flight = in_flight[self.op]
    )]
    fn pinned(self: Pin<&mut Self>, request: Request) -> Result<usize, Empty> {
        let this = self.get_mut();
        this.len += request.into_key()?.len();
        Ok(this.len)
    }

    #[metrics(in_flight = self.metrics.in_flight[op], errors = errors[op])]
    fn alias_with_an_expression(&self, op: Op) -> BoxFuture<'_, Fallible<()>> {
        Box::pin(async { Err(Empty) })
    }

    #[metrics(in_flight = self.metrics.in_flight[self.op])]
    async fn counted_with_an_expression(mut self: Arc<Self>) {
        if let Some(store) = Arc::get_mut(&mut self) {
            store.op = Op::Get;
        }
    }

    #[metrics(in_flight = in_flight[op], errors = errors[op], cancelled = cancelled[op])]
    fn alias_of_a_copy(&self, op: Op, pending: bool) -> BoxFuture<'_, Fallible<()>> {
        if pending {
            return Box::pin(std::future::pending());
        }
        Box::pin(async { Err(Empty) })
    }
}

#[test]
fn an_index_of_an_argument_is_read_before_the_body_moves_the_argument() {
    let metrics = Arc::new(StoreMetrics::default());
    let mut store = Store::of(&metrics);
    for key in ["a", "", "long"] {
        let request = || Request::new(key);
        each_counts_puts!(
            metrics,
            store.delegates(request()),
            store.borrows(request()),
            store.lends(&mut request()),
            run(store.lends_later(&mut request())),
            store.moves(request()),
            store.by_pattern(request()),
            run(store.later(request())),
            run(store.future(request())),
            run(store.alias(request())),
        );
    }
}

#[test]
fn an_index_of_self_is_read_before_the_body_moves_self() {
    let metrics = Arc::new(StoreMetrics::default());
    for key in ["a", ""] {
        let request = || Request::new(key);
        let mut store = Store::of(&metrics);
        each_counts_puts!(
            metrics,
            store.exclusive(request()),
            Pin::new(&mut store).pinned(request()),
            store.consumed(request()),
            run(Arc::new(Store::of(&metrics)).counted(request())),
        );
    }
}

#[test]
fn a_future_behind_an_alias_keeps_the_index_for_its_guards() {
    let metrics = Arc::new(StoreMetrics::default());
    let store = Store::of(&metrics);
    assert!(run(store.alias_with_an_expression(Op::Put)).is_err());
    assert_eq!(metrics.in_flight[Op::Put].get(), 0);
    run(Arc::new(Store::of(&metrics)).counted_with_an_expression());
    assert_eq!(metrics.in_flight[Op::Put].get(), 0);
    metrics.reset();
    assert!(run(store.alias_of_a_copy(Op::Put, false)).is_err());
    let mut future = store.alias_of_a_copy(Op::Get, true);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(metrics.in_flight[Op::Get].get(), 1);
    drop(future);
    let snapshot = metrics.snapshot();
    let counted = snapshot.iter().filter(|(_, value)| value.as_u64() == Some(1));
    let series: Vec<_> = counted.map(|(series, _)| series).collect();
    assert_eq!(series, ["errors{op=put,kind=empty}", "cancelled{op=get}"]);
}

/// A store whose methods change the value that selects the gauge.
struct Switching {
    op: std::cell::Cell<Op>,
    next: Op,
    metrics: StoreMetrics,
}

impl Switching {
    #[metrics(in_flight = in_flight[self.op.get()])]
    fn through_a_cell(&self) -> usize {
        self.op.set(Op::Get);
        1
    }

    #[metrics(in_flight = in_flight[*op])]
    fn by_reference(&self, op: &mut Op) {
        *op = Op::Get;
    }

    #[metrics(in_flight = in_flight[request.op])]
    fn in_a_request(&self, request: &mut Request) {
        request.op = Op::Get;
    }

    #[metrics(in_flight = in_flight[self.op.get()])]
    fn exclusive(&mut self) {
        self.op = Op::Get.into();
    }

    #[metrics(in_flight = in_flight[self.op.get()])]
    async fn later(&self) {
        self.op.set(Op::Get);
    }

    #[metrics(in_flight = self.metrics.in_flight[self.op.get()])]
    fn expression(&self) {
        self.op.set(Op::Get);
    }

    #[metrics(in_flight = self.metrics.in_flight[self.next])]
    fn exclusive_expression(&mut self) {
        self.next = Op::Get;
    }

    #[metrics(in_flight = self.metrics.in_flight[request.op])]
    fn expression_of_a_request(&self, request: &mut Request) {
        request.op = Op::Get;
    }
}

// Expressions whose index is a variable or a field, in forms that access the gauge in other ways.
impl Switching {
    #[metrics(in_flight = self.metrics.in_flight[self.next])]
    async fn later_exclusive(&mut self) {
        self.next = Op::Get;
    }

    #[metrics(in_flight = self.metrics.in_flight[*op])]
    async fn later_by_reference(&self, op: &mut Op) {
        *op = Op::Get;
    }
}

#[metrics(at = store.metrics, in_flight = in_flight[store.op.get()])]
fn of_an_argument(store: &mut Switching) {
    store.op = Op::Get.into();
}

#[test]
fn a_call_leaves_the_gauge_that_it_entered_even_if_the_body_changes_the_index() {
    let mut store =
        Switching { op: Op::Put.into(), next: Op::Put, metrics: StoreMetrics::default() };
    let mut in_flight = Vec::new();
    let mut record = |name, store: &Switching| {
        let gauges = &store.metrics.in_flight;
        in_flight.push((name, gauges[Op::Get].get(), gauges[Op::Put].get()));
        gauges[Op::Get].set(0);
        gauges[Op::Put].set(0);
        store.op.set(Op::Put);
    };
    store.through_a_cell();
    record("through_a_cell", &store);
    store.by_reference(&mut Op::Put);
    record("by_reference", &store);
    store.in_a_request(&mut Request::new("a"));
    record("in_a_request", &store);
    store.exclusive();
    record("exclusive", &store);
    run(store.later());
    record("later", &store);
    store.expression();
    record("expression", &store);
    store.exclusive_expression();
    record("exclusive_expression", &store);
    store.expression_of_a_request(&mut Request::new("a"));
    record("expression_of_a_request", &store);
    run(store.later_exclusive());
    record("later_exclusive", &store);
    run(store.later_by_reference(&mut Op::Put));
    record("later_by_reference", &store);
    of_an_argument(&mut store);
    record("of_an_argument", &store);
    in_flight.retain(|&(_, get, put)| (get, put) != (0, 0));
    assert_eq!(in_flight, []);
}
