//! With the attribute, functions and their futures drop arguments at the same points and in the same order as without
//! the attribute.

#![allow(clippy::manual_async_fn, clippy::needless_pass_by_value, clippy::needless_question_mark)] // the tests need such functions

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use papyra_metrics::{Counter, metrics};

use crate::common::{Fallible, LogMetrics};

static ERRORS: Counter = Counter::new();
static CANCELLED: Counter = Counter::new();

type Order = RefCell<Vec<&'static str>>;

/// A value that adds its name to an `Order` when it is dropped.
#[derive(Debug)]
struct Note<'a>(&'static str, &'a Order);

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

fn parse(text: &str) -> Fallible<u32> {
    Ok(text.parse()?)
}

/// Returns a future that is pending at its first poll and ready at the second.
fn pending() -> impl Future<Output = ()> {
    let mut polled = false;
    std::future::poll_fn(move |_| {
        if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Calls a function, polls its future, and drops the future. If `is_finished`, polls until the future is ready, and
/// otherwise once. Records these steps in `order`, to which each dropped `Note` also adds its name.
fn record<F: Future>(order: &Order, is_finished: bool, function: impl FnOnce() -> F) {
    let step = |name| order.borrow_mut().push(name);
    {
        let mut future = pin!(function());
        step("returned");
        let mut is_ready = poll(future.as_mut()).is_ready();
        step("polled");
        if is_finished && !is_ready {
            is_ready = poll(future.as_mut()).is_ready();
            assert!(is_ready);
            step("polled again");
        }
    }
    step("dropped");
}

/// Defines the function twice: in the module `bare` without the attribute, and in the module `measured` with the attribute.
macro_rules! bare_and_measured {
    ($name:ident, [$($keys:tt)*], $($function:tt)*) => {
        mod $name {
            pub(super) mod bare {
                #[allow(unused_imports)]
                use super::super::*;
                $($function)*
            }
            pub(super) mod measured {
                #[allow(unused_imports)]
                use super::super::*;
                #[metrics($($keys)*)]
                $($function)*
            }
        }
    };
}

bare_and_measured! {
    sync, [errors = ERRORS],
    pub(crate) fn call(a: Note, (b, c): (Note, Note), _d: Note, text: &str) -> Fallible<u32> {
        let _local = Note("local", a.1);
        let _ = (&c, &b);
        let parsed = parse(text)?;
        Ok(parsed)
    }
}

bare_and_measured! {
    raw_identifiers, [errors = ERRORS],
    pub(crate) fn call(r#type: Note, (r#use, b): (Note, Note), _d: Note, text: &str) -> Fallible<u32> {
        let _local = Note("local", b.1);
        let _ = format!("{type:?} {use:?}");
        let parsed = parse(text)?;
        Ok(parsed)
    }
}

#[test]
fn a_function_drops_its_arguments_in_the_same_order() {
    for text in ["1", "x"] {
        for functions in [
            [sync::bare::call, sync::measured::call],
            [raw_identifiers::bare::call, raw_identifiers::measured::call],
        ] {
            let orders = functions.map(|function| {
                let order = Order::default();
                let note = |name| Note(name, &order);
                let _ = function(note("a"), (note("b"), note("c")), note("d"), text);
                order.into_inner()
            });
            assert_eq!(orders[0], orders[1]);
        }
    }
}

/// Checks that the functions in `bare` and `measured` drop their values in the same order. Checks this for futures that are
/// polled to the end, and for futures that are dropped after one poll.
macro_rules! assert_same_drops {
    ($($name:ident)*) => {$(
        for (text, is_finished) in [("1", true), ("x", true), ("1", false)] {
            let [bare, measured] = [0, 1].map(|which| {
                let order = Order::default();
                let note = |name| Note(name, &order);
                let (a, b, c, d) = (note("a"), (note("b"), note("c")), (note("d"), note("e")), note("f"));
                if which == 0 {
                    record(&order, is_finished, || $name::bare::call(a, b, c, d, text));
                } else {
                    record(&order, is_finished, || $name::measured::call(a, b, c, d, text));
                }
                order.into_inner()
            });
            assert_eq!(bare, measured, "{}: {text}, {is_finished}", stringify!($name));
        }
    )*};
}

bare_and_measured! {
    asynchronous, [errors = ERRORS],
    pub(crate) async fn call(
        a: Note<'_>,
        (b, _c): (Note<'_>, Note<'_>),
        d: (Note<'_>, Note<'_>),
        _f: Note<'_>,
        text: &str,
    ) -> Fallible<u32> {
        let _local = Note("local", a.1);
        let _ = (&d.1, &b);
        pending().await;
        Ok(parse(text)?)
    }
}

bare_and_measured! {
    waits, [errors = ERRORS],
    pub(crate) fn call<'a>(
        a: Note<'a>,
        (b, _c): (Note<'a>, Note<'a>),
        d: (Note<'a>, Note<'a>),
        _f: Note<'a>,
        text: &'a str,
    ) -> impl Future<Output = Fallible<u32>> + 'a {
        async move {
            let _local = Note("local", d.0.1);
            pending().await;
            let _ = (&b, &a);
            Ok(parse(text)?)
        }
    }
}

bare_and_measured! {
    does_not_wait, [errors = ERRORS],
    pub(crate) fn call<'a>(
        a: Note<'a>,
        (b, _c): (Note<'a>, Note<'a>),
        d: (Note<'a>, Note<'a>),
        _f: Note<'a>,
        text: &'a str,
    ) -> impl Future<Output = Fallible<u32>> + 'a {
        async move {
            let _ = (&d, &a, &b);
            Ok(parse(text)?)
        }
    }
}

