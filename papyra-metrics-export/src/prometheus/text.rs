//! The exposition: all that is known before a number is read is written once, and numbers where they have changed.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use ascii::{AsciiChar, AsciiStr};
use papyra_metrics::Kind;

use super::Format;
use super::prepared::Prepared;
use crate::cell::Number;
use crate::family::Family;
use crate::slot::Meta;

/// The text of all families in one format, with the numbers of the last scrape. A scrape writes those that have changed
/// since into their places, for seldom is one longer than it was, and copies the text.
pub(super) struct Exposition {
    text: Prepared,
    /// The numbers that stand in the text.
    standing: Vec<Number>,
    lines: Vec<Line>,
    order: Order,
    /// The lines whose number does not fit the place in the text, where an earlier one stands.
    stale: Vec<usize>,
    /// How many numbers were written beside their places since the text was laid out.
    rewritten: usize,
}

/// The place of a number in the text.
struct Line {
    start: usize,
    end: usize,
    kind: Kind,
}

/// Which number goes to which line.
enum Order {
    /// As they come.
    Same,
    /// For the place of each number its line, or [`NOWHERE`]; and the numbers in the order of the lines.
    Sorted { lines: Vec<usize>, numbers: Vec<Number> },
}

const NOWHERE: usize = usize::MAX;

const DIGITS: [AsciiChar; 10] = {
    use AsciiChar::{_0, _1, _2, _3, _4, _5, _6, _7, _8, _9};
    [_0, _1, _2, _3, _4, _5, _6, _7, _8, _9]
};

/// The length of the longest numbers, `u64::MAX` and `i64::MIN`.
const LONGEST: usize = 20;

impl Exposition {
    /// The lines of these series, each with the place of its number. Families stay in the order in which they
    /// come.
    pub(super) fn of<'a>(
        format: Format,
        series: impl IntoIterator<Item = (&'a Meta, usize)>,
    ) -> Self {
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let mut families: Vec<Vec<(&Meta, usize)>> = Vec::new();
        for (meta, place) in series {
            if suffix(meta.family.kind).is_none() {
                continue;
            }
            let at = *by_name.entry(&meta.family.name).or_insert(families.len());
            if at == families.len() {
                families.push(Vec::new());
            }
            families[at].push((meta, place));
        }
        let mut text = Prepared::default();
        let mut lines = Vec::new();
        let mut places = Vec::new();
        let mut head = String::new();
        for family in families {
            describe(format, &family[0].0.family, &mut head);
            for (meta, place) in family {
                add_series(meta, &mut head);
                text.push_str(&head);
                head.clear();
                let start = text.end();
                text.push_str("0");
                lines.push(Line { start, end: text.end(), kind: meta.family.kind });
                text.push_str("\n");
                places.push(place);
            }
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
        // So that no number that grows ever needs more.
        text.reserve_exact(lines.len() * (LONGEST - 1));
        Self {
            text,
            standing: vec![Number::default(); lines.len()],
            stale: Vec::with_capacity(lines.len()),
            lines,
            order: Order::of(&places),
            rewritten: 0,
        }
    }

    /// Writes all lines, each with its number.
    pub(super) fn write(&mut self, numbers: &[Number], out: &mut String) {
        let Self { text, standing, lines, order, stale, rewritten } = self;
        let numbers = order.sort(numbers);
        stale.clear();
        let each = lines.iter().zip(&mut *standing).zip(numbers);
        for (i, ((line, standing), &number)) in each.enumerate() {
            if *standing != number {
                if line.write(number, *standing, text) {
                    *standing = number;
                } else {
                    stale.push(i);
                }
            }
        }
        let before = out.len();
        let mut buffer = itoa::Buffer::new();
        let mut copy = text.copy(out);
        for &i in &*stale {
            let line = &lines[i];
            copy.replace(line.start..line.end, line.digits(numbers[i], &mut buffer));
        }
        copy.finish();
        *rewritten += stale.len();
        // What it costs to lay it out anew is little beside what so many have cost.
        if *rewritten > 2 * lines.len() {
            *rewritten = 0;
            text.renew(&out[before..]);
            standing.copy_from_slice(numbers);
            renumber(lines, numbers);
        }
    }
}

impl Line {
    /// Writes this number into the place of the one that stands there. False, with the place as it was, if it does not
    /// fit.
    fn write(&self, number: Number, standing: Number, text: &mut Prepared) -> bool {
        let place = text.place(self.start..self.end);
        // To ask for its length first costs more than to write it and see.
        let is_signed = self.kind == Kind::Gauge && standing.level().min(number.level()) < 0;
        if !is_signed && change_digits(place, standing.total(), number.total()) {
            return true;
        }
        let mut buffer = itoa::Buffer::new();
        let fits = write_digits(place, self.digits(number, &mut buffer));
        if !fits {
            write_digits(place, self.digits(standing, &mut buffer));
        }
        fits
    }

    fn digits<'a>(&self, number: Number, buffer: &'a mut itoa::Buffer) -> &'a str {
        match self.kind {
            Kind::Gauge => buffer.format(number.level()),
            _ => buffer.format(number.total()),
        }
    }
}

