//! Every form of function that is not `async`. Each error of a function is counted once and returned unchanged.

#![allow(clippy::unnecessary_wraps, clippy::needless_pass_by_value, clippy::needless_lifetimes)] // the tests need such functions
#![allow(clippy::unused_self, clippy::needless_pass_by_ref_mut)]

use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::Poll;

use papyra_metrics::{Counter, Gauge, Metrics, metrics};

use crate::common::{Failed, Fallible, LogMetrics};

fn parse(text: &str) -> Fallible<u32> {
    Ok(text.parse()?)
}

/// Evaluates the call `$good`, which succeeds, and the call `$bad`, which fails. Checks the counts in `$log.metrics`.
macro_rules! counts {
    ($log:expr, $good:expr, $bad:expr) => {{
        let before = $log.metrics.read();
        assert!($good.is_ok());
        let between = $log.metrics.read();
        assert_eq!(between.0, before.0, "a success is not an error");
        assert!($bad.is_err());
        assert_eq!($log.metrics.read().0, before.0 + 1, "an error counts once");
        assert_eq!($log.metrics.read().3, 0, "nothing is left in flight");
    }};
}

mod owned {
    //! Backends that contain their metrics directly, without an `Arc`.

    use super::*;

    static METRICS: LogMetrics = LogMetrics {
        write_errors: Counter::new(),
        written: Counter::new(),
        calls: Counter::new(),
        in_flight: Gauge::new(),
    };

