//! Generates the struct of instruments for a struct with `#[metrics(storage = …)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Attribute;
use syn::ext::IdentExt;

use crate::derive::generated::{span_of, storage_of, storage_trait};
use crate::derive::model::{PlainField, PlainRole, PlainStruct};
use crate::krate::{runtime_alias, runtime_at};
use crate::template::{quote, quote_spanned};

/// Returns the declaration of the generated struct. It is emitted outside the `const _` block of the impls, so that the
/// user can name it.
pub(super) fn expand_struct(plain: &PlainStruct<'_>) -> TokenStream {
    let PlainStruct { vis, attrs, storage, .. } = plain;
    let (ident, generics) = (storage.name.ident, storage.generics);
    let mut bounds = Vec::new();
    let mut fields = TokenStream::new();
    for PlainField { attrs, vis, name, ty, role, .. } in &plain.fields {
        let span = span_of(ty);
        let runtime = runtime_at(&storage.krate, span);
        let instrument = match role {
            PlainRole::Value(generated) => generated.ty(&runtime, span),
            PlainRole::Nested { depends_on_parameters } => {
                if *depends_on_parameters {
                    let plain = storage_trait(ty, true, &runtime);
                    bounds.push(quote_spanned!(span=> #ty: #plain));
                }
                storage_of(ty, *depends_on_parameters, &runtime)
            }
            PlainRole::Phantom => quote!(#ty),
        };
        let (attrs, name) = (attributes(attrs), name.ident);
        fields.extend(quote!(#attrs #vis #name: #instrument,));
    }
    let where_clause = storage.where_clause_with(&bounds);
    let attrs = attributes(attrs);
    quote! {
        #attrs
        #vis struct #ident #generics #where_clause {
            #fields
        }
    }
}

fn attributes(attrs: &[&Attribute]) -> TokenStream {
    let mut all = TokenStream::new();
    for attr in attrs {
        attr.to_tokens(&mut all);
    }
    all
}

/// Returns the impls that connect the user's struct and the generated one: the constructors, `read` and `Debug` of the
/// generated struct, and the conversion of the user's struct into a snapshot.
pub(super) fn expand_impls(model: &PlainStruct<'_>) -> TokenStream {
    let (vis, plain, ident) = (model.vis, model.name.in_impl(), model.storage.name.in_impl());
    let name = ident.unraw().to_string();
    let (impl_generics, ty_generics, _) = model.storage.generics.split_for_impl();
    let where_clause = model.storage.where_clause_with(&model.storage.type_bounds);
    let mut parts = Parts::default();
    for field in &model.fields {
        parts.add(field);
    }
    let Parts { asserts, new, read, values, debug } = parts;
    let new_doc = format!(" Creates a [`{ident}`] in which every metric is zero.");
    let read_doc = format!(
        " Returns the current values as a [`{plain}`]. Counters and histograms count since the last reset."
    );
    quote! {
        #asserts
        impl #impl_generics #ident #ty_generics #where_clause {
            #[doc = #new_doc]
            #[must_use]
            #vis const fn new() -> Self {
                Self { #new }
            }

            #[doc = #read_doc]
            #[must_use]
            #vis fn read(&self) -> #plain #ty_generics {
                #plain { #read }
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
                __rt::debug(__f, #name, &[#debug])
            }
        }
        #[automatically_derived]
        impl #impl_generics __rt::HasStorage for #plain #ty_generics #where_clause {
            type Storage = #ident #ty_generics;
            const NEW: Self::Storage = #ident::new();
            fn read(__storage: &Self::Storage) -> Self {
                #ident::read(__storage)
            }
            fn values(&self, __visitor: &mut dyn ::core::ops::FnMut(__rt::Value)) {
                #values
            }
        }
        #[automatically_derived]
        impl #impl_generics ::core::convert::From<&#plain #ty_generics> for __rt::PlainSnapshot #where_clause {
            fn from(__plain: &#plain #ty_generics) -> Self {
                __rt::plain_snapshot(__plain)
            }
        }
    }
}

/// The parts of the impls that contain one item for each field.
#[derive(Default)]
struct Parts {
    /// Constants that require flattened types to have storage, so that the compiler reports a type without storage only
    /// once.
    asserts: TokenStream,
    /// Initializers of the fields of the generated struct, all zero.
    new: TokenStream,
    /// Initializers of the fields of the user's struct, read from the generated struct.
    read: TokenStream,
    /// Statements that call a visitor with each field of the user's struct.
    values: TokenStream,
    /// Pairs of a field's name and a reference to the field, for the impl of `Debug` for the generated struct.
    debug: TokenStream,
}

impl Parts {
    fn add(&mut self, field: &PlainField<'_>) {
        let (ident, ty) = (field.name.in_impl(), field.ty);
        let name = ident.unraw().to_string();
        let span = span_of(ty);
        let runtime = runtime_alias(span);
        let (new, read, value) = match &field.role {
            PlainRole::Value(generated) => {
                let instrument = generated.ty(&runtime, span);
                (
                    quote_spanned!(span=> <#instrument as __rt::Zero>::ZERO),
                    quote!(#runtime::PlainValue::read(&self.#ident)),
                    quote!(#runtime::ShowPlain::show(&self.#ident, __visitor);),
                )
            }
            PlainRole::Nested { depends_on_parameters } => {
                let plain = storage_trait(ty, *depends_on_parameters, &runtime);
                if !depends_on_parameters {
                    self.asserts.extend(quote_spanned! {span=>
                        const _: () = <#ty as __rt::HasStorage>::ASSERTED;
                    });
                }
                (
                    quote_spanned!(span=> <#ty as #plain>::NEW),
                    quote!(<#ty as #plain>::read(&self.#ident)),
                    quote!(<#ty as #plain>::values(&self.#ident, __visitor);),
                )
            }
            PlainRole::Phantom => (
                quote!(::core::marker::PhantomData),
                quote!(::core::marker::PhantomData),
                quote!(let _ = &self.#ident;),
            ),
        };
        self.new.extend(quote!(#ident: #new,));
        self.read.extend(quote!(#ident: #read,));
        self.values.extend(value);
        self.debug.extend(quote!((#name, &self.#ident),));
    }
}
