//! The types of value that a histogram records.

use core::fmt;
use core::time::Duration;

/// The type of the values that a histogram records: [`Duration`], or `u64` for sizes and other integers.
///
/// A histogram keeps values as integers in a base unit: nanoseconds for a duration, and the number itself for a `u64`.
/// The trait cannot be implemented for other types.
#[diagnostic::on_unimplemented(
    message = "a histogram cannot record `{Self}`",
    label = "not a type of value that a histogram records",
    note = "the values of a histogram are of type `core::time::Duration` or `u64`"
)]
pub trait Amount: Copy + PartialOrd + fmt::Debug + Send + Sync + 'static {
    /// The largest value of the type.
    const MAX: Self;

    /// The factor that converts an exported value to the base unit: 10⁹ for durations, which are exported in seconds and
    /// kept in nanoseconds; 1 for `u64`.
    const PER_UNIT: u64;

    /// The notation of bounds in [`buckets!`](crate::buckets). Seals the trait: only generated code can name the type.
    #[doc(hidden)]
    const NOTATION: Notation;

    /// Converts the value to base units. A result above `i64::MAX` becomes `i64::MAX`.
    fn to_base_units(self) -> u64;

    /// Converts a number of base units to a value.
    fn from_base_units(base_units: u64) -> Self;
}

/// The notation of bucket bounds, which also determines the exported unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// A duration such as `20ms`, exported in seconds.
    Duration,
    /// An integer such as `4096` or `4KiB`, exported unchanged.
    Integer,
}

/// The largest integer that is recorded. Larger values are recorded as `MAX_BASE_UNITS`, so that a signed 64-bit number
/// can hold any recorded value.
pub(crate) const MAX_BASE_UNITS: u64 = i64::MAX as u64;

impl Amount for Duration {
    const MAX: Self = Self::MAX;
    const PER_UNIT: u64 = 1_000_000_000;
    const NOTATION: Notation = Notation::Duration;

    #[inline]
    fn to_base_units(self) -> u64 {
        // Does not call `as_nanos`, which multiplies 128-bit integers.
        const SECONDS: u64 = MAX_BASE_UNITS / Duration::PER_UNIT;
        let (seconds, nanoseconds) = (self.as_secs(), u64::from(self.subsec_nanos()));
        if seconds < SECONDS { seconds * Self::PER_UNIT + nanoseconds } else { too_long() }
    }

    fn from_base_units(base_units: u64) -> Self {
        Self::from_nanos(base_units)
    }
}

/// Returns the value that is recorded for durations of 292 years and more. It is a cold function, so that the compiler optimizes
/// for shorter durations.
#[cold]
fn too_long() -> u64 {
    MAX_BASE_UNITS
}

impl Amount for u64 {
    const MAX: Self = Self::MAX;
    const PER_UNIT: u64 = 1;
    const NOTATION: Notation = Notation::Integer;

    #[inline]
    fn to_base_units(self) -> u64 {
        self.min(MAX_BASE_UNITS)
    }

    fn from_base_units(base_units: u64) -> Self {
        base_units
    }
}
