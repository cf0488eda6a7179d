//! Exports at an interval, for monitoring systems that do not fetch metrics themselves.
//!
//! [`Periodic::spawn`] exports from a thread; `PeriodicTask::spawn` exports from a tokio task, with the feature
//! `tokio`. Both export once more when they are stopped, so that the last counts are sent.

use std::io;
use std::mem;
use std::time::{Duration, Instant};

use crate::last_error::LastError;
use crate::panics::catch;

#[cfg(feature = "tokio")]
mod task;
mod thread;

#[cfg(feature = "tokio")]
pub use task::PeriodicTask;
pub use thread::Periodic;

/// Sends the metrics of a registry to a monitoring system.
///
/// Implemented by `statsd::StatsD`, `metrics::Facade` and `otlp::OtlpHttp`. For another monitoring system, implement
/// this trait with a [`RegistryReader`](crate::RegistryReader).
pub trait Export {
    /// Sends all pending data, or the next part of it. Waits for the receiver only if the protocol has responses.
    ///
    /// # Errors
    ///
    /// Returns an error if the data could not be sent. The next export includes the data.
    fn export(&mut self) -> io::Result<Progress>;
}

impl<E: Export + ?Sized> Export for Box<E> {
    fn export(&mut self) -> io::Result<Progress> {
        E::export(self)
    }
}

/// Whether an export is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything was sent.
    Done,
    /// Not everything was sent, because the receiver needs time to process what it was sent, or has requested a pause.
    /// The caller calls [`export`](Export::export) again after a short pause.
    More,
}

/// The pause between two parts of an export. Within this time, a receiver can empty a full socket buffer.
const PAUSE: Duration = Duration::from_millis(10);
/// The time limit for all parts of the final export.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest interval between two exports.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// Decides when to export, and stores the result of each export. Used by [`Periodic`] and `PeriodicTask`.
struct Driver<E> {
    export: E,
    interval: Duration,
    /// The time of the next export. `None` if the time is too late to be represented by an `Instant`, in which case
    /// there is no next export.
    next: Option<Instant>,
    clock: fn() -> Instant,
    /// The result of the most recent export.
    result: io::Result<()>,
    last_error: LastError,
}

impl<E: Export> Driver<E> {
    fn new(interval: Duration, clock: fn() -> Instant, export: E) -> Self {
        let interval = interval.max(MIN_INTERVAL);
        let next = clock().checked_add(interval);
        Self { export, interval, next, clock, result: Ok(()), last_error: LastError::default() }
    }

    /// Exports once, and returns the time to wait before the next call.
    fn step(&mut self) -> Duration {
        if self.export() == Progress::More {
            return PAUSE;
        }
        let now = (self.clock)();
        self.next = self.next.and_then(|next| next_after(now, next, self.interval));
        self.wait()
    }

    /// Returns the time until the next export is due.
    fn wait(&self) -> Duration {
        let now = (self.clock)();
        self.next.map_or(Duration::MAX, |next| next.saturating_duration_since(now))
    }

    /// Exports once and stores the result, unless there are more parts. A failed export is not continued before the next
    /// interval.
    fn export(&mut self) -> Progress {
        // All of this is user code: the export, the formatting of its error, and the `Drop` of the error.
        let exported = catch(|| {
            let result = self.export.export();
            let message = result.as_ref().err().map(ToString::to_string);
            (result, message)
        });
        let (result, message) = exported.unwrap_or_else(|panic| {
            let error = panicked(&panic);
            let message = error.to_string();
            (Err(error), Some(message))
        });
        if let Ok(Progress::More) = result {
            return Progress::More;
        }
        self.set_result(result.map(drop), message);
        Progress::Done
    }

    fn set_result(&mut self, result: io::Result<()>, message: Option<String>) {
        self.last_error.set(message);
        let previous = mem::replace(&mut self.result, result);
        let _ = catch(|| drop(previous));
    }

    /// Returns the deadline of a final export that begins now. After the deadline, no further part is sent.
    fn deadline(&self) -> Instant {
        (self.clock)() + FLUSH_TIMEOUT
    }

    /// Sends a part of the final export. Returns the time to wait before the next part, or `None` if the export has
    /// ended. The export ends when everything was sent, when a part fails, or after the deadline. If parts are left
    /// after the deadline, the stored result is an error.
    fn flush(&mut self, deadline: Instant) -> Option<Duration> {
        if self.export() == Progress::Done {
            return None;
        }
        if (self.clock)() < deadline {
            return Some(PAUSE);
        }
        let message = format!(
            "not all values were sent within {} s; the receiver is too slow or has requested a pause",
            FLUSH_TIMEOUT.as_secs()
        );
        let error = io::Error::new(io::ErrorKind::TimedOut, message.clone());
        self.set_result(Err(error), Some(message));
        None
    }

    /// Drops the exporter, whose `Drop` may panic, and returns the result of the last export.
    fn finish(self) -> io::Result<()> {
        let Self { export, result, .. } = self;
        let _ = catch(|| drop(export));
        result
    }
}

/// Returns `next` plus the smallest whole number of intervals that gives a time after `now`. Missed exports are
/// skipped, because the next export sends everything.
fn next_after(now: Instant, next: Instant, interval: Duration) -> Option<Instant> {
    let Some(late) = now.checked_duration_since(next) else { return Some(next) };
    let late = late.as_nanos() % interval.as_nanos();
    // The delay is at most the time for which the process has been running, so its nanoseconds fit in a `u64`.
    let late = Duration::from_nanos(u64::try_from(late).unwrap_or(0));
    now.checked_add(interval.saturating_sub(late))
}

fn panicked(message: &str) -> io::Error {
    io::Error::other(format!("the export panicked: {message}"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::{Duration, Instant};

    use super::{Driver, Export, Progress, next_after};

    #[test]
    fn missed_exports_are_skipped_and_the_phase_is_kept() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let next = |now| next_after(at(now), at(100), Duration::from_millis(100));
        assert_eq!(next(99), Some(at(100)));
        assert_eq!(next(100), Some(at(200)));
        assert_eq!(next(101), Some(at(200)));
        assert_eq!(next(1_000_000_050), Some(at(1_000_000_100)));
        assert_eq!(next_after(at(1), at(0), Duration::MAX), None);
    }

    /// An export that always has a further part.
    struct Endless;

    impl Export for Endless {
        fn export(&mut self) -> io::Result<Progress> {
            Ok(Progress::More)
        }
    }

    /// An export that gives these answers, the last one first.
    struct Answers(Vec<io::Result<Progress>>);

    impl Export for Answers {
        fn export(&mut self) -> io::Result<Progress> {
            self.0.pop().unwrap()
        }
    }

    #[test]
    fn the_error_of_an_export_stays_until_another_one_is_complete() {
        let answers = vec![Ok(Progress::Done), Ok(Progress::More), Err(io::Error::other("busy"))];
        let mut driver = Driver::new(Duration::MAX, Instant::now, Answers(answers));
        for error in [Some("busy"), Some("busy"), None] {
            driver.step();
            assert_eq!(driver.last_error.get().as_deref(), error);
        }
    }

    #[test]
    fn parts_that_are_left_after_the_deadline_are_an_error() {
        let mut driver = Driver::new(Duration::MAX, Instant::now, Endless);
        let deadline = driver.deadline();
        assert!(driver.flush(deadline).is_some());
        assert_eq!(driver.last_error.get(), None);
        assert_eq!(driver.flush(Instant::now()), None);
        let last_error = driver.last_error.get();
        let error = driver.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(last_error, Some(error.to_string()));
    }
}
