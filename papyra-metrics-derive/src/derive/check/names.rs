//! Checks the names, prefixes and units of each field, and the names of all fields together.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::derive::model::{Field, Metric, Role};
use crate::diag::Diagnostics;
use crate::keys::{FieldKeys, Key};
use crate::naming;
use crate::string_set::StringSet;

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
    // A name after a prefix may begin with a digit.
    let may_follow_prefix = !name.is_empty() && naming::is_name(&format!("_{name}"));
    if naming::is_name(&name) || !struct_prefix.is_empty() && may_follow_prefix {
        return Some(name);
    }
    let fix = match (&keys.name, naming::sanitize(&name)) {
        (Some(_), Some(valid)) => format!("; use `{valid}`"),
        (Some(_), None) => String::new(),
        (None, Some(valid)) => format!("; add `name = \"{valid}\"`"),
        (None, None) => "; add `name = \"…\"`".to_owned(),
    };
    let name = naming::quoted(&name);
    diag.error(
        &at,
        format!("{name} is not a valid metric name, which matches [a-zA-Z_][a-zA-Z0-9_]*{fix}"),
    );
    None
}

pub(super) fn check_prefix(diag: &mut Diagnostics, prefix: &Key<LitStr>) -> Option<String> {
    let value = prefix.value.value();
    if naming::is_prefix(&value) {
        return Some(value);
    }
    let fix = naming::sanitize(&value).map(|valid| format!("; use `{valid}_`")).unwrap_or_default();
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

/// Refuses two metrics of this struct with the same name and labels. Generated code compares the other pairs at compile
/// time: those that contain a flattened metric, and those in which only one metric may be a family.
pub(super) fn check_names(diag: &mut Diagnostics, fields: &[(Field<'_>, FieldKeys)]) {
    let mut all = StringSet::default();
    for (at, (field, keys)) in fields.iter().enumerate() {
        let Role::Metric(metric @ Metric { name, .. }) = &field.role else { continue };
        let series = series(metric);
        if all.insert(series.clone()) {
            continue;
        }
        let is_first = |(field, _): &&(Field<'_>, FieldKeys)| matches!(&field.role, Role::Metric(metric) if self::series(metric) == series);
        let Some((first, _)) = fields[..at].iter().find(is_first) else { continue };
        if first.may_be_family() != field.may_be_family() {
            continue;
        }
        let (first, second) = (first.name.ident, field.name.ident);
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

/// Returns the name and the labels of a metric as text, with the labels in alphabetical order:
/// `gets{op=get}{tier=hot}`.
fn series(metric: &Metric) -> String {
    let mut labels: Vec<String> = Vec::new();
    for (name, value) in &metric.labels {
        let label = format!("{{{name}={value}}}");
        let at = labels.iter().position(|other| *other > label).unwrap_or(labels.len());
        labels.insert(at, label);
    }
    let mut series = metric.name.clone();
    for label in labels {
        series.push_str(&label);
    }
    series
}

pub(super) fn check_one_error_counter(diag: &mut Diagnostics, fields: &[(Field<'_>, FieldKeys)]) {
    let mut first = None;
    for (field, keys) in fields {
        let (Role::Metric(_), Some(Key { key, .. })) = (&field.role, &keys.errors) else {
            continue;
        };
        let ident = field.name.ident;
        match first {
            None => first = Some(ident),
            Some(first) => diag.error(
                key,
                format!("`{first}` is already the error counter of this struct; remove `errors` here, and name `{ident}` on functions: `#[metrics(errors = {ident})]`"),
            ),
        }
    }
}

/// Returns the indices of the metrics that may collide with an earlier metric, or that may have two labels of the same
/// name. Generated code checks them at compile time, when their kinds and labels are known.
pub(super) fn possible_collisions(fields: &[Field<'_>]) -> Vec<usize> {
    let mut metrics = Vec::new();
    for field in fields {
        if let Role::Metric(metric) = &field.role {
            metrics.push((field, &metric.name[metric.prefix_len..], metric));
        }
    }
    let mut is_suspect = vec![false; metrics.len()];
    let mut stems = StringSet::default();
    for (at, (field, own_name, metric)) in metrics.iter().enumerate() {
        let is_new = stems.insert(naming::collision_key(own_name, metric.unit.as_deref()));
        let may_repeat_label = field.may_be_family() && !metric.labels.is_empty();
        if !is_new || may_repeat_label {
            is_suspect[at] = true;
        }
    }
    // A histogram is exported under its name with suffixes, and with a unit that only the compiler knows. So it may
    // collide with any metric whose name is longer and contains all words of the histogram's name: the histogram
    // `append` may collide with the counter `append_seconds_count`.
    for (histogram, (field, name, _)) in metrics.iter().enumerate() {
        if !field.may_be_histogram() {
            continue;
        }
        for (other, (_, other_name, _)) in metrics.iter().enumerate() {
            let is_longer = name.split('_').count() < other_name.split('_').count();
            if is_longer && name.split('_').all(|word| other_name.split('_').any(|w| w == word)) {
                is_suspect[histogram.max(other)] = true;
            }
        }
    }
    (0..metrics.len()).filter(|&at| is_suspect[at]).collect()
}
