//! The bounds and the unit of a distribution: static, or read from a file or from serialized data.

#[cfg(any(feature = "serde", feature = "publish"))]
use alloc::sync::Arc;
use core::ops::Deref;

#[cfg(feature = "publish")]
use super::Objective;

/// The bounds and the unit of a distribution.
#[derive(Clone, Copy, Debug)]
pub struct Scale<'a> {
    /// Inclusive upper bounds in base units: nanoseconds for durations, otherwise the numbers themselves.
    pub bounds: &'a [u64],
    /// The exported unit.
    pub unit: Option<&'a str>,
    /// The factor that converts an exported value to base units: 10⁹ for durations, which are exported in seconds; 1 for plain
    /// integers.
    pub per_unit: u64,
}

/// The scale of buckets that are not known at compile time.
#[derive(Clone, Debug)]
pub struct OwnedScale {
    /// Inclusive upper bounds in base units, at most [`MAX_BOUNDS`](super::bounds::MAX_BOUNDS) of them.
    pub(super) bounds: Shared<[u64]>,
    pub(super) unit: Option<Shared<str>>,
    pub(super) per_unit: u64,
}

impl OwnedScale {
    /// Creates a scale from deserialized data or from a published file. The bounds must be strictly increasing and at most
    /// [`MAX_BOUNDS`](super::bounds::MAX_BOUNDS), and `per_unit` must not be 0.
    #[cfg(any(feature = "serde", feature = "publish"))]
    pub(crate) fn new(bounds: Arc<[u64]>, unit: Option<Arc<str>>, per_unit: u64) -> Self {
        Self { bounds: Shared::Counted(bounds), unit: unit.map(Shared::Counted), per_unit }
    }

    /// Returns the number of buckets, including the bucket above the last bound.
    #[cfg(feature = "publish")]
    pub(crate) fn buckets(&self) -> usize {
        self.bounds.len() + 1
    }

    /// Creates the objective that `billionths` parts per billion of the values are at most `within`, in base units. Returns
    /// `None` if `within` is not a bound, or if [`Objective::from_parts`] returns `None`.
    #[cfg(feature = "publish")]
    pub(crate) fn objective(&self, within: u64, billionths: u32) -> Option<Objective> {
        self.bounds.binary_search(&within).ok()?;
        Objective::from_parts(within, u32::try_from(self.per_unit).ok()?, billionths)
    }
}

/// A static value, or a reference-counted value from deserialized data or from a published file. Cloning copies only a pointer.
#[derive(Debug)]
pub(super) enum Shared<T: ?Sized + 'static> {
    Static(&'static T),
    #[cfg(any(feature = "serde", feature = "publish"))]
    Counted(Arc<T>),
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Static(value) => Self::Static(value),
            #[cfg(any(feature = "serde", feature = "publish"))]
            Self::Counted(value) => Self::Counted(Arc::clone(value)),
        }
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Static(value) => value,
            #[cfg(any(feature = "serde", feature = "publish"))]
            Self::Counted(value) => value,
        }
    }
}
