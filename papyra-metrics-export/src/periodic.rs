//! Exports again and again, for systems that do not fetch metrics themselves.
//!
//! [`Periodic::spawn`] does it in a thread of its own, and under the feature `tokio` [`PeriodicTask::spawn`] in a
//! task. Both export once more when they are stopped, so that the last counts go out.

use std::fmt;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Something that sends the metrics of a registry to where they are collected.
///
/// Implemented by `statsd::StatsD` and `metrics::Facade`. For another system, implement it over a
/// [`RegistryReader`](crate::RegistryReader).
pub trait Export {
    /// Sends what there is, or a first part of it, without waiting for the receiver.
    ///
    /// # Errors
    ///
    /// Where it could not be sent. It is sent with the next call instead.
    fn export(&mut self) -> io::Result<Progress>;
}

impl<E: Export + ?Sized> Export for Box<E> {
    fn export(&mut self) -> io::Result<Progress> {
        E::export(self)
    }
}

/// How far an export has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything was sent.
    Done,
    /// The receiver should be given a moment before the next part.
    More,
}

/// How long the receiver is given between two parts: a full buffer of datagrams is read in less.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the last export may take in all.
const LAST: Duration = Duration::from_secs(5);

/// What a thread and a task have in common: when to export, and how it went.
struct Driver<E> {
    export: E,
    every: Duration,
    next: Instant,
    /// How the last export went; its error is told meanwhile, too.
    result: io::Result<()>,
    last_error: LastError,
}

type LastError = Arc<Mutex<Option<String>>>;

impl<E: Export> Driver<E> {
    fn new(every: Duration, export: E) -> Self {
        let every = every.max(Duration::from_millis(1));
        let next = Instant::now() + every;
        Self { export, every, next, result: Ok(()), last_error: LastError::default() }
    }

    /// Exports what is due, and says how long to wait before the next time.
    fn step(&mut self) -> Duration {
        if self.export() == Progress::More {
            return PAUSE;
        }
        // What was missed is not made up for: the next export has it all.
        while self.next <= Instant::now() {
            self.next += self.every;
        }
        self.wait()
    }

    fn wait(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Exports, and keeps the error. After one there is no sense in going on at once.
    fn export(&mut self) -> Progress {
        // A panic is an error like others: a driver that is gone would export nothing of what is well again.
        let export = panic::catch_unwind(AssertUnwindSafe(|| self.export.export()));
        let (progress, result) = match export.unwrap_or_else(|_| Err(panicked())) {
            Ok(progress) => (progress, Ok(())),
            Err(error) => (Progress::Done, Err(error)),
        };
        *lock(&self.last_error) = result.as_ref().err().map(ToString::to_string);
        self.result = result;
        progress
    }

    /// The last export, in as many steps as it needs; how long to wait before the next of them.
    fn finish(&mut self, deadline: Instant) -> Option<Duration> {
        let more = self.export() == Progress::More && Instant::now() < deadline;
        more.then_some(PAUSE)
    }
}

/// A thread that exports at an interval. It stops when it is dropped.
///
/// ```
/// use papyra_metrics_export::{Export, Periodic, Progress, RegistryReader, Registry};
/// use std::time::Duration;
///
/// /// Prints the metrics.
/// struct Print(RegistryReader);
///
/// impl Export for Print {
///     fn export(&mut self) -> std::io::Result<Progress> {
///         for reading in self.0.read() {
///             println!("{}{} = {}", reading.name(), reading.labels(), reading.value());
///         }
///         Ok(Progress::Done)
///     }
/// }
///
/// let print = Print(RegistryReader::new(&Registry::new()));
/// let periodic = Periodic::spawn(Duration::from_secs(10), print)?;
/// // … the application runs, and at its end:
/// periodic.stop()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "the export stops when this is dropped"]
pub struct Periodic {
    /// The thread stops when this is gone.
    running: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    last_error: LastError,
}

impl Periodic {
    /// Exports after each interval, and once more at the end. An interval under a millisecond is one.
    ///
    /// An export that takes longer than the interval is not interrupted; those that it delays are left out.
    ///
    /// # Errors
    ///
    /// Where no thread can be started.
    pub fn spawn(every: Duration, export: impl Export + Send + 'static) -> io::Result<Self> {
        let mut driver = Driver::new(every, export);
        let last_error = Arc::clone(&driver.last_error);
        let (running, stopped) = mpsc::channel::<()>();
        let thread = thread::Builder::new().name("metrics export".to_owned()).spawn(move || {
            let mut wait = driver.wait();
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = driver.step();
            }
            let deadline = Instant::now() + LAST;
            while let Some(pause) = driver.finish(deadline) {
                thread::sleep(pause);
            }
            driver.result
        })?;
        Ok(Self { running: Some(running), thread: Some(thread), last_error })
    }

