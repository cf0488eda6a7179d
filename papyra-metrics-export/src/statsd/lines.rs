//! The lines of a series, and a record of the values that were sent.
//!
//! The lines are those of <https://github.com/statsd/statsd/blob/master/docs/metric_types.md>, with tags and
//! distributions as in <https://docs.datadoghq.com/developers/dogstatsd/datagram_shell>.

use std::fmt::{self, Write};

use papyra_metrics::{Distribution, Tally};

use crate::decimal;
use crate::replay::new_values;
use crate::series::SeriesId;
use crate::series::histogram::{Buckets, HistogramReading};
use crate::series::number::{Form, Number};

/// A series and the values that were already sent. A series is sent in parts, because the lines of a histogram may not
/// fit in one datagram.
pub(super) struct SentSeries {
    /// The name at the start of each line.
    name: String,
    /// The tags, which follow the value in each line. May be empty.
    tags: String,
    with_tags: bool,
    /// For each part, the total that was already sent.
    totals: Vec<Tally>,
    histogram: Option<SentHistogram>,
}

/// The data that only histograms have. A histogram has one part for its quantiles, one for each bucket, one for its
/// count and one for its sum.
struct SentHistogram {
    /// For each bucket, the suffix that follows the name in its line, such as `_bucket_0_005`.
    bucket_suffixes: Vec<String>,
    /// The count and sum of each bucket when quantiles were last sent.
    interval_start: Vec<Tally>,
}

/// The parts of a histogram.
enum Part {
    Quantiles,
    Bucket(usize),
    Count,
    Sum,
}

impl SentSeries {
    /// Creates the state for a series that has not been sent yet. If `with_tags` is set, labels become tags. Otherwise,
    /// the values of the labels become parts of the name, after the registry's prefix.
    pub(super) fn new(id: &SeriesId, with_tags: bool) -> Self {
        let buckets = id.family.buckets();
        let parts = buckets.map_or(1, |buckets| buckets.len() + 3);
        let mut series = Self {
            name: String::new(),
            tags: String::new(),
            with_tags,
            totals: vec![Tally::default(); parts],
            histogram: buckets.map(SentHistogram::new),
        };
        series.set_labels(id, with_tags);
        series
    }

    pub(super) fn set_labels(&mut self, SeriesId { family, labels }: &SeriesId, with_tags: bool) {
        self.with_tags = with_tags;
        self.name = family.dotted("");
        self.tags.clear();
        for (label, value) in labels.iter() {
            if with_tags {
                self.tags.push_str(if self.tags.is_empty() { "|#" } else { "," });
                self.tags.extend([label, ":"]);
                push_sanitized(value, "_-./:", &mut self.tags);
            } else {
                push_sanitized(value, "_-", &mut self.name);
                self.name.push('.');
            }
        }
        self.name.push_str(family.own_name());
    }

    /// Returns the number of parts.
    pub(super) fn len(&self) -> usize {
        self.totals.len()
    }

    /// Marks the increments of a counter up to this total as sent.
    pub(super) fn skip_total(&mut self, total: u64) {
        self.totals[0].count = total;
    }

    /// Marks all values in this reading of a histogram as sent.
    pub(super) fn skip(&mut self, reading: HistogramReading<'_>) {
        for part in 0..self.len() {
            self.totals[part] = total_of(&self.part(part), reading);
        }
        self.start_interval(reading);
    }

    /// Begins a new interval for the quantiles. The next quantiles describe only values that are recorded after this
    /// reading.
    fn start_interval(&mut self, reading: HistogramReading<'_>) {
        if let Some(histogram) = &mut self.histogram {
            histogram.interval_start.copy_from_slice(reading.tallies);
        }
    }

    /// Stores the new total of a part that was sent. Returns the previous total of the part.
    pub(super) fn record(
        &mut self,
        part: usize,
        total: Tally,
        reading: Option<HistogramReading<'_>>,
    ) -> Tally {
        if let (Part::Quantiles, Some(reading)) = (self.part(part), reading) {
            self.start_interval(reading);
        }
        std::mem::replace(&mut self.totals[part], total)
    }