    /// Returns the static metrics. The argument only makes it possible to write an expression that names `self`.
    fn of<T>(_: &T) -> &'static LogMetrics {
        &METRICS
    }

    /// A trait whose lifetime does not occur in the return type of its method.
    trait Records<'a> {
        type Iter;
        fn records(&'a mut self) -> Self::Iter;
    }

    impl<'a> Records<'a> for Log {
        type Iter = std::slice::IterMut<'a, String>;

        #[metrics(calls = of(self).calls, in_flight = of(self).in_flight)]
        fn records(&'a mut self) -> Self::Iter {
            assert_eq!(METRICS.in_flight.get(), 1);
            let this = self;
            this.records.iter_mut()
        }
    }

    #[derive(Default)]
    struct Log {
        records: Vec<String>,
        name: String,
        metrics: LogMetrics,
    }

    impl Log {
        fn len(&mut self) -> usize {
            self.records.len()
        }

        #[metrics(errors)]
        fn tail(&self, text: &str) -> Fallible<u32> {
            parse(text)
        }

        #[metrics(errors)]
        fn question_mark(&self, text: &str) -> Fallible<u32> {
            let parsed = text.parse::<u32>()?;
            Ok(parsed)
        }

        #[metrics(errors = write_errors, ok = written, calls = calls, in_flight = in_flight)]
        fn all_four(&self, text: &str) -> Fallible<u32> {
            assert_eq!(self.metrics.in_flight.get(), 1);
            let parsed = parse(text)?;
            Ok(parsed)
        }

        #[metrics(errors, ok = written)]
        fn mutable(&mut self, text: &str) -> Fallible {
            parse(text)?;
            self.records.push(text.to_owned());
            self.len();
            Ok(())
        }

        #[metrics(errors, calls = calls, in_flight = in_flight, ok = written)]
        fn mutable_in_flight(&mut self, text: &str) -> Fallible {
            let in_flight = self.metrics.in_flight.get();
            assert_eq!(in_flight, 1);
            let this = self;
            this.records.push(text.to_owned());
            this.len();
            parse(text)?;
            Ok(())
        }

        #[metrics(in_flight = in_flight, calls = calls)]
        fn without_outcome(&mut self) -> usize {
            let in_flight = self.metrics.in_flight.get();
            assert_eq!(in_flight, 1);
            if self.len() > 1000 {
                return 0;
            }
            self.len()
        }

        #[metrics(errors)]
        fn whole_self(&mut self, text: &str) -> Fallible {
            fn push(log: &mut Log, text: &str) -> Fallible {
                log.records.push(text.to_owned());
                parse(text).map(drop)
            }
            push(self, text)?;
            let this = self;
            push(this, text)?;
            Ok(())
        }

        #[metrics(errors)]
        fn moving_closure(&mut self, text: &str) -> Fallible {
            let mut push = move |text: &str| {
                self.records.push(text.to_owned());
                parse(text)
            };
            push(text)?;
            Ok(())
        }

        #[metrics(errors)]
        fn loops(&mut self, text: &str) -> Fallible<u32> {
            let mut last = 0;
            'words: for word in text.split(' ') {
                for _ in 0..2 {
                    if word.is_empty() {
                        continue 'words;
                    }
                    if word == "stop" {
                        return Err(Failed);
                    }
                    last = word.parse()?;
                }
            }
            let label = 'block: {
                if last > 5 {
                    break 'block last;
                }
                last + 1
            };
            Ok(label)
        }

        #[metrics(errors)]
        fn nested(&self, text: &str) -> Fallible<u32> {
            let inner = || -> Fallible<u32> {
                let parsed: u32 = text.parse()?;
                Ok(parsed)
            };
            inner().or(Ok::<_, Failed>(0))?;
            inner()
        }

        #[metrics(errors)]
        fn diverges(&self) -> Fallible<std::convert::Infallible> {
            loop {
                parse("x")?;
            }
        }

        #[metrics(errors)]
        fn borrowed(&self, text: &str) -> Result<&str, Failed> {
            parse(text)?;
            Ok(&self.name)
        }

        #[metrics(errors)]
        fn named_lifetime<'a>(&'a self, other: &'a str) -> Result<&'a str, Failed> {
            parse(other)?;
            Ok(if self.name.is_empty() { other } else { &self.name })
        }

        #[metrics(errors)]
        fn borrowed_from_fields(&mut self, text: &str) -> Result<&mut String, Failed> {
            parse(text)?;
            Ok(&mut self.name)
        }

        #[metrics(errors)]
        fn iterator(&self, text: &str) -> Result<impl Iterator<Item = &String> + use<'_>, Failed> {
            parse(text)?;
            Ok(self.records.iter())
        }

        #[metrics(errors = METRICS.write_errors, in_flight = of(self).in_flight)]
        fn hidden_in_a_parameter<'a, T, F>(&'a mut self, text: &str, found: F) -> Fallible<T>
        where
            T: 'a,
            F: FnOnce(&'a Self) -> T,
        {
            if text.is_empty() {
                return Ok(found(self));
            }
            self.records.clear();
            parse(text)?;
            Ok(found(self))
        }

        #[metrics(errors)]
        fn generic<T: AsRef<str>, const N: usize>(
            &mut self,
            texts: [T; N],
        ) -> Result<[u32; N], Failed>
        where
            [T; N]: Sized,
        {
            let mut all = [0; N];
            for (parsed, text) in all.iter_mut().zip(texts) {
                *parsed = parse(text.as_ref())?;
            }
            Ok(all)
        }

        #[metrics(errors)]
        fn opaque_argument(&self, text: impl AsRef<str>, _: u8) -> Fallible<u32> {
            let text = text;
            let parsed = parse(text.as_ref())?;
            Ok(parsed)
        }

        #[metrics(errors)]
        fn patterns(&self, (a, mut b): (&str, String), [c, ..]: [u8; 2]) -> Fallible<u32> {
            b.push(char::from(c));
            parse(a)?;
            parse(&b)
        }

        #[metrics(errors = write_errors, ok = written, in_flight = in_flight)]
        #[allow(clippy::too_many_arguments)]
        fn hostile_names(
            &mut self,
            result: &str,
            this: u8,
            __result: u8,
            __metrics: u8,
            __in_flight: u8,
            r: u8,
            metrics: u8,
        ) -> Fallible<u32> {
            let parsed = parse(result)?;
            assert_eq!(this + __result + __metrics + __in_flight + r + metrics, 21);
            self.len();
            Ok(parsed)
        }

        #[metrics(errors)]
        unsafe fn unsafe_function(&self, text: *const str) -> Fallible<u32> {
            // SAFETY: the caller guarantees that the pointer is valid for reads.
            let parsed = parse(unsafe { &*text })?;
            Ok(parsed)
        }

        #[metrics(errors)]
        fn recursive(&mut self, depth: u32) -> Fallible {
            if depth == 0 {
                return Err(Failed);
            }
            self.recursive(depth - 1).or(Ok(()))
        }

        #[metrics(errors)]
        #[inline]
        #[must_use = "it may have failed"]
        #[cfg(test)]
        fn attributes(&self, #[cfg(test)] text: &str, #[cfg(not(test))] gone: u8) -> Fallible<u32> {
            let parsed = parse(text)?;
            Ok(parsed)
        }

        #[metrics(errors)]
        fn optional(&self, text: Option<&str>) -> Option<Result<u32, Failed>> {
            let text = text?;
            Some(parse(text))
        }

        #[metrics(errors)]
        fn poll(&mut self, text: &str) -> Poll<Result<u32, Failed>> {
            if text.is_empty() {
                return Poll::Pending;
            }
            Poll::Ready(parse(text))
        }

        #[metrics(errors, ok = written)]
        fn poll_next(self: Pin<&mut Self>, text: &str) -> Poll<Option<Result<u32, Failed>>> {
            let this = self.get_mut();
            if text == "end" {
                return Poll::Ready(None);
            }
            this.records.push(text.to_owned());
            Poll::Ready(Some(Ok(match parse(text) {
                Ok(parsed) => parsed,
                Err(error) => return Poll::Ready(Some(Err(error))),
            })))
        }

        #[metrics(errors, in_flight = in_flight, calls = calls)]
        fn pinned(mut self: Pin<&mut Self>, text: &str) -> Fallible {
            let in_flight = self.metrics.in_flight.get();
            assert_eq!(in_flight, 1);
            self.as_mut().get_mut().records.push(text.to_owned());
            parse(text)?;
            self.records.push(text.to_owned());
            Ok(())
        }

        #[metrics(errors)]
        fn pinned_shared(self: Pin<&Self>, text: &str) -> Fallible<usize> {
            parse(text)?;
            Ok(self.records.len())
        }

        #[metrics(errors)]
        fn nested_result(&self, text: &str) -> Result<Result<u32, Failed>, Failed> {
            if text == "outer" {
                return Err(Failed);
            }
            Ok(parse(text))
        }

        #[metrics(errors)]
        fn boxed_error(&self, text: &str) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
            if text == "plain" {
                return Err("plain".into());
            }
            Ok(text.parse()?)
        }

        #[metrics(errors)]
        fn coerces(&self, text: &str) -> Result<Box<dyn Display>, Failed> {
            if text == "text" {
                return Ok(Box::new("text"));
            }
            Ok(Box::new(parse(text)?))
        }

        #[metrics(errors)]
        fn aliased(&self, text: &str) -> io::Result<u32> {
            text.parse().map_err(io::Error::other)
        }

        #[metrics(errors)]
        fn with_inner_attribute(&self, text: &str) -> Fallible<u32> {
            #![allow(unused_mut)]
            let mut parsed = parse(text)?;
            Ok(parsed)
        }

        #[metrics(errors)]
        #[metrics(calls = calls, ok = written)]
        fn twice(&mut self, text: &str) -> Fallible {
            parse(text)?;
            self.len();
            Ok(())
        }

        #[metrics(errors = self.metrics.write_errors, in_flight = self.metrics.in_flight)]
        fn expression(&mut self, text: &str) -> Fallible {
            parse(text)?;
            self.len();
            Ok(())
        }

        #[metrics(errors)]
        fn names_in_strings(&mut self, text: String) -> Fallible {
            let shown = format!("{text} ");
            parse(shown.trim())?;
            Ok(())
        }
    }

    impl Log {
        /// Contains a nested item. `self` has another meaning in the item and in its attributes.
        #[metrics(errors)]
        fn nested_item(&mut self, text: &str) -> Fallible {
            struct Inner(LogMetrics);
            impl Inner {
                #[metrics(errors = self.0.write_errors)]
                fn parse(&mut self, text: &str) -> Fallible<u32> {
                    let parsed = parse(text)?;
                    Ok(parsed)
                }
            }
            let this = self;
            let mut inner = Inner(LogMetrics::default());
            let result = inner.parse(text);
            assert_eq!(inner.0.write_errors.get(), u64::from(result.is_err()));
            this.len();
            result?;
            Ok(())
        }

        #[metrics(in_flight = in_flight, calls = calls)]
        fn never_returns(&self) -> ! {
            assert_eq!(self.metrics.in_flight.get(), 1);
            panic!("as required")
        }
    }

    #[test]
    #[allow(clippy::cognitive_complexity)]
    fn each_error_counts_once() {
        let mut log = Log::default();
        counts!(log, log.nested_item("1"), log.nested_item("x"));
        log = Log::default();
        counts!(log, log.tail("1"), log.tail("x"));
        counts!(log, log.question_mark("1"), log.question_mark("x"));
        counts!(log, log.all_four("1"), log.all_four("x"));
        assert_eq!(log.metrics.read(), (3, 1, 2, 0));
        counts!(log, log.mutable("1"), log.mutable("x"));
        counts!(log, log.mutable_in_flight("1"), log.mutable_in_flight("x"));
        assert_eq!(log.metrics.read(), (5, 3, 4, 0));
        assert_eq!(log.without_outcome(), 3);
        assert_eq!(log.metrics.read(), (5, 3, 5, 0));
        counts!(log, log.whole_self("1"), log.whole_self("x"));
        counts!(log, log.moving_closure("1"), log.moving_closure("x"));
        counts!(log, log.loops("1 2"), log.loops("1 x"));
        counts!(log, log.loops("9"), log.loops("1 stop"));
        counts!(log, log.nested("1"), log.nested("x"));
        counts!(log, log.tail("1"), log.diverges());
        counts!(log, log.borrowed("1"), log.borrowed("x"));
        counts!(log, log.named_lifetime("1"), log.named_lifetime("x"));
        counts!(log, log.borrowed_from_fields("1"), log.borrowed_from_fields("x"));
        counts!(log, log.iterator("1"), log.iterator("x"));
        counts!(log, log.generic(["1", "2"]), log.generic(["1", "x"]));
        counts!(log, log.opaque_argument("1", 0), log.opaque_argument("x", 0));
        counts!(
            log,
            log.patterns(("1", "2".into()), *b"00"),
            log.patterns(("x", "2".into()), *b"00")
        );
        counts!(
            log,
            log.hostile_names("1", 1, 2, 3, 4, 5, 6),
            log.hostile_names("x", 1, 2, 3, 4, 5, 6)
        );
        // SAFETY: the pointers are made from string literals, so they are valid for reads.
        counts!(log, unsafe { log.unsafe_function("1") }, unsafe { log.unsafe_function("x") });
        counts!(log, log.tail("1"), log.recursive(0));
        let before = log.metrics.read().0;
        assert!(log.recursive(3).is_ok());
        assert_eq!(log.metrics.read().0, before + 1, "only the innermost call failed");
        counts!(log, log.attributes("1"), log.attributes("x"));
        counts!(log, log.optional(Some("1")).unwrap(), log.optional(Some("x")).unwrap());
        assert!(log.optional(None).is_none());
        counts!(log, log.poll("1"), log.poll("x").map(Result::unwrap_err).map(Err::<u32, _>));
    }

    trait IsErr {
        fn is_ok(&self) -> bool;
        fn is_err(&self) -> bool;
    }

    impl<T, E> IsErr for Poll<Result<T, E>> {
        fn is_ok(&self) -> bool {
            matches!(self, Poll::Ready(Ok(_)))
        }
        fn is_err(&self) -> bool {
            matches!(self, Poll::Ready(Err(_)))
        }
    }

    impl<T, E> IsErr for Poll<Option<Result<T, E>>> {
        fn is_ok(&self) -> bool {
            matches!(self, Poll::Ready(Some(Ok(_))))
        }
        fn is_err(&self) -> bool {
            matches!(self, Poll::Ready(Some(Err(_))))
        }
    }

    #[test]
    fn a_borrow_that_the_return_type_hides_can_be_returned() {
        let mut log = Log { records: vec![String::new()], ..Log::default() };
        assert_eq!(log.records().count(), 1);
        assert_eq!(METRICS.calls.get(), 1);
        assert_eq!(log.hidden_in_a_parameter("", |log| &log.records).map(Vec::len), Ok(1));
        assert!(log.hidden_in_a_parameter("x", |log| &log.records).is_err());
        assert_eq!((METRICS.write_errors.get(), METRICS.in_flight.get()), (1, 0));
    }

    #[test]
    fn polls_count_when_they_are_ready() {
        let mut log = Log::default();
        assert!(log.poll("").is_pending());
        counts!(log, log.poll("1"), log.poll("x"));
        counts!(log, Pin::new(&mut log).poll_next("1"), Pin::new(&mut log).poll_next("x"));
        assert_eq!(log.metrics.written.get(), 1);
        assert!(Pin::new(&mut log).poll_next("end") == Poll::Ready(None));
        assert_eq!(log.metrics.read(), (2, 1, 0, 0));
        counts!(log, Pin::new(&mut log).pinned("1"), Pin::new(&mut log).pinned("x"));
        counts!(log, Pin::new(&log).pinned_shared("1"), Pin::new(&log).pinned_shared("x"));
    }

    #[test]
    fn the_outer_of_two_results_decides() {
        let mut log = Log::default();
        assert_eq!(log.nested_result("x"), Ok(Err(Failed)));
        counts!(log, log.nested_result("1"), log.nested_result("outer"));
        counts!(log, log.boxed_error("1"), log.boxed_error("x"));
        counts!(log, log.boxed_error("1"), log.boxed_error("plain"));
        counts!(log, log.coerces("text"), log.coerces("x"));
        counts!(log, log.aliased("1"), log.aliased("x"));
        counts!(log, log.with_inner_attribute("1"), log.with_inner_attribute("x"));
        counts!(log, log.twice("1"), log.twice("x"));
        assert_eq!((log.metrics.written.get(), log.metrics.calls.get()), (1, 2));
        counts!(log, log.expression("1"), log.expression("x"));
        counts!(log, log.names_in_strings("1".into()), log.names_in_strings("x".into()));
    }

    impl Log {
        #[metrics(errors, ok = written, calls = calls, in_flight = in_flight)]
        fn panics(&mut self) -> Fallible {
            let is_empty = self.records.is_empty();
            assert!(is_empty, "it is full");
            self.len();
            panic!("in the body");
        }
    }

    #[test]
    fn a_panic_is_not_an_error_and_ends_the_call_in_flight() {
        let mut log = Log::default();
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| log.never_returns())).is_err()
        );
        assert_eq!(log.metrics.read(), (0, 0, 1, 0));
        log = Log::default();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| log.panics()));
        assert!(panic.is_err());
        assert_eq!(log.metrics.read(), (0, 0, 1, 0));
    }
}

