//! Determines the traits that the types of fields must implement, and the spans at which the compiler reports a missing
//! implementation.

use proc_macro2::TokenStream;

use crate::derive::generated::span_of;
use crate::derive::model::{
    Field, InstrumentStruct, Metric, Model, PlainField, PlainRole, PlainStruct, Role, Source,
};
use crate::template::quote_spanned;

/// Returns the bounds under which the struct implements `Metrics`: first the `type_bounds` of the model, then one bound
/// for each instrument or flattened type that depends on a parameter.
pub(super) fn expand_bounds(model: &InstrumentStruct<'_>) -> Vec<TokenStream> {
    let mut bounds = model.type_bounds.clone();
    for field in model.fields.iter().filter(|field| field.has_bound) {
        let ty = bounded_type(field);
        let span = span_of(&ty);
        bounds.extend(match &field.role {
            Role::Metric(Metric { source: Source::Field(_), .. }) => {
                Some(quote_spanned!(span=> #ty: __rt::Metric))
            }
            Role::Flatten { .. } => Some(quote_spanned!(span=> #ty: __rt::DescriptorTable)),
            Role::Metric(_) | Role::Skip { .. } => None,
        });
    }
    bounds
}

/// Returns statements that compile only if the types of the fields implement the traits that the model requires. If the
/// derive reports errors, the impls without metrics contain these statements, so that the compiler reports wrong types
/// in the same build. Fields whose keys have errors are left out. Fields whose types depend on a parameter are left out
/// too, because the impls without metrics have no bounds on these types.
pub(crate) fn expand_type_asserts(model: &Model<'_>) -> TokenStream {
    match model {
        Model::Instruments(instruments) => assert_instruments(instruments),
        Model::Plain(plain) => assert_storages(plain),
    }
}

fn assert_instruments(model: &InstrumentStruct<'_>) -> TokenStream {
    let mut asserts = TokenStream::new();
    for field in &model.fields {
        if !field.has_valid_keys || field.has_bound {
            continue;
        }
        let ty = &field.ty;
        let span = span_of(ty);
        let constant = match &field.role {
            Role::Metric(metric) => instrument_trait(field, metric)
                .map(|instrument| quote_spanned!(span=> <#ty as #instrument>::KIND)),
            Role::Flatten { .. } => {
                Some(quote_spanned!(span=> <#ty as __rt::DescriptorTable>::OWN))
            }
            Role::Skip { .. } => None,
        };
        asserts.extend(constant.map(|constant| quote_spanned!(span=> let _ = #constant;)));
    }
    asserts
}

fn assert_storages(plain: &PlainStruct<'_>) -> TokenStream {
    let mut asserts = TokenStream::new();
    for PlainField { ty, role, has_valid_keys, .. } in &plain.fields {
        if let (PlainRole::Nested { depends_on_parameters: false }, true) = (role, *has_valid_keys)
        {
            asserts.extend(quote_spanned! {span_of(ty)=>
                let () = <#ty as __rt::HasStorage>::ASSERTED;
            });
        }
    }
    asserts
}

/// Returns the trait that the type of the field must implement, or `None` if the value of the metric is computed.
pub(super) fn instrument_trait(field: &Field<'_>, metric: &Metric) -> Option<TokenStream> {
    let Source::Field(instrument) = metric.source else { return None };
    let span = span_of(&field.ty);
    Some(if instrument.is_known_error_counter {
        quote_spanned!(span=> __rt::ErrorInstrument)
    } else {
        quote_spanned!(span=> __rt::Metric)
    })
}

/// Returns the type of the field as it must be written before the `:` of a bound: in parentheses if necessary.
pub(super) fn bounded_type(field: &Field<'_>) -> TokenStream {
    let ty = &field.ty;
    if field.is_parenthesized_in_bounds { quote_spanned!(span_of(ty)=> (#ty)) } else { ty.clone() }
}
