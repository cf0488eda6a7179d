//! A struct's named fields, as they are written.

use proc_macro2::Ident;
use syn::{Attribute, Data, DeriveInput, Fields, Type, Visibility};

/// A field and its name.
pub(crate) struct NamedField<'a> {
    pub(crate) attrs: &'a [Attribute],
    pub(crate) vis: &'a Visibility,
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
}

/// The fields of a struct with named fields; `None` for any other item.
pub(crate) fn named_fields(item: &DeriveInput) -> Option<Vec<NamedField<'_>>> {
    let Data::Struct(data) = &item.data else { return None };
    let Fields::Named(fields) = &data.fields else { return None };
    let named = fields.named.iter().filter_map(|field| {
        let ident = field.ident.as_ref()?;
        Some(NamedField { attrs: &field.attrs, vis: &field.vis, ident, ty: &field.ty })
    });
    Some(named.collect())
}
