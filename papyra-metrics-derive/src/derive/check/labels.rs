//! Checks the key `labels`, which adds fixed labels to metrics.

use syn::ext::IdentExt;

use crate::diag::Diagnostics;
use crate::keys::Key;
use crate::label_rules::{check_label_name, check_label_value};
use crate::value::LabelPairs;

/// Checks the labels in the key `labels`. Returns the labels of the struct, followed by the labels in the key.
pub(super) fn check_labels(
    diag: &mut Diagnostics,
    outer: &[(String, String)],
    key: Option<&Key<LabelPairs>>,
) -> Vec<(String, String)> {
    let mut labels = outer.to_vec();
    let Some(Key { value: LabelPairs(pairs), .. }) = key else { return labels };
    for (ident, value) in pairs {
        let name = ident.unraw().to_string();
        check_label_name(diag, &name, ident);
        if let Some(at) = labels.iter().position(|(known, _)| *known == name) {
            let problem = if at < outer.len() { "is also on the struct" } else { "is given twice" };
            diag.error(ident, format!("the label `{name}` {problem}; remove one of the two"));
        }
        check_label_value(diag, &value.value(), value);
        labels.push((name, value.value()));
    }
    labels
}
