//! The rules for the names of metrics, units and labels, and the names under which metrics are exported.
//!
//! The compile-time checks, and the registry and the adapters of `papyra-metrics-export`, use these functions. The derive
//! crate cannot depend on this crate, so it has the same rules in its own `naming.rs`.

mod bytes;
mod exposition_name;

pub(crate) use self::bytes::equal;
pub use self::exposition_name::ExpositionName;

/// Returns whether `name` is a valid name of a metric: whether it matches `[a-zA-Z_][a-zA-Z0-9_]*`.
///
/// ```
/// use papyra_metrics::naming::is_name;
///
/// assert!(is_name("records_written"));
/// assert!(!is_name("2nd_try") && !is_name("größe") && !is_name(""));
/// ```
pub const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    if let [] | [b'0'..=b'9', ..] = rest {
        return false;
    }
    while let [b'a'..=b'z' | b'_' | b'A'..=b'Z' | b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    matches!(rest, [])
}

/// Returns whether `unit` is a valid unit: whether it matches `[a-z0-9_]+`.
///
/// ```
/// use papyra_metrics::naming::is_unit;
///
/// assert!(is_unit("bytes") && !is_unit("MiB") && !is_unit(""));
/// ```
pub const fn is_unit(unit: &str) -> bool {
    let mut rest = match unit.as_bytes() {
        [] => return false,
        unit => unit,
    };
    while let [b'a'..=b'z' | b'_' | b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    matches!(rest, [])
}

/// Returns whether `name` is a valid name of a fixed label: whether it matches `[a-zA-Z_][a-zA-Z0-9_]*` and is not
/// [reserved](is_reserved_label).
///
/// ```
/// use papyra_metrics::naming::is_label_name;
///
/// assert!(is_label_name("op") && is_label_name("type"));
/// assert!(!is_label_name("le") && !is_label_name("__name__") && !is_label_name("a-b"));
/// ```
pub const fn is_label_name(name: &str) -> bool {
    is_name(name) && !is_reserved_label(name)
}

/// Returns whether Prometheus reserves this label name: `le`, `quantile`, `instance`, `job`, and all names that begin
/// with `__`.
///
/// ```
/// use papyra_metrics::naming::is_reserved_label;
///
/// assert!(is_reserved_label("le") && is_reserved_label("__name__") && !is_reserved_label("op"));
/// ```
pub const fn is_reserved_label(name: &str) -> bool {
    let name = name.as_bytes();
    matches!(name, b"le" | b"quantile" | b"instance" | b"job" | [b'_', b'_', ..])
}

/// Returns whether `value` is a valid value of a fixed label: whether it matches `[a-z0-9_]+`.
///
/// ```
/// use papyra_metrics::naming::is_label_value;
///
/// assert!(is_label_value("not_found") && is_label_value("0") && !is_label_value("Not found"));
/// ```
pub const fn is_label_value(value: &str) -> bool {
    is_unit(value)
}

/// Panics if the name is not valid for a label.
#[track_caller]
pub(crate) const fn assert_label_name(name: &str) {
    assert!(is_name(name), "a label's name must match [a-zA-Z_][a-zA-Z0-9_]*");
    assert!(
        !is_reserved_label(name),
        "the labels `le`, `quantile`, `instance`, `job` and `__…` are reserved"
    );
}

/// Panics if the value is not valid for a fixed label.
#[track_caller]
pub(crate) const fn assert_label_value(value: &str) {
    assert!(is_label_value(value), "a label's value must match [a-z0-9_]+");
}
