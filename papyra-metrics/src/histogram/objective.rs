//! Objectives: the share of a histogram's values that should be within a bound.

use core::fmt;
use core::num::NonZeroU32;

use super::Buckets;
use super::amount::{Amount, Notation};
use super::bounds;
use super::scale::Scale;
use crate::__private::Message;

/// A service level objective of a histogram: the share of the recorded values that should be at most a threshold.
///
/// The field of a histogram declares an objective with `#[metrics(objective(within = "100ms", of = 99.9))]`, and
/// [`Descriptor::objective`](crate::Descriptor::objective) returns the objective. The threshold is a bucket bound of the
/// histogram, so the number of values up to the threshold is known exactly.
///
/// ```
/// use papyra_metrics::{Histogram, Metrics};
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics {
///     /// How long an append takes.
///     #[metrics(objective(within = "100ms", of = 99.9))]
///     append: Histogram,
/// }
///
/// let objective = LogMetrics::default().descriptors()[0].objective().unwrap();
/// assert_eq!((objective.within(), objective.percent()), (0.1, 99.9)); // seconds, the exported unit
/// assert_eq!(objective.to_string(), "99.9% within 0.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objective {
    /// The threshold in base units: nanoseconds for durations, otherwise the number itself.
    within: u64,
    /// The factor that converts an exported threshold to `within`: 10⁹ for durations, which are exported in seconds; 1 for
    /// other values.
    per_unit: u32,
    /// The share of the values, in parts per billion.
    billionths: NonZeroU32,
}

const BILLION: u32 = 1_000_000_000;

impl Objective {
    /// Creates the objective that `percent` % of all values are at most `within`. This threshold must be a bound of `B`,
    /// written as in [`buckets!`](crate::buckets): `100ms` or `64KiB`. The percentage is rounded to seven decimals.
    ///
    /// ```
    /// use papyra_metrics::{Descriptor, Objective, Sizes};
    ///
    /// const SIZE: Descriptor = Descriptor::histogram("record_size_bytes")
    ///     .with_unit("bytes")
    ///     .with_objective(Objective::new::<Sizes>("64KiB", 99.0));
    /// assert_eq!(SIZE.objective().unwrap().within(), 65536.0);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if `within` is not a bound of `B`, or if the rounded percentage is not above 0 and below 100. In a `const`,
    /// the panic is a compile error.
    #[track_caller]
    pub const fn new<B: Buckets>(within: &str, percent: f64) -> Self {
        let scale =
            Scale { bounds: B::BOUNDS, unit: B::UNIT, per_unit: <B::Value as Amount>::PER_UNIT };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the cast saturates
        Self::of_scale(&scale, within, (percent * 10_000_000.0 + 0.5) as u32)
    }

    /// Creates an objective of a histogram with these bounds. Panics like [`new`](Self::new).
    #[track_caller]
    pub(crate) const fn of_scale(scale: &Scale<'_>, within: &str, billionths: u32) -> Self {
        let is_duration = scale.per_unit > 1;
        let notation = if is_duration { Notation::Duration } else { Notation::Integer };
        let Some(threshold) = bounds::parse(within, notation) else {
            refuse_text(within, is_duration)
        };
        let mut above = 0;
        while above < scale.bounds.len() && scale.bounds[above] < threshold {
            above += 1;
        }
        if above == scale.bounds.len() || scale.bounds[above] != threshold {
            refuse_threshold(within, scale, above);
        }
        #[allow(clippy::cast_possible_truncation)] // `per_unit` is 1 or a billion
        match Self::from_parts(threshold, scale.per_unit as u32, billionths) {
            Some(objective) => objective,
            None => panic!(
                "the percentage must be above 0 and below 100 when it is rounded to seven decimals"
            ),
        }
    }

    /// Creates an objective from its parts. Returns `None` if `per_unit` is 0, or if `billionths` is 0 or at least a billion.
    pub(crate) const fn from_parts(within: u64, per_unit: u32, billionths: u32) -> Option<Self> {
        match NonZeroU32::new(billionths) {
            Some(billionths) if billionths.get() < BILLION && per_unit > 0 => {
                Some(Self { within, per_unit, billionths })
            }
            _ => None,
        }
    }