mod shared {
    //! Metrics behind an `Arc`: errors are counted even if the body consumes `self`, or the returned value borrows `self`.

    use super::*;

    #[derive(Clone, Default)]
    struct Log {
        records: Vec<String>,
        name: String,
        metrics: Arc<LogMetrics>,
    }

    impl Log {
        fn first(&mut self) -> &mut String {
            &mut self.name
        }

        #[metrics(errors, ok = written, in_flight = in_flight, calls = calls)]
        fn by_reference(&self, text: &str) -> Fallible<u32> {
            let parsed = parse(text)?;
            Ok(parsed)
        }

        #[metrics(errors, ok = written, in_flight = in_flight, calls = calls)]
        fn consumed(self, text: &str) -> Fallible<Vec<String>> {
            parse(text)?;
            drop(self.name);
            Ok(self.records)
        }

        #[metrics(errors, in_flight = in_flight)]
        fn consumed_whole(mut self, text: &str) -> Fallible<Self> {
            self.name.push('x');
            self.first();
            parse(text)?;
            Ok(self)
        }

        #[metrics(errors, in_flight = in_flight)]
        fn boxed(self: Box<Self>, text: &str) -> Fallible<Box<Self>> {
            parse(text)?;
            let this = self;
            Ok(this)
        }

        #[metrics(errors, in_flight = in_flight, calls = calls, ok = written)]
        fn counted(self: Arc<Self>, text: &str) -> Fallible<Arc<Self>> {
            parse(text)?;
            Ok(self)
        }

