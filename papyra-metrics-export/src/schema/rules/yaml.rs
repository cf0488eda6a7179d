//! The YAML of a rule file.
//!
//! The YAML is written without a library, because only three notations are needed: plain scalars of letters, digits and
//! hyphens, strings in double quotes, and literal blocks for expressions. The string literals in an expression contain
//! no line breaks, because `promql` escapes line breaks as `\n`.

use std::fmt::{self, Write as _};

pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) alerts: Vec<Alert>,
}

pub(super) struct Alert {
    /// The name of the alert, which consists of letters and digits.
    pub(super) name: String,
    /// The expression that is true while the alert is active. It may have several lines.
    pub(super) expression: String,
    /// The time for which the expression has to be true before the alert fires. `None` if the alert fires at once,
    /// because the expression itself covers a long enough window.
    pub(super) pending: Option<String>,
    pub(super) severity: &'static str,
    /// A short text, which Prometheus interprets as a template.
    pub(super) summary: String,
    /// A longer text, which Prometheus interprets as a template.
    pub(super) description: String,
}

const HEADER: &str = "\
# Alert rules for Prometheus, written by `papyra-metrics rules` from the declared metrics. Do not edit; run the command again.
";

/// Writes a rule file. Each line of `without` is written as a comment, which says why a metric has no alert.
pub(super) fn write(
    f: &mut fmt::Formatter<'_>,
    groups: &[Group],
    without: &[String],
) -> fmt::Result {
    f.write_str(HEADER)?;
    without.iter().try_for_each(|line| writeln!(f, "# {line}"))?;
    if groups.is_empty() {
        return f.write_str("groups: []\n");
    }
    f.write_str("groups:\n")?;
    for Group { name, alerts } in groups {
        write!(f, "  - name: {name}\n    rules:\n")?;
        alerts.iter().try_for_each(|alert| write_alert(f, alert))?;
    }
    Ok(())
}

fn write_alert(f: &mut fmt::Formatter<'_>, alert: &Alert) -> fmt::Result {
    let Alert { name, expression, pending, severity, summary, description } = alert;
    write!(f, "      - alert: {name}\n        expr: |-\n")?;
    expression.lines().try_for_each(|line| writeln!(f, "          {line}"))?;
    if let Some(pending) = pending {
        writeln!(f, "        for: {pending}")?;
    }
    write!(f, "        labels:\n          severity: {severity}\n        annotations:\n")?;
    writeln!(f, "          summary: {}", quoted(summary))?;
    writeln!(f, "          description: {}", quoted(description))
}

/// Returns a text as a YAML string in double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for char in text.chars() {
        match char {
            '\\' | '"' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            ' ' => out.push(' '),
            // These characters are not allowed in a line of YAML, or would hide text or reverse its direction.
            char if char.is_control() || is_format(char) => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\U{:08x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

fn is_format(char: char) -> bool {
    matches!(
        char,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fffe}'..='\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn strings_are_quoted_so_that_they_stay_in_one_line() {
        assert_eq!(quoted("a: \"b\" \\ #c"), r#""a: \"b\" \\ #c""#);
        assert_eq!(quoted("one\ntwo\u{1b}\u{202e}ö"), r#""one\ntwo\U0000001b\U0000202eö""#);
    }
}
