//! Generates impls without metrics. They are emitted together with errors, so that uses of the struct do not cause
//! further errors.

use proc_macro2::{Ident, TokenStream};
use syn::DeriveInput;

use super::expand::{expand_type_asserts, in_block};
use super::generated::GeneratedInstrument;
use super::generics::impl_generics_with;
use super::input::named_fields;
use super::model::Model;
use crate::keys::StructKeys;
use crate::krate::{CratePath, runtime_alias, runtime_at};
use crate::template::quote;

pub(crate) fn expand(
    item: &DeriveInput,
    keys: &StructKeys,
    errors: Option<&TokenStream>,
    checked: Option<&Model<'_>>,
) -> TokenStream {
    let krate = CratePath::new(keys.krate.as_ref());
    let inert = inert_metrics(item, &item.ident, checked.map(expand_type_asserts).as_ref());
    let storage = keys.storage.as_ref().map(|key| &key.value);
    let Some(storage) = storage.filter(|storage| **storage != item.ident) else {
        let block = in_block(&krate, &inert);
        return quote!(#errors #block);
    };
    let declared = declare_storage(item, storage, &krate);
    let impls = inert_storage(item, storage);
    let block = in_block(&krate, &quote!(#inert #impls));
    quote!(#errors #declared #block)
}

fn inert_metrics(item: &DeriveInput, ident: &Ident, asserts: Option<&TokenStream>) -> TokenStream {
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let error_generics = impl_generics_with(&item.generics, &quote!(__E: ?::core::marker::Sized));
    quote! {
        #[automatically_derived]
        impl #impl_generics __rt::Metrics for #ident #ty_generics #where_clause {
            fn descriptors(&self) -> &[__rt::Descriptor] { &[] }
            fn walk(&self, _: &mut dyn __rt::Walker) { #asserts }
        }
        #[automatically_derived]
        impl #impl_generics __rt::DescriptorTable for #ident #ty_generics #where_clause {
            const OWN: &'static [__rt::Descriptor] = &[];
        }
        #[automatically_derived]
        impl #impl_generics __rt::SharedMemorySafe for #ident #ty_generics #where_clause {
            fn __metrics() -> &'static [__rt::Descriptor] { &[] }
        }
        #[automatically_derived]
        impl #error_generics __rt::ErrorCounter<__E> for #ident #ty_generics #where_clause {
            fn count_error(_: &__E, _: &Self) {}
        }
    }
}

/// Declares the struct of instruments that `storage = …` names, so that its uses in the user's code cause no errors. A
/// field for which no instrument can be chosen, such as a nested struct, becomes a counter.
fn declare_storage(item: &DeriveInput, ident: &Ident, krate: &CratePath) -> TokenStream {
    let (vis, generics, plain) = (&item.vis, &item.generics, &item.ident);
    let (_, ty_generics, where_clause) = generics.split_for_impl();
    let runtime = runtime_at(krate, ident.span());
    let mut fields = TokenStream::new();
    for field in named_fields(item).unwrap_or_default() {
        let (name, vis) = (field.ident, field.vis);
        let instrument = instrument(field.ty, &runtime, ident);
        fields.extend(quote!(#vis #name: #instrument,));
    }
    quote! {
        #vis struct #ident #generics #where_clause {
            #fields
            __plain: ::core::marker::PhantomData<#plain #ty_generics>,
        }
    }
}

fn instrument(ty: &syn::Type, runtime: &TokenStream, storage: &Ident) -> TokenStream {
    GeneratedInstrument::of(ty).map_or_else(
        || quote!(#runtime::Counter),
        |generated| generated.ty(runtime, storage.span()),
    )
}

fn inert_storage(item: &DeriveInput, ident: &Ident) -> TokenStream {
    let (vis, plain) = (&item.vis, &item.ident);
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let runtime = runtime_alias(ident.span());
    let mut new = TokenStream::new();
    for field in named_fields(item).unwrap_or_default() {
        let name = field.ident;
        let instrument = instrument(field.ty, &runtime, ident);
        new.extend(quote!(#name: <#instrument as __rt::Zero>::ZERO,));
    }
    let inert = inert_metrics(item, ident, None);
    quote! {
        impl #impl_generics #ident #ty_generics #where_clause {
            #vis const fn new() -> Self {
                Self { #new __plain: ::core::marker::PhantomData }
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
        impl #impl_generics __rt::HasStorage for #plain #ty_generics #where_clause {
            type Storage = #ident #ty_generics;
            const NEW: Self::Storage = #ident::new();
            fn read(_: &Self::Storage) -> Self { loop {} }
            fn values(&self, _: &mut dyn ::core::ops::FnMut(__rt::Value)) {}
        }
        #inert
    }
}
