//! Checks the names and values of labels that are fixed at compile time, such as `labels(op = "get")`.

use quote::ToTokens;

use crate::diag::Diagnostics;
use crate::naming;

/// Reports a label name that is invalid or that monitoring systems reserve.
pub(crate) fn check_label_name(diag: &mut Diagnostics, name: &str, at: &impl ToTokens) {
    if !naming::is_name(name) {
        let name = naming::quoted(name);
        diag.error(
            at,
            format!("{name} is not a valid label name, which matches [a-zA-Z_][a-zA-Z0-9_]*"),
        );
    } else if naming::is_reserved_label(name) {
        diag.error(
            at,
            format!("monitoring systems reserve the label name `{name}`; use a name other than `le`, `quantile`, `instance`, `job` and `__…`"),
        );
    }
}

/// Reports an invalid label value.
pub(crate) fn check_label_value(diag: &mut Diagnostics, value: &str, at: &impl ToTokens) {
    if naming::is_label_value(value) {
        return;
    }
    let valid = naming::sanitize(value).map(|valid| valid.to_lowercase());
    let fix = valid.map(|valid| format!("; use `{valid}`")).unwrap_or_default();
    let value = naming::quoted(value);
    diag.error(at, format!("{value} is not a valid label value, which matches [a-z0-9_]+{fix}"));
}
