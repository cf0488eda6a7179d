//! The exposition: all that is known before a number is read is written once, and numbers are put between.
//!
//! The formats are those of <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::collections::HashMap;
use std::mem;

use papyra_metrics::{Kind, Value};

use super::Format;
use crate::family::Family;
use crate::slot::Meta;

/// The text of all families, without the numbers.
#[derive(Default)]
pub(super) struct Exposition {
    families: Vec<FamilyText>,
    by_name: HashMap<String, usize>,
    /// For the place of each value, the line that it goes to, or [`NOWHERE`].
    lines: Vec<usize>,
    /// The values in the order of the lines.
    numbers: Vec<Number>,
}

/// What is written of a value: copied faster than one, of which there may be kinds that own memory.
#[derive(Clone, Copy)]
enum Number {
    None,
    Unsigned(u64),
    Signed(i64),
}

impl Number {
    fn of(value: Option<&Value>) -> Self {
        match value {
            Some(&Value::Counter(n)) => Self::Unsigned(n),
            Some(&Value::Gauge(n)) => Self::Signed(n),
            // A kind that is not known here is left out.
            _ => Self::None,
        }
    }
}

const NOWHERE: usize = usize::MAX;

struct FamilyText {
    /// What stands before the samples, in either format.
    text: String,
    open_metrics: String,
    /// What stands before each number, one after the other.
    heads: String,
    /// Where each head ends.
    ends: Vec<usize>,
    /// The places of the numbers, until they have lines.
    places: Vec<usize>,
}

impl Exposition {
    /// The lines of these series, each with the place of its number. Families stay in the order in which they
    /// come.
    pub(super) fn of<'a>(series: impl IntoIterator<Item = (&'a Meta, usize)>) -> Self {
        let mut exposition = Self::default();
        for (meta, place) in series {
            exposition.add(meta, place);
        }
        let mut line = 0;
        for family in &mut exposition.families {
            for place in mem::take(&mut family.places) {
                let len = exposition.lines.len().max(place + 1);
                exposition.lines.resize(len, NOWHERE);
                exposition.lines[place] = line;
                line += 1;
            }
        }
        exposition.numbers.resize(line, Number::None);
        exposition
    }

    fn add(&mut self, Meta { family, labels }: &Meta, place: usize) {
        let Some(suffix) = suffix(family.kind) else { return };
        let known = self.by_name.get(&family.name).copied();
        let at = known.unwrap_or_else(|| {
            self.by_name.insert(family.name.clone(), self.families.len());
            self.families.push(FamilyText::new(family, suffix));
            self.families.len() - 1
        });
        let FamilyText { heads, ends, places, .. } = &mut self.families[at];
        heads.push_str(&family.name);
        heads.push_str(suffix);
        for (i, (name, value)) in labels.iter().enumerate() {
            heads.push(if i == 0 { '{' } else { ',' });
            heads.push_str(name);
            heads.push_str("=\"");
            escape(value, heads, true);
            heads.push('"');
        }
        heads.push_str(if labels.is_empty() { " " } else { "} " });
        ends.push(heads.len());
        places.push(place);
    }

    /// Writes every series that has a number.
    pub(super) fn write(&mut self, format: Format, values: &[Option<Value>], text: &mut String) {
        // Backend by backend into family by family: a few streams of writes, where reading the values in the
        // order of the lines would miss the cache each time.
        for (value, &line) in values.iter().zip(&self.lines) {
            if let Some(number) = self.numbers.get_mut(line) {
                *number = Number::of(value.as_ref());
            }
        }
        let mut buffer = itoa::Buffer::new();
        let mut numbers = self.numbers.iter();
        for family in &self.families {
            let mut before = match format {
                Format::Text => &*family.text,
                Format::OpenMetrics => &family.open_metrics,
            };
            let mut start = 0;
            for (&end, &number) in family.ends.iter().zip(&mut numbers) {
                let head = &family.heads[start..end];
                start = end;
                let number = match number {
                    Number::Unsigned(n) => buffer.format(n),
                    Number::Signed(n) => buffer.format(n),
                    Number::None => continue,
                };
                if !before.is_empty() {
                    text.push_str(mem::take(&mut before));
                }
                text.push_str(head);
                text.push_str(number);
                text.push('\n');
            }
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
    }
}

impl FamilyText {
    fn new(family: &Family, suffix: &str) -> Self {
        let Family { name, kind, unit, .. } = family;
        let in_words = family.name[family.prefix_len..].replace('_', " ");
        let help = if family.help.is_empty() { &in_words } else { &family.help };

        let mut text = format!("# HELP {name}{suffix} ");
        escape(help, &mut text, false);
        text.extend(["\n# TYPE ", name, suffix, " ", &kind.to_string(), "\n"]);

        let mut open_metrics = format!("# TYPE {name} {kind}\n");
        // A unit has to be the name's suffix, which it is not where it is the whole name.
        if let Some(unit) = unit.as_ref().filter(|unit| name.len() > unit.len()) {
            open_metrics.extend(["# UNIT ", name, " ", unit, "\n"]);
        }
        open_metrics.extend(["# HELP ", name, " "]);
        escape(help, &mut open_metrics, true);
        open_metrics.push('\n');

        Self { text, open_metrics, heads: String::new(), ends: Vec::new(), places: Vec::new() }
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
