//! Instruments that all cores hit, with a part for each of them.

mod blocks;
mod counter;
#[cfg(not(all(loom, test)))] // whose atomics are larger than words
mod group;

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
    use core::convert::Infallible;

    use super::blocks::Blocks;
    use super::counter::ShardedCounter;

    pub(super) const CELLS: usize = 0;

    #[inline]
    pub(super) fn cpus() -> usize {
        0
    }

    /// There is none. Its field is private, so that callers are compiled as if there were.
    #[derive(Clone, Copy)]
    pub(super) struct Area(Infallible);

    impl Area {
        #[inline]
        pub(super) fn get() -> Option<Self> {
            None
        }

        pub(super) fn in_library(_: impl FnOnce(Self)) -> bool {
            false
        }

        #[inline]
        pub(super) fn add(self, _: &ShardedCounter, _: u64) {
            match self.0 {}
        }

        #[inline]
        #[allow(unsafe_code)] // declared as it is if there are restartable sequences
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

/// Cells that any thread adds to, by an atomic instruction.
const SHARED: usize = if cfg!(all(loom, test)) { 2 } else { 16 };
/// The shared cells first, then those of the CPUs.
const CELLS: usize = SHARED + rseq::CELLS;

/// The bytes of a cache line. Without other processors in mind, the largest of any.
const LINE: usize = if cfg!(all(loom, test)) {
    size_of::<AtomicU64>()
} else if cfg!(any(target_arch = "x86", target_arch = "x86_64")) {
    64
} else {
    128
};

/// The words of a cache line.
const LINE_WORDS: usize = LINE / size_of::<AtomicU64>();

/// Marks a shared cell as used in a bit set, before a value is added to the cell. Readers skip the unmarked cells.
fn note_shared(used: &AtomicU64, shard: usize) {
    let bit = 1 << shard;
    // Loaded first, so that the line stays in the caches of all cores.
    if used.load(Ordering::Relaxed) & bit == 0 {
        used.fetch_or(bit, Ordering::Relaxed);
    }
}

/// Calls `visit` with the position of each cell that can have been added to.
///
/// Relaxed, as the cells are: a thread that has seen a count sees its bit too, for the bit was set before.
#[inline]
fn for_each_used(used: &AtomicU64, mut visit: impl FnMut(usize)) {
    let mut shared = used.load(Ordering::Relaxed);
    while shared != 0 {
        // Another process that shares the memory may have written any bits.
        visit(shared.trailing_zeros() as usize % SHARED);
        shared &= shared - 1;
    }
    (SHARED..SHARED + rseq::cpus()).for_each(visit);
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
        // A signal handler may count between these steps, and then has taken another number, which works as well.
        let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARED;
        assigned.set(shard);
        shard
    })
}

/// Returns a shard for this thread. Threads have no numbers here, so the address of the stack distinguishes them.
#[cfg(not(feature = "std"))]
fn shard() -> usize {
    let here = 0_u8;
    // Within 64 KiB a thread keeps its shard; the multiplication (Knuth's, by the golden ratio) spreads the rest.
    let region = core::ptr::from_ref(&here).addr() as u64 >> 16;
    (region.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) as usize
}