        #[metrics(errors)]
        fn counted_locally(self: Rc<Self>, text: &str) -> Fallible<usize> {
            parse(text)?;
            Ok(self.records.len())
        }

        #[metrics(errors)]
        fn behind_a_reference(self: &Arc<Self>, text: &str) -> Fallible<Arc<Self>> {
            parse(text)?;
            Ok(Arc::clone(self))
        }

        #[metrics(errors, in_flight = in_flight)]
        fn borrowed(&mut self, text: &str) -> Result<&mut String, Failed> {
            parse(text)?;
            Ok(self.first())
        }

        #[metrics(errors)]
        fn borrowed_with_named_lifetime<'a>(&'a mut self, text: &str) -> Result<&'a str, Failed> {
            parse(text)?;
            Ok(self.first())
        }

        #[metrics(errors)]
        fn iterator(&mut self, text: &str) -> Result<impl Iterator<Item = String> + '_, Failed> {
            parse(text)?;
            Ok(self.first().split(' ').map(str::to_owned))
        }

        #[metrics(errors)]
        fn names_self_in_a_string(&mut self, text: &str) -> Fallible {
            let all = self;
            let shown = format!("{all}");
            assert_eq!(shown, "log");
            parse(text)?;
            Ok(())
        }

        #[metrics(errors, in_flight = in_flight)]
        fn formats_itself(&mut self, text: &str) -> Fallible {
            assert_eq!(format!("{self}"), "log");
            self.first();
            parse(text)?;
            Ok(())
        }
    }

    impl Display for Log {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("log")
        }
    }

    #[test]
    fn each_error_counts_once() {
        let mut log = Log::default();
        counts!(log, log.by_reference("1"), log.by_reference("x"));
        counts!(log, log.clone().consumed("1"), log.clone().consumed("x"));
        assert_eq!(log.metrics.read(), (2, 2, 4, 0));
        counts!(log, log.clone().consumed_whole("1"), log.clone().consumed_whole("x"));
        counts!(log, Box::new(log.clone()).boxed("1"), Box::new(log.clone()).boxed("x"));
        let counted = Arc::new(log.clone());
        counts!(log, Arc::clone(&counted).counted("1"), Arc::clone(&counted).counted("x"));
        counts!(log, counted.behind_a_reference("1"), counted.behind_a_reference("x"));
        let local = Rc::new(log.clone());
        counts!(log, Rc::clone(&local).counted_locally("1"), local.counted_locally("x"));
        counts!(log, log.borrowed("1"), log.borrowed("x"));
        counts!(log, log.borrowed_with_named_lifetime("1"), log.borrowed_with_named_lifetime("x"));
        counts!(log, log.iterator("1"), log.iterator("x"));
        counts!(log, log.names_self_in_a_string("1"), log.names_self_in_a_string("x"));
        counts!(log, log.formats_itself("1"), log.formats_itself("x"));
    }
}

