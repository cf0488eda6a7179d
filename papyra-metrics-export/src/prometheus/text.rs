//! The exposition: all that is known before a number is read is written once, and numbers where they have changed.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;
use std::mem;

use papyra_metrics::Kind;

use super::Format;
use crate::cell::Number;
use crate::family::Family;
use crate::slot::Meta;

/// The text of all families in one format, with the numbers that were written into it last. A scrape copies it, and
/// writes anew what has changed since: of most backends, little does from one scrape to the next. Where many numbers
/// have changed, they are first written into their places, for seldom is one longer than it was.
pub(super) struct Exposition {
    text: String,
    lines: Vec<Line>,
    order: Order,
    /// The lines whose number in the text is an earlier one.
    stale: Vec<usize>,
    /// How many numbers were written beside their places since the text was laid out.
    rewritten: usize,
}

/// A number in the text.
struct Line {
    /// The one that stands there.
    number: Number,
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
        let mut text = String::new();
        let mut lines = Vec::new();
        let mut places = Vec::new();
        for (meta, place, is_first) in families.iter().flat_map(|family| {
            family.iter().enumerate().map(|(i, &(meta, place))| (meta, place, i == 0))
        }) {
            lines.push(add(&mut text, format, meta, is_first));
            places.push(place);
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
        // So that no number that grows ever needs more.
        text.reserve_exact(lines.len() * (LONGEST - 1));
        Self {
            text,
            stale: Vec::with_capacity(lines.len()),
            lines,
            order: Order::of(&places),
            rewritten: 0,
        }
    }

    /// Writes all lines, each with its number.
    pub(super) fn write(&mut self, numbers: &[Number], out: &mut String) {
        let Self { text, lines, order, stale, rewritten } = self;
        let numbers = order.sort(numbers);
        stale.clear();
        let changed = |(line, number): (&Line, &Number)| line.number != *number;
        if lines.iter().zip(numbers).filter(|&it| changed(it)).count() > lines.len() / 4 {
            // It takes the whole text to be looked through, for a `String` lets nobody write into its midst.
            let mut bytes = mem::take(text).into_bytes();
            for (i, (line, &number)) in lines.iter_mut().zip(numbers).enumerate() {
                if line.number != number && !line.update(&mut bytes, number) {
                    stale.push(i);
                }
            }
            *text = String::from_utf8(bytes).unwrap_or_default(); // digits are UTF-8
        } else {
            let each = lines.iter().zip(numbers).enumerate();
            stale.extend(each.filter(|&(_, it)| changed(it)).map(|(i, _)| i));
        }
        let before = out.len();
        let mut buffer = itoa::Buffer::new();
        let mut at = 0;
        for &i in &*stale {
            let line = &lines[i];
            append(&text[at..line.start], out);
            out.push_str(line.digits(numbers[i], &mut buffer));
            at = line.end;
        }
        append(&text[at..], out);
        *rewritten += stale.len();
        // What it costs to lay it out anew is little beside what so many have cost.
        if *rewritten > 2 * lines.len() {
            *rewritten = 0;
            text.clear();
            text.push_str(&out[before..]);
            renumber(lines, numbers);
        }
    }
}

