//! Families: an instrument for each value of a label.

mod cross;
pub(crate) mod members;
mod row;
mod zero;

use core::fmt;
use core::ops::{Index, IndexMut};

pub use self::cross::Cross;
pub use self::members::{Member, MemberArray, MemberStorage};
pub use self::row::FamilyRow;
pub use self::zero::Zero;
use crate::label::{self, Label};

/// An instrument for each value of a label. In a monitoring system, a family is one metric with a series for each value.
///
/// The label is an enum that derives [`Label`], or a tuple of such enums, with a member for each combination. The
/// members can be any instrument of this crate, or your own if it implements [`Member`]. As a field of a struct that
/// derives [`Metrics`](trait@crate::Metrics), a family exports all its members, including members at zero. A snapshot
/// contains each member under the key of its series, such as `write_errors{error_kind=corrupt}`.
///
/// ```
/// use papyra_metrics::{Counter, Family, Histogram, Label, Metrics};
/// use std::time::Duration;
///
/// #[derive(Clone, Copy, Label)]
/// enum ErrorKind { NotFound, StorageFull, Corrupt, Other }
///
/// #[derive(Clone, Copy, Label)]
/// enum Op { Get, Put }
///
/// #[derive(Clone, Copy, Label)]
/// enum Outcome { Hit, Miss }
///
/// #[derive(Metrics)]
/// struct StoreMetrics {
///     write_errors: Family<ErrorKind, Counter>,
///     requests: Family<(Op, Outcome), Histogram>,
/// }
///
/// static METRICS: StoreMetrics = StoreMetrics { write_errors: Family::new(), requests: Family::new() };
///
/// METRICS.write_errors[ErrorKind::Corrupt].inc();
/// METRICS.requests[(Op::Get, Outcome::Hit)].record(Duration::from_micros(80));
///
/// let snapshot = METRICS.snapshot();
/// assert_eq!(snapshot["write_errors{error_kind=corrupt}"], 1);
/// assert_eq!(snapshot.member("write_errors", ErrorKind::Other).unwrap(), &0);
/// assert_eq!(snapshot["requests{op=get,outcome=hit}"].as_histogram().unwrap().count(), 1);
/// ```
///
/// If the label is a tuple, indexing by a value of the first label alone returns a [`FamilyRow`]: the members with this
/// value of the first label.
///
/// If the member is known at compile time, counting in it costs the same as counting in a single instrument. If the member
/// is chosen at run time, its address must be computed too. There are at most 256 members. If the values of a label are
/// known only at run time, such as tenants, register one struct of metrics for each value, with the value as a label.
///
/// The members are an inline array, except in a family of [`ShardedCounter`](crate::ShardedCounter). There, the members'
/// cells for one CPU are adjacent, so that eight cells share a cache line on x86-64. On x86-64 Linux, such a family
/// takes 7 KiB, plus about 1 KiB for each member. As an array, it would take 8 KiB for each member.
///
/// On x86-64 Linux, a [`ShardedHistogram`](crate::ShardedHistogram) with the default buckets takes about 64 KiB, and so
/// does each member of a family of them. An unoptimized build moves such a family through the stack a few times before
/// it is in an `Arc` or a `Box`. If it does not fit, put it into a `static`.
///
/// In a struct with `#[metrics(storage = …)]`, a family of plain values is written `Family<Op, u64>`.
pub struct Family<L: Label, I: Member> {
    members: I::Storage<L>,
}

impl<L: Label, I: Member> Family<L, I> {
    /// Asserts that the labels are valid. Evaluated by `new` and `from_fn`, but not by `map`, which converts a valid family.
    const IS_VALID: () = label::assert_set(L::LABELS, label::stored_members::<L>());

    /// Creates a family whose members are at zero.
    pub const fn new() -> Self
    where
        I::Storage<L>: Zero,
    {
        const { Self::IS_VALID };
        Self { members: Zero::ZERO }
    }

    /// Creates a family by calling `make` for each label, in the order of [`Label::index`].
    ///
    /// ```
    /// use papyra_metrics::{Counter, Family, Label};
    /// use std::sync::Arc;
    ///
    /// #[derive(Clone, Copy, Label)]
    /// enum Op { Get, Put }
    ///
    /// // A counter that other code increments too.
    /// let gets = Arc::new(Counter::new());
    /// let family = Family::from_fn(|op| match op {
    ///     Op::Get => gets.clone(),
    ///     Op::Put => Arc::new(Counter::new()),
    /// });
    /// gets.inc();
    /// assert_eq!(family[Op::Get].get(), 1);
    /// ```
    pub fn from_fn(mut make: impl FnMut(L) -> I) -> Self {
        const { Self::IS_VALID };
        let mut index = 0;
        let mut make_next = || {
            let Some(label) = L::from_index(index) else {
                unreachable!("`Label::from_index` returns no label for a position that exists")
            };
            index += 1;
            make(label)
        };
        Self { members: MemberStorage::__from_fn(&mut make_next) }
    }

