//! Tests periodic exports from a thread and from a task: after each interval, and once more at the end.

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::panic_any;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use papyra_metrics_export::{Export, Periodic, PeriodicTask, Progress};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT_INTERVAL: Duration = Duration::from_millis(1);
const TIMEOUT: Duration = Duration::from_secs(30);

/// An export that sends the number of its calls so far to the test. Each call returns the next of `answers`, or `Done`
/// if no answer is left.
struct Script {
    sender: Sender<usize>,
    exports: usize,
    answers: Vec<io::Result<Progress>>,
}

impl Export for Script {
    fn export(&mut self) -> io::Result<Progress> {
        self.exports += 1;
        let _ = self.sender.send(self.exports);
        if self.answers.is_empty() { Ok(Progress::Done) } else { self.answers.remove(0) }
    }
}

fn script(answers: Vec<io::Result<Progress>>) -> (Script, Receiver<usize>) {
    let (sender, exports) = mpsc::channel();
    (Script { sender, exports: 0, answers }, exports)
}

fn refused() -> io::Result<Progress> {
    Err(io::Error::other("the receiver is not running"))
}

/// An export that panics in its first call. In each later call, it sends a message to the test.
struct PanicsOnce {
    sender: Sender<()>,
    has_panicked: bool,
}

impl Export for PanicsOnce {
    fn export(&mut self) -> io::Result<Progress> {
        if !self.has_panicked {
            self.has_panicked = true;
            panic!("the network has failed");
        }
        let _ = self.sender.send(());
        Ok(Progress::Done)
    }
}

fn panics_once(sender: &Sender<()>) -> PanicsOnce {
    PanicsOnce { sender: sender.clone(), has_panicked: false }
}

/// An export that always has more to send.
struct Endless;