impl Line {
    /// Writes this number into its place. False, with the place as it was, if it does not fit.
    fn update(&mut self, text: &mut [u8], number: Number) -> bool {
        let place = &mut text[self.start..self.end];
        let is_signed = self.kind == Kind::Gauge && self.number.level().min(number.level()) < 0;
        if is_signed || !change_digits(place, self.number.total(), number.total()) {
            let mut buffer = itoa::Buffer::new();
            let digits = self.digits(number, &mut buffer).as_bytes();
            if digits.len() != place.len() {
                place.copy_from_slice(self.digits(self.number, &mut buffer).as_bytes());
                return false;
            }
            place.copy_from_slice(digits);
        }
        self.number = number;
        true
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
fn change_digits(place: &mut [u8], mut from: u64, mut to: u64) -> bool {
    for digit in place.iter_mut().rev() {
        if from == to {
            break;
        }
        *digit = b"0123456789"[(to % 10) as usize];
        (from, to) = (from / 10, to / 10);
    }
    from == to && (place.len() == 1 || place[0] != b'0')
}

/// Copies a run of text in pieces. Of long ones the C library leaves the copying to an instruction that takes four times
/// as long on some processors, where the two places are not aligned alike.
fn append(mut run: &str, out: &mut String) {
    const LONG: usize = 2048;
    while run.len() > LONG {
        let cut = (0..LONG).rev().find(|&cut| run.is_char_boundary(cut)).unwrap_or_default();
        let (piece, rest) = run.split_at(cut);
        out.push_str(piece);
        run = rest;
    }
    out.push_str(run);
}

/// Notes which numbers stand in the text now, and where.
fn renumber(lines: &mut [Line], numbers: &[Number]) {
    let (mut was, mut is) = (0, 0);
    for (line, &number) in lines.iter_mut().zip(numbers) {
        let head = line.start - was;
        was = line.end;
        let start = is + head;
        is = start + number.len(line.kind);
        *line = Line { number, start, end: is, kind: line.kind };
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

/// Adds a line, and before the first of a family what describes it.
fn add(text: &mut String, format: Format, Meta { family, labels }: &Meta, is_first: bool) -> Line {
    let suffix = suffix(family.kind).unwrap_or_default();
    if is_first {
        describe(format, family, suffix, text);
    }
    text.push_str(&family.name);
    text.push_str(suffix);
    for (i, (name, value)) in labels.iter().enumerate() {
        text.push(if i == 0 { '{' } else { ',' });
        text.push_str(name);
        text.push_str("=\"");
        escape(value, text, true);
        text.push('"');
    }
    text.push_str(if labels.is_empty() { " " } else { "} " });
    let (start, end) = (text.len(), text.len() + 1);
    text.push_str("0\n");
    Line { number: Number::default(), start, end, kind: family.kind }
}

/// What stands before the samples of a family.
fn describe(format: Format, family: &Family, suffix: &str, text: &mut String) {
    let Family { name, kind, unit, .. } = family;
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

    use super::{Line, append};
    use crate::cell::Number;

    #[test]
    fn a_number_is_written_into_its_place_or_leaves_it_as_it_was() {
        let line = |from, end, kind| Line { number: from, start: 1, end, kind };
        for (from, to) in [(0, 9), (9, 0), (19, 20), (1999, 2000), (5_000, 1_234), (7, 7)] {
            let mut text = format!("\n{from}\n").into_bytes();
            let mut line = line(Number::of_total(from), text.len() - 1, Kind::Counter);
            assert!(line.update(&mut text, Number::of_total(to)), "{from} to {to}");
            assert_eq!(text, format!("\n{to}\n").into_bytes());
        }
        for (from, to) in [(9, 10), (10, 9), (99, 1_000), (1_000, 999), (123, u64::MAX)] {
            let mut text = format!("\n{from}\n").into_bytes();
            let mut line = line(Number::of_total(from), text.len() - 1, Kind::Counter);
            assert!(!line.update(&mut text, Number::of_total(to)), "{from} to {to}");
            assert_eq!(text, format!("\n{from}\n").into_bytes());
        }
        for (from, to, fits) in [(-5, -6, true), (-5, 10, true), (10, -5, true), (-5, 5, false)] {
            let mut text = format!("\n{from}\n").into_bytes();
            let mut line = line(Number::of_level(from), text.len() - 1, Kind::Gauge);
            assert_eq!(line.update(&mut text, Number::of_level(to)), fits, "{from} to {to}");
            assert_eq!(text, format!("\n{}\n", if fits { to } else { from }).into_bytes());
        }
    }

    #[test]
    fn a_long_run_is_cut_between_characters() {
        for before in 0..4 {
            let run = "x".repeat(before) + &"größer".repeat(2_000);
            let mut out = String::new();
            append(&run, &mut out);
            assert_eq!(out, run);
        }
    }
}
