//! Inert impls beside errors, so that uses of the struct do not add follow-up errors.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::DeriveInput;

use super::check::written;
use super::expand::{expand_type_asserts, written_type};
use super::generics::impl_generics_with;
use super::input::named_fields;
use super::model::Model;
use crate::attr::{self, Key};
use crate::diag::Diagnostics;
use crate::krate::{CratePath, runtime_at};

pub(crate) fn expand(
    item: &DeriveInput,
    errors: Option<&TokenStream>,
    checked: Option<&Model<'_>>,
) -> TokenStream {
    let keys = attr::parse_struct_keys(&mut Diagnostics::default(), &item.attrs);
    let krate = CratePath::new(keys.krate);
    let asserts = checked.map(expand_type_asserts);
    let inert = inert(&krate, &item.ident, item, asserts.as_ref());
    let storage = keys.storage.filter(|key| key.value != item.ident);
    let storage = storage.map(|Key { value: ident, .. }| {
        let (vis, generics) = (&item.vis, &item.generics);
        let where_clause = &generics.where_clause;
        let (impl_generics, ty_generics, _) = generics.split_for_impl();
        let fields = named_fields(item).unwrap_or_default();
        let inert = self::inert(&krate, &ident, item, None);
        let idents: Vec<_> = fields.iter().map(|field| field.ident).collect();
        let visibilities = fields.iter().map(|field| field.vis);
        let krate = runtime_at(&krate, ident.span());
        let instruments: Vec<_> = fields
            .iter()
            .map(|field| {
                let written = written(field.ty);
                written.map_or_else(
                    || quote!(#krate::Counter),
                    |written| written_type(&written, &krate, ident.span()),
                )
            })
            .collect();
        let plain = &item.ident;
        quote_spanned! {ident.span()=>
            #vis struct #ident #generics #where_clause {
                #(#visibilities #idents: #instruments,)*
                __plain: ::core::marker::PhantomData<#plain #ty_generics>,
            }
            impl #impl_generics #ident #ty_generics #where_clause {
                #vis const fn new() -> Self {
                    Self { #(#idents: <#instruments as #krate::Zero>::ZERO,)* __plain: ::core::marker::PhantomData }
                }
                #vis fn read(&self) -> #plain #ty_generics { loop {} }
            }
            impl #impl_generics ::core::default::Default for #ident #ty_generics #where_clause {
                fn default() -> Self { Self::new() }
            }
            impl #impl_generics ::core::fmt::Debug for #ident #ty_generics #where_clause {
                fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::core::result::Result::Ok(())
                }
            }
            impl #impl_generics #krate::HasStorage for #plain #ty_generics #where_clause {
                type Storage = #ident #ty_generics;
                const NEW: Self::Storage = #ident::new();
                fn read(_: &Self::Storage) -> Self { loop {} }
                fn values(&self, _: &mut dyn ::core::ops::FnMut(#krate::Value)) {}
            }
            #inert
        }
    });
    quote! { #errors #inert #storage }
}

fn inert(
    krate: &CratePath,
    ident: &proc_macro2::Ident,
    item: &DeriveInput,
    asserts: Option<&TokenStream>,
) -> TokenStream {
    let krate = runtime_at(krate, ident.span());
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let error_generics = impl_generics_with(&item.generics, &quote!(__E: ?::core::marker::Sized));
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Metrics for #ident #ty_generics #where_clause {
            fn descriptors(&self) -> &[#krate::Descriptor] { &[] }
            fn walk(&self, _: &mut dyn #krate::Walker) { #asserts }
        }
        #[automatically_derived]
        impl #impl_generics #krate::DescriptorTable for #ident #ty_generics #where_clause {
            const OWN: &'static [#krate::Descriptor] = &[];
        }
        #[automatically_derived]
        impl #impl_generics #krate::SharedMemorySafe for #ident #ty_generics #where_clause {
            fn __sealed() {}
        }
        #[automatically_derived]
        impl #impl_generics #krate::Publishable for #ident #ty_generics #where_clause {
            fn __metrics() -> &'static [#krate::Descriptor] { &[] }
        }
        #[automatically_derived]
        impl #error_generics #krate::ErrorCounter<__E> for #ident #ty_generics #where_clause {
            fn count_error(_: &__E, _: &Self) {}
        }
    }
}
