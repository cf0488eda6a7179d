//! A row of a family with several labels: the members with one value of the first label.

use core::fmt;
use core::ops::{Index, IndexMut};

use super::members::{MemberArray, MemberStorage};
use super::zero::Zero;
use crate::label::{self, Label};

/// A row of a family with several labels: the members with one value of the first label. Indexing a
/// [`Family<(A, B), _>`](crate::Family) by an `A` returns a row.
///
/// A row is indexed by the remaining labels. A function with `#[metrics(errors = errors[Op::Get])]` converts each error
/// to a value of the remaining label, and counts the error in the row's member with this value:
///
/// ```
/// use papyra_metrics::{Counter, Family, IoErrorKind, Label, Metrics, metrics};
/// use std::{fs, io, path::Path};
///
/// #[derive(Clone, Copy, Label)]
/// enum Op { Get, Put }
///
/// #[derive(Default, Metrics)]
/// struct StoreMetrics {
///     errors: Family<(Op, IoErrorKind), Counter>,
/// }
///
/// #[derive(Default)]
/// struct Store { metrics: StoreMetrics }
///
/// impl Store {
///     #[metrics(errors = errors[Op::Get])]
///     fn get(&self, path: &Path) -> io::Result<Vec<u8>> {
///         fs::read(path)
///     }
/// }
///
/// let store = Store::default();
/// assert!(store.get(Path::new("/no/such/file")).is_err());
/// let gets = &store.metrics.errors[Op::Get];
/// assert_eq!(gets[IoErrorKind::NotFound].get(), 1);
/// assert_eq!(gets.values().map(Counter::get).sum::<u64>(), 1);
/// assert_eq!(store.metrics.snapshot()["errors{op=get,error_kind=not_found}"], 1);
/// ```
///
/// A family of [`ShardedCounter`](crate::ShardedCounter) has no rows, because its members share their memory. Index
/// such a family by all labels, or use `errors_by = |error| (Op::Get, error.into())`.
pub struct FamilyRow<L: Label, T> {
    members: L::Members<T>,
}

impl<L: Label, T> FamilyRow<L, T> {
    /// Returns each label and its member, in the order of [`Label::index`].
    pub fn iter(&self) -> impl Iterator<Item = (L, &T)> {
        (0..L::COUNT).filter_map(|index| Some((L::from_index(index)?, self.members.at(index))))
    }

    /// Returns the members, in the order of the [`index`](Label::index) of their labels.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        (0..L::COUNT).map(|index| self.members.at(index))
    }
}

impl<L: Label, T> Index<L> for FamilyRow<L, T> {
    type Output = T;

    /// Returns the member for a label. Never panics for a derived label.
    #[inline]
    fn index(&self, label: L) -> &T {
        L::__member(&self.members, label)
    }
}

impl<L: Label, T> IndexMut<L> for FamilyRow<L, T> {
    #[inline]
    fn index_mut(&mut self, label: L) -> &mut T {
        self.members.at_mut(label.index())
    }
}

impl<L: Label, T> MemberStorage<T> for FamilyRow<L, T> {
    fn __from_fn(make: &mut dyn FnMut() -> T) -> Self {
        Self { members: MemberStorage::__from_fn(make) }
    }

    #[inline]
    fn at(&self, index: usize) -> &T {
        self.members.at(index)
    }
}

impl<L: Label, T> MemberArray<T> for FamilyRow<L, T> {
    #[inline]
    fn at_mut(&mut self, index: usize) -> &mut T {
        self.members.at_mut(index)
    }
}

impl<L: Label, T: fmt::Debug> fmt::Debug for FamilyRow<L, T> {
    /// Formats a map of label values to members.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        label::debug_members::<L, _>(f, self.values())
    }
}

impl<L: Label, T> Copy for FamilyRow<L, T> where L::Members<T>: Copy {}

#[allow(clippy::expl_impl_clone_on_copy)] // a derive would bound the label instead of its array
impl<L: Label, T> Clone for FamilyRow<L, T>
where
    L::Members<T>: Clone,
{
    fn clone(&self) -> Self {
        Self { members: self.members.clone() }
    }
}

impl<L: Label, T> Zero for FamilyRow<L, T>
where
    L::Members<T>: Zero,
{
    #[allow(clippy::declare_interior_mutable_const)] // copied into each new family
    const ZERO: Self = Self { members: Zero::ZERO };
}
