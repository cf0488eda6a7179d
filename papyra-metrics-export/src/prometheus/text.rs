//! The exposition: all that is known before a number is read is written once, and numbers where they have changed.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use papyra_metrics::Kind;

use super::Format;
use crate::cell::Number;
use crate::family::Family;
use crate::slot::Meta;

/// The text of all families in one format, with the numbers that were written into it last. A scrape copies it,
/// and writes anew what has changed since: of most backends, little does from one scrape to the next.
pub(super) struct Exposition {
    text: String,
    lines: Vec<Line>,
    order: Order,
    /// How many numbers were written anew since the text was.
    rewritten: usize,
}

/// A number in the text.
struct Line {
    number: Number,
    /// Where it stands.
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
        let mut exposition =
            Self { text: String::new(), lines: Vec::new(), order: Order::Same, rewritten: 0 };
        let mut places = Vec::new();
        for (meta, place, is_first) in families.iter().flat_map(|family| {
            family.iter().enumerate().map(|(i, &(meta, place))| (meta, place, i == 0))
        }) {
            exposition.add(format, meta, is_first);
            places.push(place);
        }
        if format == Format::OpenMetrics {
            exposition.text.push_str("# EOF\n");
        }
        // So that no number that grows ever needs more.
        exposition.text.reserve_exact(places.len() * (LONGEST - 1));
        exposition.order = Order::of(&places);
        exposition
    }

    fn add(&mut self, format: Format, Meta { family, labels }: &Meta, is_first: bool) {
        let Self { text, lines, .. } = self;
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
        lines.push(Line { number: Number::default(), start, end, kind: family.kind });
    }

    /// Writes all lines, each with its number.
    pub(super) fn write(&mut self, numbers: &[Number], out: &mut String) {
        let Self { text, lines, order, rewritten } = self;
        let numbers = match order {
            Order::Same => numbers,
            Order::Sorted { lines: line_of, numbers: sorted } => {
                // Backend by backend into family by family: a few streams of writes, where reading the numbers in
                // the order of the lines would miss the cache each time.
                for (&number, &line) in numbers.iter().zip(&*line_of) {
                    if let Some(sorted) = sorted.get_mut(line) {
                        *sorted = number;
                    }
                }
                sorted
            }
        };
        let before = out.len();
        *rewritten += copy(text, lines, numbers, out);
        // What it costs is shared by so many numbers that it does not count.
        if *rewritten > 16 * lines.len() {
            *rewritten = 0;
            text.clear();
            text.push_str(&out[before..]);
            renumber(lines, numbers);
        }
    }
}

/// Copies the text with these numbers in it, and gives how many of them were others.
fn copy(text: &str, lines: &[Line], numbers: &[Number], out: &mut String) -> usize {
    let mut buffer = itoa::Buffer::new();
    let (mut rest, mut at, mut rewritten) = (text, 0, 0);
    for (line, &number) in lines.iter().zip(numbers) {
        if number == line.number {
            continue;
        }
        let (unchanged, after) = rest.split_at(line.start - at);
        out.push_str(unchanged);
        out.push_str(match line.kind {
            Kind::Gauge => buffer.format(number.level()),
            _ => buffer.format(number.total()),
        });
        rest = &after[line.end - line.start..];
        at = line.end;
        rewritten += 1;
    }
    out.push_str(rest);
    rewritten
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
