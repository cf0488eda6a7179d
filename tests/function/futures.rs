//! Every form of function that returns a future: each future counts once, when it is polled, and stays `Send`.

#![allow(clippy::unused_async, clippy::needless_pass_by_value, clippy::needless_lifetimes)] // the tests need such functions
#![allow(
    clippy::manual_async_fn,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::needless_pass_by_ref_mut
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use papyra_metrics::{Counter, metrics};

use crate::common::{Failed, Fallible, LogMetrics};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Is pending at the first poll, and parses the text at the second poll.
async fn parse(text: &str) -> Fallible<u32> {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    Ok(text.parse()?)
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
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

/// Runs the future `$good`, which succeeds, and the future `$bad`, which fails. Checks the counts in `$log.metrics`.
macro_rules! counts {
    ($log:expr, $good:expr, $bad:expr) => {{
        let before = $log.metrics.read();
        drop($bad);
        assert_eq!($log.metrics.read(), before, "a future that is never polled counts nothing");
        assert!(run(is_send($good)).is_ok());
        assert_eq!($log.metrics.read().0, before.0, "a success is not an error");
        assert!(run(is_send($bad)).is_err());
        assert_eq!($log.metrics.read().0, before.0 + 1, "an error counts once");
        {
            let mut future = Box::pin($bad);
            assert!(poll_once(future.as_mut()).is_pending());
        }
        assert_eq!(
            $log.metrics.read().0,
            before.0 + 1,
            "a future that is dropped halfway is not an error"
        );
        assert_eq!($log.metrics.read().3, 0, "nothing is left in flight");
    }};
}

mod owned {
    //! Backends that contain their metrics directly, without an `Arc`.

    use super::*;

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
        async fn tail(&self, text: &str) -> Fallible<u32> {
            parse(text).await
        }

        #[metrics(errors)]
        async fn question_mark(&self, text: &str) -> Fallible<u32> {
            let parsed = parse(text).await?;
            Ok(parsed)
        }

        #[metrics(errors, ok = written, calls = calls, in_flight = in_flight)]
        async fn all_four(&self, text: &str) -> Fallible<u32> {
            assert_eq!(self.metrics.in_flight.get(), 1);
            let parsed = parse(text).await?;
            Ok(parsed)
        }

        #[metrics(errors, ok = written)]
        async fn mutable(&mut self, text: &str) -> Fallible {
            parse(text).await?;
            self.records.push(text.to_owned());
            self.len();
            Ok(())
        }

        #[metrics(errors, calls = calls, in_flight = in_flight, ok = written)]
        async fn mutable_in_flight(&mut self, text: &str) -> Fallible {
            let in_flight = self.metrics.in_flight.get();
            assert_eq!(in_flight, 1);
            let this = self;
            this.records.push(text.to_owned());
            parse(text).await?;
            this.len();
            Ok(())
        }

        #[metrics(in_flight = in_flight, calls = calls)]
        async fn without_outcome(&mut self) -> usize {
            let in_flight = self.metrics.in_flight.get();
            assert_eq!(in_flight, 1);
            if parse("1").await.is_err() {
                return 0;
            }
            self.len()
        }

        #[metrics(errors)]
        async fn inner_block(&mut self, text: &str) -> Fallible {
            async move {
                self.records.push(text.to_owned());
                parse(text).await?;
                Ok(())
            }
            .await
        }

        #[metrics(errors)]
        async fn nested_block(&mut self, text: &str) -> Fallible {
            let first: Fallible = async {
                parse(text).await?;
                Ok(())
            }
            .await;
            self.len();
            first.or(Ok::<_, Failed>(()))?;
            parse(text).await?;
            Ok(())
        }

        #[metrics(errors)]
        async fn loops(&mut self, text: &str) -> Fallible<u32> {
            let mut last = 0;
            'words: for word in text.split(' ') {
                for _ in 0..2 {
                    if word == "stop" {
                        return Err(Failed);
                    }
                    if word.is_empty() {
                        continue 'words;
                    }
                    last = parse(word).await?;
                }
            }
            Ok(last)
        }

        #[metrics(errors)]
        async fn borrowed(&self, text: &str) -> Result<&str, Failed> {
            parse(text).await?;
            Ok(&self.name)
        }

        #[metrics(errors)]
        async fn borrowed_mutably(&mut self, text: &str) -> Result<&mut String, Failed> {
            parse(text).await?;
            Ok(&mut self.name)
        }

        #[metrics(errors)]
        async fn generic<T: AsRef<str> + Send, const N: usize>(
            &mut self,
            texts: [T; N],
        ) -> Result<[u32; N], Failed>
        where
            [T; N]: Sync,
        {
            let mut all = [0; N];
            for (parsed, text) in all.iter_mut().zip(texts) {
                *parsed = parse(text.as_ref()).await?;
            }
            Ok(all)
        }

        #[metrics(errors)]
        async fn opaque(
            &self,
            text: impl AsRef<str> + Send,
        ) -> Result<impl Iterator<Item = u32>, Failed> {
            let parsed = parse(text.as_ref()).await?;
            Ok(std::iter::once(parsed))
        }

        /// `Cell` is `Send` but not `Sync`. To be `Send`, the future must own the cell instead of a reference to the cell.
        #[metrics(errors)]
        async fn send_and_not_sync(&mut self, cell: std::cell::Cell<u8>, text: String) -> Fallible {
            parse(&text).await?;
            cell.set(cell.get() + 1);
            parse(&text).await?;
            Ok(())
        }

        /// Is like `send_and_not_sync`, but also moves the field `records` out of `self`. The metrics stay usable.
        #[metrics(errors)]
        async fn send_and_consumed(
            self,
            cell: std::cell::Cell<u8>,
            text: String,
        ) -> Fallible<Vec<String>> {
            parse(&text).await?;
            cell.set(cell.get() + 1);
            parse(&text).await?;
            Ok(self.records)
        }

        #[metrics(errors)]
        async fn hostile_names(
            &mut self,
            __result: &str,
            this: u8,
            __future: u8,
            __in_flight: u8,
        ) -> Fallible<u32> {
            let parsed = parse(__result).await?;
            assert_eq!(this + __future + __in_flight, 6);
            self.len();
            Ok(parsed)
        }

        #[metrics(errors)]
        async fn without_await(&mut self, text: &str) -> Fallible<u32> {
            run(parse(text))?;
            if self.len() > 1000 {
                return Err(Failed);
            }
            parse(text).await
        }

        #[metrics(errors)]
        async fn coerces(&self, text: &str) -> Result<Box<dyn std::fmt::Display + Send>, Failed> {
            if text == "text" {
                return Ok(Box::new("text"));
            }
            Ok(Box::new(parse(text).await?))
        }

        #[metrics(errors)]
        async unsafe fn unsafe_function(&self, text: &str) -> Fallible<u32> {
            let parsed = parse(text).await?;
            Ok(parsed)
        }

        #[metrics(errors)]
        async fn option(&self, text: &str) -> Option<Fallible<u32>> {
            if text.is_empty() {
                return None;
            }
            Some(parse(text).await)
        }

        #[metrics(errors, ok = written, calls = calls, in_flight = in_flight)]
        fn opaque_future(&self, text: &str) -> impl Future<Output = Fallible<u32>> + Send {
            async move {
                let parsed = parse(text).await?;
                Ok(u32::from(self.name.is_empty()) + parsed)
            }
        }

        #[metrics(errors, calls = calls, in_flight = in_flight)]
        fn opaque_future_mut(&mut self, text: &str) -> impl Future<Output = Fallible<u32>> + Send {
            async move {
                self.records.push(text.to_owned());
                let parsed = parse(text).await?;
                self.len();
                Ok(parsed)
            }
        }

        #[metrics(errors, calls = calls, in_flight = in_flight)]
        fn opaque_future_of_another(
            &self,
            text: &str,
        ) -> impl Future<Output = Fallible<u32>> + Send {
            let text = text.trim();
            self.tail_of_another(text)
        }

        fn tail_of_another<'a>(
            &self,
            text: &'a str,
        ) -> impl Future<Output = Fallible<u32>> + Send + use<'a> {
            parse(text)
        }

        #[metrics(errors, ok = written, calls = calls, in_flight = in_flight)]
        fn boxed<'a>(
            &'a self,
            text: &'a str,
        ) -> Pin<Box<dyn Future<Output = Fallible<u32>> + Send + 'a>> {
            Box::pin(async move {
                let parsed = parse(text).await?;
                Ok(u32::from(self.name.is_empty()) + parsed)
            })
        }

        #[metrics(errors, calls = calls, in_flight = in_flight)]
        fn boxed_mut<'a>(
            &'a mut self,
            text: &'a str,
        ) -> Pin<Box<dyn Future<Output = Fallible<u32>> + Send + 'a>> {
            Box::pin(async move {
                self.records.push(text.to_owned());
                let parsed = parse(text).await?;
                self.len();
                Ok(parsed)
            })
        }

        #[metrics(errors, calls = calls, in_flight = in_flight)]
        fn boxed_expression<'a>(
            &'a self,
            text: &'a str,
        ) -> Pin<Box<dyn Future<Output = Fallible<u32>> + Send + 'a>> {
            let text = text.trim();
            Box::pin(parse(text))
        }

        #[metrics(errors, calls = calls, in_flight = in_flight)]
        fn boxed_early<'a>(
            &'a self,
            text: &'a str,
        ) -> Pin<Box<dyn Future<Output = Fallible<u32>> + Send + 'a>> {
            if text == "early" {
                return Box::pin(async { Err(Failed) });
            }
            Box::pin(parse(text))
        }

        #[metrics(errors, calls = calls, in_flight = in_flight)]
        fn alias<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Fallible<u32>> {
            Box::pin(async move { parse(text).await })
        }

        #[metrics(errors, calls = calls, in_flight = in_flight, ok = written)]
        fn alias_of_another<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Fallible<u32>> {
            self.alias_unmeasured(text)
        }

        fn alias_unmeasured<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Fallible<u32>> {
            Box::pin(parse(text))
        }

        #[metrics(calls = calls, in_flight = in_flight)]
        fn alias_without_outcome<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Fallible<u32>> {
            self.alias_unmeasured(text)
        }
    }

    #[test]
    fn each_error_counts_once() {
        let mut log = Log::default();
        counts!(log, log.tail("1"), log.tail("x"));
        counts!(log, log.question_mark("1"), log.question_mark("x"));
        counts!(log, log.all_four("1"), log.all_four("x"));
        assert_eq!(log.metrics.read(), (3, 1, 3, 0));
        counts!(log, log.mutable("1"), log.mutable("x"));
        counts!(log, log.mutable_in_flight("1"), log.mutable_in_flight("x"));
        assert_eq!(log.metrics.read(), (5, 3, 6, 0));
        assert!(run(log.without_outcome()) > 1);
        assert_eq!(log.metrics.read(), (5, 3, 7, 0));
        counts!(log, log.inner_block("1"), log.inner_block("x"));
        counts!(log, log.nested_block("1"), log.nested_block("x"));
        counts!(log, log.loops("1 2"), log.loops("1 x"));
        counts!(log, log.borrowed("1"), log.borrowed("x"));
        counts!(log, log.borrowed_mutably("1"), log.borrowed_mutably("x"));
        counts!(log, log.generic(["1", "2"]), log.generic(["1", "x"]));
        counts!(log, log.opaque("1"), log.opaque("x"));
        let cell = std::cell::Cell::default;
        counts!(
            log,
            log.send_and_not_sync(cell(), "1".into()),
            log.send_and_not_sync(cell(), "x".into())
        );
        assert!(run(is_send(Log::default().send_and_consumed(cell(), "1".into()))).is_ok());
        counts!(log, log.hostile_names("1", 1, 2, 3), log.hostile_names("x", 1, 2, 3));
        counts!(log, log.coerces("text"), log.coerces("x"));
        // SAFETY: the call has no preconditions.
        counts!(log, unsafe { log.unsafe_function("1") }, unsafe { log.unsafe_function("x") });
        assert_eq!(run(log.option("")), None);
        let before = log.metrics.read().0;
        assert_eq!(run(log.option("x")), Some(Err(Failed)));
        assert!(run(log.without_await("x")).is_err());
        assert!(run(log.loops("1 stop")).is_err());
        assert_eq!(log.metrics.read().0, before + 3);
    }

    #[test]
    fn functions_that_return_futures_count_when_the_futures_are_polled() {
        let mut log = Log::default();
        counts!(log, log.opaque_future("1"), log.opaque_future("x"));
        assert_eq!(log.metrics.read(), (1, 1, 3, 0));
        counts!(log, log.opaque_future_mut("1"), log.opaque_future_mut("x"));
        counts!(log, log.opaque_future_of_another("1"), log.opaque_future_of_another("x"));
        counts!(log, log.boxed("1"), log.boxed("x"));
        counts!(log, log.boxed_mut("1"), log.boxed_mut("x"));
        counts!(log, log.boxed_expression("1"), log.boxed_expression("x"));
        counts!(log, log.boxed_early("1"), log.boxed_early("x"));
        assert!(run(log.boxed_early("early")).is_err());
        counts!(log, log.alias("1"), log.alias("x"));
        counts!(log, log.alias_of_another("1"), log.alias_of_another("x"));
        assert_eq!(log.metrics.read(), (10, 3, 28, 0));
        drop(log.alias_without_outcome("1"));
        assert_eq!(log.metrics.read(), (10, 3, 28, 0));
        assert!(run(log.alias_without_outcome("1")).is_ok());
        assert_eq!(log.metrics.read(), (10, 3, 29, 0));
    }

    #[test]
    fn a_call_is_in_flight_from_its_first_poll_to_its_end() {
        let log = Log::default();
        let first = log.all_four("1");
        let mut second = Box::pin(log.all_four("x"));
        assert_eq!(log.metrics.read(), (0, 0, 0, 0));
        {
            let mut first = pin!(first);
            assert!(poll_once(first.as_mut()).is_pending());
            assert_eq!(log.metrics.read(), (0, 0, 1, 1));
            assert!(poll_once(first.as_mut()).is_ready());
        }
        assert_eq!(log.metrics.read(), (0, 1, 1, 0));
        assert!(poll_once(second.as_mut()).is_pending());
        assert_eq!(log.metrics.in_flight.get(), 1);
        drop(second);
        assert_eq!(log.metrics.read(), (0, 1, 2, 0));
    }

    impl Log {
        #[metrics(errors, in_flight = in_flight)]
        async fn panics(&mut self) -> Fallible {
            parse("1").await?;
            panic!("in the body");
        }
    }

    #[test]
    fn a_panic_is_not_an_error_and_ends_the_call_in_flight() {
        let mut log = Log::default();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(log.panics())));
        assert!(panic.is_err());
        assert_eq!(log.metrics.read(), (0, 0, 0, 0));
    }
}

