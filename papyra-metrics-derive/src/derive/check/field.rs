//! Checks a field: its keys, its type, and both together.

use proc_macro2::Ident;
use syn::{Attribute, Type};

use super::labels::check_labels;
use super::names::{check_name, check_prefix, check_unit};
use crate::attr::{self, FieldKeys, Key, ObjectiveKeys};
use crate::derive::help::first_paragraph;
use crate::derive::input::NamedField;
use crate::derive::model::{
    Computed, ComputedKind, Field, Metric, Objective, Role, Source, StorageInstrument, Written,
};
use crate::diag::Diagnostics;
use crate::types::{
    arguments, instrument, is_phantom_data, last_word, mentions, only_argument, path, pointee,
    primitive,
};

/// The properties of a struct on which the checks of its fields depend.
pub(super) struct StructContext<'a> {
    pub(super) ident: &'a Ident,
    pub(super) prefix: String,
    pub(super) labels: Vec<(String, String)>,
    /// The type and const parameters.
    pub(super) parameters: Vec<&'a Ident>,
    /// Whether it has the key `storage`.
    pub(super) has_storage: bool,
    /// Whether the keys are free of errors. If not, it may be meant to have another `storage`.
    pub(super) has_valid_keys: bool,
    /// Whether its metrics are padded to cache lines.
    pub(super) is_padded: bool,
}

/// Checks a field, which is one item of the model, or one for each value that is computed from it.
pub(super) fn check_field<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'a>,
) -> Vec<(Field<'a>, FieldKeys)> {
    let errors = diag.count();
    let attributes = attr::parse_field_keys(diag, field.attrs);
    let are_parsed = diag.count() == errors;
    let has_several = attributes.len() > 1;
    let mut checked = Vec::with_capacity(attributes.len());
    for (keys, attrs) in attributes {
        let other = keys.words().next().filter(|_| keys.counter.is_none() && keys.gauge.is_none());
        if let (true, Some(word)) = (has_several, other) {
            diag.error(
                word,
                format!("`{word}` belongs to none of the computed metrics of `{}`; put it into the attribute of the metric that it is for", field.ident),
            );
            continue;
        }
        let help = Some(first_paragraph(attrs)).filter(|help| !help.is_empty());
        let help = help.unwrap_or_else(|| first_paragraph(field.attrs));
        checked.extend(check_keys(diag, context, field, keys, help, are_parsed));
    }
    checked
}

/// Checks a field with the keys of one or all of its attributes.
fn check_keys<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'a>,
    keys: FieldKeys,
    help: String,
    are_parsed: bool,
) -> Option<(Field<'a>, FieldKeys)> {
    let errors = diag.count();
    check_combination(diag, &keys);
    let has_valid_keys = are_parsed && diag.count() == errors;
    let role = if keys.skip.is_some() {
        if context.has_storage && !is_phantom_data(field.ty) {
            diag.error(
                field.ty,
                "only a `PhantomData` can be skipped in a struct with `storage`; move other fields to another struct",
            );
        }
        Role::Skip
    } else if keys.flatten.is_some() {
        check_no_cycle(diag, context, field)?;
        let own = keys.prefix.as_ref().and_then(|prefix| check_prefix(diag, prefix));
        Role::Flatten {
            prefix: format!("{}{}", context.prefix, own.unwrap_or_default()),
            labels: check_labels(diag, &context.labels, keys.labels.as_ref()),
        }
    } else {
        Role::Metric(check_metric(diag, context, field, &keys, help)?)
    };
    let &NamedField { attrs, vis, ident, ty } = field;
    let field = Field {
        ident,
        vis,
        ty,
        attrs: attrs.iter().filter(|attr| is_copied_to_storage(attr)).collect(),
        generic: mentions(ty, &context.parameters),
        is_deprecated: is_deprecated(attrs),
        role,
        has_valid_keys: has_valid_keys && context.has_valid_keys,
    };
    Some((field, keys))
}

/// Refuses a struct inside itself. A cycle through another struct is found by the compiler alone.
fn check_no_cycle(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'_>,
) -> Option<()> {
    let path = path(pointee(field.ty)).filter(|path| path.segments.len() == 1);
    let word = path.and_then(|path| path.segments.first()).map(|first| &first.ident);
    if !word.is_some_and(|word| word == context.ident || word == "Self") {
        return Some(());
    }
    let ident = context.ident;
    diag.error(
        field.ty,
        format!("`{ident}` cannot be flattened into itself; move the metrics that both share to another struct"),
    );
    None
}

/// Refuses keys that cannot be combined.
fn check_combination(diag: &mut Diagnostics, keys: &FieldKeys) {
    for key in keys.words() {
        let word = key.to_string();
        if keys.skip.is_some() && word != "skip" {
            diag.error(
                key,
                format!("`{word}` cannot be combined with `skip`; remove one of the two"),
            );
        } else if keys.flatten.is_some()
            && !["flatten", "labels", "prefix", "skip"].contains(&&*word)
        {
            let instead = if word == "name" { "use `prefix`, or " } else { "" };
            diag.error(key, format!("`{word}` cannot be combined with `flatten`; {instead}put it on a field of the flattened struct"));
        } else if keys.flatten.is_none() && word == "prefix" {
            diag.error(
                key,
                "`prefix` on a field requires `flatten`; use `name = \"…\"` to name one metric",
            );
        }
    }
}

