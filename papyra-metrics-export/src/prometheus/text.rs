//! The exposition: all that is known before a number is read is written once, and numbers are put between.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;

use papyra_metrics::Kind;

use super::Format;
use crate::cell::Number;
use crate::family::Family;
use crate::slot::Meta;

/// The text of all families in one format, without the numbers.
pub(super) struct Exposition {
    /// All of it, line after line: a scrape reads it from the beginning to the end.
    text: String,
    lines: Vec<Line>,
    order: Order,
    /// What comes last.
    end: &'static str,
}

/// What stands before one number.
struct Line {
    /// How much of the text. But for the first one, it begins with the line feed that ends the line before.
    len: usize,
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
        let end = if format == Format::OpenMetrics { "# EOF\n" } else { "" };
        let mut exposition =
            Self { text: String::new(), lines: Vec::new(), order: Order::Same, end };
        let mut places = Vec::new();
        for (meta, place, is_first) in families.iter().flat_map(|family| {
            family.iter().enumerate().map(|(i, &(meta, place))| (meta, place, i == 0))
        }) {
            exposition.add(format, meta, is_first);
            places.push(place);
        }
        exposition.order = Order::of(&places);
        exposition
    }

    fn add(&mut self, format: Format, Meta { family, labels }: &Meta, is_first: bool) {
        let Self { text, lines, .. } = self;
        let suffix = suffix(family.kind).unwrap_or_default();
        let start = text.len();
        if !lines.is_empty() {
            text.push('\n');
        }
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
        lines.push(Line { len: text.len() - start, kind: family.kind });
    }

    /// Writes all lines, each with its number.
    pub(super) fn write(&mut self, numbers: &[Number], out: &mut String) {
        let Self { text, lines, order, end } = self;
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
        let mut buffer = itoa::Buffer::new();
        let mut rest = text.as_str();
        for (&Line { len, kind }, number) in lines.iter().zip(numbers) {
            let (line, after) = rest.split_at(len);
            rest = after;
            out.push_str(line);
            out.push_str(match kind {
                Kind::Gauge => buffer.format(number.level()),
                _ => buffer.format(number.total()),
            });
        }
        if !lines.is_empty() {
            out.push('\n');
        }
        out.push_str(end);
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
