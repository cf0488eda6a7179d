//! Writes expressions in `PromQL`, the query language of Prometheus.

use std::fmt::Write as _;

/// Returns a selector for the samples with this name, with label matchers if there are any:
/// `append_seconds_bucket{le="0.1"}`.
pub(super) fn selector(sample: &str, matchers: &[(&str, &str)]) -> String {
    if matchers.is_empty() {
        return sample.to_owned();
    }
    let matchers = matchers.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    format!("{sample}{{{}}}", matchers.collect::<Vec<_>>().join(","))
}

/// Returns an expression for the per-second rate of a counter over a window, summed over the labels `summed`.
pub(super) fn rate(selector: &str, window: &str, summed: &[&str]) -> String {
    summed_over(&format!("rate({selector}[{window}])"), summed)
}

/// Returns an expression that sums the given expression over these labels. If there are no labels, returns the given
/// expression.
pub(super) fn summed_over(expression: &str, labels: &[&str]) -> String {
    if labels.is_empty() {
        expression.to_owned()
    } else {
        format!("sum without ({}) ({expression})", labels.join(", "))
    }
}

/// Returns a string literal. Quotes, backslashes, control characters, line separators, and some characters that change
/// the direction of the text are escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for char in text.chars() {
        match char {
            '\\' | '"' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            // Writing to a string does not fail.
            char if char.is_control() || ('\u{2028}'..='\u{202e}').contains(&char) => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{rate, selector};

    #[test]
    fn a_rate_is_summed_over_the_given_labels() {
        let bucket = selector("append_seconds_bucket", &[("le", "0.1"), ("op", "a\"\\\n\u{1}ö")]);
        assert_eq!(bucket, r#"append_seconds_bucket{le="0.1",op="a\"\\\n\u0001ö"}"#);
        assert_eq!(rate("reads_total", "5m", &[]), "rate(reads_total[5m])");
        let summed = rate("reads_total", "5m", &["op", "outcome"]);
        assert_eq!(summed, "sum without (op, outcome) (rate(reads_total[5m]))");
    }
}
