//! Checks the fields of a struct of instruments. The module `plain` uses some of these checks for the fields of a
//! struct with `#[metrics(storage = …)]`.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::Type;

use super::labels::check_labels;
use super::names::{check_name, check_prefix, check_unit};
use crate::attr;
use crate::derive::help::first_paragraph;
use crate::derive::input::NamedField;
use crate::derive::model::{
    Computed, ComputedKind, Field, Instrument, Metric, Name, Objective, Role, Source,
};
use crate::diag::Diagnostics;
use crate::keys::{FieldKeys, Key, ObjectiveKeys};
use crate::types::{
    instrument, is_phantom_data, is_pointer_to_fn_pointer, last_word, mentions, path, pointee,
    primitive,
};

/// The properties of a struct on which the checks of its fields depend.
pub(super) struct StructContext<'a> {
    pub(super) ident: &'a Ident,
    pub(super) prefix: String,
    pub(super) labels: Vec<(String, String)>,
    /// The type and const parameters.
    pub(super) parameters: Vec<&'a Ident>,
    /// Whether the keys of the struct are valid. If they are not, the key `storage` may be missing only because it
    /// could not be parsed.
    pub(super) has_valid_keys: bool,
}

/// Checks a field of a struct of instruments.
pub(super) fn check_field<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'a>,
    CheckedKeys { keys, help, are_valid }: CheckedKeys,
) -> Option<(Field<'a>, FieldKeys)> {
    let has_bound = mentions(field.ty, &context.parameters);
    let role = if keys.skip.is_some() {
        Role::Skip { is_phantom_data: is_phantom_data(field.ty) }
    } else if keys.flatten.is_some() {
        check_flatten(diag, context, field, &keys)?
    } else {
        let common = CommonKeys::check(diag, context, field, &keys, help);
        let source = check_source(diag, context, field, &keys, has_bound)?;
        let number = match &source {
            Source::Field(_) => Number::of_instrument(field.ty),
            // `check_computed` has already reported the keys that cannot be combined with a computed value.
            Source::Computed(_) => None,
        };
        let values = Values { source, number, counter: "Counter" };
        Role::Metric(check_metric(diag, context, field, &keys, common, values)?)
    };
    let field = Field {
        name: Name { ident: field.ident, is_deprecated: field.is_deprecated() },
        ty: field.ty.to_token_stream(),
        is_parenthesized_in_bounds: is_pointer_to_fn_pointer(field.ty),
        has_bound,
        role,
        has_valid_keys: are_valid,
    };
    Some((field, keys))
}

/// The keys of a field. If several metrics are computed from the field, these are the keys of one such metric.
pub(super) struct CheckedKeys {
    pub(super) keys: FieldKeys,
    /// The help text from the doc comment. The key `help` takes precedence.
    pub(super) help: String,
    /// Whether all attributes of the field could be parsed, these keys can be combined, and the keys of the struct are
    /// valid.
    pub(super) are_valid: bool,
}

/// Parses and checks the keys of a field. Returns one item, or an item for each metric if several of the field's
/// attributes contain `counter = …` or `gauge = …`.
pub(super) fn check_keys(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'_>,
) -> Vec<CheckedKeys> {
    let errors = diag.count();
    let attributes = attr::parse_field_keys(diag, field.attrs);
    let are_parsed = diag.count() == errors && context.has_valid_keys;
    let has_several = attributes.len() > 1;
    let mut checked = Vec::new();
    for (keys, attrs) in attributes {
        let is_computed = keys.counter.is_some() || keys.gauge.is_some();
        if let (true, false, Some(word)) = (has_several, is_computed, keys.valid_keys().first()) {
            diag.error(
                word,
                format!("`{word}` is in an attribute without `counter` or `gauge`; move it to the attribute of one of the metrics computed from `{}`", field.ident),
            );
            continue;
        }
        let errors = diag.count();
        check_combination(diag, &keys);
        let mut help = first_paragraph(attrs);
        if help.is_empty() {
            help = first_paragraph(field.attrs);
        }
        checked.push(CheckedKeys { keys, help, are_valid: are_parsed && diag.count() == errors });
    }
    checked
}

/// Refuses keys that cannot be combined.
fn check_combination(diag: &mut Diagnostics, keys: &FieldKeys) {
    for key in keys.valid_keys() {
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

/// Checks a field with the key `flatten`, and returns its prefix and labels.
pub(super) fn check_flatten(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'_>,
    keys: &FieldKeys,
) -> Option<Role> {
    check_no_cycle(diag, context, field)?;
    let own = keys.prefix.as_ref().and_then(|prefix| check_prefix(diag, prefix));
    Some(Role::Flatten {
        prefix: format!("{}{}", context.prefix, own.unwrap_or_default()),
        labels: check_labels(diag, &context.labels, keys.labels.as_ref()),
    })
}

/// Refuses a struct that flattens itself. The compiler finds cycles through other structs.
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
        format!(
            "`{ident}` cannot be flattened into itself; move the shared metrics to another struct"
        ),
    );
    None
}

/// The properties of a metric that do not depend on the source of its value.
pub(super) struct CommonKeys {
    name: Option<String>,
    help: String,
    unit: Option<String>,
    labels: Vec<(String, String)>,
}

impl CommonKeys {
    pub(super) fn check(
        diag: &mut Diagnostics,
        context: &StructContext<'_>,
        field: &NamedField<'_>,
        keys: &FieldKeys,
        help: String,
    ) -> Self {
        Self {
            name: check_name(diag, &context.prefix, field.ident, keys),
            help: keys.help.as_ref().map_or(help, |help| help.value.value()),
            unit: keys.unit.as_ref().and_then(|unit| check_unit(diag, unit)),
            labels: check_labels(diag, &context.labels, keys.labels.as_ref()),
        }
    }
}