bare_and_measured! {
    boxed, [errors = ERRORS],
    pub(crate) fn call<'a>(
        a: Note<'a>,
        (b, _c): (Note<'a>, Note<'a>),
        d: (Note<'a>, Note<'a>),
        _f: Note<'a>,
        text: &'a str,
    ) -> Pin<Box<dyn Future<Output = Fallible<u32>> + 'a>> {
        Box::pin(async move {
            pending().await;
            let _ = (&d.1, &b, &a);
            Ok(parse(text)?)
        })
    }
}

bare_and_measured! {
    cancellable, [cancelled = CANCELLED],
    pub(crate) fn call<'a>(
        a: Note<'a>,
        (b, _c): (Note<'a>, Note<'a>),
        d: (Note<'a>, Note<'a>),
        _f: Note<'a>,
        text: &'a str,
    ) -> impl Future<Output = Fallible<u32>> + 'a {
        async move {
            let _ = (&d.1, &b, &a);
            pending().await;
            parse(text)
        }
    }
}

bare_and_measured! {
    after_statements, [errors = ERRORS],
    pub(crate) fn call<'a>(
        a: Note<'a>,
        (b, _c): (Note<'a>, Note<'a>),
        d: (Note<'a>, Note<'a>),
        _f: Note<'a>,
        text: &'a str,
    ) -> impl Future<Output = Fallible<u32>> + 'a {
        let _local = Note("local", d.0.1);
        async move {
            let _ = (&d.1, &b, &a);
            pending().await;
            Ok(parse(text)?)
        }
    }
}

#[test]
fn a_future_drops_its_captures_and_arguments_at_the_same_time_and_in_the_same_order() {
    assert_same_drops!(asynchronous waits does_not_wait boxed cancellable after_statements);
}

struct Owner<'a> {
    first: Note<'a>,
    second: Note<'a>,
    metrics: Arc<LogMetrics>,
}

/// Borrows its arguments, as a logging macro does.
macro_rules! touch {
    ($($value:expr),*) => {
        $(let _ = &$value;)*
    };
}

/// Defines each method on `Owner` twice: `$bare` without the attribute, and `$measured` with the attribute.
macro_rules! methods {
    ($($bare:ident $measured:ident ($($parameters:tt)*) $body:tt)*) => {
        impl<'a> Owner<'a> {$(
            fn $bare($($parameters)*) -> impl Future<Output = Fallible<u32>> $body

            #[metrics(errors, calls = calls)]
            fn $measured($($parameters)*) -> impl Future<Output = Fallible<u32>> $body
        )*}
    };
}

methods! {
    field field_measured(self, _a: Note<'a>, _b: Note<'a>, _c: Note<'a>, text: &'a str) {
        async move {
            let _ = &self.second;
            pending().await;
            Ok(parse(text)?)
        }
    }
    whole whole_measured(self, a: Note<'a>, b: Note<'a>, _c: Note<'a>, text: &'a str) {
        async move {
            touch!(self);
            pending().await;
            let _ = (&b, &a);
            Ok(parse(text)?)
        }
    }
    exclusive exclusive_measured(&mut self, a: Note<'a>, b: Note<'a>, _c: Note<'a>, text: &'a str) {
        async move {
            touch!(self.first, b);
            pending().await;
            touch!(a);
            Ok(parse(text)?)
        }
    }
}

#[test]
fn a_future_of_a_method_drops_its_captures_and_arguments_at_the_same_time_and_in_the_same_order() {
    macro_rules! assert_same_drops {
        ($($bare:ident $measured:ident ($($receiver:tt)*);)*) => {$(
            for (text, is_finished) in [("1", true), ("x", true), ("1", false)] {
                let [bare, measured] = [0, 1].map(|which| {
                    let order = Order::default();
                    let note = |name| Note(name, &order);
                    #[allow(unused_mut)]
                    let mut owner = Owner {
                        first: note("first"),
                        second: note("second"),
                        metrics: Arc::default(),
                    };
                    let (a, b, c) = (note("a"), note("b"), note("c"));
                    if which == 0 {
                        record(&order, is_finished, || ($($receiver)* owner).$bare(a, b, c, text));
                    } else {
                        record(&order, is_finished, || ($($receiver)* owner).$measured(a, b, c, text));
                    }
                    order.take()
                });
                assert_eq!(bare, measured, "{}: {text}, {is_finished}", stringify!($bare));
            }
        )*};
    }
    assert_same_drops! {
        field field_measured();
        whole whole_measured();
        exclusive exclusive_measured(&mut);
    }
}

#[metrics(errors = ERRORS)]
fn with_a_guard(a: String, b: String, _guard: Rc<()>) -> impl Future<Output = Fallible<u32>> {
    async move {
        pending().await;
        Ok(parse(&a)? + parse(&b)?)
    }
}

#[metrics(errors = ERRORS)]
fn with_a_cell(a: Cell<u32>, text: String) -> impl Future<Output = Fallible<u32>> {
    async move {
        a.set(parse(&text)?);
        pending().await;
        Ok(a.get())
    }
}

#[test]
fn an_argument_that_a_future_does_not_name_may_be_any_type_if_the_future_is_send() {
    fn is_send<F: Send>(future: F) -> F {
        future
    }
    let order = Order::default();
    record(&order, true, || is_send(with_a_guard("1".into(), "2".into(), Rc::new(()))));
    record(&order, true, || is_send(with_a_cell(Cell::new(0), "2".into())));
}
