//! Which structs may lie in memory that several processes share: those whose fields all may.

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::bounds::{bounded_type, expand_bounds, expand_storage_bounds, span_of};
use crate::derive::model::{Metric, Model, Role, Source};
use crate::krate::runtime_at;
use crate::types::is_phantom_data;

/// `SharedMemorySafe`, under a bound for each type of a field, and `Publishable` if these bounds hold.
pub(super) fn expand_impls(model: &Model<'_>) -> TokenStream {
    let krate = runtime_at(&model.krate, Span::call_site());
    let ident = model.instruments_ident();
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let mut seen = HashSet::new();
    let mut in_place = expand_storage_bounds(model);
    in_place.extend(model.fields.iter().filter_map(|field| {
        let mut ty = bounded_type(model, field);
        let span = span_of(&ty);
        let krate = runtime_at(&model.krate, span);
        if matches!(field.role, Role::Skip) && !is_phantom_data(field.ty) {
            // Not named: a private type in a public bound would count as public, and lints ask more of those.
            ty = quote_spanned!(span=> #krate::SkippedField);
        }
        if let Role::Metric(Metric { source: Source::Computed(_), .. }) = field.role {
            ty = quote_spanned!(field.ident.span()=> #krate::ComputedValue);
        }
        // The unused lifetime makes the compiler check the bound where the struct is published, not here.
        seen.insert(ty.to_string())
            .then(|| quote_spanned!(span=> for<'__use> #ty: #krate::SharedMemorySafe))
    }));
    let in_place = model.where_clause_with(&in_place);
    let mut publishable = expand_bounds(model);
    publishable.push(quote!(for<'__use> #ident #ty_generics: #krate::SharedMemorySafe));
    let publishable = model.where_clause_with(&publishable);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::SharedMemorySafe for #ident #ty_generics #in_place {
            fn __sealed() {}
        }
        #[automatically_derived]
        impl #impl_generics #krate::Publishable for #ident #ty_generics #publishable {
            fn __metrics() -> &'static [#krate::Descriptor] {
                #krate::published_metrics::<Self>()
            }
        }
    }
}
