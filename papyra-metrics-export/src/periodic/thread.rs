//! Exports periodically from a thread.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Driver, Export, FLUSH_TIMEOUT, panicked};
use crate::last_error::LastError;
use crate::worker::{JoinError, Worker};

/// The time for which `stop` waits for the thread: the time limit of the final export, plus one second for an export
/// that is in progress.
const STOP_TIMEOUT: Duration = FLUSH_TIMEOUT.saturating_add(Duration::from_secs(1));

/// Exports at an interval, from a thread. When this handle is dropped, the thread exports once more and stops.
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
///         for sample in self.0.read() {
///             println!("{}{} = {}", sample.name(), sample.labels(), sample.value());
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
///
/// If an export fails or panics, [`last_error`](Self::last_error) returns the error, and the next export is tried after
/// the interval. The thread does not survive a `fork`: in the child process nothing is exported, and `stop` and `Drop`
/// return at once. Create a new `Periodic` in the child.
#[must_use = "the export stops when this is dropped"]
pub struct Periodic {
    /// Keeps the thread running. The thread ends when this sender is dropped.
    running: Option<mpsc::Sender<()>>,
    worker: Option<Worker<io::Result<()>>>,
    last_error: LastError,
}

impl Periodic {
    /// Starts a thread that exports after each interval, and once more when it is stopped. The shortest interval is one
    /// millisecond. With [`Duration::MAX`], the thread exports only when it is stopped.
    ///
    /// An export that takes longer than the interval is not interrupted; the exports that it delays are skipped.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system refuses another thread.
    pub fn spawn(interval: Duration, export: impl Export + Send + 'static) -> io::Result<Self> {
        let driver = Driver::new(interval, Instant::now, export);
        let last_error = driver.last_error.clone();
        let (running, stopped) = mpsc::channel();
        let worker = Worker::spawn("metrics export", move || run(driver, &stopped))?;
        Ok(Self { running: Some(running), worker: Some(worker), last_error })
    }

    /// Returns the error of the last export that has ended, or `None` if it succeeded.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.get()
    }

    /// Exports once more and stops. If this export has several parts, no part is begun after five seconds.
    ///
    /// # Errors
    ///
    /// Returns an error if the last export failed or panicked, or if `stop` is called in a forked child process. The
    /// error is [`TimedOut`](io::ErrorKind::TimedOut) if parts of the last export are left after five seconds, or if
    /// the thread has not ended after six seconds. If the exporter calls `stop` from its own `export`, the error is
    /// [`Deadlock`](io::ErrorKind::Deadlock); after this `export` returns, the thread exports once more and stops.
    pub fn stop(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        self.running = None;
        let Some(worker) = self.worker.take() else { return Ok(()) };
        worker.join(STOP_TIMEOUT).unwrap_or_else(|error| {
            Err(match error {
                JoinError::Panicked(message) => panicked(&message),
                JoinError::Deadlock => io::Error::new(
                    io::ErrorKind::Deadlock,
                    "`stop` was called by the export itself; the last export follows when this one returns",
                ),
                JoinError::TimedOut => io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the export has not returned in time; when it returns, its thread exports once more and stops",
                ),
                JoinError::Forked => io::Error::other(
                    "the export belongs to the process that this one was forked from; create a new `Periodic` here",
                ),
            })
        })
    }
}

fn run<E: Export>(mut driver: Driver<E>, stopped: &mpsc::Receiver<()>) -> io::Result<()> {
    let mut wait = driver.wait();
    while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        wait = driver.step();
    }
    let deadline = driver.deadline();
    while let Some(pause) = driver.flush(deadline) {
        thread::sleep(pause);
    }
    driver.finish()
}

impl Drop for Periodic {
    fn drop(&mut self) {
        // `drop` cannot return the error of the last export. Callers that need this error call `stop`.
        let _ = self.join();
    }
}

impl fmt::Debug for Periodic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Periodic").field("last_error", &self.last_error()).finish_non_exhaustive()
    }
}
