//! Macro calls in the body of a function with the attribute. A macro of any name may return or await. Each macro receives
//! the tokens that the user wrote.

#![allow(clippy::unnecessary_wraps, clippy::unused_self, clippy::needless_pass_by_ref_mut)] // the tests need such functions

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Debug, Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    errors: Counter,
    ok: Counter,
}

impl LogMetrics {
    /// Returns the numbers of errors and successes.
    fn read(&self) -> (u64, u64) {
        (self.errors.get(), self.ok.get())
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

mod shadowed {
    //! Macros that are named like macros of the standard library.

    use super::*;

    macro_rules! assert {
        ($holds:expr, $error:expr) => {
            if !$holds {
                return Err($error);
            }
        };
    }

    macro_rules! println {
        ($result:expr) => {
            $result?
        };
    }

    macro_rules! format {
        ($future:expr) => {
            $future.await?
        };
    }

    mod out {
        macro_rules! write_ {
            ($good:expr) => {
                if !$good {
                    return Err("not written");
                }
            };
        }
        pub(crate) use write_ as write;
    }

    async fn later(good: bool) -> Result<u32, &'static str> {
        std::future::ready(()).await;
        if good { Ok(1) } else { Err("later") }
    }

    #[derive(Default)]
    struct Tank {
        level: u32,
        metrics: LogMetrics,
    }

    impl Tank {
        #[metrics(errors, ok = ok)]
        fn returns(&self, good: bool) -> Result<u32, &'static str> {
            assert!(good, "too much");
            Ok(self.level)
        }

        #[metrics(errors, ok = ok)]
        fn propagates(&mut self, result: Result<u32, &'static str>) -> Result<u32, &'static str> {
            self.level = println!(result);
            Ok(self.level)
        }

        #[metrics(errors, ok = ok)]
        fn by_path(&self, good: bool) -> Result<u32, &'static str> {
            out::write!(good);
            Ok(self.level)
        }

        #[metrics(errors, ok = ok)]
        async fn awaits(&mut self, good: bool) -> Result<u32, &'static str> {
            let level = format!(later(good));
            self.level = level;
            Ok(level)
        }
    }

    #[test]
    fn an_error_that_a_macro_of_any_name_returns_counts() {
        let mut tank = Tank::default();
        assert_eq!((tank.returns(true), tank.returns(false)), (Ok(0), Err("too much")));
        assert_eq!(tank.metrics.read(), (1, 1));
        assert_eq!((tank.propagates(Ok(1)), tank.propagates(Err("no"))), (Ok(1), Err("no")));
        assert_eq!(tank.metrics.read(), (2, 2));
        assert_eq!((tank.by_path(true), tank.by_path(false)), (Ok(1), Err("not written")));
        assert_eq!(tank.metrics.read(), (3, 3));
        assert_eq!((run(tank.awaits(true)), run(tank.awaits(false))), (Ok(1), Err("later")));
        assert_eq!(tank.metrics.read(), (4, 4));
    }
}

mod shown {
    //! Macros whose input contains `self`.

    use std::pin::Pin;
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;

    /// Accepts only the keyword `self`, so a call does not compile if generated code replaces `self` with a variable.
    macro_rules! level {
        (self.$field:ident of $this:ident) => {
            $this.$field
        };
    }

    macro_rules! check {
        ($ok:expr) => {
            if !$ok {
                return Err(stringify!($ok));
            }
        };
    }

