//! Tests that a reading ends, even if another thread reads all the time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};

use papyra_metrics::{Descriptor, Metrics, Value, Walker};
use papyra_metrics_export::{Registry, RegistryReader};

/// After this number of readings, the other thread no longer overtakes the thread of the test. So a test that would run
/// forever fails instead.
const MAX_READINGS: usize = 10;

/// Metrics that another thread reads all the time. During each reading by the thread of the test, the other thread ends
/// an earlier reading of its own, and begins the next one.
struct Overtaken {
    test: ThreadId,
    /// The number of readings by the thread of the test.
    readings: AtomicUsize,
    /// Both threads wait here until the other thread has begun a reading.
    has_begun: Barrier,
    /// Both threads wait here until the other thread may end its reading.
    may_end: Barrier,
    is_over: AtomicBool,
}

impl Overtaken {
    fn new() -> Self {
        Self {
            test: thread::current().id(),
            readings: AtomicUsize::new(0),
            has_begun: Barrier::new(2),
            may_end: Barrier::new(2),
            is_over: AtomicBool::new(false),
        }
    }
}

impl Metrics for Overtaken {
    fn descriptors(&self) -> &[Descriptor] {
        const { &[Descriptor::counter("overtaken")] }
    }

    fn walk(&self, walker: &mut dyn Walker) {
        if thread::current().id() == self.test {
            if self.readings.fetch_add(1, Relaxed) < MAX_READINGS {
                self.may_end.wait();
                self.has_begun.wait();
            }
        } else if !self.is_over.load(Relaxed) {
            self.has_begun.wait();
            self.may_end.wait();
        }
        walker.instrument(&Value::Counter(7));
    }
}

/// Runs `run` while another thread reads the metrics all the time. Returns how often the calling thread has read them.
fn readings(run: impl FnOnce(&Registry, &Arc<Overtaken>)) -> usize {
    let registry = Registry::new();
    let metrics = Arc::new(Overtaken::new());
    registry.register(metrics.clone(), &[]).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut reader = RegistryReader::new(&registry);
            while !metrics.is_over.load(Relaxed) {
                reader.read().count();
            }
        });
        metrics.has_begun.wait();
        run(&registry, &metrics);
        metrics.is_over.store(true, Relaxed);
        metrics.may_end.wait();
    });
    metrics.readings.load(Relaxed)
}

#[test]
fn a_reading_is_repeated_once_although_another_thread_reads_all_the_time() {
    let readings = readings(|registry, _| {
        let mut reader = RegistryReader::new(registry);
        assert_eq!(*reader.read().next().unwrap().value(), 7);
    });
    assert_eq!(readings, 2);
}

#[test]
fn metrics_are_unregistered_although_another_thread_reads_them_all_the_time() {
    let readings = readings(|registry, metrics| assert!(registry.unregister(metrics)));
    assert_eq!(readings, 2);
}
