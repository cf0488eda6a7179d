//! Which structs may lie in memory that several processes share: those whose fields all may.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::krate_at;
use super::visit::{expand_plain_bounds, instrument_type, span_of};
use crate::check::is_phantom_data;
use crate::model::{Model, Role};

/// `Publishable`, under a bound for each type of a field.
pub(super) fn expand_impl(model: &Model<'_>) -> TokenStream {
    let krate = krate_at(&model.krate, Span::call_site());
    let ident = model.storage.as_ref().map_or(model.ident, |storage| &storage.ident);
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let clause = model.generics.where_clause.iter();
    let own = clause.flat_map(|clause| clause.predicates.iter().map(ToTokens::to_token_stream));
    let mut seen = HashSet::new();
    let bounds = model.fields.iter().filter_map(|field| {
        let mut ty = instrument_type(model, field);
        let span = span_of(&ty);
        let krate = krate_at(&model.krate, span);
        if matches!(field.role, Role::Skip) && !is_phantom_data(field.ty) {
            // Not named: a private type in a public bound would count as public, and lints ask more of those.
            ty = quote_spanned!(span=> #krate::__private::SkippedField);
        }
        // The lifetime, which nothing uses, has the compiler ask at the use and not here.
        seen.insert(ty.to_string())
            .then(|| quote_spanned!(span=> for<'__use> #ty: #krate::__private::Publishable))
    });
    let predicates = own.chain(expand_plain_bounds(model)).chain(bounds);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::__private::Publishable for #ident #ty_generics
        where
            #(#predicates,)*
        {
            fn only_the_derive_may_implement_this() {}
        }
    }
}
