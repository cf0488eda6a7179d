//! `ShardedCounter`: a counter that many cores increment at the same time.

use core::fmt;
use core::mem::offset_of;

use super::rseq::Area;
use super::{CELLS, LINE, LINE_WORDS, SHARED, for_each_used, mark_as_used, shard};
use crate::atomic::{AtomicU64, Ordering, const_fn};
use crate::atomic_layout::AtomicLayout;
use crate::counter::advance_baseline;
use crate::{Instrument, Kind, Value};

/// The number of words of a counter, each on its own cache line: the word of bits for the shared cells, the cells, and the
/// baseline.
#[cfg(not(all(loom, test)))]
pub(super) const LINES: usize = CELLS + 2;

/// A word that is padded to a cache line.
///
/// The counter does not use the padding. The padding is atomic, because the members of a family share their lines: the
/// padding of one member contains the words of other members.
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

/// A counter for events that many cores count at the same time.
///
/// It has the methods and guarantees of a [`Counter`](crate::Counter), but the cores do not wait for each other: each core
/// adds to its own cell, and readers add the cells up. On a 2-core x86-64 machine, an increment takes 0.3 times as long as
/// an uncontended atomic instruction, and at most 0.5 times as long while the other core increments the same counter. An
/// increment of a [`Counter`](crate::Counter) that two cores increment takes over 4 times as long as an uncontended
/// instruction. See `benches/RESULTS.md` in the repository for the measurements and the design.
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
/// Use it for the one or two counters of a backend that every core increments all the time, such as lookups of a cache.
/// A sharded counter takes much more memory than a [`Counter`](crate::Counter), and a reading visits a cell for each CPU
/// of the machine. For neighbouring counters that are each incremented by one core, [`CachePadded`](crate::CachePadded)
/// is enough.
///
/// # How it counts
///
/// | platform | an increment | memory |
/// |---|---|---|
/// | x86-64 Linux with glibc 2.35 or later and feature `std` | one plain addition to the cell of the CPU, in a [restartable sequence]; on CPUs beyond the 112th, an atomic instruction on one of 16 shared cells | 8,264 bytes |
/// | the same platform, in a library that is loaded at run time or linked dynamically | as above, but in a function that is not inlined, and that then clears the thread's pointer to the sequence, so that the library can be unloaded | 8,264 bytes |
/// | others with `std`, and if restartable sequences are disabled (`GLIBC_TUNABLES=glibc.pthread.rseq=0`) | an atomic instruction on one of 16 cells, assigned to threads in turn | 2,184 bytes, on x86 1,096; on x86-64 Linux with glibc 8,264 |
/// | without `std` | an atomic instruction on one of 16 cells, chosen by the address of the thread's stack | 2,184 bytes, on x86 1,096 |
///
/// The cells are inline, and no thread owns a cell: threads are not registered, and they start and end at no cost. The
/// counter can be used in a signal handler, after a `fork`, and in memory that several processes share.
///
/// # Readings
///
/// [`get`](Self::get), [`total`](Self::total) and [`take`](Self::take) read one cell after another, so a reading may or
/// may not include concurrent increments. These methods visit the cells of the CPUs that the machine can have, and the
/// shared cells that have been used. A total never falls, a reading never exceeds what was counted, and over any number of
/// concurrent takes each increment is returned exactly once.
///
/// [restartable sequence]: https://www.gnu.org/software/libc/manual/html_node/Restartable-Sequences.html
// Needs no alignment to a cache line: data beside the counter shares a line only with the first or the last word, which
// are hardly ever written. `repr(C)`, because other processes read the cells and the baseline by their offsets.
#[repr(C)]
pub struct ShardedCounter {
    /// A bit for each shared cell, set before the first addition to the cell.
    used: Cell,
    /// The `SHARED` cells that threads share, followed by the cells for CPUs.
    cells: [Cell; CELLS],
    /// The total at the last reset.
    baseline: AtomicU64,
}

impl ShardedCounter {
    const_fn! {
        /// Creates a counter at zero.
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
            None => self.add_out_of_line(n),
        }
    }

    /// Adds if this code is in a library, or without restartable sequences. A separate function, because the code is long and
    /// most programs do not need it.
    #[cold]
    fn add_out_of_line(&self, n: u64) {
        if !Area::add_in_library(|area| area.add(self, n)) {
            self.add_shared(shard(), n);
        }
    }

    fn add_shared(&self, shard: usize, n: u64) {
        let shard = shard % SHARED;
        mark_as_used(&self.used.word, shard);
        // Relaxed: the count does not guard other memory.
        self.cells[shard].word.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns the count since the last reset.
    pub fn get(&self) -> u64 {
        // Loaded before the total. A total that is loaded later is at least as large, so the difference never wraps.
        let baseline = self.baseline.load(Ordering::Acquire);
        self.total().wrapping_sub(baseline)
    }

    /// Returns the count over the lifetime, which resets do not change and which never falls.
    pub fn total(&self) -> u64 {
        let mut total = 0_u64;
        for_each_used(&self.used.word, |cell| {
            total = total.wrapping_add(self.cells[cell].word.load(Ordering::Relaxed));
        });
        total
    }

    /// Resets the counter: [`get`](Self::get) then returns zero. The [`total`](Self::total) is unchanged.
    pub fn reset(&self) {
        self.take();
    }

    /// Returns the value of [`get`](Self::get) and resets the counter in one step.
    ///
    /// Over any number of concurrent takes each increment is returned exactly once. Lock-free: if several takes and
    /// resets run at the same time, one of them succeeds and the others may retry.
    pub fn take(&self) -> u64 {
        advance_baseline(&self.baseline, || self.total())
    }

    /// Counts one if `result` is an error. Returns `result` unchanged.
    ///
    /// # Errors
    ///
    /// Returns the error of `result`.
    #[inline]
    pub fn count_err<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.inc();
        }
        result
    }

    /// Copies the total and the baseline of another counter into this new counter.
    #[cfg(not(all(loom, test)))]
    pub(super) fn start_as(&self, other: &Self) {
        let (baseline, total) = (other.baseline.load(Ordering::Acquire), other.total());
        if total != 0 {
            self.add_shared(0, total);
        }
        self.baseline.store(baseline, Ordering::Release);
    }
}

/// Offsets of the fields, for the assembly code.
#[allow(dead_code)] // unused without restartable sequences
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

#[diagnostic::do_not_recommend] // the notes of `Instrument` name this type
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
    //! Run with `RUSTFLAGS="--cfg loom" cargo test -p papyra-metrics --lib --release`.

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
            // If the baseline were visible before the increments that it includes, the difference would wrap below zero
            // here.
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
