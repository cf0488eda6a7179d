//! Generates the impls that `#[metrics(errors)]` on a function uses to count errors in the field marked `errors`.

use proc_macro2::{Ident, TokenStream};

use super::bounds::expand_bounds;
use crate::derive::generated::span_of;
use crate::derive::generics::impl_generics_with;
use crate::derive::model::InstrumentStruct;
use crate::template::{quote, quote_spanned};

/// Returns the impl of `ErrorCounter`, and also the impl of `ErrorFamily` if the field may be a family. Returns `None`
/// if no field is marked `errors`. A counter accepts errors of any type, and a family accepts errors that convert to
/// its label.
pub(super) fn expand_impls(
    model: &InstrumentStruct<'_>,
    where_clause: Option<&TokenStream>,
) -> Option<TokenStream> {
    let (field, _) = model.metrics().into_iter().find(|(_, metric)| metric.is_error_counter)?;
    let (ident, counter, ty) = (model.name.in_impl(), field.name.in_impl(), &field.ty);
    let (_, ty_generics, _) = model.generics.split_for_impl();
    let impl_generics = impl_generics_with(model.generics, &quote!(__E: ?::core::marker::Sized));
    let span = span_of(ty);
    if !field.may_be_family() {
        let count = if field.is_known_error_counter() {
            quote_spanned!(span=> __rt::ErrorInstrument)
        } else {
            quote_spanned!(span=> __rt::Inc)
        };
        let count = quote_spanned!(span=> <#ty as #count>::inc(&__metrics.#counter));
        return Some(quote! {
            #[automatically_derived]
            impl #impl_generics __rt::ErrorCounter<__E> for #ident #ty_generics #where_clause {
                #[inline]
                fn count_error(_: &__E, __metrics: &Self) {
                    #count;
                }
            }
        });
    }
    let bounded = |bound: &str| {
        let bound = Ident::new(bound, span);
        let mut bounds = expand_bounds(model);
        bounds.push(quote_spanned!(span=> #ty: __rt::#bound<__E>));
        model.where_clause_with(&bounds)
    };
    let (by_error, by_label) = (bounded("CountError"), bounded("CountLabel"));
    let count_error =
        quote_spanned!(span=> __rt::CountError::count_error(__error, &__metrics.#counter));
    let count_label =
        quote_spanned!(span=> __rt::CountLabel::count_label(__label, &__metrics.#counter));
    let label_generics = impl_generics_with(model.generics, &quote!(__E));
    Some(quote! {
        #[automatically_derived]
        impl #impl_generics __rt::ErrorCounter<__E> for #ident #ty_generics #by_error {
            #[inline]
            fn count_error(__error: &__E, __metrics: &Self) {
                #count_error;
            }
        }
        #[automatically_derived]
        impl #label_generics __rt::ErrorFamily<__E> for #ident #ty_generics #by_label {
            #[inline]
            fn count_label(__label: __E, __metrics: &Self) {
                #count_label;
            }
        }
    })
}