/// The source of a metric's value, and the kind of the metric.
pub(super) struct Values {
    pub(super) source: Source,
    /// The kind of the metric, if the name of its type shows that it is a counter or a gauge.
    pub(super) number: Option<Number>,
    /// The type that messages suggest for a counter: `Counter`, or `u64` in a struct with `storage`.
    pub(super) counter: &'static str,
}

/// The kind of a metric whose value is a single number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Counter,
    Gauge,
}

impl Number {
    /// Returns the kind of an instrument whose type has a known name. Returns `None` for any other type: a histogram, a
    /// family or an alias. The compiler then checks whether the keys fit the type.
    fn of_instrument(ty: &Type) -> Option<Self> {
        match last_word(instrument(ty)).as_deref() {
            Some("Counter" | "ShardedCounter" | "AtomicU64") => Some(Self::Counter),
            Some("Gauge" | "FloatGauge" | "Peak" | "AtomicI64") => Some(Self::Gauge),
            _ => None,
        }
    }
}

/// Checks the keys that depend on the kind of the metric, and returns the metric.
pub(super) fn check_metric(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'_>,
    keys: &FieldKeys,
    common: CommonKeys,
    values: Values,
) -> Option<Metric> {
    let Values { source, number, counter } = values;
    if let (Some(Key { key, .. }), Some(Number::Gauge)) = (&keys.errors, number) {
        diag.error(
            key,
            format!("`errors` requires a counter, and `{}` is a gauge; change its type to `{counter}`, or remove `errors`", field.ident),
        );
        return None;
    }
    let objective = check_objective(diag, field, keys, number);
    let CommonKeys { name, help, unit, labels } = common;
    Some(Metric {
        name: format!("{}{}", context.prefix, name?),
        prefix_len: context.prefix.len(),
        help,
        unit,
        labels,
        is_error_counter: keys.errors.is_some(),
        objective,
        source,
    })
}

/// Checks the objective of a metric. The compiler checks that its threshold is a bucket bound.
fn check_objective(
    diag: &mut Diagnostics,
    field: &NamedField<'_>,
    keys: &FieldKeys,
    number: Option<Number>,
) -> Option<Objective> {
    let Key { key, value: ObjectiveKeys { of, within, .. } } = keys.objective.as_ref()?;
    if let Some(number) = number {
        let kind = if number == Number::Gauge { "gauge" } else { "counter" };
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

/// Determines the source of the value of a metric, and checks that the field can have this source.
fn check_source(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'_>,
    keys: &FieldKeys,
    is_generic: bool,
) -> Option<Source> {
    match (&keys.counter, &keys.gauge) {
        (Some(counter), None) => {
            return check_computed(diag, keys, counter, ComputedKind::Counter);
        }
        (None, Some(gauge)) => return check_computed(diag, keys, gauge, ComputedKind::Gauge),
        (Some(_), Some(Key { key, .. })) => {
            diag.error(key, "`gauge` cannot be combined with `counter`; remove one of the two");
            return None;
        }
        (None, None) => {}
    }
    check_layout(diag, keys)?;
    if context.has_valid_keys {
        check_not_a_number(diag, field.ty)?;
    }
    let word = last_word(instrument(field.ty)).unwrap_or_default();
    let is_one_of = |known: &[&str]| known.contains(&word.as_str());
    let is_number = Number::of_instrument(field.ty).is_some();
    let errors = keys.errors.is_some();
    Some(Source::Field(Instrument {
        may_be_histogram: !errors && !is_number,
        may_be_family: !is_number && !is_one_of(&["Histogram", "ShardedHistogram"]),
        is_known_error_counter: errors && !is_generic,
    }))
}

/// Checks a field with `counter = …` or `gauge = …`, whose value is computed when the metric is read.
fn check_computed(
    diag: &mut Diagnostics,
    keys: &FieldKeys,
    Key { key, value }: &Key<proc_macro2::TokenStream>,
    kind: ComputedKind,
) -> Option<Source> {
    let errors = diag.count();
    for other in keys.valid_keys() {
        let word = other.to_string();
        if ["errors", "objective", "padded", "sharded"].contains(&&*word) {
            diag.error(
                other,
                format!("`{word}` cannot be combined with `{key}`, whose value is computed when it is read; remove one of the two"),
            );
        }
    }
    (diag.count() == errors).then(|| Source::Computed(Computed { kind, value: value.clone() }))
}

/// Refuses `padded` and `sharded` in a struct without `storage`, because the user chooses the types of its fields.
fn check_layout(diag: &mut Diagnostics, keys: &FieldKeys) -> Option<()> {
    if let Some(Key { key, .. }) = &keys.padded {
        diag.error(
            key,
            "`padded` requires `storage` on the struct; wrap the field's type in `CachePadded` instead",
        );
    } else if let Some(Key { key, .. }) = &keys.sharded {
        diag.error(
            key,
            "`sharded` requires `storage` on the struct; use `ShardedCounter` for the field's type instead",
        );
    } else {
        return Some(());
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
        "f64" => "use `FloatGauge`, or add `#[metrics(storage = …)]` to the struct",
        "f32" => "use `FloatGauge`",
        _ => return Some(()),
    };
    diag.error(ty, format!("`{name}` is not a metric type; {fix}"));
    None
}
