//! `ShardedCounter`: a counter that all cores hit, with a cell for each of them.

use core::fmt;
use core::mem::offset_of;

use super::rseq::Area;
use super::{CELLS, LINE, LINE_WORDS, SHARED, for_each_used, note_shared, shard};
use crate::atomic::{AtomicU64, Ordering, const_fn};
use crate::atomic_layout::AtomicLayout;
use crate::counter::advance_baseline;
use crate::{Instrument, Kind, Value};

/// The number of words of a counter, each of which is on another line: the bits of the shared cells, the cells, the baseline.
#[cfg(not(all(loom, test)))]
pub(super) const LINES: usize = CELLS + 2;

/// A word whose next neighbour is on another cache line.
///
/// The words between them are not used here. They are atomic since they belong to other counters if several share their
/// lines, as the members of a family do.
#[repr(C)]
struct Cell {
    word: AtomicU64,
    _others: [AtomicU64; LINE_WORDS - 1],
}

impl Cell {
    #[cfg(not(all(loom, test)))]
    const fn new() -> Self {
        Self { word: AtomicU64::new(0), _others: [const { AtomicU64::new(0) }; LINE_WORDS - 1] }
    }

    #[cfg(all(loom, test))]
    fn new() -> Self {
        Self { word: AtomicU64::new(0), _others: [] }
    }
}

/// Counts events that many cores count at once.
///
/// It has the methods and guarantees of a [`Counter`](crate::Counter), but the cores do not wait for each other: each
/// adds to its own cell, and readers add the cells up. On a 2-core x86-64 machine an increment costs 0.4 of one atomic
/// instruction, alone and while the other core counts in the same counter; one in a `Counter` then costs over 4
/// (`benches/RESULTS.md` in the repository, also for why it is built so).
///
/// ```
/// use papyra_metrics::{Metrics, ShardedCounter};
///
/// #[derive(Default, Metrics)]
/// struct CacheMetrics { lookups: ShardedCounter }
///
/// static LOOKUPS: ShardedCounter = ShardedCounter::new();
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..1_000).for_each(|_| LOOKUPS.inc()));
///     }
/// });
/// assert_eq!(LOOKUPS.take(), 4_000);
/// assert_eq!((LOOKUPS.get(), LOOKUPS.total()), (0, 4_000));
/// ```
///
/// # When to use it
///
/// For the one or two counters of a backend that every core hits all the time, such as lookups of a cache. It
/// takes much more memory than a [`Counter`](crate::Counter), and reading it visits a cell for each CPU of the machine. For
/// neighbouring counters that are each hit by one core, [`CachePadded`](crate::CachePadded) is enough.
///
/// # How it counts
///
/// | platform | an increment | memory |
/// |---|---|---|
/// | x86-64 Linux with glibc 2.35 or later and feature `std` | one plain addition to the cell of the CPU, in a [restartable sequence]; CPUs beyond the 112th share 16 cells by an atomic instruction | 8,264 bytes |
/// | the same in a library that is loaded at run time or linked dynamically | the same, in a function that is not inlined, so that the library can be unloaded | the same |
/// | others with `std`, and if restartable sequences are disabled (`GLIBC_TUNABLES=glibc.pthread.rseq=0`) | an atomic instruction on one of 16 cells, which threads take in turn | 17 lines: 2,184 bytes, on x86 1,096 |
/// | without `std` | an atomic instruction on one of 16 cells, chosen by the address of the thread's stack | the same |
///
/// The cells are in place, without a pointer, and no thread owns anything. Threads do not have to be registered and come
/// and go at no cost. The counter can be used in a signal handler, after a `fork`, and in memory that several processes
/// share.
///
/// # Readings
///
/// [`get`](Self::get), [`total`](Self::total) and [`take`](Self::take) go from cell to cell, so a reading may or may not
/// contain increments that are made during the reading. They visit the cells of the CPUs that the machine can have, and those of the
/// shared cells that have been used. A total never falls, a reading never exceeds what was counted, and over
/// any number of concurrent takes each increment is returned exactly once.
///
/// [restartable sequence]: https://www.gnu.org/software/libc/manual/html_node/Restartable-Sequences.html
// Consists only of words, without alignment to a line: the first and the last are hardly ever written, so the lines of the
// cells hold nothing else. Other processes read it as the cells in a row, and the baseline.
#[repr(C)]
pub struct ShardedCounter {
    /// A bit for each shared cell that has been added to.
    used: Cell,
    /// The cells that threads share, then those of the CPUs.
    cells: [Cell; CELLS],
    /// The total at the last reset.
    baseline: AtomicU64,
}

impl ShardedCounter {
    const_fn! {
        /// Returns a counter at zero.
        pub fn new() -> Self {
            Self { used: Cell::new(), cells: cells(), baseline: AtomicU64::new(0) }
        }
    }

    /// Counts one event.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `n` events at once.
    #[inline]
    pub fn add(&self, n: u64) {
        match Area::get() {
            Some(area) => area.add(self, n),
            None => self.add_elsewhere(n),
        }
    }

    /// Out of line, since it is long and never runs in a program whose CPUs have their own cells.
    #[cold]
    fn add_elsewhere(&self, n: u64) {
        if !Area::in_library(|area| area.add(self, n)) {
            self.add_shared(shard(), n);
        }
    }

