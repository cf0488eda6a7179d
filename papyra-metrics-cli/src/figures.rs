//! Formats distributions for people: quantiles in human-readable units, and the bucket counts as a bar chart.

use papyra_metrics::{Distribution, Value};

/// Returns the number to show for a value: the count of a histogram, or the value itself.
pub(crate) fn number(value: &Value) -> Value {
    match value.as_histogram() {
        Some(distribution) => Value::Counter(distribution.count()),
        None => value.clone(),
    }
}

/// Returns whether the value is the number zero, or a histogram without values.
pub(crate) fn is_zero(value: &Value) -> bool {
    number(value).as_f64() == 0.0
}

/// Returns a quantile in human-readable units, or an empty string if there are no values.
pub(crate) fn quantile(distribution: &Distribution, q: f64) -> String {
    distribution.quantile(q).map_or(String::new(), |value| display(distribution, value))
}

/// Returns the mean in human-readable units, or an empty string if there are no values.
pub(crate) fn mean(distribution: &Distribution) -> String {
    distribution.mean().map_or(String::new(), |value| display(distribution, value))
}

/// Returns the upper bound of the highest bucket in use, such as `≤ 2 ms`. If that is the last bucket, which has no
/// upper bound, returns the highest bound, such as `> 100 s`. Returns an empty string if there are no values.
pub(crate) fn max(distribution: &Distribution) -> String {
    match distribution.max_bound() {
        None => String::new(),
        Some(bound) if bound.is_finite() => format!("≤ {}", display(distribution, bound)),
        Some(_) => above_last(distribution),
    }
}

fn above_last(distribution: &Distribution) -> String {
    let uppers = distribution.buckets().map(|bucket| bucket.upper());
    let last = uppers.filter(|upper| upper.is_finite()).last();
    last.map_or_else(|| "any".to_owned(), |last| format!("> {}", display(distribution, last)))
}

fn display(distribution: &Distribution, value: f64) -> String {
    distribution.display_value(value).to_string()
}

/// A range of buckets, from the first to the last, that a bar chart shows. Charts with the same range can be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BucketRange {
    first: usize,
    last: usize,
}

impl BucketRange {
    /// Returns the range from the lowest to the highest bucket that has values, or `None` if there are no values.
    pub(crate) fn in_use(distribution: &Distribution) -> Option<Self> {
        let mut in_use =
            distribution.buckets().enumerate().filter(|(_, bucket)| bucket.count() > 0);
        let (first, _) = in_use.next()?;
        let last = in_use.last().map_or(first, |(last, _)| last);
        Some(Self { first, last })
    }

    /// Returns the smallest range that contains both ranges.
    pub(crate) fn union(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    pub(crate) fn len(self) -> usize {
        self.last - self.first + 1
    }

    /// Returns the lower and the upper end of the range in human-readable units.
    pub(crate) fn ends(self, distribution: &Distribution) -> (String, String) {
        let upper = |bucket: usize| distribution.buckets().nth(bucket).map(|bucket| bucket.upper());
        let lower = self.first.checked_sub(1).and_then(upper).unwrap_or(0.0);
        let end = match upper(self.last) {
            Some(bound) if bound.is_finite() => display(distribution, bound),
            _ => above_last(distribution),
        };
        (display(distribution, lower), end)
    }
}

/// One character of a bar chart. It represents the values of one bucket or of several adjacent buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) symbol: char,
    /// Whether all values of the bar are above the 99th percentile.
    pub(crate) is_tail: bool,
}

