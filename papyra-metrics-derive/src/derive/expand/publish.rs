//! Generates the impl of `SharedMemorySafe`. A struct that implements it may be in memory that several processes share.
//! The types of all its fields must implement it too.

use proc_macro2::TokenStream;

use super::bounds::{bounded_type, expand_bounds};
use crate::derive::generated::span_of;
use crate::derive::model::{InstrumentStruct, Metric, Role, Source};
use crate::string_set::StringSet;
use crate::template::{quote, quote_spanned};

/// Returns the impl of `SharedMemorySafe`, with a bound for each field. The bound is never satisfied for a field whose
/// value is computed, or for a skipped field that is not `PhantomData`. A struct with such a field cannot be published.
pub(super) fn expand_impl(model: &InstrumentStruct<'_>) -> TokenStream {
    let ident = model.name.in_impl();
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let mut seen = StringSet::default();
    let mut bounds = expand_bounds(model);
    for field in &model.fields {
        let span = span_of(&field.ty);
        let ty = match &field.role {
            // The bound does not name the type of the field. If it did, and the type were private in a public struct,
            // lints would treat the type as public.
            Role::Skip { is_phantom_data: false } => quote_spanned!(span=> __rt::SkippedField),
            Role::Metric(Metric { source: Source::Computed(_), .. }) => {
                quote_spanned!(field.name.ident.span()=> __rt::ComputedValue)
            }
            _ => bounded_type(field),
        };
        if seen.insert(ty.to_string()) {
            // The unused lifetime makes the compiler check the bound where the struct is published, not here.
            bounds.push(quote_spanned!(span=> for<'__use> #ty: __rt::SharedMemorySafe));
        }
    }
    let where_clause = model.where_clause_with(&bounds);
    quote! {
        #[automatically_derived]
        impl #impl_generics __rt::SharedMemorySafe for #ident #ty_generics #where_clause {
            fn __metrics() -> &'static [__rt::Descriptor] {
                <Self as __rt::DescriptorTable>::METRICS
            }
        }
    }
}
