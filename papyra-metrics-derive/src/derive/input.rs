//! Finds the named fields of a struct.

use proc_macro2::Ident;
use syn::{Attribute, Data, DeriveInput, Fields, Type, Visibility};

use crate::attr::has_attribute;

/// A field of a struct with named fields.
pub(crate) struct NamedField<'a> {
    pub(crate) attrs: &'a [Attribute],
    pub(crate) vis: &'a Visibility,
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
}

impl NamedField<'_> {
    pub(crate) fn is_deprecated(&self) -> bool {
        is_deprecated(self.attrs)
    }
}

/// Returns whether the attributes of an item contain `#[deprecated]`.
pub(crate) fn is_deprecated(attrs: &[Attribute]) -> bool {
    has_attribute(attrs, "deprecated")
}

/// Returns the fields of a struct with named fields, or `None` for any other item.
pub(crate) fn named_fields(item: &DeriveInput) -> Option<Vec<NamedField<'_>>> {
    let Data::Struct(data) = &item.data else { return None };
    let Fields::Named(fields) = &data.fields else { return None };
    let mut named = Vec::new();
    for field in &fields.named {
        if let Some(ident) = &field.ident {
            let syn::Field { attrs, vis, ty, .. } = field;
            named.push(NamedField { attrs, vis, ident, ty });
        }
    }
    Some(named)
}
