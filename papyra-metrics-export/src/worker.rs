//! A thread that can be joined with a timeout. The thread itself may drop the handle.

use std::io;
use std::process;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::panics::catch;

/// A running thread.
///
/// The thread runs user code, which may own this handle, block forever, or panic.
pub(crate) struct Worker<T> {
    thread: JoinHandle<()>,
    result: Receiver<Result<T, String>>,
    /// The process that started the thread. Threads do not survive a `fork`, so a child process must not wait for a
    /// thread of its parent.
    process: u32,
}

/// The reason why [`Worker::join`] returns no result.
#[derive(Debug)]
pub(crate) enum JoinError {
    /// The thread panicked, with this message.
    Panicked(String),
    /// The caller runs on the thread itself and cannot wait for it.
    Deadlock,
    /// The thread is still running after the timeout. It continues without a handle.
    TimedOut,
    /// The thread belongs to the parent process, from which this process was forked.
    Forked,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts a thread with this name.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system refuses another thread.
    pub(crate) fn spawn(name: &str, run: impl FnOnce() -> T + Send + 'static) -> io::Result<Self> {
        let (sender, result) = mpsc::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Sending fails only if nobody waits for the result any more.
            let _ = sender.send(catch(run));
        });
        let thread = thread.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start the thread `{name}`: {error}"))
        })?;
        Ok(Self { thread, result, process: process::id() })
    }

    /// Waits until the thread ends, for at most `timeout`.
    pub(crate) fn join(self, timeout: Duration) -> Result<T, JoinError> {
        if process::id() != self.process {
            return Err(JoinError::Forked);
        }
        if self.is_current() {
            return Err(JoinError::Deadlock);
        }
        match self.result.recv_timeout(timeout) {
            Ok(result) => {
                // The thread has sent its result and is about to exit. From here on it runs no user code except the
                // destructors of thread-locals.
                let _ = self.thread.join();
                result.map_err(JoinError::Panicked)
            }
            Err(RecvTimeoutError::Timeout) => Err(JoinError::TimedOut),
            Err(RecvTimeoutError::Disconnected) => {
                Err(JoinError::Panicked("no message".to_owned()))
            }
        }
    }

    /// Returns whether the caller runs on this thread.
    pub(crate) fn is_current(&self) -> bool {
        thread::current().id() == self.thread.thread().id()
    }
}