fn check_metric<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'a>,
    keys: &FieldKeys,
    help: String,
) -> Option<Metric<'a>> {
    let name = check_name(diag, &context.prefix, field.ident, keys);
    let unit = keys.unit.as_ref().and_then(|unit| check_unit(diag, unit));
    let labels = check_labels(diag, &context.labels, keys.labels.as_ref());
    let source = check_source(diag, context, field, keys)?;
    if let (Some(Key { key, .. }), true) = (&keys.errors, is_gauge(field.ty, &source)) {
        let counter = if context.has_storage { "u64" } else { "Counter" };
        diag.error(
            key,
            format!("`errors` requires a counter, and `{}` is a gauge; change its type to `{counter}`, or remove `errors`", field.ident),
        );
        return None;
    }
    let objective = check_objective(diag, field, keys, &source);
    Some(Metric {
        name: format!("{}{}", context.prefix, name?),
        prefix_len: context.prefix.len(),
        help: keys.help.as_ref().map_or(help, |help| help.value.value()),
        unit,
        labels,
        errors: keys.errors.is_some(),
        objective,
        source,
    })
}

/// Checks the objective of a metric. Whether its threshold is a bound of the buckets is checked by the compiler.
fn check_objective(
    diag: &mut Diagnostics,
    field: &NamedField<'_>,
    keys: &FieldKeys,
    source: &Source<'_>,
) -> Option<Objective> {
    let Key { key, value: ObjectiveKeys { of, within, .. } } = keys.objective.as_ref()?;
    if let Some(kind) = kind_of_number(field.ty, source) {
        diag.error(
            key,
            format!("`objective` requires a histogram, and `{}` is a {kind}; remove `objective`, or put it on a histogram", field.ident),
        );
        return None;
    }
    match (within, of) {
        (Some(within), Some(of)) => {
            return Some(Objective {
                within: within.value.value(),
                span: within.value.span(),
                billionths: of.value.billionths,
            });
        }
        (None, _) => diag.error(
            key,
            "`objective` requires `within`; name the bucket bound, such as `within = \"100ms\"`",
        ),
        (_, None) => diag.error(
            key,
            "`objective` requires `of`; give the percentage of values within the bound, such as `of = 99.9`",
        ),
    }
    None
}

/// Checks where the value of a metric is, and whether it can be there.
fn check_source<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'a>,
    keys: &FieldKeys,
) -> Option<Source<'a>> {
    if keys.counter.is_some() || keys.gauge.is_some() {
        return check_computed(diag, context, keys).map(Source::Computed);
    }
    check_layout(diag, context, field, keys)?;
    if !context.has_storage {
        if context.has_valid_keys {
            check_not_a_number(diag, field.ty)?;
        }
        return Some(Source::Field);
    }
    let Some(written) = written(field.ty) else {
        if context.has_valid_keys {
            diag.error(
                field.ty,
                "a metric in a struct with `storage` is a `u64` (counter), `i64` or `f64` (gauge), `Distribution<…>` (histogram), or a `Family<…>` of these; use `flatten` for a nested struct with `storage`",
            );
        }
        return None;
    };
    let is_sharded = keys.sharded.is_some();
    let instrument = match written.instrument {
        StorageInstrument::Counter if is_sharded => StorageInstrument::ShardedCounter,
        StorageInstrument::Histogram(buckets) if is_sharded => {
            StorageInstrument::ShardedHistogram(buckets)
        }
        instrument => instrument,
    };
    let padded = !is_sharded && (context.is_padded || keys.padded.is_some());
    Some(Source::Written(Written { instrument, padded, ..written }))
}

/// Checks a value that is computed when it is read.
fn check_computed(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    keys: &FieldKeys,
) -> Option<Computed> {
    let (kind, Key { key, value }) = match (&keys.counter, &keys.gauge) {
        (Some(counter), None) => (ComputedKind::Counter, counter),
        (None, Some(gauge)) => (ComputedKind::Gauge, gauge),
        (Some(_), Some(Key { key, .. })) => {
            diag.error(
                key,
                "`gauge` cannot be combined with `counter`; a metric is one of the two",
            );
            return None;
        }
        (None, None) => return None,
    };
    let errors = diag.count();
    if context.has_storage {
        diag.error(
            key,
            format!("`{key}` computes a value, and a struct with `storage` keeps only values of its own; move the field to a struct without `storage`"),
        );
    }
    for other in keys.words() {
        let word = other.to_string();
        if ["errors", "objective", "padded", "sharded"].contains(&&*word) {
            diag.error(
                other,
                format!("`{word}` cannot be combined with `{key}`, whose value is computed when it is read; remove one of the two"),
            );
        }
    }
    (diag.count() == errors).then(|| Computed { kind, value: value.clone() })
}

