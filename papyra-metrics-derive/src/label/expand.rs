//! Generates the impl of `Label`. The enum is already checked, so this stage reports no errors.

use proc_macro2::{Ident, Span, TokenStream};
use syn::DeriveInput;

use super::check::{LabelEnum, Variant};
use crate::attr;
use crate::diag::Diagnostics;
use crate::krate::{CratePath, runtime_at};
use crate::template::quote;

pub(super) fn expand(label: &LabelEnum<'_>) -> TokenStream {
    let krate = runtime_at(&label.krate, Span::call_site());
    let (ident, name) = (in_derive(label.ident), &label.name);
    let count = label.variants.len();
    let mut values = TokenStream::new();
    let mut positions = TokenStream::new();
    let mut labels = TokenStream::new();
    for (at, Variant { ident, value }) in label.variants.iter().enumerate() {
        let ident = in_derive(ident);
        values.extend(quote!(#value,));
        positions.extend(quote!(Self::#ident => #at,));
        labels.extend(quote!(#at => Self::#ident,));
    }
    let index = if label.has_default_discriminants {
        quote!(self as ::core::primitive::usize)
    } else {
        quote!(match self { #positions })
    };
    quote! {
        #[automatically_derived]
        impl #krate::Label for #ident {
            const LABELS: &'static [#krate::LabelValues] =
                &[#krate::LabelValues::__new(#name, &[#values])];
            type Members<__T> = [__T; #count];
            #[inline]
            fn index(self) -> ::core::primitive::usize {
                #index
            }
            #[inline]
            fn from_index(__index: ::core::primitive::usize) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(match __index {
                    #labels
                    _ => return ::core::option::Option::None,
                })
            }
        }
    }
}

/// Returns the errors and an impl of `Label` with a single placeholder value. The impl is emitted so that uses of the
/// enum do not cause further errors.
pub(super) fn expand_inert(item: &DeriveInput, errors: Option<&TokenStream>) -> TokenStream {
    let keys = attr::parse_enum_keys(&mut Diagnostics::default(), &item.attrs);
    let krate = runtime_at(&CratePath::new(keys.krate.as_ref()), Span::call_site());
    let ident = &item.ident;
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let (name, value, first, count) = ("label", "value", 0_usize, 1_usize);
    quote! {
        #errors
        #[automatically_derived]
        impl #impl_generics #krate::Label for #ident #ty_generics #where_clause {
            const LABELS: &'static [#krate::LabelValues] =
                &[#krate::LabelValues::__new(#name, &[#value])];
            type Members<__T> = [__T; #count];
            fn index(self) -> ::core::primitive::usize { #first }
            fn from_index(_: ::core::primitive::usize) -> ::core::option::Option<Self> {
                ::core::option::Option::None
            }
        }
    }
}

/// Returns the user's identifier at its own location, but with call-site hygiene. The compiler does not report such a
/// token as a use of a deprecated item.
fn in_derive(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(Span::call_site().located_at(ident.span()));
    ident
}
