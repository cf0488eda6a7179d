//! Checks a struct with `#[metrics(storage = …)]`, and builds the model of the struct of instruments that is generated
//! for it.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Attribute;

use super::field::{
    CheckedKeys, CommonKeys, Number, StructContext, Values, check_flatten, check_metric,
};
use crate::derive::generated::{
    GeneratedInstrument, StorageInstrument, span_of, storage_of, storage_trait,
};
use crate::derive::input::NamedField;
use crate::derive::model::{Field, Instrument, Name, PlainField, PlainRole, Role, Source};
use crate::diag::Diagnostics;
use crate::keys::{FieldKeys, Key};
use crate::krate::runtime_alias;
use crate::template::quote_spanned;
use crate::types::{is_phantom_data, mentions};

/// A checked field of a struct with `storage`, and the field that is generated for it.
pub(super) struct CheckedField<'a> {
    pub(super) plain: PlainField<'a>,
    pub(super) storage: Field<'a>,
    pub(super) keys: FieldKeys,
}

/// Refuses a `storage` that has the name of the struct itself.
pub(super) fn check_storage_name(
    diag: &mut Diagnostics,
    plain: &Ident,
    storage: &Ident,
) -> Option<()> {
    if storage != plain {
        return Some(());
    }
    diag.error(
        storage,
        format!("`{storage}` is the name of this struct; use another name for the generated struct of instruments"),
    );
    None
}

pub(super) fn check_plain_field<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    is_padded: bool,
    field: &NamedField<'a>,
    CheckedKeys { keys, help, are_valid: has_valid_keys }: CheckedKeys,
) -> Option<CheckedField<'a>> {
    let span = span_of(field.ty);
    let runtime = runtime_alias(span);
    let (plain, role, ty) = if keys.skip.is_some() {
        if !is_phantom_data(field.ty) {
            diag.error(
                field.ty,
                "`skip` in a struct with `storage` requires the type `PhantomData`; move the field to another struct",
            );
        }
        let role = Role::Skip { is_phantom_data: true };
        (PlainRole::Phantom, role, field.ty.to_token_stream())
    } else if keys.flatten.is_some() {
        let role = check_flatten(diag, context, field, &keys)?;
        let ty = field.ty.to_token_stream();
        let depends_on_parameters =
            mentions(field.ty, &context.parameters) || mentions_lifetime(ty);
        let ty = storage_of(field.ty, depends_on_parameters, &runtime);
        (PlainRole::Nested { depends_on_parameters }, role, ty)
    } else {
        let common = CommonKeys::check(diag, context, field, &keys, help);
        let generated = check_value(diag, context, is_padded, field, &keys)?;
        let source = Source::Field(Instrument {
            may_be_histogram: generated.is_histogram(),
            may_be_family: generated.label.is_some(),
            is_known_error_counter: false,
        });
        let values = Values { source, number: number_of(&generated), counter: "u64" };
        let metric = check_metric(diag, context, field, &keys, common, values)?;
        let ty = generated.ty(&runtime, span);
        (PlainRole::Value(generated), Role::Metric(metric), ty)
    };
    let name = Name { ident: field.ident, is_deprecated: field.is_deprecated() };
    let storage = Field {
        name,
        ty,
        is_parenthesized_in_bounds: false,
        has_bound: matches!(role, Role::Metric(_)) && mentions(field.ty, &context.parameters),
        role,
        has_valid_keys,
    };
    let plain = PlainField {
        name,
        vis: field.vis,
        ty: field.ty,
        attrs: copied_to_storage(field.attrs),
        role: plain,
        has_valid_keys,
    };
    Some(CheckedField { plain, storage, keys })
}