mod locations {
    //! The types that `self.metrics` and the counters may have.

    use super::*;

    macro_rules! backend {
        ($name:ident $(<$lifetime:lifetime>)?, $metrics:ty) => {
            struct $name $(<$lifetime>)? {
                metrics: $metrics,
            }

            impl $(<$lifetime>)? $name $(<$lifetime>)? {
                #[metrics(errors, ok = written, calls = calls, in_flight = in_flight)]
                fn run(&self, text: &str) -> Fallible<u32> {
                    let parsed = parse(text)?;
                    Ok(parsed)
                }

                #[metrics(errors, ok = written, calls = calls, in_flight = in_flight)]
                fn run_mut(&mut self, text: &str) -> Fallible<u32> {
                    let this = self;
                    let parsed = this.run(text)?;
                    Ok(parsed)
                }
            }
        };
    }

    backend!(Boxed, Box<LogMetrics>);
    backend!(Local, Rc<LogMetrics>);
    backend!(Shared, Arc<LogMetrics>);
    backend!(Borrowed<'a>, &'a LogMetrics);
    backend!(Maybe, Option<LogMetrics>);
    backend!(MaybeBoxed, Option<Box<LogMetrics>>);
    backend!(MaybeLocal, Option<Rc<LogMetrics>>);
    backend!(MaybeShared, Option<Arc<LogMetrics>>);
    backend!(MaybeBorrowed<'a>, Option<&'a LogMetrics>);