    /// Returns each label and its member, in the order of [`Label::index`].
    ///
    /// ```
    /// use papyra_metrics::{Counter, Family, Label};
    ///
    /// #[derive(Clone, Copy, Label)]
    /// enum Op { Get, Put }
    ///
    /// let family: Family<Op, Counter> = Family::new();
    /// family[Op::Put].add(2);
    /// assert_eq!(family.iter().map(|(_, counter)| counter.get()).sum::<u64>(), 2);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (L, &I)> {
        (0..L::COUNT).filter_map(|index| Some((L::from_index(index)?, self.at(index))))
    }

    /// Returns the members, in the order of the [`index`](Label::index) of their labels.
    pub fn values(&self) -> impl Iterator<Item = &I> {
        (0..L::COUNT).map(|index| self.at(index))
    }

    /// Returns the member at a position.
    pub(crate) fn at(&self, index: usize) -> &I {
        self.members.at(index)
    }

    /// Returns a family that contains the result of `convert` for each member.
    pub(crate) fn map<T: Member>(&self, mut convert: impl FnMut(&I) -> T) -> Family<L, T> {
        let mut index = 0;
        let members = MemberStorage::__from_fn(&mut || {
            let member = convert(self.at(index));
            index += 1;
            member
        });
        Family { members }
    }
}

impl<L: Label, I: Member> Index<L> for Family<L, I> {
    type Output = I;

    /// Returns the member for a label. Never panics for a derived label.
    #[inline]
    fn index(&self, label: L) -> &I {
        I::__member(&self.members, label)
    }
}

/// Implements indexing by the first label of a tuple.
macro_rules! rows {
    ($(($first:ident, $($rest:ident),+) => $row:ty;)*) => {$(
        impl<$first: Label, $($rest: Label,)+ I> Index<$first> for Family<($first, $($rest),+), I>
        where
            I: Member<Storage<($first, $($rest),+)> = <($first, $($rest),+) as Label>::Members<I>>,
        {
            type Output = FamilyRow<$row, I>;

            /// Returns the members that have this value of the first label.
            #[inline]
            fn index(&self, first: $first) -> &FamilyRow<$row, I> {
                self.members.row(first)
            }
        }

        impl<$first: Label, $($rest: Label,)+ I> IndexMut<$first> for Family<($first, $($rest),+), I>
        where
            I: Member<Storage<($first, $($rest),+)> = <($first, $($rest),+) as Label>::Members<I>>,
        {
            #[inline]
            fn index_mut(&mut self, first: $first) -> &mut FamilyRow<$row, I> {
                self.members.row_mut(first)
            }
        }
    )*};
}

rows! {
    (A, B) => B;
    (A, B, C) => (B, C);
    (A, B, C, D) => (B, C, D);
}

/// Not implemented for a family of [`ShardedCounter`](crate::ShardedCounter): its members share memory, so a single
/// member cannot be replaced.
impl<L: Label, I: Member> IndexMut<L> for Family<L, I>
where
    I::Storage<L>: MemberArray<I>,
{
    #[inline]
    fn index_mut(&mut self, label: L) -> &mut I {
        self.members.at_mut(label.index())
    }
}

impl<L: Label, I: Member + Default> Default for Family<L, I> {
    fn default() -> Self {
        Self::from_fn(|_| I::default())
    }
}

impl<L: Label, I: Member + fmt::Debug> fmt::Debug for Family<L, I> {
    /// Formats a map of label values to members.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        label::debug_members::<L, _>(f, self.values())
    }
}

impl<L: Label, I: Member + Copy> Copy for Family<L, I> where I::Storage<L>: Copy {}

#[allow(clippy::expl_impl_clone_on_copy)] // a derive would bound the label instead of its array
impl<L: Label, I: Member + Clone> Clone for Family<L, I> {
    fn clone(&self) -> Self {
        self.map(I::clone)
    }
}

impl<L: Label, I: Member + PartialEq> PartialEq for Family<L, I> {
    /// Returns whether the members of the two families are equal, label by label.
    fn eq(&self, other: &Self) -> bool {
        self.values().eq(other.values())
    }
}

impl<L: Label, I: Member + Eq> Eq for Family<L, I> {}

impl<L: Label, I: Member> Zero for Family<L, I>
where
    I::Storage<L>: Zero,
{
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = Self::new();
}
