//! The struct of atomics that a plain struct declares.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use super::bounds::{
    depends_on_parameters, expand_storage_bounds, expand_struct_bounds, instrument_type, span_of,
    storage_trait,
};
use crate::derive::model::{Field, Model, Role, Storage};
use crate::krate::runtime_at;

/// The struct itself.
pub(super) fn expand_struct(model: &Model<'_>, storage: &Storage<'_>) -> TokenStream {
    let Storage { ident, attrs } = storage;
    let (vis, generics) = (model.vis, model.generics);
    let where_clause = model.where_clause_with(&expand_struct_bounds(model));
    let fields = model.fields.iter().map(|field| {
        let (attrs, vis, name) = (&field.attrs, field.vis, field.ident);
        let ty = instrument_type(model, field);
        quote!(#(#attrs)* #vis #name: #ty)
    });
    quote! {
        #(#attrs)*
        #vis struct #ident #generics #where_clause {
            #(#fields,)*
        }
    }
}

/// How it is made, shown and read.
pub(super) fn expand_impls(model: &Model<'_>) -> TokenStream {
    let krate = runtime_at(&model.krate, Span::call_site());
    let (vis, plain, ident) = (model.vis, &model.ident_in_impl(), &model.instruments_ident());
    let name = ident.unraw().to_string();
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let where_clause = model.where_clause_with(&expand_storage_bounds(model));
    let fields: Vec<_> = model.fields.iter().map(Field::ident_in_impl).collect();
    let names = fields.iter().map(|field| field.unraw().to_string());
    let news = model.fields.iter().map(|field| expand_new(model, field));
    let reads = model.fields.iter().map(|field| expand_read(model, field));
    let values = model.fields.iter().map(|field| expand_value(model, field));
    let asked = model.flattened().filter(|field| !depends_on_parameters(field)).map(|field| {
        let ty = field.ty;
        let span = span_of(ty);
        let krate = runtime_at(&model.krate, span);
        quote_spanned!(span=> const _: () = <#ty as #krate::HasStorage>::ASSERTED;)
    });
    let docs = [
        format!(" A [`{ident}`] with everything at zero."),
        format!(" The values now, since the last reset, as a [`{plain}`]."),
    ];
    let [new_doc, read_doc] = &docs;
    quote! {
        #(#asked)*
        impl #impl_generics #ident #ty_generics #where_clause {
            #[doc = #new_doc]
            #[must_use]
            #vis const fn new() -> Self {
                Self { #(#fields: #news,)* }
            }

            #[doc = #read_doc]
            #[must_use]
            #vis fn read(&self) -> #plain #ty_generics {
                #plain { #(#fields: #reads,)* }
            }
        }
        #[automatically_derived]
        impl #impl_generics ::core::default::Default for #ident #ty_generics #where_clause {
            fn default() -> Self {
                Self::new()
            }
        }
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #ident #ty_generics #where_clause {
            fn fmt(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #krate::debug(__f, #name, &[#((#names, &self.#fields),)*])
            }
        }
        #[automatically_derived]
        impl #impl_generics #krate::HasStorage for #plain #ty_generics #where_clause {
            type Storage = #ident #ty_generics;
            const NEW: Self::Storage = #ident::new();
            fn read(__storage: &Self::Storage) -> Self {
                #ident::read(__storage)
            }
            fn values(&self, __visitor: &mut dyn ::core::ops::FnMut(#krate::Value)) {
                #(#values)*
            }
        }
        #[automatically_derived]
        impl #impl_generics ::core::convert::From<&#plain #ty_generics> for #krate::PlainSnapshot #where_clause {
            fn from(__plain: &#plain #ty_generics) -> Self {
                #krate::plain_snapshot(__plain)
            }
        }
    }
}

/// The field of the storage, all zero.
fn expand_new(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let (ty, span) = (field.ty, span_of(field.ty));
    let krate = runtime_at(&model.krate, span);
    match &field.role {
        Role::Metric(_) => {
            let instrument = instrument_type(model, field);
            quote_spanned!(span=> <#instrument as #krate::Zero>::ZERO)
        }
        Role::Flatten { .. } => {
            let plain = storage_trait(&model.krate, field);
            quote_spanned!(span=> <#ty as #plain>::NEW)
        }
        Role::Skip => quote!(::core::marker::PhantomData),
    }
}

/// The field of the plain struct, from the one of the storage.
fn expand_read(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let (name, ty) = (field.ident_in_impl(), field.ty);
    let krate = runtime_at(&model.krate, span_of(ty));
    match &field.role {
        Role::Metric(_) => quote!(#krate::PlainValue::read(&self.#name)),
        Role::Flatten { .. } => {
            let plain = storage_trait(&model.krate, field);
            quote!(<#ty as #plain>::read(&self.#name))
        }
        Role::Skip => quote!(::core::marker::PhantomData),
    }
}

/// Reads the field of the plain struct.
fn expand_value(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let (name, ty) = (field.ident_in_impl(), field.ty);
    let krate = runtime_at(&model.krate, span_of(ty));
    match &field.role {
        Role::Metric(_) => quote!(#krate::ShowPlain::show(&self.#name, __visitor);),
        Role::Flatten { .. } => {
            let plain = storage_trait(&model.krate, field);
            quote!(<#ty as #plain>::values(&self.#name, __visitor);)
        }
        Role::Skip => quote!(let _ = &self.#name;),
    }
}
