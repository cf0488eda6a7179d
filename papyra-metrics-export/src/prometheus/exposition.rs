//! Prepares the text of all families. Everything except the values is written once, when backends are added or removed.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use papyra_metrics::Kind;

use super::Format;
use crate::decimal;
use crate::family::Family;
use crate::series::SeriesId;
use crate::series::exported::ExportedValues;
use crate::series::number::{Form, Number};

/// The text of all families in one format, without the values.
///
/// The text in front of each value is the head of a sample. A scrape copies each head and writes the value after it,
/// and does not change the exposition.
pub(super) struct Exposition {
    /// The series, grouped into runs of adjacent series of the same form.
    runs: Vec<Run>,
    /// The text after the last line.
    end: &'static str,
}

/// Adjacent series of the same form.
enum Run {
    Totals(Vec<Sample>),
    Levels(Vec<Sample>),
    Floats(Vec<Sample>),
    Histograms(Vec<Histogram>),
}

/// A sample of a counter or a gauge.
struct Sample {
    /// The head of the sample: the text between the previous value and the value of the sample. It consists of the end
    /// of the previous line, the description of the family if this is the family's first sample, and the name and the
    /// labels of the sample. Each head is a string of its own: slices of one long string would be slower, because each
    /// slice has to be checked for character boundaries.
    head: Box<str>,
    /// The index of the series' value in the values of a reading.
    value_index: usize,
}

/// The samples of a histogram.
struct Histogram {
    /// The head of the sample of each bucket.
    bucket_heads: Box<[Box<str>]>,
    sum_head: Box<str>,
    count_head: Box<str>,
    /// The index of the series' value in the values of a reading.
    value_index: usize,
    base_units_per_unit: u64,
}

impl Exposition {
    /// Prepares the samples of these series. Each series comes with the index and the form of its value. Families are
    /// written in the order of their first series.
    pub(super) fn new<'a>(
        format: Format,
        series: impl IntoIterator<Item = (&'a SeriesId, usize, Form)>,
    ) -> Self {
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let mut families: Vec<Vec<(&SeriesId, usize, Form)>> = Vec::new();
        for (id, value_index, form) in series {
            let index = *by_name.entry(id.family.name()).or_insert(families.len());
            if index == families.len() {
                families.push(Vec::new());
            }
            families[index].push((id, value_index, form));
        }
        let end = if format == Format::Text { "" } else { "# EOF\n" };
        let mut exposition = Self { runs: Vec::new(), end };
        let mut head = String::new();
        for family in families {
            for (i, (id, value_index, form)) in family.into_iter().enumerate() {
                head.clear();
                if !exposition.runs.is_empty() {
                    head.push('\n');
                }
                if i == 0 {
                    describe(format, &id.family, &mut head);
                }
                exposition.add_series(&mut head, id, value_index, form);
            }
        }
        exposition
    }

    /// Adds the samples of a series. `head` contains the beginning of the first sample's head.
    fn add_series(&mut self, head: &mut String, id: &SeriesId, value_index: usize, form: Form) {
        if form == Form::Histogram {
            return self.add_histogram(head, id, value_index);
        }
        add_sample(id, suffix(id.family.kind), None, head);
        let sample = Sample { head: (**head).into(), value_index };
        match (self.runs.last_mut(), form) {
            (Some(Run::Totals(samples)), Form::Total)
            | (Some(Run::Levels(samples)), Form::Level)
            | (Some(Run::Floats(samples)), Form::Float) => samples.push(sample),
            (_, Form::Total) => self.runs.push(Run::Totals(vec![sample])),
            (_, Form::Level) => self.runs.push(Run::Levels(vec![sample])),
            (_, _) => self.runs.push(Run::Floats(vec![sample])),
        }
    }

    fn add_histogram(&mut self, head: &mut String, id: &SeriesId, value_index: usize) {
        let Some(buckets) = id.family.buckets() else { return };
        let mut add = |suffix, upper| {
            add_sample(id, suffix, upper, head);
            let added = (**head).into();
            head.clear();
            head.push('\n');
            added
        };
        let bounds = buckets.written_bounds();
        let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
        let histogram = Histogram {
            bucket_heads: bounds.map(|bound| add("_bucket", Some(bound))).collect(),
            sum_head: add("_sum", None),
            count_head: add("_count", None),
            value_index,
            base_units_per_unit: buckets.base_units_per_unit().max(1),
        };
        match self.runs.last_mut() {
            Some(Run::Histograms(histograms)) => histograms.push(histogram),
            _ => self.runs.push(Run::Histograms(vec![histogram])),
        }
    }

    /// Writes all samples, with the values of one reading.
    #[inline]
    pub(super) fn write(&self, values: &ExportedValues, out: &mut String) {
        for run in &self.runs {
            match run {
                Run::Totals(samples) => write_run(samples, values, out, |number, out| {
                    itoap::write_to_string(out, number.total());
                }),
                Run::Levels(samples) => write_run(samples, values, out, |number, out| {
                    itoap::write_to_string(out, number.level());
                }),
                Run::Floats(samples) => write_run(samples, values, out, |number, out| {
                    decimal::push_float(number.float(), out);
                }),
                Run::Histograms(histograms) => {
                    for histogram in histograms {
                        histogram.write(values, out);
                    }
                }
            }
        }
        if !self.runs.is_empty() {
            out.push('\n');
        }
        out.push_str(self.end);
    }
}