mod shared {
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

        #[metrics(errors, in_flight = in_flight, calls = calls, ok = written)]
        async fn consumed(mut self, text: &str) -> Fallible<Self> {
            self.records.push(text.to_owned());
            parse(text).await?;
            Ok(self)
        }

        #[metrics(errors, in_flight = in_flight)]
        async fn boxed(self: Box<Self>, text: &str) -> Fallible<Box<Self>> {
            parse(text).await?;
            let this = self;
            Ok(this)
        }

        #[metrics(errors, in_flight = in_flight)]
        async fn counted(self: Arc<Self>, text: &str) -> Fallible<Arc<Self>> {
            parse(text).await?;
            Ok(self)
        }

        #[metrics(errors)]
        async fn pinned(self: Pin<&mut Self>, text: &str) -> Fallible {
            let this = self.get_mut();
            parse(text).await?;
            this.name.push('x');
            Ok(())
        }

        #[metrics(errors, in_flight = in_flight)]
        async fn borrowed(&mut self, text: &str) -> Result<&mut String, Failed> {
            parse(text).await?;
            Ok(self.first())
        }

        #[metrics(errors, in_flight = in_flight)]
        async fn formats_itself(&mut self, text: &str) -> Fallible {
            assert_eq!(format!("{self}"), "log");
            parse(text).await?;
            self.first();
            Ok(())
        }