/// Checks a field that holds a plain value, and returns the instrument that is generated for it.
fn check_value<'a>(
    diag: &mut Diagnostics,
    context: &StructContext<'_>,
    is_padded: bool,
    field: &NamedField<'a>,
    keys: &FieldKeys,
) -> Option<GeneratedInstrument<'a>> {
    if let Some(Key { key, .. }) = keys.counter.as_ref().or(keys.gauge.as_ref()) {
        diag.error(
            key,
            format!("`{key}` cannot be used in a struct with `storage`, which stores each value itself; move the field to a struct without `storage`"),
        );
        return None;
    }
    let generated = GeneratedInstrument::of(field.ty);
    match (&keys.padded, &keys.sharded) {
        (Some(Key { key, .. }), Some(_)) => {
            diag.error(
                key,
                "`padded` cannot be combined with `sharded`, which already uses separate cache lines; remove `padded`",
            );
            return None;
        }
        (None, Some(Key { key, .. }))
            if generated.as_ref().is_some_and(GeneratedInstrument::is_gauge) =>
        {
            diag.error(
                key,
                format!("`sharded` requires a counter or a histogram, and `{}` is a gauge; remove `sharded`", field.ident),
            );
            return None;
        }
        _ => {}
    }
    let Some(generated) = generated else {
        if context.has_valid_keys {
            diag.error(
                field.ty,
                "a metric in a struct with `storage` must be a `u64` (counter), `i64` or `f64` (gauge), `Distribution<…>` (histogram), or a `Family<…>` of these; use `flatten` for a nested struct with `storage`",
            );
        }
        return None;
    };
    let is_sharded = keys.sharded.is_some();
    let instrument = match generated.instrument {
        StorageInstrument::Counter if is_sharded => StorageInstrument::ShardedCounter,
        StorageInstrument::Histogram(buckets) if is_sharded => {
            StorageInstrument::ShardedHistogram(buckets)
        }
        instrument => instrument,
    };
    let is_padded = !is_sharded && (is_padded || keys.padded.is_some());
    Some(GeneratedInstrument { instrument, is_padded, ..generated })
}

fn number_of(generated: &GeneratedInstrument<'_>) -> Option<Number> {
    let number = if generated.is_gauge() { Number::Gauge } else { Number::Counter };
    (!generated.is_histogram()).then_some(number)
}

/// Returns the bounds of the impls for a struct with `storage`. A flattened type that depends on a parameter must
/// implement `HasStorage`. A family whose type depends on a parameter must implement `Zero`.
pub(super) fn storage_bounds(plain: &[PlainField<'_>], storage: &[Field<'_>]) -> Vec<TokenStream> {
    let mut bounds = Vec::new();
    let mut families = Vec::new();
    for (PlainField { ty, role, .. }, storage) in plain.iter().zip(storage) {
        let span = span_of(ty);
        match role {
            PlainRole::Nested { depends_on_parameters: true } => {
                let plain = storage_trait(ty, true, &runtime_alias(span));
                bounds.push(quote_spanned!(span=> #ty: #plain));
            }
            PlainRole::Value(generated) if generated.label.is_some() && storage.has_bound => {
                let family = &storage.ty;
                families.push(quote_spanned!(span=> #family: __rt::Zero));
            }
            _ => {}
        }
    }
    bounds.append(&mut families);
    bounds
}

/// Returns the attributes that are copied to the generated struct, because they have the same meaning there.
pub(super) fn copied_to_storage(attrs: &[Attribute]) -> Vec<&Attribute> {
    const COPIED: [&str; 5] = ["allow", "cfg", "deprecated", "doc", "expect"];
    let is_copied = |attr: &&Attribute| COPIED.iter().any(|word| attr.path().is_ident(word));
    attrs.iter().filter(is_copied).collect()
}

fn mentions_lifetime(ty: TokenStream) -> bool {
    let mut after_quote = false;
    ty.into_iter().any(|token| {
        let named = after_quote && !matches!(&token, TokenTree::Ident(name) if name == "static");
        after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        named || matches!(&token, TokenTree::Group(group) if mentions_lifetime(group.stream()))
    })
}
