//! Escapes texts so that each fits in one line.

use std::fmt::Write as _;

/// Escapes a text so that it fits in one line and its characters are displayed in the order in which they are stored. A
/// line feed becomes `\n`, a carriage return `\r`, and a backslash precedes each quote and backslash. Any other control
/// character, a Unicode line separator, or a character that changes the direction of the text becomes `\u{…}`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '"' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            char if is_misleading(char) => {
                // Writing to a string does not fail.
                let _ = write!(out, "{}", char.escape_unicode());
            }
            char => out.push(char),
        }
    }
    out
}

fn is_misleading(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = after.chars();
        let char = match chars.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('u') => match code_point(chars.as_str()) {
                Some((char, after)) => {
                    chars = after.chars();
                    char
                }
                None => 'u',
            },
            Some(char) => char,
            None => '\\',
        };
        out.push(char);
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

/// Parses a code point such as `{1b}`. Returns the character, and the text after the closing brace.
fn code_point(text: &str) -> Option<(char, &str)> {
    let (digits, after) = text.strip_prefix('{')?.split_once('}')?;
    let char = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
    Some((char, after))
}

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn every_text_fits_in_one_line_and_reads_back() {
        for text in [
            "",
            "plain",
            "\\",
            "a\nb",
            "a\r\nb",
            "say \"x\"",
            "\\n",
            "\\\\\n\"",
            "\\u{1b}",
            "größe 😀",
            "a\u{1b}[2Jb",
            "\u{202e}gnp.exe\u{2069}",
            "tab\tend",
            "\0",
        ] {
            let escaped = escape(text);
            assert!(escaped.chars().all(|char| !char.is_control()), "{escaped}");
            assert!(!escaped.contains(['\u{202e}', '\u{2069}']), "{escaped}");
            assert_eq!(unescape(&escaped), text);
        }
        assert_eq!(escape("a\u{1b}\tö"), "a\\u{1b}\\u{9}ö");
    }

    #[test]
    fn an_unknown_escape_is_read_without_its_backslash() {
        for (text, expected) in
            [("\\x", "x"), ("\\u", "u"), ("\\u{}", "u{}"), ("\\u{d800}", "u{d800}"), ("a\\", "a\\")]
        {
            assert_eq!(unescape(text), expected);
        }
    }
}