    fn add_shared(&self, shard: usize, n: u64) {
        let shard = shard % SHARED;
        note_shared(&self.used.word, shard);
        // Relaxed: the count guards no other memory, a reader only has to see it eventually.
        self.cells[shard].word.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns what was counted since the last reset.
    pub fn get(&self) -> u64 {
        // Loaded before the total, which is then at least as high, so that their difference never wraps.
        let baseline = self.baseline.load(Ordering::Acquire);
        self.total().wrapping_sub(baseline)
    }

    /// Returns what was counted since the counter was created, regardless of resets. It never falls.
    pub fn total(&self) -> u64 {
        let mut total = 0_u64;
        for_each_used(&self.used.word, |cell| {
            total = total.wrapping_add(self.cells[cell].word.load(Ordering::Relaxed));
        });
        total
    }

    /// Resets the counter to zero. The [`total`](Self::total) keeps its value.
    pub fn reset(&self) {
        self.take();
    }

    /// Returns the value of [`get`](Self::get) and resets the counter in one step.
    ///
    /// Over any number of concurrent takes each increment is returned exactly once. Lock-free: it tries again only if
    /// another take or reset has just succeeded.
    pub fn take(&self) -> u64 {
        advance_baseline(&self.baseline, || self.total())
    }

    /// Counts one if `result` is an error, and returns it unchanged.
    ///
    /// # Errors
    ///
    /// Returns the error in `result`.
    #[inline]
    pub fn count_err<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.inc();
        }
        result
    }

    /// Counts on from where another counter is. This one is new.
    #[cfg(not(all(loom, test)))]
    pub(super) fn start_as(&self, other: &Self) {
        let (baseline, total) = (other.baseline.load(Ordering::Acquire), other.total());
        if total != 0 {
            self.add_shared(0, total);
        }
        self.baseline.store(baseline, Ordering::Release);
    }
}

/// The offsets of its fields, for assembly.
#[allow(dead_code)] // where there are no restartable sequences
impl ShardedCounter {
    pub(super) const USED_AT: usize = offset_of!(Self, used);
    pub(super) const CELLS_AT: usize = offset_of!(Self, cells);
}

#[cfg(not(all(loom, test)))]
const fn cells() -> [Cell; CELLS] {
    [const { Cell::new() }; CELLS]
}

#[cfg(all(loom, test))]
fn cells() -> [Cell; CELLS] {
    core::array::from_fn(|_| Cell::new())
}

impl Default for ShardedCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ShardedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, total) = (self.get(), self.total());
        f.debug_struct("ShardedCounter").field("value", &value).field("total", &total).finish()
    }
}

#[diagnostic::do_not_recommend] // the notes of the trait name it
impl Instrument for ShardedCounter {
    const KIND: Kind = Kind::Counter;

    fn value(&self) -> Value {
        Value::Counter(self.get())
    }

    fn total(&self) -> Value {
        Value::Counter(self.total())
    }

    fn reset(&self) {
        self.reset();
    }

    fn take(&self) -> Value {
        Value::Counter(self.take())
    }

    fn __atomic_layout(&self) -> Option<AtomicLayout> {
        let layout = AtomicLayout::cells(&self.cells[0], CELLS, LINE);
        Some(layout.with_baseline(&self.baseline).with_flags(&self.used.word))
    }
}

#[cfg(all(loom, test))]
mod model {
    //! Run by `RUSTFLAGS="--cfg loom" cargo test -p papyra-metrics --lib --release`.

    use loom::{sync::Arc, thread};

    use super::ShardedCounter;

    #[test]
    fn concurrent_takes_return_each_increment_of_every_cell_exactly_once() {
        loom::model(|| {
            let counter = Arc::new(ShardedCounter::new());
            let adder = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    counter.add_shared(0, 1);
                    counter.add_shared(1, 2);
                })
            };
            let taker = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || counter.take())
            };
            let here = counter.take();
            adder.join().unwrap();
            let there = taker.join().unwrap();
            assert!(here <= 3 && there <= 3, "{here} and {there} of 3");
            assert_eq!(here + there + counter.get(), 3);
            assert_eq!(counter.total(), 3);
        });
    }

    #[test]
    fn a_reading_over_the_cells_never_exceeds_what_was_counted() {
        loom::model(|| {
            let counter = Arc::new(ShardedCounter::new());
            let other = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    counter.add_shared(0, 1);
                    counter.reset();
                    counter.add_shared(1, 1);
                })
            };
            // If the baseline were visible before the cells that it was moved to, the difference would wrap below zero here.
            assert!(counter.get() <= 2);
            assert!(counter.take() <= 2);
            other.join().unwrap();
            assert_eq!(counter.total(), 2);
        });
    }

    #[test]
    fn the_total_never_falls_from_one_reader_to_the_next() {
        loom::model(|| {
            let counter = Arc::new(ShardedCounter::new());
            let adder = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    counter.add_shared(1, 1);
                    counter.add_shared(0, 1);
                })
            };
            let before = counter.total();
            let after = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || counter.total())
            };
            let after = after.join().unwrap();
            assert!(after >= before, "{after} after {before}");
            adder.join().unwrap();
        });
    }
}
