//! Decides how the values of a gauge in several processes are combined.

/// How the values of a gauge in several processes are combined into one. A plain sum would be wrong for many gauges:
/// the sum of two ratios is not a ratio, and the sum of two highest values is not a highest value.
///
/// [`Dashboard`](super::Dashboard) and the command `papyra-metrics` combine gauges by these rules.
///
/// ```
/// use papyra_metrics_export::schema::Combination;
///
/// assert_eq!(Combination::of_gauge("open_segments", None), Combination::Sum);
/// assert_eq!(Combination::of_gauge("cache_fill", Some("ratio")), Combination::Mean);
/// assert_eq!(Combination::of_gauge("longest_queue", None), Combination::Highest);
/// assert_eq!(Combination::of_gauge("last_flush_timestamp", Some("seconds")), Combination::Latest);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Combination {
    /// The sum of all values. Used for all gauges to which no other rule applies.
    Sum,
    /// The mean of all values. Used for gauges whose unit is `ratio` or `percent`, or whose name without the unit ends
    /// in `ratio`.
    Mean,
    /// The highest value. Used for gauges with a word such as `max`, `longest` or `peak` in their name, unless the rule
    /// of [`Mean`](Self::Mean) or [`Latest`](Self::Latest) applies.
    Highest,
    /// The latest time. Used for gauges in seconds whose name without the unit ends in `timestamp`.
    Latest,
}

/// The words in the names of gauges that are combined by [`Combination::Highest`].
const EXTREMES: [&str; 6] = ["highest", "largest", "longest", "max", "oldest", "peak"];

impl Combination {
    /// Returns how to combine the values of a gauge. `name` is the gauge's name without prefixes. The name may end in
    /// the unit.
    pub fn of_gauge(name: &str, unit: Option<&str>) -> Self {
        let stem = unit.and_then(|unit| name.strip_suffix(unit)?.strip_suffix('_'));
        let words: Vec<_> = stem.unwrap_or(name).split('_').collect();
        Self::of_words(&words, unit)
    }

    /// Returns how to combine the values of a gauge. `words` are the words of the gauge's name, without the unit.
    pub(super) fn of_words(words: &[&str], unit: Option<&str>) -> Self {
        let last = words.last().copied().unwrap_or_default();
        let is_extreme = words.iter().any(|word| EXTREMES.contains(word))
            || words.windows(2).any(|pair| *pair == ["high", "water"]);
        if unit == Some("seconds") && last == "timestamp" {
            Self::Latest
        } else if matches!(unit, Some("ratio" | "percent")) || last == "ratio" {
            Self::Mean
        } else if is_extreme {
            Self::Highest
        } else {
            Self::Sum
        }
    }
}