    /// Restores the previous total of a part, because its datagram may not have been received.
    pub(super) fn roll_back(&mut self, part: usize, total: Tally) {
        self.totals[part] = total;
    }

    fn part(&self, part: usize) -> Part {
        let buckets = self.len().saturating_sub(3);
        match part {
            0 => Part::Quantiles,
            bucket if bucket <= buckets => Part::Bucket(bucket - 1),
            count if count == buckets + 1 => Part::Count,
            _ => Part::Sum,
        }
    }

    /// Writes the line of a counter's increment. Returns the new total, or `None` if there is no increment.
    pub(super) fn write_counter(&self, total: u64, lines: &mut String) -> Option<Tally> {
        let increment = total.wrapping_sub(self.totals[0].count);
        if increment == 0 {
            return None;
        }
        self.write_line("", increment, 'c', lines);
        Some(Tally { count: total, sum: 0 })
    }

    /// Writes the lines of a gauge's value: two for a negative value, none for an infinity or NaN.
    pub(super) fn write_gauge(&self, form: Form, number: Number, lines: &mut String) {
        match form {
            Form::Float => self.write_float("", number.float(), lines),
            _ => self.write_level("", number.level(), number.level() < 0, lines),
        }
    }

    /// Writes the unsent values of one part of a histogram. Returns the new total, or `None` if nothing is to be sent.
    pub(super) fn write_part(
        &self,
        part: usize,
        reading: HistogramReading<'_>,
        lines: &mut String,
    ) -> Option<Tally> {
        let sent = self.totals[part];
        let part = self.part(part);
        let total = total_of(&part, reading);
        let new = total.wrapping_sub(sent);
        match part {
            Part::Bucket(bucket) if self.with_tags => {
                let values = new_values(reading, bucket, sent, u64::MAX)?;
                self.write_distribution(values.mean, values.count, lines);
                return Some(values.given);
            }
            _ if self.with_tags => return None,
            Part::Quantiles => self.write_quantiles(reading, lines),
            Part::Bucket(bucket) if new.count > 0 => {
                let suffixes = self.histogram.iter().flat_map(|it| &it.bucket_suffixes);
                for suffix in suffixes.skip(bucket).take(1) {
                    self.write_line(suffix, new.count, 'c', lines);
                }
            }
            Part::Count if new.count > 0 => self.write_line("_count", new.count, 'c', lines),
            Part::Sum if new.sum > 0 => {
                let sum = in_unit(new.sum, reading.buckets.base_units_per_unit());
                self.write_line("_sum", sum, 'c', lines);
            }
            _ => {}
        }
        (!lines.is_empty()).then_some(total)
    }

    /// Writes the quantiles of the values recorded since quantiles were last sent.
    fn write_quantiles(&self, reading: HistogramReading<'_>, lines: &mut String) {
        let Some(histogram) = &self.histogram else { return };
        let mut interval = Distribution::default();
        reading.copy_to(&mut interval);
        for (tally, before) in interval.tallies_mut().iter_mut().zip(&histogram.interval_start) {
            *tally = tally.wrapping_sub(*before);
        }
        for (suffix, q) in [(".p50", 0.5), (".p99", 0.99)] {
            if let Some(quantile) = interval.quantile(q) {
                if !lines.is_empty() {
                    lines.push('\n');
                }
                self.write_float(suffix, quantile, lines);
            }
        }
    }

    /// Writes one line that represents `count` values, by means of a sample rate.
    fn write_distribution(&self, value: f64, count: u64, lines: &mut String) {
        let Self { name, tags, .. } = self;
        // Writing to a string cannot fail.
        let _ = write!(lines, "{name}:{value}|d");
        if count > 1 {
            let _ = write!(lines, "|@{}", sample_rate(count));
        }
        lines.push_str(tags);
    }

    fn write_float(&self, suffix: &str, value: f64, lines: &mut String) {
        // The format has no infinity and no NaN.
        if value.is_finite() {
            self.write_level(suffix, value, value.is_sign_negative(), lines);
        }
    }