    async fn fill(level: u32) -> Result<u32, &'static str> {
        std::future::ready(()).await;
        if level == 0 { Err("empty") } else { Ok(level) }
    }

    type Shown = Result<&'static str, &'static str>;

    #[derive(Default)]
    struct Tank {
        level: u32,
        log: Vec<u32>,
        metrics: LogMetrics,
    }

    impl std::fmt::Display for Tank {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.level)
        }
    }

    impl Tank {
        fn push(&mut self) -> usize {
            self.log.push(self.level);
            self.log.len()
        }

        fn is_valid(&self) -> bool {
            self.level < 10
        }

        #[metrics(errors, ok = ok)]
        fn shared(&self) -> Shown {
            check!(self.is_valid());
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        fn exclusive(&mut self) -> Shown {
            check!(self.is_valid());
            assert_eq!(level!(self.level of self), self.level);
            let this = self;
            this.push();
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        fn passed_to_functions(&mut self) -> Shown {
            fn push(tank: &mut Tank) -> usize {
                tank.push()
            }
            assert!(push(self) > 0);
            push(self);
            check!(self.is_valid());
            assert_eq!(format!("{self}"), format!("{}", self));
            Ok(stringify!(self))
        }

        #[metrics(errors, ok = ok)]
        async fn later(&mut self, level: u32) -> Shown {
            self.level = fill(level).await?;
            check!(self.is_valid());
            self.push();
            fill(self.level).await?;
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        async fn later_by_another_name(&mut self, level: u32) -> Shown {
            self.level = fill(level).await?;
            check!(self.is_valid());
            assert_eq!(level!(self.level of self), level, "{self}");
            let this = self;
            this.push();
            fill(this.level).await?;
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok, in_flight = in_flight())]
        async fn later_in_flight(&mut self, level: u32) -> Shown {
            self.level = fill(level).await?;
            check!(self.is_valid());
            self.push();
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        fn pinned(mut self: Pin<&mut Self>) -> Shown {
            check!(self.is_valid());
            check!(self.as_mut().is_valid());
            self.push();
            let this = self.get_mut();
            this.push();
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        fn pinned_once(self: Pin<&mut Self>) -> Shown {
            check!(self.level < 10);
            self.get_mut().push();
            Ok(stringify!(self.level))
        }
    }

    fn in_flight() -> &'static papyra_metrics::Gauge {
        static IN_FLIGHT: papyra_metrics::Gauge = papyra_metrics::Gauge::new();
        &IN_FLIGHT
    }

    struct SharedTank {
        level: u32,
        metrics: Arc<LogMetrics>,
    }

    impl SharedTank {
        #[metrics(errors, ok = ok)]
        fn consumed(self) -> Shown {
            check!(self.level < 10);
            assert_eq!(level!(self.level of self), self.level);
            drop(self);
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        async fn consumed_later(self: Box<Self>) -> Shown {
            fill(self.level).await?;
            check!(self.level < 10);
            drop(self);
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        fn counted(self: ::std::sync::Arc<Self>) -> Shown {
            check!(self.level < 10);
            drop(self);
            Ok(stringify!(self.level))
        }

        #[metrics(errors, ok = ok)]
        fn borrowed(&mut self) -> Result<&mut u32, &'static str> {
            check!(self.level < 10);
            let this = self;
            Ok(&mut this.level)
        }

        /// Consumes `self` in a macro. Generated code reaches the metrics through its own clone of the `Arc`.
        #[metrics(errors, ok = ok)]
        fn consumed_by_a_macro(self: Pin<&mut Self>) -> Shown {
            check!(self.get_mut().level < 10);
            Ok("self.level")
        }
    }

    #[async_trait]
    trait Fill {
        async fn fill(&mut self, level: u32) -> Shown;
    }

    #[async_trait]
    impl Fill for Tank {
        #[metrics(errors, ok = ok)]
        async fn fill(&mut self, level: u32) -> Shown {
            self.level = fill(level).await?;
            assert!(self.push() > 0);
            check!(self.level < 10);
            Ok("self.level")
        }
    }

    fn is_send<F: Send>(future: F) -> F {
        future
    }

    #[test]
    fn macros_see_self_as_it_is_written() {
        let mut tank = Tank::default();
        assert_eq!(tank.shared(), Ok("self.level"));
        assert_eq!(tank.exclusive(), Ok("self.level"));
        assert_eq!(tank.passed_to_functions(), Ok("self"));
        assert_eq!(run(is_send(tank.later(1))), Ok("self.level"));
        assert_eq!(run(is_send(tank.later_by_another_name(1))), Ok("self.level"));
        assert_eq!(run(is_send(tank.later_in_flight(1))), Ok("self.level"));
        assert_eq!(Pin::new(&mut tank).pinned(), Ok("self.level"));
        assert_eq!(Pin::new(&mut tank).pinned_once(), Ok("self.level"));
        assert_eq!(run(is_send(tank.fill(1))), Ok("self.level"));
        assert_eq!(tank.metrics.read(), (0, 9));
        tank.level = 10;
        assert_eq!(tank.shared(), Err("self.is_valid()"));
        assert_eq!(tank.exclusive(), Err("self.is_valid()"));
        assert_eq!(tank.passed_to_functions(), Err("self.is_valid()"));
        assert_eq!(run(tank.later(10)), Err("self.is_valid()"));
        assert_eq!(run(tank.later(0)), Err("empty"));
        assert_eq!(run(tank.later_by_another_name(10)), Err("self.is_valid()"));
        assert_eq!(run(tank.later_in_flight(10)), Err("self.is_valid()"));
        assert_eq!(Pin::new(&mut tank).pinned(), Err("self.is_valid()"));
        assert_eq!(Pin::new(&mut tank).pinned_once(), Err("self.level < 10"));
        assert_eq!(tank.metrics.read(), (9, 9));
    }

    #[test]
    fn macros_see_a_consumed_self_as_it_is_written() {
        let metrics = Arc::<LogMetrics>::default();
        let tank = |level| SharedTank { level, metrics: Arc::clone(&metrics) };
        for (level, expected) in [(1, Ok("self.level")), (10, Err("self.level < 10"))] {
            assert_eq!(tank(level).consumed(), expected);
            assert_eq!(run(is_send(Box::new(tank(level)).consumed_later())), expected);
            assert_eq!(Arc::new(tank(level)).counted(), expected);
            assert_eq!(tank(level).borrowed().is_ok(), expected.is_ok());
            let expected = expected.map_err(|_| "self.get_mut().level < 10");
            assert_eq!(Pin::new(&mut tank(level)).consumed_by_a_macro(), expected);
        }
        assert_eq!(metrics.read(), (5, 5));
    }
}

mod send {
    //! Futures of methods whose `self` is `Send` but not `Sync`.

    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;

    struct Job<M> {
        runs: Cell<u8>,
        name: String,
        metrics: M,
    }

    impl<M: AsRef<LogMetrics>> Job<M> {
        #[metrics(errors = self.metrics.as_ref().errors)]
        async fn expression(self) -> Result<u8, String> {
            self.runs.set(self.runs.get() + 1);
            std::future::ready(()).await;
            if self.runs.get() > 5 {
                return Err(self.name);
            }
            Ok(self.runs.get())
        }
    }

    macro_rules! jobs {
        ($name:ident, $metrics:ty) => {
            impl Job<$metrics> {
                #[metrics(errors)]
                async fn $name(self) -> Result<u8, String> {
                    self.runs.set(self.runs.get() + 1);
                    std::future::ready(()).await;
                    if self.runs.get() > 5 {
                        return Err(self.name);
                    }
                    assert!(!self.name.is_empty());
                    Ok(self.runs.get())
                }
            }
        };
    }
    jobs!(shared, Arc<LogMetrics>);
    jobs!(owned, LogMetrics);

    impl Job<Arc<LogMetrics>> {
        #[metrics(errors)]
        async fn boxed(self: Box<Self>) -> Result<u8, String> {
            self.runs.set(self.runs.get() + 1);
            std::future::ready(()).await;
            if self.runs.get() > 5 {
                return Err(self.name);
            }
            Ok(self.runs.get())
        }

        #[metrics(errors)]
        async fn borrowed(&mut self) -> Result<&str, String> {
            self.runs.set(self.runs.get() + 1);
            std::future::ready(()).await;
            if self.runs.get() > 5 {
                return Err(self.name.clone());
            }
            Ok(&self.name)
        }
    }

    fn is_send<F: Send>(future: F) -> F {
        future
    }

    #[test]
    fn a_future_that_takes_self_is_send_if_self_is() {
        let metrics = Arc::<LogMetrics>::default();
        let job =
            |runs| Job { runs: Cell::new(runs), name: "job".into(), metrics: metrics.clone() };
        for (runs, expected) in [(1, Ok(2)), (7, Err("job".to_owned()))] {
            assert_eq!(run(is_send(job(runs).shared())), expected);
            assert_eq!(run(is_send(Box::new(job(runs)).boxed())), expected);
            let owned =
                Job { runs: Cell::new(runs), name: "job".into(), metrics: LogMetrics::default() };
            assert_eq!(run(is_send(owned.owned())), expected);
            assert_eq!(run(is_send(job(runs).borrowed())).is_ok(), expected.is_ok());
            assert_eq!(run(job(runs).expression()), expected);
        }
        assert_eq!(metrics.errors.get(), 4);
    }
}
