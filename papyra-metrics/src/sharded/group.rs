//! Groups of sharded counters that share cache lines: the cells that the members of a family have for one CPU are adjacent.
//!
//! A [`ShardedCounter`] uses one word of each of its cache lines. A group contains as many counters as a line has words. The
//! size of a group is the size of one counter, rounded up to whole lines. Each counter begins one word after the previous
//! counter, so the counters overlap without using the same words. All words are atomic, so references to the counters may
//! overlap.

use super::counter::{LINES, ShardedCounter};
use super::{LINE, LINE_WORDS};
use crate::atomic::AtomicU64;
use crate::family::{Member, MemberStorage, Zero};
use crate::label::Label;

/// Memory for as many words as one counter uses.
pub struct CounterWords {
    /// Accessed only through references to a `ShardedCounter`.
    _words: [AtomicU64; LINES],
}

impl Zero for CounterWords {
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = Self { _words: [const { AtomicU64::new(0) }; LINES] };
}

/// The members of a family of sharded counters. The groups follow one another in this memory, from its first byte on.
///
/// The type contains one [`CounterWords`] for each member, because the number of groups cannot be computed in a type. These
/// `CounterWords` only reserve enough memory for all members together: a member's words are spread over them.
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), repr(C, align(64)))]
#[cfg_attr(not(any(target_arch = "x86", target_arch = "x86_64")), repr(C, align(128)))]
pub struct CounterGroups<L: Label> {
    words: L::Members<CounterWords>,
    /// Memory for the counters that are missing in the last group if it is not full. Their number cannot be computed in a type,
    /// so there is memory for the largest possible number.
    rest: [CounterWords; LINE_WORDS - 1],
}

/// The size of a group in bytes.
const GROUP: usize = LINES * LINE;

impl<L: Label> CounterGroups<L> {
    /// Asserts that the memory is large enough for all groups, and consists only of words.
    const IS_VALID: () = {
        assert!(align_of::<Self>() == LINE);
        assert!(
            size_of::<L::Members<CounterWords>>() == L::COUNT * size_of::<CounterWords>(),
            "`Label::Members<T>` is an array with an item for each value"
        );
        assert!(size_of::<Self>() >= L::COUNT.div_ceil(LINE_WORDS) * GROUP);
        assert!((LINE_WORDS - 1) * size_of::<AtomicU64>() + size_of::<ShardedCounter>() == GROUP);
    };
}

impl<L: Label> MemberStorage<ShardedCounter> for CounterGroups<L> {
    fn __from_fn(make: &mut dyn FnMut() -> ShardedCounter) -> Self {
        let words = MemberStorage::__from_fn(&mut || CounterWords::ZERO);
        let groups = Self { words, rest: Zero::ZERO };
        for index in 0..L::COUNT {
            groups.at(index).start_as(&make());
        }
        groups
    }

    #[inline]
    fn at(&self, index: usize) -> &ShardedCounter {
        const { Self::IS_VALID };
        assert!(index < L::COUNT, "a family has no member at this position");
        let offset = index / LINE_WORDS * GROUP + index % LINE_WORDS * size_of::<AtomicU64>();
        // SAFETY: the counter lies within `self`: `IS_VALID` shows that its group does, and the counter ends at the last
        // word of the group, or before. All of `self` consists of initialized atomic words, and so does a counter. So the
        // pointer is aligned, and other references to the same words may exist.
        #[allow(unsafe_code)] // Rust has no type for counters that overlap
        unsafe {
            &*core::ptr::from_ref(self).byte_add(offset).cast::<ShardedCounter>()
        }
    }
}

impl<L: Label> Zero for CounterGroups<L>
where
    L::Members<CounterWords>: Zero,
{
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = Self { words: Zero::ZERO, rest: Zero::ZERO };
}

impl Member for ShardedCounter {
    type Storage<L: Label> = CounterGroups<L>;
}
