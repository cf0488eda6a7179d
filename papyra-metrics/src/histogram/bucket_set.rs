//! The buckets of a distribution. They are known at compile time, or only at run time.

use core::fmt;

use super::amount::Amount;
use super::bounds::MAX_BOUNDS;
use super::buckets::Buckets;
use super::cells::{CellArray, Tally};
use super::scale::{OwnedScale, Scale};

/// The type parameter of a [`Distribution`](crate::Distribution) whose buckets are not known at compile time.
#[derive(Clone, Copy, Debug)]
pub enum AnyBuckets {}

/// The buckets of a [`Distribution`](crate::Distribution): any [`Buckets`], or [`AnyBuckets`]. The trait
/// cannot be implemented for other types.
pub trait BucketSet {
    /// The type of the values that a distribution returns, such as its mean and quantiles: [`Buckets::Value`], or `f64`
    /// (in the exported unit) for [`AnyBuckets`].
    type Value: Copy + PartialOrd + fmt::Debug;

    #[doc(hidden)]
    const __LARGEST: Self::Value;
    #[doc(hidden)]
    type __Scale: Clone;
    #[doc(hidden)]
    type __Tallies: Clone + AsRef<[Tally]> + AsMut<[Tally]>;
    // Seals the trait, because `Scale` is not public.
    #[doc(hidden)]
    fn __scale(scale: &Self::__Scale) -> Scale<'_>;
    /// Replaces the bounds and the base unit of `scale` with the bounds and the base unit of `other`.
    #[doc(hidden)]
    fn __set_base_unit(scale: &mut Self::__Scale, other: &Self::__Scale);
    #[doc(hidden)]
    fn __value(scale: &Self::__Scale, base_units: u64) -> Self::Value;
    #[doc(hidden)]
    fn __base_units(scale: &Self::__Scale, value: Self::Value) -> u64;
}

/// The largest number of buckets that a distribution can have.
pub(super) const MAX_BUCKETS: usize = MAX_BOUNDS + 1;

impl<B: Buckets> BucketSet for B {
    type Value = B::Value;
    #[doc(hidden)]
    const __LARGEST: B::Value = B::Value::MAX;
    #[doc(hidden)]
    type __Scale = ();
    #[doc(hidden)]
    type __Tallies = <B::__Cells as CellArray>::Tallies;

    #[doc(hidden)]
    fn __scale((): &()) -> Scale<'_> {
        Scale { bounds: B::BOUNDS, unit: B::UNIT, per_unit: B::Value::PER_UNIT }
    }

    #[doc(hidden)]
    fn __set_base_unit((): &mut (), (): &()) {}

    #[doc(hidden)]
    fn __value((): &(), base_units: u64) -> B::Value {
        B::Value::from_base_units(base_units)
    }

    #[doc(hidden)]
    fn __base_units((): &(), value: B::Value) -> u64 {
        value.to_base_units()
    }
}

impl BucketSet for AnyBuckets {
    type Value = f64;
    const __LARGEST: f64 = f64::INFINITY;
    type __Scale = OwnedScale;
    // Inline, so that a distribution in a box is one allocation.
    type __Tallies = [Tally; MAX_BUCKETS];

    fn __scale(scale: &OwnedScale) -> Scale<'_> {
        Scale { bounds: &scale.bounds, unit: scale.unit.as_deref(), per_unit: scale.per_unit }
    }

    fn __set_base_unit(scale: &mut OwnedScale, other: &OwnedScale) {
        scale.bounds = other.bounds.clone();
        scale.per_unit = other.per_unit;
    }

    #[allow(clippy::cast_precision_loss)] // exact up to 2⁵³ base units: 104 days in nanoseconds
    fn __value(scale: &OwnedScale, base_units: u64) -> f64 {
        base_units as f64 / scale.per_unit as f64
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // the cast saturates
    fn __base_units(scale: &OwnedScale, value: f64) -> u64 {
        (value * scale.per_unit as f64 + 0.5) as u64
    }
}
