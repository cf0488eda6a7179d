//! Prepares the text of all families. Everything except the values is written once, when backends are added or removed.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use papyra_metrics::{Kind, Tally};

use super::Format;
use crate::decimal;
use crate::family::Family;
use crate::series::SeriesId;
use crate::series::number::{Form, Number};
use crate::series::shown::ShownValues;

/// The text of all families in one format, without the values.
///
/// A scrape copies the heads and writes a value after each. An exposition contains no values and is not changed by a
/// scrape.
pub(super) struct Exposition {
    /// The head of each sample: the text between the previous value and the value of the sample. It consists of the end
    /// of the previous line, the description of the family before its first sample, and the name and the labels of the
    /// sample. Each head is a string of its own: slices of one long string would be slower, because each slice has to
    /// be checked for character boundaries.
    heads: Vec<Box<str>>,
    /// The index of each series' value in the values of a reading.
    places: Vec<usize>,
    /// The series, grouped into runs of adjacent series whose values are written alike.
    runs: Vec<Run>,
    /// The text after the last value.
    end: &'static str,
}

/// Adjacent series whose values are written alike.
struct Run {
    series: usize,
    values: ValuesOfRun,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ValuesOfRun {
    Totals,
    Levels,
    Floats,
    Histograms { buckets: usize, base_units_per_unit: u64 },
}

impl ValuesOfRun {
    /// Returns the number of samples that each series of the run has.
    fn samples(self) -> usize {
        match self {
            Self::Totals | Self::Levels | Self::Floats => 1,
            // One sample for each bucket, one for the sum, and one for the count.
            Self::Histograms { buckets, .. } => buckets + 2,
        }
    }
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
        for (id, place, form) in series {
            let index = *by_name.entry(id.family.name()).or_insert(families.len());
            if index == families.len() {
                families.push(Vec::new());
            }
            families[index].push((id, place, form));
        }
        let (heads, places, runs) = Default::default();
        let mut exposition = Self { heads, places, runs, end: "" };
        let mut head = String::new();
        for family in families {
            for (i, (id, place, form)) in family.into_iter().enumerate() {
                head.clear();
                if !exposition.heads.is_empty() {
                    head.push('\n');
                }
                if i == 0 {
                    describe(format, &id.family, &mut head);
                }
                exposition.add_series(&mut head, id, place, form);
            }
        }
        exposition.end = match (format, exposition.heads.is_empty()) {
            (Format::Text, true) => "",
            (Format::Text, false) => "\n",
            (Format::OpenMetrics, true) => "# EOF\n",
            (Format::OpenMetrics, false) => "\n# EOF\n",
        };
        exposition
    }

    /// Adds the samples of a series. `head` contains the beginning of the head of its first sample.
    fn add_series(&mut self, head: &mut String, id: &SeriesId, place: usize, form: Form) {
        let values = match form {
            Form::Total => ValuesOfRun::Totals,
            Form::Level => ValuesOfRun::Levels,
            Form::Float => ValuesOfRun::Floats,
            Form::Histogram => {
                let Some(buckets) = id.family.buckets() else { return };
                let upper = buckets.written_bounds();
                let upper = upper.iter().map(String::as_str).chain(["+Inf"]);
                let samples = upper.map(|upper| ("_bucket", Some(upper)));
                for (suffix, upper) in samples.chain([("_sum", None), ("_count", None)]) {
                    add_sample(id, suffix, upper, head);
                    self.heads.push((**head).into());
                    head.clear();
                    head.push('\n');
                }
                ValuesOfRun::Histograms {
                    buckets: buckets.len(),
                    base_units_per_unit: buckets.base_units_per_unit().max(1),
                }
            }
        };
        if form != Form::Histogram {
            add_sample(id, suffix(id.family.kind), None, head);
            self.heads.push((**head).into());
        }
        self.places.push(place);
        match self.runs.last_mut() {
            Some(run) if run.values == values => run.series += 1,
            _ => self.runs.push(Run { series: 1, values }),
        }
    }

    /// Writes all samples, with the values of one reading.
    pub(super) fn write(&self, values: &ShownValues, out: &mut String) {
        let (mut rest, mut rest_places) = (&*self.heads, &*self.places);
        for &Run { series, values: of_run } in &self.runs {
            let (heads, places);
            (heads, rest) = rest.split_at(series * of_run.samples());
            (places, rest_places) = rest_places.split_at(series);
            match of_run {
                ValuesOfRun::Totals => write_run(heads, places, values, out, |number, out| {
                    itoap::write_to_string(out, number.total());
                }),
                ValuesOfRun::Levels => write_run(heads, places, values, out, |number, out| {
                    itoap::write_to_string(out, number.level());
                }),
                ValuesOfRun::Floats => write_run(heads, places, values, out, |number, out| {
                    decimal::push_float(number.float(), out);
                }),
                ValuesOfRun::Histograms { buckets, base_units_per_unit } => {
                    for (heads, &place) in heads.chunks_exact(of_run.samples()).zip(places) {
                        let tallies = values.tallies(place, buckets);
                        write_histogram(heads, tallies, base_units_per_unit, out);
                    }
                }
            }
        }
        out.push_str(self.end);
    }
}

/// Writes the samples of a run. Not inlined, so that the loop for each form keeps its variables in registers.
#[inline(never)]
fn write_run(
    heads: &[Box<str>],
    places: &[usize],
    values: &ShownValues,
    out: &mut String,
    write: impl Fn(Number, &mut String),
) {
    let numbers = &*values.numbers;
    for (head, place) in heads.iter().zip(places) {
        out.push_str(head);
        write(numbers[*place], out);
    }
}

/// Writes the samples of a histogram.
#[inline(never)]
fn write_histogram(
    heads: &[Box<str>],
    tallies: &[Tally],
    base_units_per_unit: u64,
    out: &mut String,
) {
    let [heads @ .., sum_head, count_head] = heads else { return };
    let (mut count, mut sum) = (0_u64, 0_u64);
    for (head, tally) in heads.iter().zip(tallies) {
        count = count.wrapping_add(tally.count);
        sum = sum.wrapping_add(tally.sum);
        out.push_str(head);
        itoap::write_to_string(out, count);
    }
    out.push_str(sum_head);
    push_sum(sum, base_units_per_unit, out);
    out.push_str(count_head);
    itoap::write_to_string(out, count);
}

/// Writes a sum in the exported unit. The sum is exact if the unit is a power of ten of base units; otherwise it is
/// rounded to the nearest float.
fn push_sum(sum: u64, base_units_per_unit: u64, out: &mut String) {
    if !decimal::is_power_of_ten(base_units_per_unit) {
        #[allow(clippy::cast_precision_loss)] // there is no exact decimal
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

/// Returns the suffix that a family's name has in the text format's description, and in the samples of both formats.
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