        #[metrics(errors, in_flight = in_flight, calls = calls)]
        fn outlives(&mut self, text: &str) -> BoxFuture<'static, Fallible<u32>> {
            let text = self.first().clone() + text;
            Box::pin(async move { parse(&text).await })
        }

        #[metrics(errors, in_flight = in_flight, calls = calls)]
        fn outlives_by_name(&self, text: &str) -> BoxFuture<'static, Fallible<u32>> {
            named(text)
        }

        #[metrics(errors, in_flight = in_flight, calls = calls)]
        fn counted_future(self: Arc<Self>, text: &str) -> BoxFuture<'static, Fallible<usize>> {
            let text = text.to_owned();
            Box::pin(async move {
                parse(&text).await?;
                Ok(self.records.len())
            })
        }

        #[metrics(errors, in_flight = in_flight, calls = calls)]
        fn opaque(
            &self,
            text: &str,
        ) -> impl Future<Output = Fallible<u32>> + Send + 'static + use<> {
            let text = text.to_owned();
            async move { parse(&text).await }
        }
    }

    fn named(text: &str) -> BoxFuture<'static, Fallible<u32>> {
        let text = text.to_owned();
        Box::pin(async move { parse(&text).await })
    }

    impl std::fmt::Display for Log {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("log")
        }
    }

    #[test]
    fn each_error_counts_once() {
        let mut log = Log::default();
        counts!(log, log.clone().consumed("1"), log.clone().consumed("x"));
        counts!(log, Box::new(log.clone()).boxed("1"), Box::new(log.clone()).boxed("x"));
        let counted = Arc::new(log.clone());
        counts!(log, Arc::clone(&counted).counted("1"), Arc::clone(&counted).counted("x"));
        let mut other = log.clone();
        counts!(log, Pin::new(&mut other).pinned("1"), Pin::new(&mut other).pinned("x"));
        counts!(log, other.borrowed("1"), other.borrowed("x"));
        counts!(log, log.formats_itself("1"), log.formats_itself("x"));
        counts!(log, log.outlives("1"), log.outlives("x"));
        counts!(log, log.outlives_by_name("1"), log.outlives_by_name("x"));
        counts!(
            log,
            Arc::clone(&counted).counted_future("1"),
            Arc::clone(&counted).counted_future("x")
        );
        counts!(log, log.opaque("1"), log.opaque("x"));
        let future = log.outlives("1");
        drop(log);
        assert!(run(future).is_ok());
    }

    #[metrics(errors = log.metrics.write_errors, in_flight = log.metrics.in_flight)]
    async fn by_reference(log: &Log, text: &str) -> Fallible<u32> {
        let parsed = parse(text).await?;
        assert_eq!(log.metrics.in_flight.get(), 1);
        Ok(parsed)
    }

    #[metrics(errors = log.metrics.write_errors, in_flight = log.metrics.in_flight)]
    async fn by_mutable_reference(log: &mut Log, text: &str) -> Fallible {
        let log = log;
        log.first();
        parse(text).await?;
        log.first();
        Ok(())
    }

    #[metrics(errors = log.metrics.write_errors, in_flight = log.metrics.in_flight)]
    async fn by_value(log: Log, text: &str) -> Fallible {
        parse(text).await?;
        drop(log);
        Ok(())
    }

    static METRICS: std::sync::LazyLock<LogMetrics> = std::sync::LazyLock::new(LogMetrics::default);

    #[metrics(errors = METRICS.write_errors, in_flight = METRICS.in_flight, calls = METRICS.calls)]
    async fn in_a_static(text: &str) -> Fallible {
        parse(text).await?;
        Ok(())
    }

    #[test]
    fn functions_without_self_count_in_their_arguments() {
        let mut log = Log::default();
        counts!(log, by_reference(&log, "1"), by_reference(&log, "x"));
        counts!(log, by_mutable_reference(&mut log, "1"), by_mutable_reference(&mut log, "x"));
        counts!(log, by_value(log.clone(), "1"), by_value(log.clone(), "x"));
        assert!(run(is_send(in_a_static("1"))).is_ok() && run(in_a_static("x")).is_err());
        assert_eq!(METRICS.read(), (1, 0, 2, 0));
    }
}

