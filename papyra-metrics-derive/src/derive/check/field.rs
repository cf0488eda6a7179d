//! Checks a field: its keys, its type, and both together.

use proc_macro2::Ident;
use syn::{Attribute, Type};

use super::names::{check_name, check_prefix, check_unit};
use crate::attr::{self, FieldKeys, Key};
use crate::derive::help::first_paragraph;
use crate::derive::input::NamedField;
use crate::derive::model::{Field, Metric, Role, StorageInstrument};
use crate::diag::Diagnostics;
use crate::types::{is_phantom_data, last_word, mentions, path, pointee, primitive};

/// The properties of a struct on which the checks of its fields depend.
pub(super) struct StructContext<'a> {
    pub(super) ident: &'a Ident,
    pub(super) prefix: String,
    /// The type and const parameters.
    pub(super) parameters: Vec<&'a Ident>,
    /// Whether it has the key `storage`.
    pub(super) has_storage: bool,
    /// Whether the keys are free of errors. If not, it may be meant to have another `storage`.
    pub(super) has_valid_keys: bool,
    /// Whether its metrics are padded to cache lines.
    pub(super) is_padded: bool,
}

pub(super) fn check_field<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'a>,
) -> Option<(Field<'a>, FieldKeys)> {
    let errors = diag.count();
    let keys = attr::parse_field_keys(diag, field.attrs);
    check_combination(diag, &keys);
    let has_valid_keys = diag.count() == errors;
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
        Role::Flatten { prefix: format!("{}{}", context.prefix, own.unwrap_or_default()) }
    } else {
        Role::Metric(check_metric(diag, context, field, &keys)?)
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
        } else if keys.flatten.is_some() && !["flatten", "prefix", "skip"].contains(&&*word) {
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

fn check_metric(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    field: &NamedField<'_>,
    keys: &FieldKeys,
) -> Option<Metric> {
    let name = check_name(diag, &context.prefix, field.ident, keys);
    let unit = keys.unit.as_ref().and_then(|unit| check_unit(diag, unit));
    let plain = plain(field.ty).filter(|_| context.has_storage);
    check_layout(diag, context, field, keys)?;
    if context.has_storage && plain.is_none() {
        if context.has_valid_keys {
            diag.error(
                field.ty,
                "a metric in a struct with `storage` is a `u64` (counter) or an `i64` (gauge); use `flatten` for a nested struct with `storage`",
            );
        }
        return None;
    }
    if !context.has_storage && context.has_valid_keys {
        check_not_a_number(diag, field.ty)?;
    }
    if let (Some(Key { key, .. }), true) = (&keys.errors, is_gauge(field.ty, plain)) {
        let counter = if context.has_storage { "u64" } else { "Counter" };
        diag.error(
            key,
            format!("`errors` requires a counter, and `{}` is a gauge; change its type to `{counter}`, or remove `errors`", field.ident),
        );
        return None;
    }
    let is_sharded = keys.sharded.is_some();
    let help = keys.help.as_ref().map(|help| help.value.value());
    Some(Metric {
        name: format!("{}{}", context.prefix, name?),
        prefix_len: context.prefix.len(),
        help: help.unwrap_or_else(|| first_paragraph(field.attrs)),
        unit,
        errors: keys.errors.is_some(),
        plain: if is_sharded { Some(StorageInstrument::Sharded) } else { plain },
        padded: !is_sharded && (context.is_padded || keys.padded.is_some()),
    })
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
        (None, Some(Key { key, .. })) if plain(field.ty) == Some(StorageInstrument::Gauge) => diag.error(
            key,
            format!("`sharded` requires a counter, and `{}` is a gauge; remove `sharded`", field.ident),
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

/// The instrument that an integer becomes in the generated struct.
pub(crate) fn plain(ty: &Type) -> Option<StorageInstrument> {
    match primitive(ty)?.as_str() {
        "u64" => Some(StorageInstrument::Counter),
        "i64" => Some(StorageInstrument::Gauge),
        _ => None,
    }
}

/// Whether the type is spelled as a gauge. One that is hidden, for example by an alias, is found by the compiler.
fn is_gauge(ty: &Type, plain: Option<StorageInstrument>) -> bool {
    plain == Some(StorageInstrument::Gauge)
        || matches!(last_word(ty).as_deref(), Some("Gauge" | "AtomicI64"))
}