/// Writes the samples of a run. Not inlined, so that the loop for each form keeps its variables in registers.
#[inline(never)]
fn write_run(
    samples: &[Sample],
    values: &ExportedValues,
    out: &mut String,
    write: impl Fn(Number, &mut String),
) {
    let numbers = &*values.numbers;
    for Sample { head, value_index } in samples {
        out.push_str(head);
        write(numbers[*value_index], out);
    }
}

impl Histogram {
    #[inline(never)]
    fn write(&self, values: &ExportedValues, out: &mut String) {
        let (mut count, mut sum) = (0_u64, 0_u64);
        let tallies = values.tallies(self.value_index, self.bucket_heads.len());
        for (head, tally) in self.bucket_heads.iter().zip(tallies) {
            count = count.wrapping_add(tally.count);
            sum = sum.wrapping_add(tally.sum);
            out.push_str(head);
            itoap::write_to_string(out, count);
        }
        out.push_str(&self.sum_head);
        push_sum(sum, self.base_units_per_unit, out);
        out.push_str(&self.count_head);
        itoap::write_to_string(out, count);
    }
}

/// Converts a sum to the exported unit and writes it. The written sum is exact if `base_units_per_unit` is a power of
/// ten; otherwise it is rounded to the precision of a float.
fn push_sum(sum: u64, base_units_per_unit: u64, out: &mut String) {
    if !decimal::is_power_of_ten(base_units_per_unit) {
        #[allow(clippy::cast_precision_loss)] // the sum is rounded
        return decimal::push_float(sum as f64 / base_units_per_unit as f64, out);
    }
    itoap::write_to_string(out, sum / base_units_per_unit);
    decimal::push_fraction(sum % base_units_per_unit, base_units_per_unit, out);
}

/// Writes the part of a sample before its value: its name, the labels of the series, and the upper bound of a bucket.
fn add_sample(
    SeriesId { family, labels }: &SeriesId,
    suffix: &str,
    upper: Option<&str>,
    text: &mut String,
) {
    text.extend([family.name(), suffix]);
    for (i, (name, value)) in labels.iter().chain(upper.map(|it| ("le", it))).enumerate() {
        text.push(if i == 0 { '{' } else { ',' });
        text.extend([name, "=\""]);
        escape(value, text, true);
        text.push('"');
    }
    text.push_str(if labels.is_empty() && upper.is_none() { " " } else { "} " });
}

/// Writes the description of a family: its help, its unit and its type.
fn describe(format: Format, family: &Family, text: &mut String) {
    let (name, unit) = (family.name(), family.unit());
    let suffix = suffix(family.kind);
    let words = family.own_name().replace('_', " ");
    let help = if family.help().is_empty() { &words } else { family.help() };
    let kind = family.kind.to_string();
    if format == Format::OpenMetrics {
        text.extend(["# TYPE ", name, " ", &kind, "\n"]);
        // OpenMetrics requires the name to end in the unit, after a prefix. No unit is written for a name that consists
        // of the unit alone.
        if let Some(unit) = unit.filter(|unit| name.len() > unit.len()) {
            text.extend(["# UNIT ", name, " ", unit, "\n"]);
        }
        text.extend(["# HELP ", name, " "]);
        escape(help, text, true);
        text.push('\n');
    } else {
        text.extend(["# HELP ", name, suffix, " "]);
        escape(help, text, false);
        text.extend(["\n# TYPE ", name, suffix, " ", &kind, "\n"]);
    }
}

/// Returns the suffix that a family's name has in the descriptions of the text format, and in the samples of counters
/// and gauges in both formats.
fn suffix(kind: Kind) -> &'static str {
    if kind == Kind::Counter { "_total" } else { "" }
}

/// Escapes a label value or a help text. Quotes are escaped everywhere except in the help of the text format.
fn escape(text: &str, out: &mut String, quotes: bool) {
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::push_sum;

    #[test]
    fn a_sum_has_each_digit_and_no_zero_at_the_end() {
        for (sum, of, expected) in [
            (0, 1, "0"),
            (u64::MAX, 1, "18446744073709551615"),
            (0, 1_000_000_000, "0"),
            (1, 1_000_000_000, "0.000000001"),
            (1_120_000_000, 1_000_000_000, "1.12"),
            (30_000_000_000, 1_000_000_000, "30"),
            (u64::MAX, 1_000_000_000, "18446744073.709551615"),
            (u64::MAX, 10_u64.pow(18), "18.446744073709551615"),
            (5, 20, "0.25"),
        ] {
            let mut text = String::new();
            push_sum(sum, of, &mut text);
            assert_eq!(text, expected, "{sum} of {of}");
        }
    }
}
