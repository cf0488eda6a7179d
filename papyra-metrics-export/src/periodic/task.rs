//! Exports periodically from a tokio task.

use std::fmt;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Driver, Export};
use crate::last_error::LastError;
use crate::panics::catch;

/// Exports at an interval, from a tokio task. When this handle is dropped, the task exports once more and stops.
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
///
/// If an export fails or panics, [`last_error`](Self::last_error) returns the error, and the next export is tried after
/// the interval.
#[must_use = "the export stops when this is dropped"]
pub struct PeriodicTask {
    /// Keeps the task running. The task ends when this sender is dropped.
    running: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
    last_error: LastError,
}

impl PeriodicTask {
    /// Spawns a task that exports after each interval, and once more when it is stopped or the runtime shuts down. The
    /// shortest interval is one millisecond. With [`Duration::MAX`], the task exports only when it ends.
    ///
    /// # Panics
    ///
    /// Panics if called outside of a tokio runtime, or in a runtime without timers.
    pub fn spawn(interval: Duration, export: impl Export + Send + 'static) -> Self {
        // Panics here if the runtime has no timers. Without this line, the task would panic later, and nobody would
        // notice.
        drop(sleep(Duration::ZERO));
        // The time comes from tokio's clock. A test that pauses this clock therefore observes one export for each
        // interval.
        let driver = Driver::new(interval, || tokio::time::Instant::now().into_std(), export);
        let last_error = driver.last_error.clone();
        let (running, stopped) = oneshot::channel();
        let task = tokio::spawn(run(FlushOnDrop(Some(driver)), stopped));
        Self { running, task, last_error }
    }

    /// Returns the error of the last export that has ended, or `None` if it succeeded.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.get()
    }

    /// Exports once more and stops. If this export has several parts, no part is begun after five seconds.
    ///
    /// # Errors
    ///
    /// Returns an error if the last export failed or panicked, or if the runtime shut down before this export ended.
    /// The error is [`TimedOut`](io::ErrorKind::TimedOut) if parts of the last export are left after five seconds.
    pub async fn stop(self) -> io::Result<()> {
        let Self { running, task, .. } = self;
        drop(running);
        // The task does not panic, because it catches the panics of user code.
        task.await.unwrap_or_else(|_| {
            Err(io::Error::other("the runtime shut down before the export ended"))
        })
    }
}

async fn run<E: Export>(
    mut flush_on_drop: FlushOnDrop<E>,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let Some(driver) = &mut flush_on_drop.0 else { return Ok(()) };
    let mut wait = driver.wait();
    while timeout(wait, &mut stopped).await.is_err() {
        wait = driver.step();
    }
    let deadline = driver.deadline();
    while let Some(pause) = driver.flush(deadline) {
        sleep(pause).await;
    }
    flush_on_drop.0.take().map_or(Ok(()), Driver::finish)
}

/// Exports once more if the runtime drops the task before the task has ended.
struct FlushOnDrop<E: Export>(Option<Driver<E>>);

impl<E: Export> Drop for FlushOnDrop<E> {
    fn drop(&mut self) {
        if let Some(mut driver) = self.0.take() {
            // The deadline uses the clock of the standard library, because a paused clock of tokio would never reach it.
            driver.clock = Instant::now;
            let deadline = driver.deadline();
            while let Some(pause) = driver.flush(deadline) {
                // This blocks, because the timers of the runtime no longer work. Without the pause, the parts would
                // overflow the receiver's buffer.
                thread::sleep(pause);
            }
            let _ = catch(|| drop(driver.finish()));
        }
    }
}

impl fmt::Debug for PeriodicTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last_error = self.last_error();
        f.debug_struct("PeriodicTask").field("last_error", &last_error).finish_non_exhaustive()
    }
}
