//! Checks names, prefixes and units, alone and of all fields together.

use std::collections::{BTreeSet, HashMap, HashSet};

use proc_macro2::Ident;
use quote::ToTokens;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::attr::{FieldKeys, Key};
use crate::derive::model::{Field, Metric, Role};
use crate::diag::Diagnostics;
use crate::naming;

pub(super) fn check_name(
    diag: &mut Diagnostics,
    struct_prefix: &str,
    ident: &Ident,
    keys: &FieldKeys,
) -> Option<String> {
    let (name, at) = match &keys.name {
        Some(Key { value, .. }) => (value.value(), value.to_token_stream()),
        None => (ident.unraw().to_string(), ident.to_token_stream()),
    };
    // After a prefix a digit may come first.
    let may_follow_prefix = !name.is_empty() && naming::is_name(&format!("_{name}"));
    if naming::is_name(&name) || !struct_prefix.is_empty() && may_follow_prefix {
        return Some(name);
    }
    let fix = match (&keys.name, naming::near(&name)) {
        (Some(_), Some(near)) => format!("; use `{near}`"),
        (Some(_), None) => String::new(),
        (None, Some(near)) => format!("; add `name = \"{near}\"`"),
        (None, None) => "; add `name = \"…\"`".to_owned(),
    };
    let name = naming::quoted(&name);
    diag.error(
        at,
        format!("{name} is not a valid metric name, which matches [a-zA-Z_][a-zA-Z0-9_]*{fix}"),
    );
    None
}

pub(super) fn check_prefix(diag: &mut Diagnostics, prefix: &Key<LitStr>) -> Option<String> {
    let value = prefix.value.value();
    if naming::is_prefix(&value) {
        return Some(value);
    }
    let fix = naming::near(&value).map(|near| format!("; use `{near}_`")).unwrap_or_default();
    diag.error(
        &prefix.value,
        format!("`{value}` is not a valid prefix of metric names, which match [a-zA-Z_][a-zA-Z0-9_]*{fix}"),
    );
    None
}

pub(super) fn check_unit(diag: &mut Diagnostics, unit: &Key<LitStr>) -> Option<String> {
    let value = unit.value.value();
    if naming::is_unit(&value) {
        return Some(value);
    }
    let value = naming::quoted(&value);
    diag.error(
        &unit.value,
        format!("{value} is not a valid unit, which matches [a-z0-9_]+; use a word such as `bytes` or `seconds`"),
    );
    None
}

/// Refuses two metrics of one name and the same labels in the struct itself. Flattened metrics, and what may be a family,
/// are compared by the compiler.
pub(super) fn check_names(diag: &mut Diagnostics, fields: &[(Field<'_>, FieldKeys)]) {
    let mut first_by_name = HashMap::new();
    for (at, (field, keys)) in fields.iter().enumerate() {
        let Role::Metric(Metric { name, labels, .. }) = &field.role else { continue };
        let mut labels = labels.clone();
        labels.sort();
        let second = field.ident;
        let (first_at, first, is_family) =
            *first_by_name.entry((name, labels)).or_insert((at, second, field.may_be_family()));
        if first_at == at || is_family != field.may_be_family() {
            continue;
        }
        let fields = if first == second {
            format!("which are computed from the field `{first}`")
        } else {
            format!("of the fields `{first}` and `{second}`")
        };
        let message = format!(
            "`{name}` is the name of two metrics, {fields}; give one of them another `name`, or give them different `labels`"
        );
        match &keys.name {
            Some(Key { value, .. }) => diag.error(value, message),
            None => diag.error(second, message),
        }
    }
}

pub(super) fn check_one_error_counter(diag: &mut Diagnostics, fields: &[(Field<'_>, FieldKeys)]) {
    let mut first = None;
    for (field, keys) in fields {
        let (Role::Metric(_), Some(Key { key, .. })) = (&field.role, &keys.errors) else {
            continue;
        };
        let ident = field.ident;
        match first {
            None => first = Some(ident),
            Some(first) => diag.error(
                key,
                format!("the error counter is already `{first}`; a struct has one, and functions name the others: `#[metrics(errors = {ident})]`"),
            ),
        }
    }
}

/// The metrics, by index, that may collide with an earlier one, depending on kinds and labels, which only the compiler
/// knows, or whose own labels may not be distinct.
pub(super) fn possible_collisions(fields: &[Field<'_>]) -> Vec<usize> {
    let metrics: Vec<_> = fields
        .iter()
        .filter_map(|field| match &field.role {
            Role::Metric(metric) => Some((field, &metric.name[metric.prefix_len..], metric)),
            _ => None,
        })
        .collect();
    let mut suspects = BTreeSet::new();
    let mut stems = HashSet::new();
    for (at, (field, own_name, metric)) in metrics.iter().enumerate() {
        let is_new = stems.insert(naming::loose(own_name, metric.unit.as_deref()));
        let may_repeat_label = field.may_be_family() && !metric.labels.is_empty();
        if !is_new || may_repeat_label {
            suspects.insert(at);
        }
    }
    // The name of a histogram's sample is the histogram's name, a unit that is not known here, and a suffix.
    for (histogram, (field, name, _)) in metrics.iter().enumerate() {
        if !field.may_be_histogram() {
            continue;
        }
        for (other, (_, other_name, _)) in metrics.iter().enumerate() {
            let is_longer = name.split('_').count() < other_name.split('_').count();
            if is_longer && name.split('_').all(|word| other_name.split('_').any(|w| w == word)) {
                suspects.insert(histogram.max(other));
            }
        }
    }
    suspects.into_iter().collect()
}
