//! Checks the parsed item and builds the model. Later stages report no errors.

mod field;
mod labels;
mod names;
mod plain;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Data, DeriveInput, GenericParam, Meta};

use self::field::{StructContext, check_field, check_keys};
use self::labels::check_labels;
use self::names::{check_names, check_one_error_counter, check_prefix, possible_collisions};
use self::plain::{check_plain_field, check_storage_name, copied_to_storage, storage_bounds};
use super::input::{NamedField, is_deprecated, named_fields};
use crate::derive::model::{Field, InstrumentStruct, Model, Name, PlainStruct};
use crate::diag::Diagnostics;
use crate::keys::{FieldKeys, Key, StructKeys};
use crate::krate::CratePath;
use crate::string_set::StringSet;
use crate::template::quote;

/// Builds the model, or returns `None` if that is not possible. If an error was reported, the model may be incomplete,
/// and is passed to `fallback::expand` instead of `expand::expand`.
pub(crate) fn check_item<'a>(
    diag: &mut Diagnostics,
    item: &'a DeriveInput,
    keys: &'a StructKeys,
    has_valid_keys: bool,
) -> Option<Model<'a>> {
    let fields = check_shape(diag, item)?;
    let is_plain = keys.is_given("storage");
    if let (Some(Key { key, .. }), false) = (&keys.padded, is_plain) {
        diag.error(
            key,
            "`padded` requires `storage`; use `CachePadded<Counter>` for the types of the fields instead",
        );
    }
    if let Some(Key { value: storage, .. }) = &keys.storage {
        check_storage_name(diag, &item.ident, storage);
    }
    let prefix = keys.prefix.as_ref().and_then(|prefix| check_prefix(diag, prefix));
    let context = StructContext {
        ident: &item.ident,
        prefix: prefix.unwrap_or_default(),
        labels: check_labels(diag, &[], keys.labels.as_ref()),
        parameters: parameters(item),
        has_valid_keys,
    };
    let name = Name { ident: &item.ident, is_deprecated: is_deprecated(&item.attrs) };
    if !is_plain {
        let mut checked = Vec::new();
        for field in &fields {
            for keys in check_keys(diag, &context, field) {
                checked.extend(check_field(diag, &context, field, keys));
            }
        }
        let fields = check_together(diag, checked);
        return Some(Model::Instruments(instruments(item, keys, name, fields)));
    }
    let is_padded = keys.padded.is_some();
    let mut plain = Vec::new();
    let mut storage = Vec::new();
    for field in &fields {
        for keys in check_keys(diag, &context, field) {
            if let Some(field) = check_plain_field(diag, &context, is_padded, field, keys) {
                plain.push(field.plain);
                storage.push((field.storage, field.keys));
            }
        }
    }
    let storage = check_together(diag, storage);
    let storage_name = Name { ident: &keys.storage.as_ref()?.value, ..name };
    let mut storage = instruments(item, keys, storage_name, storage);
    storage.type_bounds = storage_bounds(&plain, &storage.fields);
    Some(Model::Plain(PlainStruct {
        vis: &item.vis,
        name,
        attrs: copied_to_storage(&item.attrs),
        fields: plain,
        storage,
    }))
}

/// Checks the fields against each other: their names or labels must differ, and at most one field may be the error
/// counter.
fn check_together<'a>(
    diag: &mut Diagnostics,
    fields: Vec<(Field<'a>, FieldKeys)>,
) -> Vec<Field<'a>> {
    check_names(diag, &fields);
    check_one_error_counter(diag, &fields);
    let mut checked = Vec::new();
    for (field, _) in fields {
        checked.push(field);
    }
    checked
}

fn instruments<'a>(
    item: &'a DeriveInput,
    keys: &StructKeys,
    name: Name<'a>,
    fields: Vec<Field<'a>>,
) -> InstrumentStruct<'a> {
    InstrumentStruct {
        krate: CratePath::new(keys.krate.as_ref()),
        name,
        generics: &item.generics,
        type_bounds: Vec::new(),
        allowed_lints: allowed_lints(item),
        suspects: possible_collisions(&fields),
        fields,
    }
}

/// Returns an `#[allow(…)]` for each lint that is allowed or expected on the struct or a field. An `expect` becomes an
/// `allow`, because an `expect` warns if generated code does not trigger the lint.
fn allowed_lints(item: &DeriveInput) -> TokenStream {
    let mut allowed = TokenStream::new();
    let mut seen = StringSet::default();
    let mut allow = |attrs: &[Attribute]| {
        for attr in attrs {
            let Meta::List(list) = &attr.meta else { continue };
            let is_lint = list.path.is_ident("allow") || list.path.is_ident("expect");
            if is_lint && seen.insert(list.tokens.to_string()) {
                let lints = &list.tokens;
                allowed.extend(quote!(#[allow(#lints)]));
            }
        }
    };
    allow(&item.attrs);
    for field in named_fields(item).unwrap_or_default() {
        allow(field.attrs);
    }
    allowed
}

fn parameters(item: &DeriveInput) -> Vec<&Ident> {
    let mut named = Vec::new();
    for parameter in &item.generics.params {
        match parameter {
            GenericParam::Lifetime(_) => {}
            GenericParam::Type(parameter) => named.push(&parameter.ident),
            GenericParam::Const(parameter) => named.push(&parameter.ident),
        }
    }
    named
}

fn check_shape<'a>(diag: &mut Diagnostics, item: &'a DeriveInput) -> Option<Vec<NamedField<'a>>> {
    let ident = &item.ident;
    let fields = named_fields(item);
    let mut refuse = |keyword: &dyn ToTokens, kind: &str| {
        diag.error(
            keyword,
            format!("`Metrics` cannot be derived for {kind}; make `{ident}` a struct with a named field for each metric"),
        );
    };
    match &item.data {
        Data::Struct(_) if fields.is_none() => diag.error(
            ident,
            format!("`Metrics` requires named fields, because a metric is named after its field; write `struct {ident} {{ … }}`"),
        ),
        Data::Struct(_) => {}
        Data::Enum(data) => refuse(&data.enum_token, "an enum"),
        Data::Union(data) => refuse(&data.union_token, "a union"),
    }
    fields
}
