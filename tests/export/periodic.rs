//! The drivers: again and again, and once more at the end.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use papyra_metrics_export::{Export, Periodic, PeriodicTask, Progress};

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// Tells of each export, and answers with the next of its answers, or that all is done.
struct Script {
    told: Sender<usize>,
    exports: usize,
    answers: Vec<io::Result<Progress>>,
}

impl Export for Script {
    fn export(&mut self) -> io::Result<Progress> {
        self.exports += 1;
        let _ = self.told.send(self.exports);
        if self.answers.is_empty() { Ok(Progress::Done) } else { self.answers.remove(0) }
    }
}

fn script(answers: Vec<io::Result<Progress>>) -> (Script, Receiver<usize>) {
    let (told, exports) = mpsc::channel();
    (Script { told, exports: 0, answers }, exports)
}

fn refused() -> io::Result<Progress> {
    Err(io::Error::other("nobody there"))
}

/// Panics at first.
struct Broken(Sender<()>, bool);

impl Export for Broken {
    fn export(&mut self) -> io::Result<Progress> {
        if !self.1 {
            self.1 = true;
            panic!("the network is on fire");
        }
        let _ = self.0.send(());
        Ok(Progress::Done)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn a_thread_exports_after_each_interval_and_survives_errors() {
    let (script, exports) = script(vec![refused(), refused()]);
    let periodic = Periodic::spawn(MOMENT, script).unwrap();
    for n in 1..=10 {
        assert_eq!(exports.recv_timeout(PATIENCE), Ok(n));
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
fn a_thread_that_is_dropped_exports_once_more_and_is_gone() {
    let (script, exports) = script(vec![]);
    drop(Periodic::spawn(HOUR, script).unwrap());
    assert_eq!(exports.try_iter().count(), 1);
}

#[test]
fn the_error_of_the_last_export_is_told() {
    let (script, _exports) = script(vec![refused()]);
    let periodic = Periodic::spawn(HOUR, script).unwrap();
    assert_eq!(periodic.last_error(), None);
    assert_eq!(periodic.stop().unwrap_err().to_string(), "nobody there");
}

#[test]
fn an_interval_of_nothing_is_an_interval() {
    let (script, exports) = script(vec![]);
    let periodic = Periodic::spawn(Duration::ZERO, script).unwrap();
    assert_eq!(exports.recv_timeout(PATIENCE), Ok(1));
    periodic.stop().unwrap();
}

#[test]
fn a_task_exports_after_each_interval_and_once_more_when_it_is_stopped() {
    let (script, exports) = script(vec![refused(), Ok(Progress::More)]);
    runtime().block_on(async {
        let periodic = PeriodicTask::spawn(MOMENT, script);
        while exports.try_recv() != Ok(5) {
            tokio::task::yield_now().await;
        }
        periodic.stop().await.unwrap();
        assert!(exports.try_iter().count() >= 1);
    });
    runtime().block_on(async {
        let (script, exports) = self::script(vec![refused()]);
        let periodic = PeriodicTask::spawn(HOUR, script);
        assert_eq!(periodic.stop().await.unwrap_err().to_string(), "nobody there");
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

#[test]
fn an_export_that_panics_is_an_error_and_the_next_one_is_tried() {
    let (told, exports) = mpsc::channel();
    let periodic = Periodic::spawn(HOUR, Broken(told.clone(), false)).unwrap();
    assert_eq!(periodic.stop().unwrap_err().to_string(), "the export panicked");
    let periodic = Periodic::spawn(MOMENT, Broken(told.clone(), false)).unwrap();
    assert_eq!(exports.recv_timeout(PATIENCE), Ok(()));
    periodic.stop().unwrap();
    runtime().block_on(async {
        let periodic = PeriodicTask::spawn(HOUR, Broken(told, false));
        assert_eq!(periodic.stop().await.unwrap_err().to_string(), "the export panicked");
    });
}
