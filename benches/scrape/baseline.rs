//! The baseline of a scrape: writes the same text by copying prepared text and formatting numbers.

use std::hint::black_box;

/// Writes the text of a scrape from heads and an array of numbers. A head is the prepared text before a number.
pub(crate) struct Baseline {
    heads: String,
    /// For each sample, the end of its head in `heads`, and the integer that follows the head. A fraction after the
    /// integer is the beginning of the next head.
    lines: Vec<(usize, u64)>,
    text: String,
}

impl Baseline {
    pub(crate) fn new(text: &str) -> Self {
        let mut baseline = Self {
            heads: String::new(),
            lines: Vec::new(),
            text: String::with_capacity(2 * text.len()),
        };
        for line in text.lines() {
            // The description of a family is part of its first head.
            if line.starts_with('#') {
                baseline.heads.extend([line, "\n"]);
                continue;
            }
            let (head, number) = line.rsplit_once(' ').expect("a line of two parts");
            let (number, fraction) = number.split_once('.').unwrap_or((number, ""));
            baseline.heads.extend([head, " "]);
            baseline.lines.push((baseline.heads.len(), number.parse().expect("a number")));
            if !fraction.is_empty() {
                baseline.heads.extend([".", fraction]);
            }
            baseline.heads.push('\n');
        }
        baseline.write();
        assert_eq!(baseline.text, text, "the text of the baseline differs");
        baseline
    }

    pub(crate) fn write(&mut self) {
        let Self { heads, lines, text } = self;
        text.clear();
        let mut buffer = itoa::Buffer::new();
        let mut start = 0;
        for &(end, number) in &*lines {
            text.push_str(&heads[start..end]);
            start = end;
            text.push_str(buffer.format(number));
        }
        text.push_str(&heads[start..]);
        black_box(text);
    }
}
