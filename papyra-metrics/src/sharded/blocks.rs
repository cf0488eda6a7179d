//! A block of bucket cells for each CPU, as [`ShardedCounter`](crate::ShardedCounter) has a cell for each.

use core::ptr;
#[cfg(not(all(loom, test)))]
use core::sync::atomic::AtomicU8;
#[cfg(all(loom, test))]
use loom::sync::atomic::AtomicU8;

use super::{CELLS, SHARED, rseq, shard};
use crate::atomic::Ordering;
use crate::atomic_layout::AtomicLayout;
use crate::histogram::cells::{CellArray, Tally};

/// On cache lines of its own.
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), repr(C, align(64)))]
#[cfg_attr(not(any(target_arch = "x86", target_arch = "x86_64")), repr(C, align(128)))]
pub(super) struct Block<C>(C);

// Flags fill whole words, as a published layout requires.
#[cfg(not(all(loom, test)))]
const _: () = assert!(CELLS % 8 == 0);

/// The shared blocks first, then those of the CPUs.
#[repr(C)]
pub(crate) struct Blocks<C> {
    blocks: [Block<C>; CELLS],
    /// Nonzero for the blocks that have ever been added to, so that readers touch no others. On cache lines of their own,
    /// which are hardly ever written. Not booleans: another process that shares the memory may write anything here.
    used: Block<[AtomicU8; CELLS]>,
}

impl<C: CellArray> Blocks<C> {
    #[cfg(not(all(loom, test)))]
    pub(crate) const fn new() -> Self {
        Self {
            blocks: [const { Block(C::NEW) }; CELLS],
            used: Block([const { AtomicU8::new(0) }; CELLS]),
        }
    }

    #[cfg(all(loom, test))]
    pub(crate) fn new() -> Self {
        Self {
            blocks: core::array::from_fn(|_| Block(C::new())),
            used: Block(core::array::from_fn(|_| AtomicU8::new(0))),
        }
    }

    /// Adds to a bucket, which must exist.
    #[inline]
    pub(crate) fn add(&self, bucket: usize, tally: Tally) {
        let block = &self.blocks[0];
        // Always there; asking costs one comparison, and no panic is left on the counting path.
        let Some(cell) = block.0.cells().get(bucket) else { return };
        let offset = ptr::from_ref(cell).addr() - ptr::from_ref(block).addr();
        // SAFETY: every block is of the same type, so at the offset of this cell in the first block each has one: two
        // atomic words, which are aligned to 16 bytes.
        let added =
            unsafe { rseq::add_pair(&self.blocks, &self.used.0, offset, [tally.count, tally.sum]) };
        if added.is_err() {
            self.add_by_thread(bucket, tally);
        }
    }

    /// Out of line, for it is long, and where a CPU has its own block it does not run.
    #[inline(never)]
    fn add_by_thread(&self, bucket: usize, tally: Tally) {
        self.add_shared(shard(), bucket, tally);
    }

    pub(crate) fn add_shared(&self, shard: usize, bucket: usize, tally: Tally) {
        let shard = shard % SHARED;
        // Loaded first, so that the line stays in the caches of all cores.
        if self.used.0[shard].load(Ordering::Relaxed) == 0 {
            self.used.0[shard].store(1, Ordering::Relaxed);
        }
        if let Some(cell) = self.blocks[shard].0.cells().get(bucket) {
            cell.add(tally);
        }
    }

    /// The blocks that have been added to.
    pub(crate) fn used(&self) -> impl Iterator<Item = &C> {
        let blocks = self.blocks.iter().zip(&self.used.0);
        // Relaxed: where a count has been seen, its mark is seen too, for it was stored before.
        blocks.filter(|(_, used)| used.load(Ordering::Relaxed) != 0).map(|(block, _)| &block.0)
    }

    pub(crate) fn atomic_layout(&self) -> AtomicLayout {
        AtomicLayout::cells(&self.blocks[0], CELLS, size_of::<Block<C>>()).with_flags(&self.used.0)
    }
}