mod traits {
    use super::*;

    trait Store {
        fn counts(&self) -> &LogMetrics;

        async fn get(&self, text: &str) -> Fallible<u32>;

        #[metrics(errors = self.counts().write_errors, calls = self.counts().calls)]
        async fn get_twice(&mut self, text: &str) -> Fallible<u32> {
            self.get(text).await?;
            self.get(text).await
        }

        fn later(&self, text: &str) -> impl Future<Output = Fallible<u32>> + Send;
    }

    #[derive(Default)]
    struct Log {
        records: Vec<String>,
        metrics: LogMetrics,
    }

    impl Store for Log {
        fn counts(&self) -> &LogMetrics {
            &self.metrics
        }

        #[metrics(errors)]
        async fn get(&self, text: &str) -> Fallible<u32> {
            let parsed = parse(text).await?;
            Ok(parsed)
        }

        #[metrics(errors)]
        async fn later(&self, text: &str) -> Fallible<u32> {
            let parsed = parse(text).await?;
            Ok(parsed)
        }
    }

    #[async_trait]
    trait Boxed {
        async fn put(&mut self, text: &str) -> Fallible;
        async fn look(&self, text: &str) -> Fallible<usize>;
        async fn give<'a>(&mut self, text: &'a str) -> Result<&'a str, Failed>;
        async fn consume(self: Box<Self>, text: &str) -> Fallible;
        async fn quiet(&self, text: &str) -> Fallible<u32>;