    /// Why the last export failed, or `None` where it did not.
    pub fn last_error(&self) -> Option<String> {
        lock(&self.last_error).clone()
    }

    /// Exports once more and stops. It waits for the receiver for five seconds at most.
    ///
    /// # Errors
    ///
    /// Where that last export failed or panicked.
    pub fn stop(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        self.running = None;
        self.thread
            .take()
            .map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| Err(panicked())))
    }
}

fn lock(last_error: &LastError) -> MutexGuard<'_, Option<String>> {
    last_error.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panicked() -> io::Error {
    io::Error::other("the export panicked")
}

impl Drop for Periodic {
    fn drop(&mut self) {
        // Whoever wants to know has called `stop`.
        let _ = self.join();
    }
}

impl fmt::Debug for Periodic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Periodic").field("last_error", &self.last_error()).finish_non_exhaustive()
    }
}

#[cfg(feature = "tokio")]
pub use task::PeriodicTask;

#[cfg(feature = "tokio")]
mod task {
    use std::fmt;
    use std::io;
    use std::mem;
    use std::time::{Duration, Instant};

    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;
    use tokio::time::{sleep, timeout};

    use super::{Driver, Export, LAST, LastError, lock, panicked};

    /// A tokio task that exports at an interval. It stops when it is dropped.
    ///
    /// ```
    /// use papyra_metrics_export::{Export, PeriodicTask, Progress};
    /// use std::time::Duration;
    ///
    /// struct Nothing;
    ///
    /// impl Export for Nothing {
    ///     fn export(&mut self) -> std::io::Result<Progress> { Ok(Progress::Done) }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let periodic = PeriodicTask::spawn(Duration::from_secs(10), Nothing);
    /// // … the application runs, and at its end:
    /// periodic.stop().await
    /// # }).unwrap();
    /// ```
    #[must_use = "the export stops when this is dropped"]
    pub struct PeriodicTask {
        /// The task stops when this is gone.
        running: oneshot::Sender<()>,
        task: JoinHandle<io::Result<()>>,
        last_error: LastError,
    }

    impl PeriodicTask {
        /// Exports after each interval, and once more at the end, be it that of this value or of the runtime.
        /// An interval under a millisecond is one.
        ///
        /// # Panics
        ///
        /// Outside of a tokio runtime, or in one without timers.
        pub fn spawn(every: Duration, export: impl Export + Send + 'static) -> Self {
            let driver = Driver::new(every, export);
            let last_error = driver.last_error.clone();
            let (running, stopped) = oneshot::channel();
            let task = tokio::spawn(run(Last(Some(driver)), stopped));
            Self { running, task, last_error }
        }

        /// Why the last export failed, or `None` where it did not.
        pub fn last_error(&self) -> Option<String> {
            lock(&self.last_error).clone()
        }

        /// Exports once more and stops. It waits for the receiver for five seconds at most.
        ///
        /// # Errors
        ///
        /// Where that last export failed or panicked.
        pub async fn stop(self) -> io::Result<()> {
            let Self { running, task, .. } = self;
            drop(running);
            task.await.unwrap_or_else(|_| Err(panicked()))
        }
    }

    impl fmt::Debug for PeriodicTask {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let last_error = self.last_error();
            f.debug_struct("PeriodicTask").field("last_error", &last_error).finish_non_exhaustive()
        }
    }

    async fn run<E: Export>(
        mut last: Last<E>,
        mut stopped: oneshot::Receiver<()>,
    ) -> io::Result<()> {
        let Some(driver) = &mut last.0 else { return Ok(()) };
        let mut wait = driver.wait();
        while timeout(wait, &mut stopped).await.is_err() {
            wait = driver.step();
        }
        let deadline = Instant::now() + LAST;
        while let Some(pause) = driver.finish(deadline) {
            sleep(pause).await;
        }
        let result = mem::replace(&mut driver.result, Ok(()));
        last.0 = None;
        result
    }

    /// Exports once more where the runtime drops the task before its end.
    struct Last<E: Export>(Option<Driver<E>>);

    impl<E: Export> Drop for Last<E> {
        fn drop(&mut self) {
            if let Some(driver) = &mut self.0 {
                // Nothing waits here: a runtime is shutting down.
                let deadline = Instant::now() + LAST;
                while driver.finish(deadline).is_some() {}
            }
        }
    }
}