/// Returns the counts of the buckets in a range as at most `width` bars. Their heights are one eighth to eight eighths
/// of a line. An empty bucket is a space, and a bucket with any value has a visible bar.
pub(crate) fn bar_chart(distribution: &Distribution, range: BucketRange, width: usize) -> Vec<Bar> {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if width == 0 {
        return Vec::new();
    }
    let counts: Vec<u64> = distribution.buckets().map(|bucket| bucket.count()).collect();
    let shown = counts.get(range.first..=range.last.min(counts.len().saturating_sub(1)));
    let shown = shown.unwrap_or_default();
    let merged = shown.len().div_ceil(width).max(1);
    let sums = || shown.chunks(merged).map(|counts| counts.iter().map(|n| u128::from(*n)).sum());
    let greatest: u128 = sums().max().unwrap_or_default();
    let total: u128 = counts.iter().map(|n| u128::from(*n)).sum();
    let mut below: u128 = counts.iter().take(range.first).map(|n| u128::from(*n)).sum();
    let bars = sums().map(|sum: u128| {
        let is_tail = below * 100 >= total * 99;
        below += sum;
        let eighths = (sum * 8).div_ceil(greatest.max(1));
        let height = usize::try_from(eighths).ok().and_then(|eighths| eighths.checked_sub(1));
        Bar { symbol: height.map_or(' ', |height| HEIGHTS[height.min(7)]), is_tail }
    });
    bars.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use papyra_metrics::{Distribution, Histogram, Sizes};

    use super::{Bar, BucketRange, bar_chart, max};

    fn microseconds(values: &[(u64, u64)]) -> Distribution {
        let histogram: Histogram = Histogram::new();
        for (value, n) in values {
            histogram.record_n(Duration::from_micros(*value), *n);
        }
        histogram.get().erase()
    }

    fn symbols(bars: &[Bar]) -> String {
        bars.iter().map(|bar| bar.symbol).collect()
    }

    #[test]
    fn a_bar_chart_shows_every_bucket_that_has_a_value() {
        let distribution = microseconds(&[(10, 1), (20, 1_000_000), (100, 500_000), (2_000, 1)]);
        let range = BucketRange::in_use(&distribution).unwrap();
        assert_eq!(symbols(&bar_chart(&distribution, range, 80)), "▁█ ▄   ▁");
        assert_eq!(range.ends(&distribution), ("5 µs".to_owned(), "2 ms".to_owned()));
        // With a width of 4, each bar represents two buckets.
        assert_eq!(symbols(&bar_chart(&distribution, range, 4)), "█▄ ▁");
        assert_eq!(symbols(&bar_chart(&distribution, range, 1)), "█");
        assert_eq!(symbols(&bar_chart(&distribution, range, 0)), "");
    }

    #[test]
    fn the_tail_begins_above_the_99th_percentile() {
        let distribution = microseconds(&[(10, 990), (20, 9), (50, 1)]);
        let range = BucketRange::in_use(&distribution).unwrap();
        let bars = bar_chart(&distribution, range, 9);
        let tail: Vec<_> = bars.iter().map(|bar| bar.is_tail).collect();
        assert_eq!(tail, [false, true, true]);
    }

    #[test]
    fn bar_charts_over_one_range_can_be_compared() {
        let (a, b) = (microseconds(&[(10, 1)]), microseconds(&[(50, 1)]));
        let range = BucketRange::in_use(&a).unwrap().union(BucketRange::in_use(&b).unwrap());
        assert_eq!(symbols(&bar_chart(&a, range, 9)), "█  ");
        assert_eq!(symbols(&bar_chart(&b, range, 9)), "  █");
        let empty = microseconds(&[]);
        assert_eq!(BucketRange::in_use(&empty), None);
        assert_eq!(symbols(&bar_chart(&empty, range, 9)), "   ");
    }

    #[test]
    fn the_ends_of_the_outer_buckets_are_zero_and_above_the_last_bound() {
        let sizes: Histogram<Sizes> = Histogram::new();
        sizes.record(1);
        sizes.record(u64::MAX);
        let distribution = sizes.get().erase();
        let range = BucketRange::in_use(&distribution).unwrap();
        assert_eq!(range.ends(&distribution), ("0 B".to_owned(), "> 64 GiB".to_owned()));
        assert_eq!(max(&distribution), "> 64 GiB");
        assert_eq!(symbols(&bar_chart(&distribution, range, 17)), "█               █");
    }
}