        fn counts(&self) -> &LogMetrics;

        #[metrics(errors = self.counts().write_errors, in_flight = self.counts().in_flight)]
        async fn by_default(&mut self, text: &str) -> Fallible
        where
            Self: Send,
        {
            self.put(text).await?;
            self.put(text).await
        }
    }

    #[async_trait]
    impl Boxed for Log {
        #[metrics(errors, calls = calls, in_flight = in_flight, ok = written)]
        async fn put(&mut self, text: &str) -> Fallible {
            self.records.push(text.to_owned());
            parse(text).await?;
            self.records.clear();
            Ok(())
        }

        #[metrics(errors, calls = calls, in_flight = in_flight, ok = written)]
        async fn look(&self, text: &str) -> Fallible<usize> {
            parse(text).await?;
            Ok(self.records.len())
        }

        #[metrics(errors)]
        async fn give<'a>(&mut self, text: &'a str) -> Result<&'a str, Failed> {
            parse(text).await?;
            Ok(text)
        }

        #[metrics(errors = self::ERRORS)]
        async fn consume(self: Box<Self>, text: &str) -> Fallible {
            parse(text).await?;
            drop(self);
            Ok(())
        }

        #[metrics(errors, calls = calls)]
        async fn quiet(&self, text: &str) -> Fallible<u32> {
            parse(text).await
        }

        fn counts(&self) -> &LogMetrics {
            &self.metrics
        }
    }

    static ERRORS: Counter = Counter::new();

    #[test]
    fn trait_methods_count_too() {
        let mut log = Log::default();
        counts!(log, log.get("1"), log.get("x"));
        counts!(log, log.later("1"), log.later("x"));
        assert!(run(log.get_twice("1")).is_ok());
        assert_eq!(log.metrics.read(), (2, 0, 1, 0));
    }

    #[test]
    fn async_trait_methods_count_too() {
        let mut log = Log::default();
        counts!(log, log.put("1"), log.put("x"));
        counts!(log, log.look("1"), log.look("x"));
        assert_eq!(log.metrics.read(), (2, 2, 6, 0));
        counts!(log, log.quiet("1"), log.quiet("x"));
        counts!(log, log.give("1"), log.give("x"));
        assert!(run(log.by_default("1")).is_ok());
        assert!(run(Box::new(log).consume("x")).is_err());
        assert_eq!(ERRORS.get(), 1);
    }

    struct Service {
        metrics: Arc<LogMetrics>,
    }

    trait Call {
        type Future: Future<Output = Fallible<u32>>;
        fn call(&mut self, text: &str) -> Self::Future;
    }

    impl Call for Service {
        type Future = BoxFuture<'static, Fallible<u32>>;

        #[metrics(errors, calls = calls, in_flight = in_flight)]
        fn call(&mut self, text: &str) -> Self::Future {
            if text.is_empty() {
                return Box::pin(async { Err(Failed) });
            }
            let text = text.to_owned();
            Box::pin(async move { parse(&text).await })
        }
    }

    /// A type that is named like a boxed future, but is not a future.
    struct ReadyFuture<T>(T);

    struct Wrapper<S> {
        inner: S,
        metrics: LogMetrics,
    }

    impl<S: Call> Wrapper<S> {
        #[metrics(calls = calls, in_flight = in_flight)]
        fn ready(&self, value: u32) -> ReadyFuture<u32> {
            assert_eq!(self.metrics.in_flight.get(), 1);
            ReadyFuture(value)
        }
    }

    impl<S: Call> Call for Wrapper<S> {
        type Future = S::Future;

        #[metrics(calls = calls, in_flight = in_flight)]
        fn call(&mut self, text: &str) -> Self::Future {
            self.inner.call(text)
        }
    }

    trait Unbounded<R> {
        type Future;
        fn call(&mut self) -> Self::Future;
    }

    /// A struct whose type parameter `R` has no bound that requires `R` to outlive the future.
    struct Erased<R> {
        inner: Box<dyn Unbounded<R, Future = BoxFuture<'static, R>>>,
        metrics: LogMetrics,
    }

    impl<R> Unbounded<R> for Erased<R> {
        type Future = BoxFuture<'static, R>;

        #[metrics(calls = calls)]
        fn call(&mut self) -> Self::Future {
            self.inner.call()
        }
    }

    impl Unbounded<u8> for u8 {
        type Future = BoxFuture<'static, Self>;

        fn call(&mut self) -> Self::Future {
            Box::pin(std::future::ready(*self))
        }
    }

    #[test]
    fn calls_count_even_if_the_output_of_a_boxed_future_has_no_bound() {
        let mut erased = Erased { inner: Box::new(7), metrics: LogMetrics::default() };
        assert_eq!(run(erased.call()), 7);
        assert_eq!(erased.metrics.read(), (0, 0, 1, 0));
    }

    #[test]
    fn calls_count_even_if_the_return_type_is_not_known_to_be_a_future() {
        let inner = Service { metrics: Arc::default() };
        let mut wrapper = Wrapper { inner, metrics: LogMetrics::default() };
        assert_eq!(wrapper.ready(7).0, 7);
        assert_eq!(wrapper.metrics.read(), (0, 0, 1, 0));
        assert!(run(wrapper.call("1")).is_ok());
        assert_eq!(wrapper.metrics.read(), (0, 0, 2, 0));
    }

    #[test]
    fn a_boxed_future_counts_behind_an_associated_type() {
        let mut service = Service { metrics: Arc::default() };
        counts!(service, service.call("1"), service.call("x"));
        assert!(run(service.call("")).is_err());
        assert_eq!(service.metrics.read(), (2, 0, 4, 0));
    }
}