    #[test]
    fn metrics_may_be_behind_any_pointer_or_absent() {
        macro_rules! backends {
            ($($name:ident $metrics:expr;)*) => {$({
                let mut backend = $name { metrics: $metrics };
                assert!(backend.run("1").is_ok());
                assert!(backend.run_mut("x").is_err());
                let read = Metrics::snapshot(&backend.metrics);
                let read = ["write_errors", "written", "calls", "in_flight"]
                    .map(|name| read.get(name).and_then(papyra_metrics::Value::as_i64));
                assert_eq!(read, [Some(2), Some(1), Some(3), Some(0)], stringify!($name));
            })*};
        }
        let borrowed = LogMetrics::default();
        let maybe_borrowed = LogMetrics::default();
        backends! {
            Boxed Box::default();
            Local Rc::default();
            Shared Arc::default();
            Borrowed &borrowed;
            Maybe Some(LogMetrics::default());
            MaybeBoxed Some(Box::default());
            MaybeLocal Some(Rc::default());
            MaybeShared Some(Arc::default());
            MaybeBorrowed Some(&maybe_borrowed);
        }
    }

    #[test]
    fn functions_without_metrics_work_and_count_nothing() {
        assert!(Maybe { metrics: None }.run_mut("1").is_ok());
        assert!(MaybeShared { metrics: None }.run_mut("x").is_err());
        assert!(MaybeBorrowed { metrics: None }.run("x").is_err());
    }

    #[derive(Clone, Default)]
    struct Instruments {
        shared: Arc<Counter>,
        absent: Option<Arc<Counter>>,
        present: Option<Arc<Counter>>,
        gauge: Option<Arc<Gauge>>,
        atomic: Arc<AtomicU64>,
        level: Arc<AtomicI64>,
    }

    #[derive(Clone, Default)]
    struct Log {
        metrics: Instruments,
        inner: Arc<Inner>,
    }

    #[derive(Default)]
    struct Inner {
        metrics: LogMetrics,
    }

    static FAILED: Counter = Counter::new();
    static RUNNING: Gauge = Gauge::new();