/// Refuses padding and sharding if the derive does not choose the field's type, or cannot do so.
fn check_layout(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'_>,
    keys: &FieldKeys,
) -> Option<()> {
    let FieldKeys { padded, sharded, .. } = keys;
    match (padded, sharded) {
        (Some(Key { key, .. }), _) if !context.has_storage => diag.error(
            key,
            "`padded` requires `storage` on the struct; wrap the field's type in `CachePadded` instead",
        ),
        (_, Some(Key { key, .. })) if !context.has_storage => diag.error(
            key,
            "`sharded` requires `storage` on the struct; use `ShardedCounter` for the field's type instead",
        ),
        (Some(Key { key, .. }), Some(_)) => diag.error(
            key,
            "`padded` cannot be combined with `sharded`, which uses cache lines of its own; remove `padded`",
        ),
        (None, Some(Key { key, .. })) if written(field.ty).is_some_and(|it| it.is_gauge()) => diag.error(
            key,
            format!("`sharded` requires a counter or a histogram, and `{}` is a gauge; remove `sharded`", field.ident),
        ),
        _ => return Some(()),
    }
    None
}

/// Refuses plain numbers, which cannot be changed through `&self`.
fn check_not_a_number(diag: &mut Diagnostics, ty: &Type) -> Option<()> {
    let name = primitive(ty).unwrap_or_default();
    let fix = match name.as_str() {
        "u64" => "use `Counter`, or add `#[metrics(storage = …)]` to the struct",
        "i64" => "use `Gauge`, or add `#[metrics(storage = …)]` to the struct",
        "u8" | "u16" | "u32" | "u128" | "usize" => "use `Counter`",
        "i8" | "i16" | "i32" | "i128" | "isize" => "use `Gauge`",
        "f32" | "f64" => "use `FloatGauge`",
        _ => return Some(()),
    };
    diag.error(ty, format!("`{name}` is not a metric type; {fix}"));
    None
}

/// Whether an attribute has the same meaning on the generated struct of atomics.
pub(super) fn is_copied_to_storage(attr: &Attribute) -> bool {
    const COPIED: [&str; 5] = ["allow", "cfg", "deprecated", "doc", "expect"];
    COPIED.iter().any(|word| attr.path().is_ident(word))
}

pub(super) fn is_deprecated(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("deprecated"))
}

/// Returns the instrument that a field of a plain struct becomes in the generated struct, by the spelling of its type.
pub(crate) fn written(ty: &Type) -> Option<Written<'_>> {
    if let Some(instrument) = storage_instrument(ty) {
        return Some(Written { instrument, label: None, padded: false });
    }
    let is_family = last_word(ty).is_some_and(|word| word == "Family");
    match arguments(ty).filter(|_| is_family)?.as_slice() {
        [label, value] => {
            let instrument = storage_instrument(value)?;
            Some(Written { instrument, label: Some(label), padded: false })
        }
        _ => None,
    }
}

fn storage_instrument(ty: &Type) -> Option<StorageInstrument<'_>> {
    match primitive(ty).as_deref() {
        Some("u64") => return Some(StorageInstrument::Counter),
        Some("i64") => return Some(StorageInstrument::Gauge),
        Some("f64") => return Some(StorageInstrument::FloatGauge),
        _ => {}
    }
    let is_distribution = last_word(ty).is_some_and(|word| word == "Distribution");
    only_argument(ty).filter(|_| is_distribution).map(StorageInstrument::Histogram)
}

impl Written<'_> {
    fn is_gauge(&self) -> bool {
        matches!(self.instrument, StorageInstrument::Gauge | StorageInstrument::FloatGauge)
    }
}

/// The kind of a metric whose type is spelled as one that is not a histogram.
fn kind_of_number(ty: &Type, source: &Source<'_>) -> Option<&'static str> {
    let is_gauge = match source {
        Source::Written(written) => match written.instrument {
            StorageInstrument::Histogram(_) | StorageInstrument::ShardedHistogram(_) => {
                return None;
            }
            _ => written.is_gauge(),
        },
        Source::Field => match last_word(instrument(ty)).as_deref() {
            Some("Counter" | "ShardedCounter" | "AtomicU64") => false,
            Some("Gauge" | "FloatGauge" | "Peak" | "AtomicI64") => true,
            _ => return None,
        },
        // Reported by the check of the key that computes it.
        Source::Computed(_) => return None,
    };
    Some(if is_gauge { "gauge" } else { "counter" })
}

/// Whether the type is spelled as a gauge. One that is hidden, for example by an alias, is found by the compiler.
fn is_gauge(ty: &Type, source: &Source<'_>) -> bool {
    match source {
        Source::Written(written) => written.is_gauge(),
        Source::Field => matches!(last_word(ty).as_deref(), Some("Gauge" | "AtomicI64")),
        Source::Computed(_) => false,
    }
}
