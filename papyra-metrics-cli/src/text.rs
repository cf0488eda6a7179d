//! Makes text from files and paths safe to print: the result cannot move the cursor, reverse the direction of a line,
//! or contain invisible characters.

use std::{fmt::Write as _, path::Path};

/// Returns whether a character is a control character, is invisible, or separates lines or paragraphs. Two sets of
/// characters are invisible: those with the property `Default_Ignorable_Code_Point` of Unicode 16, such as the
/// bidirectional controls, and those from U+FFF9 to U+FFFB, which delimit interlinear annotations.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns the text on one line. A space replaces each line feed and tab. A replacement character replaces each other
/// invisible character.
pub(crate) fn single_line(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { visible(c) }).collect()
}

/// Returns the text with a replacement character for each invisible character except line feeds.
pub(crate) fn visible_lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect()
}

fn visible(c: char) -> char {
    if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c }
}

/// Returns a path as text. A path that is not valid Unicode, or that contains `"`, `\` or an invisible character, is
/// quoted and escaped. Different paths always have different results.
pub(crate) fn path_name(path: &Path) -> String {
    let is_plain = |c: char| !is_invisible(c) && c != '"' && c != '\\';
    match path.to_str() {
        Some(plain) if plain.chars().all(is_plain) => plain.to_owned(),
        _ => quoted(path),
    }
}

fn quoted(path: &Path) -> String {
    let mut name = String::from('"');
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => name.extend(['\\', c]),
                c if is_invisible(c) => name.extend(c.escape_unicode()),
                c => name.push(c),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(name, "\\x{byte:02x}");
        }
    }
    name.push('"');
    name
}

/// Escapes the invisible characters, except line feeds, in JSON that `serde_json` has written. These characters occur
/// only inside JSON strings, so escaping them does not change the value of the JSON.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_invisible(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsStr,
        path::{Path, PathBuf},
    };

    use super::{escape_json, path_name, single_line, visible_lines};

    #[test]
    fn invisible_characters_are_replaced_and_letters_of_all_scripts_are_kept() {
        assert_eq!(single_line("a\u{202e}b\u{200b}c\u{9b}d\ne\tf"), "a�b�c�d e f");
        assert_eq!(visible_lines("a\u{feff}\nb"), "a�\nb");
        for text in ["größe", "ที่", "नमस्ते", "e\u{301}", "日本語", "😀", "עברית"]
        {
            assert_eq!(single_line(text), text);
        }
    }

    #[test]
    #[cfg(unix)]
    fn different_paths_have_different_names() {
        let path = |bytes: &[u8]| -> PathBuf {
            Path::new(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)).to_owned()
        };
        let paths: [&[u8]; 9] = [
            b"plain",
            b"\"plain\"",
            b"a\xff",
            b"a\xfe",
            b"a\\xff",
            b"\"a\\xff\"",
            "a\u{202e}".as_bytes(),
            b"a\\u{202e}",
            "a\u{fffd}".as_bytes(),
        ];
        let names: std::collections::HashSet<_> =
            paths.iter().map(|bytes| path_name(&path(bytes))).collect();
        assert_eq!(names.len(), paths.len(), "{names:?}");
        assert_eq!(path_name(&path(b"a\xff\x1b")), r#""a\xff\u{1b}""#);
    }

    #[test]
    fn escaping_does_not_change_the_value_of_the_json() {
        let value = serde_json::json!({ "a\u{85}": "\u{202e}\u{e0001}\u{1b}\n", "b": [1, 2] });
        let escaped = escape_json(&format!("{value:#}"));
        assert!(escaped.chars().all(|c| c == '\n' || !super::is_invisible(c)), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
