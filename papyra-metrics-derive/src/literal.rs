//! String literals: what they say.

use proc_macro2::{Literal, TokenStream, TokenTree};

use crate::tokens::flat;

/// A string literal, with the token to point at.
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) token: Literal,
}

impl Text {
    /// The string literal that the tokens are, if they are one.
    pub(crate) fn of(tokens: &TokenStream) -> Option<Self> {
        match flat(tokens).as_slice() {
            [TokenTree::Literal(token)] => {
                let value = value(&token.to_string())?;
                Some(Self { value, token: token.clone() })
            }
            _ => None,
        }
    }
}

/// What the literal says; `None` where it is no string, or one of bytes, or for C, or with a suffix. See
/// <https://doc.rust-lang.org/reference/tokens.html#string-literals>.
pub(crate) fn value(literal: &str) -> Option<String> {
    // The compiler has done this to the whole file; alone, such a sign stands in no literal.
    let literal = literal.replace('\r', "");
    let text = if let Some(raw) = literal.strip_prefix('r') {
        let quoted = raw.trim_start_matches('#');
        let hashes = &raw[..raw.len() - quoted.len()];
        let quoted = quoted.strip_suffix(hashes)?;
        quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned()
    } else {
        unescaped(literal.strip_prefix('"')?.strip_suffix('"')?)?
    };
    Some(text)
}

fn unescaped(written: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = written;
    while let Some(escape) = rest.find('\\') {
        text.push_str(&rest[..escape]);
        let mut after = rest[escape + 1..].chars();
        let sign = after.next()?;
        rest = after.as_str();
        text.push(match sign {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            '\\' | '\'' | '"' => sign,
            'x' => {
                let digits = rest.get(..2)?;
                rest = &rest[2..];
                hexadecimal(digits).filter(char::is_ascii)?
            }
            'u' => {
                let (digits, after) = rest.strip_prefix('{')?.split_once('}')?;
                rest = after;
                hexadecimal(&digits.replace('_', ""))?
            }
            // The line goes on in the next one.
            '\n' => {
                rest = rest.trim_start_matches([' ', '\t', '\n']);
                continue;
            }
            _ => return None,
        });
    }
    text.push_str(rest);
    Some(text)
}

fn hexadecimal(digits: &str) -> Option<char> {
    let good = digits.len() <= 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| good).and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_string_says_what_the_reference_says() {
        for (literal, says) in [
            (r#""""#, ""),
            (r#""records""#, "records"),
            (r#""größe""#, "größe"),
            (r#""\n\r\t\\\0\'\"""#, "\n\r\t\\\0'\""),
            (r#""\x41\x7F\x7f""#, "A\x7F\x7F"),
            (r#""\u{e9}\u{1F600}\u{10_ffff}\u{0}""#, "é\u{1F600}\u{10FFFF}\0"),
            ("\"a \\\n   \t b\"", "a b"),
            ("\"a\\\n\n  \n b\"", "ab"),
            ("\"a\\\r\n  b\r\nc\"", "ab\nc"),
            ("\"a\nb\"", "a\nb"),
            (r#"r"a\n""#, "a\\n"),
            (r##"r#"a "quoted" one"#"##, "a \"quoted\" one"),
            (r###"r##"a"#b"##"###, "a\"#b"),
            ("r#\"\"#", ""),
        ] {
            assert_eq!(value(literal).as_deref(), Some(says), "{literal}");
        }
    }

    #[test]
    fn what_is_no_string_says_nothing() {
        for literal in [
            r#"b"x""#,
            r##"br#"x"#"##,
            r#"c"x""#,
            r##"cr#"x"#"##,
            r#""x"suffix"#,
            r#"r"x"suffix"#,
            "'x'",
            "b'x'",
            "1",
            "1.0",
            // No compiler lets these through.
            "",
            "\"",
            "r",
            "r#",
            r#"r#"x""#,
            r#""\q""#,
            r#""\""#,
            r#""\x4""#,
            r#""\xé""#,
            r#""\x80""#,
            r#""\x+1""#,
            r#""\u{}""#,
            r#""\u{d800}""#,
            r#""\u{110000}""#,
            r#""\u{0000041}""#,
            r#""\u41""#,
        ] {
            assert_eq!(value(literal), None, "{literal}");
        }
    }
}