    /// Returns the threshold in base units: nanoseconds for durations, otherwise the number itself.
    pub const fn within_base_units(&self) -> u64 {
        self.within
    }

    /// Returns the threshold in the exported unit: seconds for durations, otherwise the number itself.
    #[allow(clippy::cast_precision_loss, clippy::cast_lossless)] // exported bounds are rounded too
    pub const fn within(&self) -> f64 {
        self.within as f64 / self.per_unit as f64
    }

    /// Returns the percentage of the values that should be within the threshold.
    #[allow(clippy::cast_lossless)] // `from` is not const
    pub const fn percent(&self) -> f64 {
        self.billionths.get() as f64 / 10_000_000.0
    }

    /// Returns the share of the values that should be within the threshold, in parts per billion.
    #[cfg(feature = "publish")]
    pub(crate) const fn billionths(&self) -> u32 {
        self.billionths.get()
    }
}

/// Writes `99.9% within 0.1`, with the threshold in the exported unit.
impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}% within {}", self.percent(), self.within())
    }
}

#[track_caller]
const fn refuse_text(text: &str, is_duration: bool) -> ! {
    let mut message = Message::new();
    message.push("`").push(text);
    let other = if is_duration { Notation::Integer } else { Notation::Duration };
    message.push(match (bounds::parse(text, other), is_duration) {
        (Some(_), true) => "` is a number, and this histogram has durations; write a duration, such as `100ms`",
        (Some(_), false) => "` is a duration, and this histogram has numbers; write a number, such as `4096` or `64KiB`",
        (None, true) => {
            "` is not a duration; write one as `100ms` (`ns`, `us`, `ms`, `s`, `min` or `h`, at most 292 years)"
        }
        (None, false) => "` is not a number; write one as `4096` or `64KiB` (`KiB`, `MiB`, `GiB` or `TiB`)",
    });
    panic!("{}", message.as_str());
}

/// Panics with the bounds nearest to the threshold. `above` is the index of the first bound above it, or the number of bounds.
#[track_caller]
const fn refuse_threshold(within: &str, scale: &Scale<'_>, above: usize) -> ! {
    let mut message = Message::new();
    message.push("`").push(within).push("` is not a bucket bound of this histogram; ");
    if above == scale.bounds.len() {
        push_bound(message.push("the highest is `"), scale.bounds[above - 1], scale);
    } else if above == 0 {
        push_bound(message.push("the lowest is `"), scale.bounds[above], scale);
    } else {
        push_bound(message.push("the nearest are `"), scale.bounds[above - 1], scale);
        push_bound(message.push("` and `"), scale.bounds[above], scale);
    }
    message.push("`");
    panic!("{}", message.as_str());
}

/// Appends a bound as it is written in [`buckets!`](crate::buckets).
const fn push_bound(message: &mut Message, bound: u64, scale: &Scale<'_>) {
    const DURATIONS: [(u64, &str); 4] =
        [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];
    const SIZES: [(u64, &str); 5] =
        [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "")];
    let is_duration = scale.per_unit > 1;
    let units: &[(u64, &str)] = if is_duration { &DURATIONS } else { &SIZES };
    let mut i = 0;
    // For a size, chooses the largest unit of which the size is a multiple. For a duration, chooses the largest unit that is
    // not longer than the duration.
    while i + 1 < units.len() && (bound < units[i].0 || !is_duration && bound % units[i].0 != 0) {
        i += 1;
    }
    let (per_unit, unit) = units[i];
    message.push_number(bound / per_unit);
    let mut rest = bound % per_unit;
    if rest > 0 {
        message.push(".");
    }
    let mut digit = per_unit / 10;
    while rest > 0 {
        message.push_number(rest / digit);
        rest %= digit;
        digit /= 10;
    }
    message.push(unit);
}
