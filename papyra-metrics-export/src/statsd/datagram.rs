//! Lines of a series, and the datagrams that they are packed into.
//!
//! The lines are those of <https://github.com/statsd/statsd/blob/master/docs/metric_types.md>, with tags as in
//! <https://docs.datadoghq.com/developers/dogstatsd/datagram_shell>.

use std::fmt::{self, Write};

use crate::series::SeriesId;
use crate::series::values::{Form, Number};

/// The name of a series as its lines write it.
pub(super) struct LineTemplate {
    name: String,
    /// What follows the value: tags, if any.
    tags: String,
}

impl LineTemplate {
    /// Writes labels as tags of DogStatsD, or as parts of the name after the registry's prefix.
    pub(super) fn new(SeriesId { family, labels }: &SeriesId, with_tags: bool) -> Self {
        let mut line = Self { name: family.dotted(""), tags: String::new() };
        for (label, value) in labels.iter() {
            if with_tags {
                line.tags.push_str(if line.tags.is_empty() { "|#" } else { "," });
                line.tags.extend([label, ":"]);
                push_sanitized(value, "_-./:", &mut line.tags);
            } else {
                push_sanitized(value, "_-", &mut line.name);
                line.name.push('.');
            }
        }
        line.name.push_str(family.own_name());
        line
    }

    /// Writes the lines of a counter's increment or of a gauge's value.
    pub(super) fn write(&self, form: Form, number: Number, sent: u64, lines: &mut String) {
        match form {
            Form::Total => self.write_line(number.total().wrapping_sub(sent), 'c', lines),
            Form::Level => self.write_level(number.level(), number.level() < 0, lines),
            // Neither infinity nor what is not a number can be written.
            Form::Float if number.float().is_finite() => {
                self.write_level(number.float(), number.float() < 0.0, lines);
            }
            Form::Float | Form::Histogram => {}
        }
    }

    fn write_level(&self, level: impl fmt::Display, is_negative: bool, lines: &mut String) {
        if is_negative {
            // A sign means a change, so that a negative value is set as a change from zero.
            self.write_line(0, 'g', lines);
            lines.push('\n');
        }
        self.write_line(level, 'g', lines);
    }

    fn write_line(&self, value: impl fmt::Display, letter: char, lines: &mut String) {
        let Self { name, tags } = self;
        // Writing to a string cannot fail.
        let _ = write!(lines, "{name}:{value}|{letter}{tags}");
    }
}

/// Appends the text with `_` for every character but letters, digits and those that are allowed.
fn push_sanitized(text: &str, allowed: &str, out: &mut String) {
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || allowed.contains(char);
    out.extend(text.chars().map(|char| if is_allowed(char) { char } else { '_' }));
}

/// A position in the pass over all series: the series that is next, and how many are left.
#[derive(Clone, Copy, Default)]
pub(super) struct Position {
    pub(super) next: usize,
    pub(super) left: usize,
}

/// Lines that are sent together.
#[derive(Default)]
pub(super) struct Datagram {
    pub(super) text: String,
    /// The totals that the lines bring the receiver's counters to, by the serial number of the series.
    pub(super) totals: Vec<(u64, u64)>,
    /// The position of the first series in it, to begin there again if it cannot be sent.
    pub(super) start: Position,
    pub(super) series: usize,
}

impl Datagram {
    pub(super) fn has_room(&self, lines: &str, max_bytes: usize) -> bool {
        self.text.is_empty() || self.text.len() + 1 + lines.len() <= max_bytes
    }

    pub(super) fn push(&mut self, at: Position, lines: &str, total: Option<(u64, u64)>) {
        if self.text.is_empty() {
            self.start = at;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(lines);
        self.totals.extend(total);
        self.series += 1;
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.totals.clear();
        self.series = 0;
    }
}
