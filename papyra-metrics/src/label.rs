//! Labels with a fixed set of values.

use core::fmt;

use crate::family::{MemberArray, MemberStorage};
use crate::hash::{first_slot, hash};
use crate::naming;

/// The maximum number of members of a family.
pub(crate) const MAX_MEMBERS: usize = 256;
/// The maximum number of labels of a family. Nine labels with two values each would have more than 256 combinations.
pub(crate) const MAX_LABELS: usize = 8;

/// A label with a fixed set of values that are known at compile time. The values distinguish the members of a
/// [`Family`](crate::Family).
///
/// Derive this trait for an enum without fields ([`#[derive(Label)]`](derive@crate::Label)). A tuple of two to four labels
/// is a label too, with a value for each combination of the labels' values. Implement the trait by hand for other sets of
/// values, such as a range of numbers:
///
/// ```
/// use papyra_metrics::{Counter, Family, Label, LabelValues, Metrics};
///
/// /// A level of the tree, 0 to 2.
/// #[derive(Clone, Copy)]
/// struct Level(u8);
///
/// impl Label for Level {
///     const LABELS: &'static [LabelValues] = &[LabelValues::new("level", &["0", "1", "2"])];
///     type Members<T> = [T; 3];
///
///     fn index(self) -> usize {
///         usize::from(self.0)
///     }
///
///     fn from_index(index: usize) -> Option<Self> {
///         u8::try_from(index).ok().filter(|&level| level < 3).map(Level)
///     }
/// }
///
/// #[derive(Default, Metrics)]
/// struct TreeMetrics {
///     compactions: Family<Level, Counter>,
/// }
///
/// let metrics = TreeMetrics::default();
/// metrics.compactions[Level(2)].inc();
/// assert_eq!(metrics.snapshot()["compactions{level=2}"], 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a label",
    label = "the label of a family has a fixed set of values",
    note = "add `#[derive(Clone, Copy, Label)]` to an enum without fields, or implement `papyra_metrics::Label`; a tuple of labels is their cross product",
    note = "for labels whose values are known only at run time, register each value's metrics on their own, with `registry.with_labels(…)`"
)]
pub trait Label: Copy + 'static {
    /// The name and the values of the label, or of each label of a tuple, in order. There are at most 256 combinations.
    const LABELS: &'static [LabelValues];

    /// The storage of a family, with one `T` for each member: `[T; N]` for a label with `N` values. An array of another length
    /// is a compile error at the family.
    type Members<T>: MemberArray<T>;

    /// Returns the position of this value among the values in [`LABELS`](Self::LABELS). For a tuple, this is the
    /// position of the combination among all combinations, in the order in which the last label varies fastest.
    fn index(self) -> usize;

    /// Returns the label at a position, or `None` if the position is out of range.
    fn from_index(index: usize) -> Option<Self>;

    /// The number of members of a family with this label.
    const COUNT: usize = count(Self::LABELS);

    /// Returns the member with this label. The implementation for tuples indexes by one label after another, so that a
    /// label that is known at compile time needs neither a division nor a comparison.
    #[doc(hidden)]
    #[inline]
    fn __member<T>(members: &Self::Members<T>, label: Self) -> &T {
        members.at(label.index())
    }
}

/// The name and the values of a label, for a [`Label`] that is implemented by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelValues {
    pub(crate) name: &'static str,
    pub(crate) values: &'static [&'static str],
}

