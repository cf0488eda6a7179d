//! Rules for the names of metrics, prefixes, units and labels, and for finding metrics that might be exported under the
//! same name. The module `naming` of `papyra-metrics` has the same rules for names, units and labels. This crate cannot
//! use that module, because `papyra-metrics` depends on this crate.

/// Returns whether the name matches `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(crate) fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty() && is_name_part(name)
}

/// Returns whether the prefix of names is empty or matches `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(crate) fn is_prefix(prefix: &str) -> bool {
    prefix.is_empty() || is_name(prefix)
}

/// Returns whether the text matches `[a-z0-9_]+`.
pub(crate) fn is_unit(unit: &str) -> bool {
    !unit.is_empty() && unit.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'))
}

/// Returns the word in backticks for an error message, or "an empty string" if it is empty.
pub(crate) fn quoted(word: &str) -> String {
    if word.is_empty() { "an empty string".to_owned() } else { format!("`{word}`") }
}

/// Returns whether monitoring systems reserve the label name: `le`, `quantile`, `instance`, `job` and `__…`.
pub(crate) fn is_reserved_label(name: &str) -> bool {
    name.starts_with("__") || matches!(name, "le" | "quantile" | "instance" | "job")
}

/// Returns whether the text matches `[a-z0-9_]+`.
pub(crate) fn is_label_value(value: &str) -> bool {
    is_unit(value)
}

/// Returns a valid name that is similar to an invalid one, if there is one: `records_written` for `records-written`.
pub(crate) fn sanitize(wrong: &str) -> Option<String> {
    let mut sanitized = String::new();
    let mut begins = true;
    for c in wrong.chars() {
        if !c.is_ascii_alphanumeric() {
            begins = true;
            continue;
        }
        // An underscore separates two parts, and precedes a leading digit.
        if begins && !sanitized.is_empty() || sanitized.is_empty() && c.is_ascii_digit() {
            sanitized.push('_');
        }
        sanitized.push(c);
        begins = false;
    }
    (wrong.is_ascii() && is_name(&sanitized)).then_some(sanitized)
}

fn is_name_part(part: &str) -> bool {
    part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns the key by which possible collisions are found: two metrics that might be exported under the same name have
/// the same key. The key consists of the words of the name and of the unit, sorted and without repetitions. The words
/// `total` and `created` are left out, because exporters add or remove them for metrics of some kinds.
pub(crate) fn collision_key(name: &str, unit: Option<&str>) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in name.split('_').chain(unit.unwrap_or_default().split('_')) {
        if ["", "total", "created"].contains(&word) {
            continue;
        }
        if let Err(at) = words.binary_search(&word) {
            words.insert(at, word);
        }
    }
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::{collision_key, is_name, is_prefix, is_unit, sanitize};

    #[test]
    fn names_prefixes_and_units_follow_the_exposition_formats() {
        for good in ["a", "_", "records_written", "A9"] {
            assert!(is_name(good) && is_prefix(good), "{good}");
        }
        for bad in ["9a", "a-b", "a.b", "a b", "größe"] {
            assert!(!is_name(bad) && !is_prefix(bad), "{bad}");
        }
        assert!(!is_name("") && is_prefix(""));
        assert!(is_unit("bytes") && is_unit("2") && !is_unit("") && !is_unit("By"));
    }

    #[test]
    fn an_invalid_name_has_a_similar_valid_one() {
        assert_eq!(sanitize("records-written").as_deref(), Some("records_written"));
        assert_eq!(sanitize(" 2nd.try ").as_deref(), Some("_2nd_try"));
        assert_eq!((sanitize(""), sanitize("größe")), (None, None));
    }

    #[test]
    fn names_that_might_be_exported_as_the_same_name_have_the_same_key() {
        for (a, b) in [
            (("writes", None), ("writes_total", None)),
            (("writes", None), ("writes_created", None)),
            (("bytes_read", Some("bytes")), ("read_bytes", None)),
            (("bytes_read", Some("bytes")), ("read_bytes_total", Some("bytes"))),
            (("read", Some("bytes")), ("read_bytes", Some("bytes"))),
            (("queue_total", Some("bytes")), ("queue_total_bytes", None)),
            (("total", Some("bytes")), ("bytes", None)),
        ] {
            assert_eq!(collision_key(a.0, a.1), collision_key(b.0, b.1));
        }
        assert_ne!(collision_key("kilobytes", Some("bytes")), collision_key("kilobytes", None));
    }
}
