//! `ShardedCounter`: a counter that all cores hit, with a cell for each of them.

use core::fmt;

use crate::atomic::{AtomicU64, Ordering, const_fn};
use crate::{Instrument, Kind, Value, atomic_layout::AtomicLayout, counter::advance_baseline};

// A restartable sequence needs Linux, a C library that registers one for every thread (glibc 2.35), and assembly.
#[cfg(all(
    feature = "std",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(miri),
    not(all(loom, test))
))]
#[allow(unsafe_code)] // it costs a third of a locked instruction; see benches/RESULTS.md
mod rseq;

#[allow(unsafe_code)] // as `rseq`, which it calls
mod blocks;
pub(crate) use blocks::Blocks;

/// Without restartable sequences, no CPU has its own cell.
#[cfg(not(all(
    feature = "std",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(miri),
    not(all(loom, test))
)))]
mod rseq {
    pub(super) const CELLS: usize = 0;

    #[inline]
    pub(super) fn add(_: &super::Cells, _: u64) -> Result<(), ()> {
        Err(())
    }

    #[inline]
    #[allow(unsafe_code)] // declared as it is where there are restartable sequences
    pub(super) unsafe fn add_pair<B, U>(
        _: &[B; super::CELLS],
        _: &[U; super::CELLS],
        _: usize,
        _: [u64; 2],
    ) -> Result<(), ()> {
        Err(())
    }
}

/// Cells that any thread adds to, by an atomic instruction.
const SHARED: usize = if cfg!(all(loom, test)) { 2 } else { 16 };
const CELLS: usize = SHARED + rseq::CELLS;

/// A cell on its own cache line.
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), repr(align(64)))]
#[cfg_attr(not(any(target_arch = "x86", target_arch = "x86_64")), repr(align(128)))]
struct Cell(AtomicU64);

/// The cells that threads share, then those of the CPUs.
type Cells = [Cell; CELLS];

/// Counts events that many cores count at once.
///
/// It has the methods and guarantees of a [`Counter`](crate::Counter), but the cores do not wait for each other: each
/// adds to its own cell, and readers add the cells up. On a 2-core
/// x86-64 machine an increment costs 0.3 of one atomic instruction, alone and while the other core counts in the same
/// counter; one in a `Counter` then costs over 4 (`benches/RESULTS.md` in the repository, also for why it is built so).
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
/// takes much more memory than a [`Counter`](crate::Counter), and reading it visits all cells. For neighbouring counters
/// that are each hit by one core, [`CachePadded`](crate::CachePadded) is enough.
///
/// # How it counts
///
/// | platform | an increment | memory |
/// |---|---|---|
/// | x86-64 Linux with glibc 2.35 or later and feature `std` | one plain addition to the cell of the CPU, in a [restartable sequence]; CPUs beyond the 112th share 16 cells by an atomic instruction | 8,256 bytes |
/// | others with `std`, and if restartable sequences are disabled (`GLIBC_TUNABLES=glibc.pthread.rseq=0`) | an atomic instruction on one of 16 cells, which threads take in turn | 16 lines and one: 2,176 bytes, on x86 1,088 |
/// | without `std` | an atomic instruction on one of 16 cells, chosen by the address of the thread's stack | the same |
///
/// The cells are in place, without a pointer, and no thread owns anything. Threads do not have to be registered and come
/// and go at no cost. The counter can be used in a signal handler, after a `fork`, and in memory that several processes
/// share.
///
/// # Readings
///
/// [`get`](Self::get), [`total`](Self::total) and [`take`](Self::take) go from cell to cell, so a reading may or may not
/// contain increments that are made meanwhile. A total never falls, a reading never exceeds what was counted, and over
/// any number of concurrent takes each increment is returned exactly once.
///
/// [restartable sequence]: https://www.gnu.org/software/libc/manual/html_node/Restartable-Sequences.html
// Read by other processes: cells in a row from the start, then the mark.
#[repr(C)]
pub struct ShardedCounter {
    cells: Cells,
    /// The total at the last reset.
    mark: Cell,
}

impl ShardedCounter {
    const_fn! {
        /// Returns a counter at zero.
        pub fn new() -> Self {
            Self { cells: cells(), mark: Cell(AtomicU64::new(0)) }
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
        if rseq::add(&self.cells, n).is_err() {
            self.add_by_thread(n);
        }
    }

    /// Out of line, since it is long and never runs if the CPU has its own cell.
    #[inline(never)]
    fn add_by_thread(&self, n: u64) {
        self.add_shared(shard(), n);
    }

    fn add_shared(&self, shard: usize, n: u64) {
        // Relaxed: the count guards no other memory, a reader only has to see it eventually.
        self.cells[shard % SHARED].0.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns what was counted since the last reset.
    pub fn get(&self) -> u64 {
        let mark = self.mark();
        self.total().wrapping_sub(mark)
    }

    /// Returns what was counted since the counter was created, regardless of resets. It never falls.
    pub fn total(&self) -> u64 {
        self.cells
            .iter()
            .fold(0, |total: u64, cell| total.wrapping_add(cell.0.load(Ordering::Relaxed)))
    }

    /// Resets the counter to zero. The [`total`](Self::total) keeps its value.
    pub fn reset(&self) {
        self.take();
    }

    /// Returns what [`get`](Self::get) does and resets the counter, in one step.
    ///
    /// Over any number of concurrent takes each increment is returned exactly once. Lock-free: it tries again only if
    /// another take or reset has just succeeded.
    pub fn take(&self) -> u64 {
        advance_baseline(&self.mark.0, || self.total())
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

    /// Read before the total: the total then read is at least this mark, so their difference never wraps.
    fn mark(&self) -> u64 {
        self.mark.0.load(Ordering::Acquire)
    }
}

#[cfg(not(all(loom, test)))]
const fn cells() -> Cells {
    [const { Cell(AtomicU64::new(0)) }; CELLS]
}

#[cfg(all(loom, test))]
fn cells() -> Cells {
    core::array::from_fn(|_| Cell(AtomicU64::new(0)))
}

/// Returns this thread's shard, which is distinct until more than `SHARED` threads exist.
#[cfg(feature = "std")]
fn shard() -> usize {
    use core::sync::atomic::AtomicUsize;
    use std::cell::Cell;

    const UNASSIGNED: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    std::thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(UNASSIGNED) };
    }
    SHARD.with(|assigned| {
        let shard = assigned.get();
        if shard != UNASSIGNED {
            return shard;
        }
        // A signal handler may count between these steps, and then has taken another number, which is as good.
        let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARED;
        assigned.set(shard);
        shard
    })
}

/// Returns a shard for this thread. Without numbers for threads, they differ by the addresses of their stacks.
#[cfg(not(feature = "std"))]
fn shard() -> usize {
    let here = 0_u8;
    // Within 64 KiB a thread keeps its shard; the multiplication (Knuth's, by the golden ratio) spreads the rest.
    let region = core::ptr::from_ref(&here).addr() as u64 >> 16;
    (region.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) as usize
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
        let layout = AtomicLayout::cells(&self.cells[0], CELLS, size_of::<Cell>());
        Some(layout.with_baseline(&self.mark))
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
            // A mark seen without the cells that it was moved to would wrap below zero here.
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