mod deep {
    //! Paths such as `self.shared.metrics.calls`, in which any field can be an `Arc`.

    use super::*;

    #[derive(Default)]
    struct Shared {
        metrics: LogMetrics,
        others: Arc<LogMetrics>,
    }

    #[derive(Default)]
    struct Log {
        shared: Arc<Shared>,
        own: Shared,
        metrics: (Arc<LogMetrics>, Arc<Counter>),
    }

    type Later = BoxFuture<'static, Fallible<u32>>;

    impl Log {
        #[metrics(errors = self.shared.metrics.write_errors, ok = self.own.others.written,
            calls = self.shared.others.calls, in_flight = self.metrics.0.in_flight)]
        fn now(&self, text: &str) -> Fallible<u32> {
            Ok(text.parse()?)
        }

        #[metrics(errors = self.shared.metrics.write_errors, ok = self.own.others.written,
            calls = self.metrics.1, in_flight = self.metrics.0.in_flight)]
        fn later(&self, text: &str) -> Later {
            if text.is_empty() {
                return Box::pin(async { Err(Failed) });
            }
            let text = text.to_owned();
            let future = async move { parse(&text).await };
            Box::pin(future)
        }

        #[metrics(errors = self.shared.metrics.write_errors, ok = self.own.others.written,
            calls = self.metrics.1, in_flight = self.metrics.0.in_flight)]
        fn boxed(&self, text: &str) -> Pin<Box<dyn Future<Output = Fallible<u32>> + Send>> {
            let text = text.to_owned();
            Box::pin(async move { parse(&text).await })
        }

        #[metrics(errors = self.shared.metrics.write_errors, ok = self.own.others.written,
            calls = self.metrics.1, in_flight = self.metrics.0.in_flight)]
        fn opaque(&mut self, text: &str) -> impl Future<Output = Fallible<u32>> + Send + use<> {
            let text = text.to_owned();
            async move { parse(&text).await }
        }

        #[metrics(errors = self.shared.metrics.write_errors, ok = self.own.others.written,
            calls = self.metrics.1, in_flight = self.metrics.0.in_flight)]
        async fn consumed(self, text: &str) -> Fallible<u32> {
            let parsed = parse(text).await?;
            drop(self);
            Ok(parsed)
        }
    }

    #[test]
    fn instruments_behind_an_arc_anywhere_in_a_path_count() {
        let mut log = Log::default();
        let shared = Arc::clone(&log.shared);
        let (written, open) = (Arc::clone(&log.own.others), Arc::clone(&log.metrics.0));
        let calls = Arc::clone(&log.metrics.1);
        assert!(log.now("1").is_ok());
        assert!(log.now("x").is_err());
        assert_eq!((shared.others.calls.get(), calls.get()), (2, 0));
        for text in ["1", "x"] {
            assert_eq!(run(log.later(text)).is_ok(), text == "1");
            assert_eq!(run(is_send(log.boxed(text))).is_ok(), text == "1");
            let mut future = Box::pin(log.opaque(text));
            assert!(poll_once(future.as_mut()).is_pending());
            assert_eq!(open.in_flight.get(), 1);
            assert_eq!(run(future).is_ok(), text == "1");
        }
        assert!(run(log.later("")).is_err());
        assert!(run(log.consumed("x")).is_err());
        assert_eq!((shared.metrics.write_errors.get(), written.written.get()), (6, 4));
        assert_eq!((calls.get(), open.in_flight.get()), (8, 0));
    }
}