    fn write_level(
        &self,
        suffix: &str,
        level: impl fmt::Display,
        is_negative: bool,
        lines: &mut String,
    ) {
        if is_negative {
            // StatsD interprets a value with a sign as a change of the gauge. The gauge is therefore first set to zero,
            // and then changed by the negative value.
            self.write_line(suffix, 0, 'g', lines);
            lines.push('\n');
        }
        self.write_line(suffix, level, 'g', lines);
    }

    fn write_line(&self, suffix: &str, value: impl fmt::Display, letter: char, lines: &mut String) {
        let Self { name, tags, .. } = self;
        // Writing to a string cannot fail.
        let _ = write!(lines, "{name}{suffix}:{value}|{letter}{tags}");
    }
}

impl SentHistogram {
    fn new(buckets: &Buckets) -> Self {
        let bounds = buckets.written_bounds().into_iter().chain(["inf".to_owned()]);
        let bucket_suffixes = bounds.map(|bound| {
            let mut suffix = "_bucket_".to_owned();
            push_sanitized(&bound, "_-", &mut suffix);
            suffix
        });
        let interval_start = vec![Tally::default(); buckets.len()];
        Self { bucket_suffixes: bucket_suffixes.collect(), interval_start }
    }
}

fn total_of(part: &Part, HistogramReading { tallies, .. }: HistogramReading<'_>) -> Tally {
    match part {
        Part::Quantiles => Tally::default(),
        Part::Bucket(bucket) => tallies.get(*bucket).copied().unwrap_or_default(),
        Part::Count | Part::Sum => {
            tallies.iter().fold(Tally::default(), |sum, tally| sum.wrapping_add(*tally))
        }
    }
}

/// Converts base units to the exported unit. The result is exact if `per_unit`, the number of base units in one
/// exported unit, is a power of ten.
fn in_unit(base_units: u64, per_unit: u64) -> String {
    if !decimal::is_power_of_ten(per_unit) {
        #[allow(clippy::cast_precision_loss)] // the quotient is rounded too
        return (base_units as f64 / per_unit as f64).to_string();
    }
    let mut text = (base_units / per_unit).to_string();
    decimal::push_fraction(base_units % per_unit, per_unit, &mut text);
    text
}

/// Returns the sample rate of a line that represents this number of values. Receivers compute the number as the
/// reciprocal of the rate and round or truncate it, so the reciprocal must not be less than the number.
#[allow(clippy::cast_precision_loss)] // exact up to 2⁵³
fn sample_rate(count: u64) -> f64 {
    let mut rate = 1.0 / count as f64;
    while 1.0 / rate < count as f64 {
        rate = f64::from_bits(rate.to_bits() - 1);
    }
    rate
}

/// Appends the text. Characters other than ASCII letters, digits and those in `allowed` become `_`.
fn push_sanitized(text: &str, allowed: &str, out: &mut String) {
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || allowed.contains(char);
    out.extend(text.chars().map(|char| if is_allowed(char) { char } else { '_' }));
}

#[cfg(test)]
mod tests {
    use super::{in_unit, sample_rate};

    #[test]
    fn the_reciprocal_of_a_sample_rate_truncates_and_rounds_to_the_count() {
        for count in (1..100_000).chain([1 << 32, (1 << 48) - 1]) {
            let weight = 1.0 / sample_rate(count).to_string().parse::<f64>().unwrap();
            let count = count.to_string();
            assert_eq!(
                [weight.trunc(), weight.round()].map(|it| it.to_string()),
                [&*count, &*count]
            );
        }
    }

    #[test]
    fn a_sum_is_written_without_rounding() {
        for (base_units, per_unit, expected) in [
            (0, 1, "0"),
            (u64::MAX, 1, "18446744073709551615"),
            (u64::MAX, 1_000_000_000, "18446744073.709551615"),
            (1_500_000_000, 1_000_000_000, "1.5"),
            (7, 1_000_000_000, "0.000000007"),
            (2_000_000_000, 1_000_000_000, "2"),
        ] {
            assert_eq!(in_unit(base_units, per_unit), expected);
        }
    }
}
