//! Escapes of texts in a line.

pub(super) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('"', "\\\"")
}

pub(super) fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        out.push(match (char, char == '\\') {
            (char, false) => char,
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(char) => char,
                None => '\\',
            },
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn every_text_survives_in_one_line() {
        for text in ["", "plain", "\\", "a\nb", "a\r\nb", "say \"x\"", "\\n", "\\\\\n\""] {
            let escaped = escape(text);
            assert!(!escaped.contains(['\n', '\r']), "{escaped}");
            assert_eq!(unescape(&escaped), text);
        }
    }
}
