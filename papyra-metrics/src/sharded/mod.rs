//! Instruments that many cores update at the same time. With restartable sequences, a thread adds to the cell of its
//! CPU; without them, threads share 16 cells.

mod blocks;
mod counter;
#[cfg(not(all(loom, test)))] // loom's atomics are larger than a word
mod group;

// Restartable sequences need Linux, assembly, and a C library that is linked dynamically and registers an area for every thread
// (glibc 2.35).
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
#[allow(unsafe_code)] // three times as fast as a locked instruction; see benches/RESULTS.md
mod rseq;

/// The fallback on platforms without restartable sequences, where no CPU has its own cell.
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
    use core::convert::Infallible;

    use super::blocks::Blocks;
    use super::counter::ShardedCounter;

    pub(super) const CELLS: usize = 0;

    #[inline]
    pub(super) fn cpus() -> usize {
        0
    }

    /// A type without values, because these platforms have no area for restartable sequences. It is a struct with a private field, so
    /// that callers get no warnings about unreachable code.
    #[derive(Clone, Copy)]
    pub(super) struct Area(Infallible);

    impl Area {
        #[inline]
        pub(super) fn get() -> Option<Self> {
            None
        }

        pub(super) fn add_in_library(_: impl FnOnce(Self)) -> bool {
            false
        }

        #[inline]
        pub(super) fn add(self, _: &ShardedCounter, _: u64) {
            match self.0 {}
        }

        #[inline]
        #[allow(unsafe_code)] // same signature as with restartable sequences
        pub(super) unsafe fn add_pair<C>(self, _: &Blocks<C>, _: usize, _: [u64; 2]) {
            match self.0 {}
        }
    }

    #[derive(Clone, Copy)]
    pub(super) struct AreaWithLzcnt(Infallible);

    impl AreaWithLzcnt {
        #[inline]
        pub(super) fn get() -> Option<Self> {
            None
        }

        #[inline]
        pub(super) fn area(self) -> Area {
            match self.0 {}
        }

        #[inline]
        pub(super) fn leading_zeros(self, _: u64) -> u32 {
            match self.0 {}
        }
    }
}

pub(crate) use blocks::Blocks;
pub use counter::ShardedCounter;

use crate::atomic::{AtomicU64, Ordering};

/// The number of cells that threads share. Threads add to these cells by atomic instructions.
const SHARED: usize = if cfg!(all(loom, test)) { 2 } else { 16 };
/// The number of all cells: first the shared cells, then the cells for CPUs.
const CELLS: usize = SHARED + rseq::CELLS;

/// The size of a cache line in bytes. On processors other than x86, the largest common size. In loom models, the size of a word,
/// so that cells have no padding.
const LINE: usize = if cfg!(all(loom, test)) {
    size_of::<AtomicU64>()
} else if cfg!(any(target_arch = "x86", target_arch = "x86_64")) {
    64
} else {
    128
};

/// The number of words in a cache line.
const LINE_WORDS: usize = LINE / size_of::<AtomicU64>();

/// Marks a shared cell as used. Called before a value is added to the cell, because readers skip cells that are not marked.
fn mark_as_used(used: &AtomicU64, shard: usize) {
    let bit = 1 << shard;
    // Checks the bit first: a load leaves the cache line in the caches of all cores, and a write would not.
    if used.load(Ordering::Relaxed) & bit == 0 {
        used.fetch_or(bit, Ordering::Relaxed);
    }
}

/// Calls `visit` with the index of each cell that may hold a value.
///
/// Relaxed is enough: bits are only ever set, and loads of one atomic are coherent. If a reading has seen a bit, each later
/// reading sees it too, so totals never fall.
#[inline]
fn for_each_used(used: &AtomicU64, mut visit: impl FnMut(usize)) {
    let mut shared = used.load(Ordering::Relaxed);
    while shared != 0 {
        // Takes the remainder, because another process that shares the memory may have set any bits.
        visit(shared.trailing_zeros() as usize % SHARED);
        shared &= shared - 1;
    }
    (SHARED..SHARED + rseq::cpus()).for_each(visit);
}

/// Returns this thread's shard: the index of the shared cell to which the thread adds. The first `SHARED` threads have distinct
/// shards.
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
        // A signal handler that counts at this point assigns a shard to this thread too. The assignment below then replaces that shard,
        // which is harmless.
        let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARED;
        assigned.set(shard);
        shard
    })
}

/// Returns a shard for this thread, chosen by the address of its stack, because threads cannot be numbered without `std`.
#[cfg(not(feature = "std"))]
fn shard() -> usize {
    let here = 0_u8;
    // A thread keeps its shard while its stack pointer stays within a region of 64 KiB. The multiplication by the golden ratio
    // (Knuth) spreads the regions over the shards.
    let region = core::ptr::from_ref(&here).addr() as u64 >> 16;
    (region.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) as usize
}
