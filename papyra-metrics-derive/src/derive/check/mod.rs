//! Checks the parsed item and builds the model. Every user error is reported here; later stages cannot fail.

mod field;
mod labels;
mod names;

pub(crate) use self::field::written;

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, GenericParam, Meta};

use self::field::{StructContext, check_field, is_copied_to_storage, is_deprecated};
use self::labels::check_labels;
use self::names::{check_names, check_one_error_counter, check_prefix, possible_collisions};
use super::input::{NamedField, named_fields};
use crate::attr::{self, FieldKeys, Key, StructKeys};
use crate::derive::model::{Field, Model, Storage};
use crate::diag::Diagnostics;
use crate::krate::CratePath;

/// Builds the model. If an error was reported, it lacks what the error is about and must not be expanded.
pub(crate) fn check_item<'a>(diag: &mut Diagnostics, item: &'a DeriveInput) -> Option<Model<'a>> {
    let errors = diag.count();
    let keys = attr::parse_struct_keys(diag, &item.attrs);
    let has_valid_keys = diag.count() == errors;
    let fields = check_shape(diag, item)?;
    let has_storage = keys.is_given("storage");
    if let (Some(Key { key, .. }), false) = (&keys.padded, has_storage) {
        diag.error(
            key,
            "`padded` requires `storage`; use `CachePadded<Counter>` for the types of the fields instead",
        );
    }
    let StructKeys { krate, labels, padded, prefix, storage, .. } = keys;
    let storage = storage.and_then(|key| check_storage(diag, item, key));
    let context = StructContext {
        ident: &item.ident,
        prefix: prefix.and_then(|prefix| check_prefix(diag, &prefix)).unwrap_or_default(),
        labels: check_labels(diag, &[], labels.as_ref()),
        parameters: parameters(item),
        has_storage,
        has_valid_keys,
        is_padded: padded.is_some(),
    };
    let checked: Vec<(Field<'_>, FieldKeys)> =
        fields.iter().flat_map(|field| check_field(diag, &context, field)).collect();
    check_names(diag, &checked);
    check_one_error_counter(diag, &checked);
    let fields: Vec<Field<'_>> = checked.into_iter().map(|(field, _)| field).collect();
    Some(Model {
        krate: CratePath::new(krate),
        vis: &item.vis,
        ident: &item.ident,
        is_deprecated: is_deprecated(&item.attrs),
        generics: &item.generics,
        allowed_lints: allowed_lints(item),
        suspects: possible_collisions(&fields),
        fields,
        storage,
    })
}

/// Lints that are allowed or expected on the struct or a field. An `expect` is fulfilled by the item that it is on, so it
/// becomes an `allow`.
fn allowed_lints(item: &DeriveInput) -> Vec<TokenStream> {
    let fields = named_fields(item).into_iter().flatten().flat_map(|field| field.attrs);
    let lints = item.attrs.iter().chain(fields).filter_map(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => {
            let lints = &list.tokens;
            Some(quote!(#[allow(#lints)]))
        }
        _ => None,
    });
    let mut seen = HashSet::new();
    lints.filter(|lints| seen.insert(lints.to_string())).collect()
}

fn parameters(item: &DeriveInput) -> Vec<&Ident> {
    let parameters = item.generics.params.iter();
    let named = parameters.filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
    });
    named.collect()
}

fn check_shape<'a>(diag: &mut Diagnostics, item: &'a DeriveInput) -> Option<Vec<NamedField<'a>>> {
    let ident = &item.ident;
    let fields = named_fields(item);
    let mut refuse = |keyword: &dyn ToTokens, a: &str| {
        diag.error(
            keyword,
            format!("`Metrics` cannot be derived for {a}; make `{ident}` a struct with a named field for each metric"),
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

fn check_storage<'a>(
    diag: &mut Diagnostics,
    item: &'a DeriveInput,
    Key { value: ident, .. }: Key<Ident>,
) -> Option<Storage<'a>> {
    if ident == item.ident {
        diag.error(
            &ident,
            format!("`{ident}` is the name of this struct; use another one for the generated struct of atomics"),
        );
        return None;
    }
    let attrs = item.attrs.iter().filter(|attr| is_copied_to_storage(attr)).collect();
    Some(Storage { ident, attrs })
}