impl Export for Endless {
    fn export(&mut self) -> io::Result<Progress> {
        Ok(Progress::More)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn a_thread_exports_after_each_interval_and_survives_errors() {
    let (script, exports) = script(vec![refused(), refused()]);
    let periodic = Periodic::spawn(SHORT_INTERVAL, script).unwrap();
    for n in 1..=10 {
        assert_eq!(exports.recv_timeout(TIMEOUT), Ok(n));
    }
    periodic.stop().unwrap();
}

#[test]
fn a_thread_that_is_stopped_exports_everything_once_more() {
    let (script, exports) = script(vec![Ok(Progress::More), Ok(Progress::More)]);
    let periodic = Periodic::spawn(HOUR, script).unwrap();
    periodic.stop().unwrap();
    assert_eq!(exports.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_dropped_handle_exports_once_more_and_ends_the_thread() {
    let (script, exports) = script(vec![]);
    drop(Periodic::spawn(HOUR, script).unwrap());
    assert_eq!(exports.recv_timeout(TIMEOUT), Ok(1));
    // The thread has ended and dropped the export.
    assert_eq!(exports.recv_timeout(TIMEOUT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn stop_returns_the_error_of_the_last_export() {
    let (script, _exports) = script(vec![refused()]);
    let periodic = Periodic::spawn(HOUR, script).unwrap();
    assert_eq!(periodic.last_error(), None);
    assert_eq!(periodic.stop().unwrap_err().to_string(), "the receiver is not running");
}

#[test]
fn an_interval_of_zero_is_accepted() {
    let (script, exports) = script(vec![]);
    let periodic = Periodic::spawn(Duration::ZERO, script).unwrap();
    assert_eq!(exports.recv_timeout(TIMEOUT), Ok(1));
    periodic.stop().unwrap();
}

#[test]
fn a_task_exports_after_each_interval_and_once_more_when_it_is_stopped() {
    let (script, exports) = script(vec![refused(), Ok(Progress::More)]);
    runtime().block_on(async {
        let periodic = PeriodicTask::spawn(SHORT_INTERVAL, script);
        while exports.try_recv() != Ok(5) {
            tokio::task::yield_now().await;
        }
        periodic.stop().await.unwrap();
        assert!(exports.try_iter().count() >= 1);
    });
    runtime().block_on(async {
        let (script, exports) = self::script(vec![refused()]);
        let periodic = PeriodicTask::spawn(HOUR, script);
        assert_eq!(periodic.stop().await.unwrap_err().to_string(), "the receiver is not running");
        assert_eq!(exports.try_iter().count(), 1);
    });
}

#[test]
fn a_task_that_is_dropped_exports_once_more() {
    let (script, exports) = script(vec![]);
    runtime().block_on(async {
        drop(PeriodicTask::spawn(HOUR, script));
        while exports.try_recv() != Ok(1) {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_runtime_that_shuts_down_lets_the_task_export_once_more() {
    let (script, exports) = script(vec![Ok(Progress::More)]);
    let runtime = runtime();
    let periodic = runtime.block_on(async { PeriodicTask::spawn(HOUR, script) });
    drop(runtime);
    assert_eq!(exports.try_iter().collect::<Vec<_>>(), [1, 2]);
    drop(periodic);
}

/// An export with so many parts that they take 35 milliseconds, with the pauses between them.
struct Parts {
    exports: Sender<()>,
    begun: Option<Instant>,
}

impl Export for Parts {
    fn export(&mut self) -> io::Result<Progress> {
        let _ = self.exports.send(());
        let elapsed = self.begun.get_or_insert_with(Instant::now).elapsed();
        Ok(if elapsed < Duration::from_millis(35) { Progress::More } else { Progress::Done })
    }
}

#[test]
fn a_runtime_that_shuts_down_pauses_between_the_parts_of_the_last_export() {
    let (exports, count) = mpsc::channel();
    let runtime = runtime();
    let parts = Parts { exports, begun: None };
    let _periodic = runtime.block_on(async { PeriodicTask::spawn(HOUR, parts) });
    drop(runtime);
    // The first part, and one after each pause of at least ten milliseconds.
    let count = count.try_iter().count();
    assert!((2..=5).contains(&count), "{count}");
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn a_runtime_without_timers_is_refused_when_the_task_is_spawned() {
    let (script, _exports) = script(vec![]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(PeriodicTask::spawn(HOUR, script)) });
}

#[test]
fn an_export_that_panics_is_an_error_and_the_next_one_is_tried() {
    let (sender, exports) = mpsc::channel();
    let periodic = Periodic::spawn(HOUR, panics_once(&sender)).unwrap();
    let error = periodic.stop().unwrap_err();
    assert_eq!(error.to_string(), "the export panicked: the network has failed");
    let periodic = Periodic::spawn(SHORT_INTERVAL, panics_once(&sender)).unwrap();
    assert_eq!(exports.recv_timeout(TIMEOUT), Ok(()));
    periodic.stop().unwrap();
    runtime().block_on(async {
        let periodic = PeriodicTask::spawn(HOUR, panics_once(&sender));
        let error = periodic.stop().await.unwrap_err();
        assert_eq!(error.to_string(), "the export panicked: the network has failed");
    });
}

/// A value that panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        // A second panic during an unwind would abort the test.
        assert!(thread::panicking(), "dropped");
    }
}

/// An error that panics when it is printed and when it is dropped.
#[derive(Debug)]
struct BadError;

impl fmt::Display for BadError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("printed")
    }
}

impl Error for BadError {}

impl Drop for BadError {
    fn drop(&mut self) {
        assert!(thread::panicking(), "dropped");
    }
}

/// An export that fails in a different way in each of the first three calls, and then succeeds. It also panics when it
/// is dropped.
struct FailsInEveryWay {
    exports: usize,
    succeeded: Sender<()>,
    _on_drop: PanicsOnDrop,
}

impl Export for FailsInEveryWay {
    fn export(&mut self) -> io::Result<Progress> {
        self.exports += 1;
        match self.exports {
            1 => panic_any(PanicsOnDrop),
            2 => Err(io::Error::other(BadError)),
            3 => panic_any(42),
            _ => {
                let _ = self.succeeded.send(());
                Ok(Progress::Done)
            }
        }
    }
}

fn failing_export() -> (FailsInEveryWay, Receiver<()>) {
    let (succeeded, successes) = mpsc::channel();
    (FailsInEveryWay { exports: 0, succeeded, _on_drop: PanicsOnDrop }, successes)
}

#[test]
fn a_thread_survives_panics_of_a_payload_an_error_and_a_drop() {
    let (export, successes) = failing_export();
    let periodic = Periodic::spawn(SHORT_INTERVAL, export).unwrap();
    assert_eq!(successes.recv_timeout(TIMEOUT), Ok(()));
    periodic.stop().unwrap();
    let (export, _successes) = failing_export();
    let error = Periodic::spawn(HOUR, export).unwrap().stop().unwrap_err();
    assert_eq!(error.to_string(), "the export panicked: no message");
}

#[test]
fn a_task_survives_panics_of_a_payload_an_error_and_a_drop() {
    let (export, successes) = failing_export();
    runtime().block_on(async {
        let periodic = PeriodicTask::spawn(SHORT_INTERVAL, export);
        while successes.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        periodic.stop().await.unwrap();
    });
}

#[test]
fn an_interval_of_any_length_is_accepted() {
    for seconds in [u64::MAX, i64::MAX.unsigned_abs(), u64::MAX / 1000, u64::from(u32::MAX)] {
        let interval = Duration::from_secs(seconds);
        let (script, exports) = script(vec![]);
        Periodic::spawn(interval, script).unwrap().stop().unwrap();
        assert_eq!(exports.into_iter().collect::<Vec<_>>(), [1]);
        let (script, exports) = self::script(vec![]);
        runtime().block_on(async {
            let periodic = PeriodicTask::spawn(interval, script);
            tokio::task::yield_now().await;
            periodic.stop().await.unwrap();
        });
        assert_eq!(exports.into_iter().collect::<Vec<_>>(), [1]);
    }
    let (script, exports) = script(vec![]);
    Periodic::spawn(Duration::MAX, script).unwrap().stop().unwrap();
    assert_eq!(exports.into_iter().collect::<Vec<_>>(), [1]);
}

/// An export that runs a function.
struct Call<F>(F);

impl<F: FnMut()> Export for Call<F> {
    fn export(&mut self) -> io::Result<Progress> {
        (self.0)();
        Ok(Progress::Done)
    }
}

#[test]
fn an_export_that_drops_its_own_handle_ends_after_the_last_export() {
    let handle = Arc::new(Mutex::new(None::<Periodic>));
    let owned = Arc::clone(&handle);
    let (sender, exports) = mpsc::channel();
    let export = Call(move || {
        drop(owned.lock().unwrap().take());
        let _ = sender.send(());
    });
    let mut guard = handle.lock().unwrap();
    *guard = Some(Periodic::spawn(SHORT_INTERVAL, export).unwrap());
    drop(guard);
    assert_eq!(exports.recv_timeout(TIMEOUT), Ok(()));
    assert_eq!(exports.recv_timeout(TIMEOUT), Ok(()));
    // The thread has ended and dropped the export.
    assert_eq!(exports.recv_timeout(TIMEOUT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn an_export_that_stops_its_own_handle_is_an_error() {
    let handle = Arc::new(Mutex::new(None::<Periodic>));
    let owned = Arc::clone(&handle);
    let (sender, results) = mpsc::channel();
    let export = Call(move || {
        if let Some(periodic) = owned.lock().unwrap().take() {
            let _ = sender.send(periodic.stop());
        }
    });
    let mut guard = handle.lock().unwrap();
    *guard = Some(Periodic::spawn(SHORT_INTERVAL, export).unwrap());
    drop(guard);
    let error = results.recv_timeout(TIMEOUT).unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Deadlock);
}

#[test]
fn stop_does_not_wait_for_an_export_that_never_returns() {
    let (release, blocked) = mpsc::channel::<()>();
    let (sender, exports) = mpsc::channel();
    let periodic = Periodic::spawn(
        SHORT_INTERVAL,
        Call(move || {
            let _ = sender.send(());
            let _ = blocked.recv();
        }),
    )
    .unwrap();
    assert_eq!(exports.recv_timeout(TIMEOUT), Ok(()));
    assert_eq!(periodic.stop().unwrap_err().kind(), io::ErrorKind::TimedOut);
    drop(release);
    // After the blocked export returns, the last export follows and the thread ends.
    assert_eq!(exports.recv_timeout(TIMEOUT), Ok(()));
    assert_eq!(exports.recv_timeout(TIMEOUT), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn a_task_follows_a_paused_clock() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let (script, exports) = script(vec![]);
        let periodic = PeriodicTask::spawn(HOUR, script);
        tokio::time::sleep(HOUR * 10 + SHORT_INTERVAL).await;
        assert_eq!(exports.try_iter().collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        periodic.stop().await.unwrap();
    });
}

#[test]
fn stop_is_an_error_if_the_last_export_cannot_send_everything_in_time() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let error = PeriodicTask::spawn(HOUR, Endless).stop().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(
            error.to_string(),
            "not all values were sent within 5 s; the receiver is too slow or has requested a pause"
        );
    });
}