impl LabelValues {
    /// Creates a label with this name and these values, in this order.
    ///
    /// # Panics
    ///
    /// Panics if the name does not match `[a-zA-Z_][a-zA-Z0-9_]*` or is reserved (`le`, `quantile`, `instance`, `job`, or
    /// a name that begins with `__`), if a value does not match `[a-z0-9_]+` or occurs twice, or if there are no values or
    /// more than 256. In a `const`, this is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str, values: &'static [&'static str]) -> Self {
        naming::assert_label_name(name);
        assert!(!values.is_empty(), "a label has at least one value");
        assert!(values.len() <= MAX_MEMBERS, "a label has at most 256 values");
        // An open-addressed table: comparing each of 256 values with all others takes the compiler seconds.
        let mut slots = [""; 2 * MAX_MEMBERS];
        let mut rest = values;
        while let [value, after @ ..] = rest {
            naming::assert_label_value(value);
            let mut at = first_slot(hash(0, value.as_bytes()), slots.len());
            while !slots[at].is_empty() {
                let is_new = !naming::equal(slots[at].as_bytes(), value.as_bytes());
                assert!(is_new, "a label cannot have the same value twice");
                at = (at + 1) % slots.len();
            }
            slots[at] = value;
            rest = after;
        }
        Self { name, values }
    }

    /// Creates a label whose name and values the derive has checked.
    #[doc(hidden)]
    pub const fn __new(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values }
    }

    /// Returns the name of the label.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the values, in the order of the members.
    pub const fn values(&self) -> &'static [&'static str] {
        self.values
    }
}

/// Returns the number of combinations of the labels' values.
const fn count(labels: &[LabelValues]) -> usize {
    let mut count = 1_usize;
    let mut i = 0;
    while i < labels.len() {
        count = count.saturating_mul(labels[i].values.len());
        i += 1;
    }
    count
}

/// Returns the value that the label at `position` has in the member at `index`. This function calls no function except
/// `len`, because calls are slow at compile time.
pub(crate) const fn value_at(
    labels: &[LabelValues],
    position: usize,
    index: usize,
) -> &'static str {
    let mut index = index;
    let mut i = labels.len();
    while i > position + 1 {
        i -= 1;
        index /= labels[i].values.len();
    }
    let values = labels[position].values;
    values[index % values.len()]
}

/// Returns the labels of the member at `index`, as pairs of name and value.
pub(crate) fn pairs(
    labels: &'static [LabelValues],
    index: usize,
) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
    let pairs = labels.iter().enumerate();
    pairs.map(move |(position, label)| (label.name, value_at(labels, position, index)))
}

/// Formats the members of a family as a map whose keys are the values of the labels.
pub(crate) fn debug_members<'a, L: Label, T: fmt::Debug + 'a>(
    f: &mut fmt::Formatter<'_>,
    members: impl Iterator<Item = &'a T>,
) -> fmt::Result {
    struct Values(&'static [LabelValues], usize);

    impl fmt::Debug for Values {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (i, (_, value)) in pairs(self.0, self.1).enumerate() {
                let comma = if i == 0 { "" } else { "," };
                write!(f, "{comma}{value}")?;
            }
            Ok(())
        }
    }

    let members = members.enumerate().map(|(index, member)| (Values(L::LABELS, index), member));
    f.debug_map().entries(members).finish()
}

/// Returns the number of members that a family with this label stores.
pub(crate) const fn stored_members<L: Label>() -> usize {
    size_of::<L::Members<u8>>()
}

/// Returns the labels of a family, and panics if they are not valid, or if the family does not store a member for each
/// combination of their values. Generated code calls this function with the span of the field, so that the compile error points at
/// the field.
#[track_caller]
pub const fn family_labels(
    labels: &'static [LabelValues],
    stored_members: usize,
) -> &'static [LabelValues] {
    assert_set(labels, stored_members);
    labels
}

/// Panics if the labels are not valid for a family that stores this number of members.
#[track_caller]
pub(crate) const fn assert_set(labels: &[LabelValues], stored_members: usize) {
    assert!(
        labels.len() <= MAX_LABELS,
        "a family has at most 8 labels; use fewer, or an enum with a variant for each combination"
    );
    assert!(
        count(labels) <= MAX_MEMBERS,
        "a family has at most 256 members; use fewer labels or values"
    );
    assert!(
        count(labels) == stored_members,
        "`Label::Members<T>` of a label is not `[T; N]`, where `N` is the number of its values; correct the length of the array"
    );
    let mut i = 0;
    while i < labels.len() {
        let mut j = 0;
        while j < i {
            let is_new = !naming::equal(labels[i].name.as_bytes(), labels[j].name.as_bytes());
            assert!(
                is_new,
                "two labels of a family have the same name; rename one of them with `#[metrics(label = \"…\")]`, and use two enums if both are the same"
            );
            j += 1;
        }
        i += 1;
    }
}