    fn failed() -> &'static Counter {
        &FAILED
    }

    impl Log {
        #[metrics(errors = shared, ok = present, calls = absent, in_flight = gauge)]
        fn pointers(&mut self, text: &str) -> Fallible<u32> {
            let parsed = parse(text)?;
            Ok(parsed)
        }

        #[metrics(errors = atomic, in_flight = level)]
        fn atomics(&self, text: &str) -> Fallible<u32> {
            let parsed = parse(text)?;
            Ok(parsed)
        }

        #[metrics(errors = self.inner.metrics.write_errors, in_flight = self.inner.metrics.in_flight)]
        fn deep(self, text: &str) -> Fallible<Self> {
            parse(text)?;
            Ok(self)
        }

        #[metrics(errors = self::FAILED, in_flight = self::RUNNING)]
        fn statics(self, text: &str) -> Fallible<Self> {
            assert_eq!(RUNNING.get(), 1);
            parse(text)?;
            Ok(self)
        }

        #[metrics(errors = failed())]
        fn called(&mut self, text: &str) -> Fallible<&mut Self> {
            parse(text)?;
            Ok(self)
        }
    }

    #[test]
    fn counters_may_be_instruments_pointers_options_and_expressions() {
        let mut log = Log::default();
        log.metrics.present = Some(Arc::default());
        log.metrics.gauge = Some(Arc::default());
        assert!(log.pointers("1").is_ok() && log.pointers("x").is_err());
        assert_eq!((log.metrics.shared.get(), log.metrics.present.as_ref().unwrap().get()), (1, 1));
        assert!(log.metrics.absent.is_none());
        assert_eq!(log.metrics.gauge.as_ref().unwrap().get(), 0);
        assert!(log.atomics("1").is_ok() && log.atomics("x").is_err());
        assert_eq!(log.metrics.atomic.load(Ordering::Relaxed), 1);
        assert_eq!(log.metrics.level.load(Ordering::Relaxed), 0);
        counts!(log.inner, log.clone().deep("1"), log.clone().deep("x"));
        assert!(log.clone().statics("1").is_ok() && log.clone().statics("x").is_err());
        assert!(log.called("1").is_ok() && log.called("x").is_err());
        assert_eq!((FAILED.get(), RUNNING.get()), (2, 0));
    }

    /// The compiler infers the lifetimes of the returned closure from the return type of the function.
    #[metrics(calls = metrics.calls, in_flight = metrics.in_flight)]
    fn closure<K: Ord>(
        metrics: &LogMetrics,
        key: impl Fn(&str) -> K,
    ) -> impl Fn(&str, &str) -> bool {
        assert_eq!(metrics.in_flight.get(), 1);
        move |a, b| key(a) < key(b)
    }

    #[test]
    fn a_returned_closure_stays_generic_over_lifetimes() {
        let metrics = LogMetrics::default();
        assert!(closure(&metrics, str::len)("a", "bb"));
        assert_eq!(metrics.read(), (0, 0, 1, 0));
    }

    struct Owner {
        text: String,
        metrics: LogMetrics,
    }

    #[metrics(errors = log.metrics.write_errors, in_flight = log.metrics.in_flight)]
    fn by_reference(log: &Owner, text: &str) -> Fallible<u32> {
        let parsed = parse(text)?;
        assert_eq!(log.metrics.in_flight.get(), 1);
        Ok(parsed)
    }

    #[metrics(errors = log.metrics.write_errors, in_flight = log.metrics.in_flight, ok = log.metrics.written)]
    fn by_mutable_reference(log: &mut Owner, text: &str) -> Fallible {
        log.text.push_str(text);
        parse(text)?;
        let log = log;
        log.text.clear();
        Ok(())
    }

    #[metrics(errors = log.metrics.write_errors)]
    fn moved_into_a_closure(log: &mut Owner, text: &str) -> Fallible {
        let push = move || {
            log.text.push_str(text);
            log
        };
        push().text.clear();
        parse(text)?;
        Ok(())
    }

    #[metrics(errors = metrics.write_errors, in_flight = metrics.in_flight)]
    fn by_value(metrics: Arc<LogMetrics>, text: &str) -> Fallible {
        parse(text)?;
        drop(metrics);
        Ok(())
    }

    #[metrics(errors = errors)]
    fn counter_as_argument(errors: &Counter, text: &str) -> Fallible<u32> {
        let parsed = parse(text)?;
        Ok(parsed)
    }

    #[metrics(errors = metrics.map(|metrics| &metrics.write_errors))]
    fn any_expression(metrics: Option<&LogMetrics>, text: &str) -> Fallible<u32> {
        let parsed = parse(text)?;
        Ok(parsed)
    }

    #[test]
    fn functions_without_self_count_in_their_arguments() {
        let mut log = Owner { text: String::new(), metrics: LogMetrics::default() };
        counts!(log, by_reference(&log, "1"), by_reference(&log, "x"));
        counts!(log, by_mutable_reference(&mut log, "1"), by_mutable_reference(&mut log, "x"));
        counts!(log, moved_into_a_closure(&mut log, "1"), moved_into_a_closure(&mut log, "x"));
        let errors = &log.metrics.write_errors;
        counts!(log, counter_as_argument(errors, "1"), counter_as_argument(errors, "x"));
        assert_eq!(log.metrics.read(), (4, 1, 0, 0));
        let metrics = Arc::new(LogMetrics::default());
        assert!(by_value(Arc::clone(&metrics), "1").is_ok());
        assert!(by_value(Arc::clone(&metrics), "x").is_err());
        assert_eq!(metrics.read(), (1, 0, 0, 0));
        let metrics = LogMetrics::default();
        assert!(any_expression(Some(&metrics), "x").is_err() && any_expression(None, "x").is_err());
        assert_eq!(metrics.read().0, 1);
    }
}

mod traits {
    use super::*;

    trait Store {
        fn counts(&self) -> &LogMetrics;