/// `Cell` is `Send` but not `Sync`. To be `Send`, the future of `run` must own the cell instead of a reference to the cell.
struct Job(std::cell::Cell<u8>, std::sync::Arc<Counter>);

impl Job {
    #[metrics(errors = self.1)]
    async fn run(self) -> Fallible {
        parse("1").await?;
        self.0.set(self.0.get() + 1);
        parse("x").await?;
        Ok(())
    }
}

#[test]
fn the_future_of_a_tuple_struct_with_a_cell_is_send() {
    let errors = std::sync::Arc::new(Counter::new());
    let job = Job(std::cell::Cell::new(1), errors.clone());
    assert!(run(is_send(job.run())).is_err());
    assert_eq!(errors.get(), 1);
}

mod other_attributes {
    //! Functions that have `#[metrics(…)]` and another attribute.

    use super::*;

    #[derive(Default)]
    struct Log {
        records: Vec<String>,
        metrics: LogMetrics,
    }

    impl Log {
        #[metrics(errors)]
        #[tracing::instrument(skip(self), err)]
        async fn above(&mut self, text: &str) -> Fallible {
            self.records.push(text.to_owned());
            parse(text).await?;
            Ok(())
        }

        #[tracing::instrument(skip(self), ret)]
        #[metrics(errors)]
        async fn below(&mut self, text: &str) -> Fallible {
            self.records.push(text.to_owned());
            parse(text).await?;
            Ok(())
        }