/// Makes one number of another in the same place, from the last digit to where both are the same: of a number that has
/// grown by a little, these are few. False, with the place spoilt, if it does not fit.
fn change_digits(place: &mut [AsciiChar], mut from: u64, mut to: u64) -> bool {
    for digit in place.iter_mut().rev() {
        if from == to {
            break;
        }
        *digit = DIGITS[(to % 10) as usize];
        (from, to) = (from / 10, to / 10);
    }
    from == to && (place.len() == 1 || place[0] != DIGITS[0])
}

/// Writes these digits, unless there are more or fewer than places.
fn write_digits(place: &mut [AsciiChar], digits: &str) -> bool {
    match AsciiStr::from_ascii(digits) {
        Ok(digits) if digits.len() == place.len() => {
            place.copy_from_slice(digits.as_slice());
            true
        }
        _ => false,
    }
}

/// Notes where these numbers stand in the text now.
fn renumber(lines: &mut [Line], numbers: &[Number]) {
    let (mut was, mut is) = (0, 0);
    for (line, &number) in lines.iter_mut().zip(numbers) {
        let head = line.start - was;
        was = line.end;
        let start = is + head;
        is = start + number.len(line.kind);
        *line = Line { start, end: is, kind: line.kind };
    }
}

impl Order {
    /// The order of lines for numbers at these places.
    fn of(places: &[usize]) -> Self {
        if places.iter().enumerate().all(|(line, &place)| line == place) {
            return Self::Same;
        }
        let mut lines = vec![NOWHERE; places.iter().max().map_or(0, |last| last + 1)];
        for (line, &place) in places.iter().enumerate() {
            lines[place] = line;
        }
        Self::Sorted { lines, numbers: vec![Number::default(); places.len()] }
    }

    /// The numbers in the order of the lines.
    fn sort<'a>(&'a mut self, numbers: &'a [Number]) -> &'a [Number] {
        match self {
            Self::Same => numbers,
            Self::Sorted { lines, numbers: sorted } => {
                // Backend by backend into family by family: a few streams of writes, where reading the numbers in
                // the order of the lines would miss the cache each time.
                for (&number, &line) in numbers.iter().zip(&*lines) {
                    if let Some(sorted) = sorted.get_mut(line) {
                        *sorted = number;
                    }
                }
                sorted
            }
        }
    }
}

/// Adds a line up to its number.
fn add_series(Meta { family, labels }: &Meta, text: &mut String) {
    text.extend([&family.name, suffix(family.kind).unwrap_or_default()]);
    for (i, (name, value)) in labels.iter().enumerate() {
        text.push(if i == 0 { '{' } else { ',' });
        text.extend([name, "=\""]);
        escape(value, text, true);
        text.push('"');
    }
    text.push_str(if labels.is_empty() { " " } else { "} " });
}

/// What stands before the samples of a family.
fn describe(format: Format, family: &Family, text: &mut String) {
    let Family { name, kind, unit, .. } = family;
    let suffix = suffix(*kind).unwrap_or_default();
    let in_words = family.name[family.prefix_len..].replace('_', " ");
    let help = if family.help.is_empty() { &in_words } else { &family.help };
    let kind = kind.to_string();
    if format == Format::OpenMetrics {
        text.extend(["# TYPE ", name, " ", &kind, "\n"]);
        // A unit has to be the name's suffix, which it is not where it is the whole name.
        if let Some(unit) = unit.as_ref().filter(|unit| name.len() > unit.len()) {
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

/// What the names of samples end in, or `None` for a kind that is not known here.
fn suffix(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Counter => Some("_total"),
        Kind::Gauge => Some(""),
        _ => None,
    }
}

/// The help of the text format keeps its quotes bare, and nothing else does.
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
    use papyra_metrics::Kind;

    use super::Line;
    use super::Prepared;
    use crate::cell::Number;

    #[test]
    fn a_number_is_written_into_its_place_or_leaves_it_as_it_was() {
        fn check(from: Number, to: Number, kind: Kind, fits: bool) {
            let digits = |number: Number| number.value(kind).to_string();
            let mut text = Prepared::default();
            text.push_str(&format!("ä {} ", digits(from)));
            let line = Line { start: 1, end: text.end() - 1, kind };
            assert_eq!(line.write(to, from, &mut text), fits, "{} to {}", digits(from), digits(to));
            let mut out = String::new();
            text.copy(&mut out).finish();
            assert_eq!(out, format!("ä {} ", digits(if fits { to } else { from })));
        }
        let total = Number::of_total;
        for (from, to) in [(0, 9), (9, 0), (19, 20), (1999, 2000), (5_000, 1_234), (7, 7)] {
            check(total(from), total(to), Kind::Counter, true);
        }
        for (from, to) in [(9, 10), (10, 9), (99, 1_000), (1_000, 999), (123, u64::MAX)] {
            check(total(from), total(to), Kind::Counter, false);
        }
        let level = Number::of_level;
        for (from, to, fits) in [(-5, -6, true), (-5, 10, true), (10, -5, true), (-5, 5, false)] {
            check(level(from), level(to), Kind::Gauge, fits);
        }
    }
}