        #[metrics(errors = self.counts().write_errors, calls = self.counts().calls, in_flight = self.counts().in_flight)]
        fn get(&self, text: &str) -> Fallible<u32> {
            let parsed = parse(text)?;
            Ok(parsed)
        }

        fn put(&mut self, text: &str) -> Fallible;

        #[metrics(errors = self.counts().write_errors, in_flight = self.counts().in_flight)]
        fn put_twice(&mut self, text: &str) -> Fallible
        where
            Self: Sized,
        {
            self.put(text)?;
            self.put(text)
        }
    }

    #[derive(Default)]
    struct Log<T> {
        records: Vec<T>,
        metrics: LogMetrics,
    }

    impl<T: From<u32>> Store for Log<T> {
        fn counts(&self) -> &LogMetrics {
            &self.metrics
        }

        #[metrics(errors)]
        fn put(&mut self, text: &str) -> Fallible {
            self.records.push(parse(text)?.into());
            Ok(())
        }
    }

    #[test]
    fn trait_methods_count_too() {
        let mut log = Log::<u64> { records: Vec::new(), metrics: LogMetrics::default() };
        counts!(log, log.get("1"), log.get("x"));
        counts!(log, log.put("1"), log.put("x"));
        assert!(log.put_twice("1").is_ok());
        assert_eq!(log.metrics.read(), (2, 0, 2, 0));
    }

    macro_rules! methods {
        ($(#[$meta:meta])* $vis:vis fn $name:ident($this:ident $(, $argument:ident: $ty:ty)*) -> $output:ty $body:block) => {
            impl Log<u8> {
                $(#[$meta])*
                #[metrics(errors)]
                $vis fn $name(&mut $this $(, $argument: $ty)*) -> $output $body
            }
        };
    }

    methods! {
        /// A method that a macro declares.
        pub(crate) fn made(self, text: &str) -> Result<u32, Failed> {
            let parsed = parse(text)?;
            self.records.push(0);
            Ok(parsed)
        }
    }

    macro_rules! counted {
        ($item:item) => {
            #[metrics(errors = ERRORS)]
            $item
        };
    }

    static ERRORS: Counter = Counter::new();

    counted! {
        fn item(text: &str) -> Fallible<u32> {
            let parsed = parse(text)?;
            Ok(parsed)
        }
    }

    #[test]
    fn functions_made_by_macros_count_too() {
        let mut log = Log::<u8> { records: Vec::new(), metrics: LogMetrics::default() };
        counts!(log, log.made("1"), log.made("x"));
        assert!(item("1").is_ok() && item("x").is_err());
        assert_eq!(ERRORS.get(), 1);
    }
}

mod unchanged {
    //! The attribute does not change returned values, or the location that `#[track_caller]` reports.

    use super::*;
    use std::error::Error;

    #[derive(Default)]
    struct Log {
        metrics: LogMetrics,
    }

    #[derive(Debug)]
    struct Wrapped(Box<[u8; 32]>, io::Error);

    impl Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.0[0])
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.1)
        }
    }

    impl Log {
        #[metrics(errors, ok = written)]
        fn pass(&mut self, result: Result<Box<u8>, Wrapped>) -> Result<Box<u8>, Wrapped> {
            let ok = result?;
            Ok(ok)
        }
    }

    #[test]
    fn the_returned_error_is_the_original_error() {
        let mut log = Log::default();
        let error = Wrapped(Box::new([7; 32]), io::Error::other("disk"));
        let address: *const [u8; 32] = &raw const *error.0;
        let out = log.pass(Err(error)).unwrap_err();
        assert!(std::ptr::eq(address, &raw const *out.0), "the same allocation");
        assert_eq!(out.source().map(ToString::to_string).as_deref(), Some("disk"));
        let value = Box::new(1);
        let address: *const u8 = &raw const *value;
        assert!(std::ptr::eq(address, &raw const *log.pass(Ok(value)).unwrap()));
        assert_eq!(log.metrics.read(), (1, 1, 0, 0));
    }

    impl Log {
        #[track_caller]
        #[metrics(errors)]
        fn located(&self, text: &str) -> Result<u32, &'static std::panic::Location<'static>> {
            match parse(text) {
                Ok(parsed) => Ok(parsed),
                Err(Failed) => Err(std::panic::Location::caller()),
            }
        }

        #[metrics(calls = calls)]
        #[track_caller]
        fn located_early(&self) -> &'static std::panic::Location<'static> {
            if self.metrics.calls.get() > 0 {
                return std::panic::Location::caller();
            }
            unreachable!("a call counts when it begins")
        }
    }

    #[test]
    fn track_caller_still_reports_the_caller() {
        let log = Log::default();
        assert_eq!(log.located("x").unwrap_err().line(), line!());
        assert_eq!(log.located_early().line(), line!());
    }
}
