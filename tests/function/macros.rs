//! Macro calls in measured bodies: a macro of any name may return or await, and sees the tokens that the user wrote.

#![allow(clippy::unnecessary_wraps, clippy::unused_self, clippy::needless_pass_by_ref_mut)] // shapes to try

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
    /// Errors and successes.
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
    //! Macros with the names of the standard library's.

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
    fn an_error_that_a_macro_returns_counts_under_any_name() {
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