        #[metrics(errors)]
        #[tracing::instrument(skip(self))]
        fn above_sync(&mut self, text: &str) -> Fallible {
            self.records.push(text.to_owned());
            run(parse(text))?;
            Ok(())
        }

        #[tracing::instrument(skip(self))]
        #[metrics(errors, in_flight = in_flight)]
        fn below_sync(&mut self, text: &str) -> Fallible {
            self.records.push(text.to_owned());
            run(parse(text))?;
            Ok(())
        }
    }

    impl std::fmt::Display for Failed {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("failed")
        }
    }

    #[test]
    fn functions_with_the_attribute_of_tracing_count_too() {
        let mut log = Log::default();
        counts!(log, log.above("1"), log.above("x"));
        counts!(log, log.below("1"), log.below("x"));
        assert!(log.above_sync("1").is_ok() && log.above_sync("x").is_err());
        assert!(log.below_sync("1").is_ok() && log.below_sync("x").is_err());
        assert_eq!(log.metrics.read(), (4, 0, 0, 0));
    }

    static CALLS: Counter = Counter::new();
    static ERRORS: Counter = Counter::new();

    #[metrics(errors = ERRORS, calls = CALLS)]
    #[tokio::test]
    async fn the_metrics_attribute_works_above_tokio_test() -> Fallible {
        parse("1").await?;
        Ok(())
    }

    #[tokio::test]
    #[metrics(errors = ERRORS, calls = CALLS)]
    async fn the_metrics_attribute_works_below_tokio_test() -> Fallible {
        parse("1").await?;
        assert!(CALLS.get() >= 1);
        Ok(())
    }
}
