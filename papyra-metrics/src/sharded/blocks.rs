//! The blocks of a sharded histogram: blocks that threads share and blocks for CPUs, like the cells of a
//! [`ShardedCounter`](crate::ShardedCounter).

use core::mem::offset_of;

use super::rseq::{Area, AreaWithLzcnt};
use super::{CELLS, SHARED, for_each_used, mark_as_used, shard};
use crate::Buckets;
use crate::atomic::AtomicU64;
use crate::atomic_layout::AtomicLayout;
use crate::histogram::cells::{CellArray, CellIndex, Tally};

/// A value that shares no cache line with other values.
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), repr(C, align(64)))]
#[cfg_attr(not(any(target_arch = "x86", target_arch = "x86_64")), repr(C, align(128)))]
struct Block<C>(C);

/// The blocks of a [`ShardedHistogram`](crate::ShardedHistogram). `repr(C)`, because assembly code and other processes access
/// the fields by their offsets.
#[repr(C)]
pub(crate) struct Blocks<C> {
    /// A bit for each shared block, set before the first value is added to the block. The bits have their own cache line, which is
    /// hardly ever written.
    used: Block<AtomicU64>,
    /// The `SHARED` blocks that threads share, followed by the blocks for CPUs.
    blocks: [Block<C>; CELLS],
}

#[allow(dead_code)] // unused without restartable sequences
impl<C> Blocks<C> {
    /// Offsets of the fields and the distance between two blocks, in bytes, for the assembly code.
    pub(super) const USED_AT: usize = offset_of!(Self, used);
    pub(super) const BLOCKS_AT: usize = offset_of!(Self, blocks);
    pub(super) const STRIDE: usize = size_of::<Block<C>>();
}

impl<C: CellArray> Blocks<C> {
    #[cfg(not(all(loom, test)))]
    pub(crate) const fn new() -> Self {
        Self { used: Block(AtomicU64::new(0)), blocks: [const { Block(C::NEW) }; CELLS] }
    }

    #[cfg(all(loom, test))]
    pub(crate) fn new() -> Self {
        Self { used: Block(AtomicU64::new(0)), blocks: core::array::from_fn(|_| Block(C::new())) }
    }

    /// Adds a count and a sum to the bucket that contains `value`, which is in nanoseconds if it is a duration.
    #[inline]
    pub(crate) fn add<B: Buckets<__Cells = C>>(&self, value: u64, tally: Tally) {
        match AreaWithLzcnt::get() {
            Some(area) => {
                let index = B::__find(value, area.leading_zeros(value));
                self.add_on_cpu(area.area(), index, tally);
            }
            None => self.add_without_lzcnt::<B>(value, tally),
        }
    }

    /// Adds if there is no [`AreaWithLzcnt`]: on a processor without `lzcnt`, if this code is in a library, or without restartable
    /// sequences. A separate function, because the code is long and rarely runs.
    #[cold]
    fn add_without_lzcnt<B: Buckets<__Cells = C>>(&self, value: u64, tally: Tally) {
        let index = B::__find(value, (value | 1).leading_zeros());
        if let Some(area) = Area::get() {
            self.add_on_cpu(area, index, tally);
        } else if !Area::add_in_library(|area| self.add_on_cpu(area, index, tally)) {
            self.add_shared(shard(), index.get(), tally);
        }
    }

    #[inline]
    fn add_on_cpu(&self, area: Area, index: CellIndex<C>, tally: Tally) {
        // SAFETY: every block has a cell at the index. A cell consists of two atomic words and is aligned to 16 bytes.
        #[allow(unsafe_code)] // the assembly takes an offset
        unsafe {
            area.add_pair(self, index.get() * C::CELL_SIZE, [tally.count, tally.sum]);
        }
    }

    pub(crate) fn add_shared(&self, shard: usize, bucket: usize, tally: Tally) {
        let shard = shard % SHARED;
        mark_as_used(&self.used.0, shard);
        if let Some(cell) = self.blocks[shard].0.cells().get(bucket) {
            cell.add(tally);
        }
    }

    /// Calls `visit` with each block that may hold values.
    pub(crate) fn for_each_used(&self, mut visit: impl FnMut(&C)) {
        for_each_used(&self.used.0, |block| visit(&self.blocks[block].0));
    }

    pub(crate) fn atomic_layout(&self) -> AtomicLayout {
        AtomicLayout::cells(&self.blocks[0], CELLS, Self::STRIDE).with_flags(&self.used.0)
    }
}
