//! The workloads, and the engine that executes them.

use std::hint::black_box;
use std::path::Path;
use std::sync::Barrier;

use tempfile::TempDir;

/// A build of the engine, which is a key-value store.
pub(crate) trait Engine: Sync + Sized {
    fn open(directory: &Path, is_synced: bool) -> Self;
    fn put(&self, key: &[u8], value: &[u8]);
    /// Reads the value of a key and returns whether the key exists.
    fn get(&self, key: &[u8]) -> bool;
}

/// The operations that are executed on the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Puts, each of which is on the disk before the next one begins.
    DurablePuts,
    /// Puts that the operating system writes to the disk later.
    Puts,
    /// 95 % gets and 5 % puts. All records are in memory.
    Mix,
    /// Gets of records in three tables, whose blocks are in the cache.
    Tables,
    /// The workload `Tables`, on two threads.
    TablesByTwo,
}

impl Workload {
    pub(crate) const ALL: [Self; 5] =
        [Self::DurablePuts, Self::Puts, Self::Mix, Self::Tables, Self::TablesByTwo];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DurablePuts => "puts, synced",
            Self::Puts => "puts, not synced",
            Self::Mix => "95 % gets, in memory",
            Self::Tables => "gets from tables",
            Self::TablesByTwo => "gets from tables, two threads",
        }
    }

    /// Returns the number of operations in a round. It is small, but large enough for the engine to reach full speed
    /// after other builds have used the caches.
    pub(crate) fn operations(self) -> u64 {
        match self {
            Self::DurablePuts => 4,
            Self::Puts | Self::Mix => 1_000,
            Self::Tables | Self::TablesByTwo => 3_000,
        }
    }

    /// Returns the number of rounds. The measurement of a workload with all builds takes about half a minute.
    pub(crate) fn rounds(self) -> u64 {
        match self {
            Self::DurablePuts => 6_000,
            Self::Puts => 1_200,
            Self::Mix => 2_000,
            Self::Tables | Self::TablesByTwo => 2_400,
        }
    }
}

/// Is notified when a measurement begins and when it ends.
pub(crate) trait Observer {
    fn begin(&mut self);
    fn end(&mut self);
}

/// Executes a number of operations, and notifies an observer when the measured part begins and ends.
pub(crate) type Round = Box<dyn FnMut(u64, &mut dyn Observer)>;

const RECORDS: u64 = 10_000;
const VALUE: [u8; 64] = [7; 64];

fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// Puts a record. Hides the lengths of the key and the value from the compiler, which could otherwise optimize the
/// engine for them.
fn put(engine: &impl Engine, number: u64) {
    engine.put(black_box(key(number).as_slice()), black_box(VALUE.as_slice()));
}

/// Gets a record that exists.
fn get(engine: &impl Engine, number: u64) {
    assert!(engine.get(black_box(key(number).as_slice())), "a record is missing");
}

/// A sequence of record numbers that looks random and is always the same, by a linear congruential generator with
/// the multiplier of Knuth's MMIX.
#[derive(Clone)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % RECORDS
    }
}

/// Prepares the work on a build of the engine.
pub(crate) fn prepare<E: Engine + 'static>(workload: Workload) -> Round {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut numbers = Numbers(1);
    match workload {
        Workload::DurablePuts => {
            let engine = E::open(directory.path(), true);
            Box::new(move |operations, observer| {
                let _directory = &directory;
                measured(operations, observer, &mut |n| {
                    (0..n).for_each(|_| put(&engine, numbers.next()));
                });
            })
        }
        Workload::Puts => Box::new(move |operations, observer| {
            // A new store for each round, so that no round finds records of earlier rounds in memory.
            let directory = TempDir::new_in(&directory).expect("a temporary directory");
            let engine = E::open(directory.path(), false);
            measured(operations, observer, &mut |n| {
                (0..n).for_each(|_| put(&engine, numbers.next()));
            });
        }),
        Workload::Mix => {
            let engine = E::open(directory.path(), false);
            fill(&engine, 0, 1);
            Box::new(move |operations, observer| {
                let _directory = &directory;
                let mut mix = |n| {
                    for operation in 0..n {
                        if operation % 20 == 0 {
                            put(&engine, numbers.next());
                        } else {
                            get(&engine, numbers.next());
                        }
                    }
                };
                measured(operations, observer, &mut mix);
            })
        }
        Workload::Tables | Workload::TablesByTwo => {
            for table in 0..3 {
                // Opening writes the records of the log to a table.
                fill(&E::open(directory.path(), false), table, 3);
            }
            let engine = E::open(directory.path(), false);
            let mut others = Numbers(2);
            Box::new(move |operations, observer| {
                let _directory = &directory;
                let gets = |numbers: &mut Numbers, n| {
                    for _ in 0..n {
                        get(&engine, numbers.next());
                    }
                };
                if workload == Workload::Tables {
                    measured(operations, observer, &mut |n| gets(&mut numbers, n));
                    return;
                }
                gets(&mut numbers, operations / 4);
                let start = Barrier::new(3);
                std::thread::scope(|scope| {
                    let threads = [&mut numbers, &mut others].map(|numbers| {
                        scope.spawn(|| {
                            start.wait();
                            start.wait();
                            gets(numbers, operations / 2);
                        })
                    });
                    // The measurement begins while both threads wait. If it began after their start, this thread might
                    // get a core only after they have finished.
                    start.wait();
                    observer.begin();
                    start.wait();
                    for thread in threads {
                        thread.join().expect("no record is missing");
                    }
                    observer.end();
                });
            })
        }
    }
}

/// Puts every record whose number has this remainder modulo the divisor.
fn fill(engine: &impl Engine, remainder: u64, divisor: u64) {
    for number in (0..RECORDS).filter(|number| number % divisor == remainder) {
        put(engine, number);
    }
}

/// Warms up, because other builds have filled the caches, and then executes the operations that the observer measures.
fn measured(operations: u64, observer: &mut dyn Observer, work: &mut dyn FnMut(u64)) {
    work(operations / 4);
    observer.begin();
    work(operations);
    observer.end();
}
