//! The impls of `Metrics` and of the descriptor table: descriptors, flattening and the checks of names.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use super::bounds::{error_trait, expand_bounds, instrument_trait, instrument_type, span_of};
use super::walk::expand_walk;
use crate::derive::generics::impl_generics_with;
use crate::derive::model::{Computed, ComputedKind, Field, Metric, Model, Objective, Role, Source};
use crate::krate::runtime_at;

/// `Metrics` and the traits that it is built on, for the struct that holds the instruments.
pub(super) fn expand_impls(model: &Model<'_>) -> TokenStream {
    let krate = runtime_at(&model.krate, Span::call_site());
    let ident = model.instruments_ident();
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let where_clause = model.where_clause_with(&expand_bounds(model));
    let own = model.metrics().map(|(field, metric)| expand_descriptor(model, field, metric));
    let families = expand_families(model);
    let flattened = expand_flattened(model);
    let walk = expand_walk(model);
    let checks = expand_checks(model);
    let (checks_inside, checks_outside) =
        if model.generics.params.is_empty() { (Vec::new(), checks) } else { (checks, Vec::new()) };
    let composed = expand_composed(model)
        .map(|composed| quote!(const COMPOSED: &'static [#krate::Descriptor] = #composed;));
    let metrics = (!checks_inside.is_empty()).then(|| {
        quote! {
            const METRICS: &'static [#krate::Descriptor] = { #(#checks_inside;)* Self::COMPOSED };
        }
    });
    let error_counter = expand_error_counter(model, &ident, where_clause.as_ref());
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Metrics for #ident #ty_generics #where_clause {
            fn descriptors(&self) -> &[#krate::Descriptor] {
                <Self as #krate::DescriptorTable>::METRICS
            }
            fn static_descriptors(&self) -> ::core::option::Option<&'static [#krate::Descriptor]> {
                ::core::option::Option::Some(<Self as #krate::DescriptorTable>::METRICS)
            }
            #[inline]
            fn __has_static_keys(&self) -> ::core::primitive::bool {
                const { #krate::all_have_keys(<Self as #krate::DescriptorTable>::METRICS) }
            }
            #[inline]
            fn walk(&self, __walker: &mut dyn #krate::Walker) {
                #walk
            }
        }
        #[automatically_derived]
        impl #impl_generics #krate::DescriptorTable for #ident #ty_generics #where_clause {
            const OWN: &'static [#krate::Descriptor] = &[#(#own,)*];
            #families
            #flattened
            #composed
            #metrics
        }
        #error_counter
        #(const _: () = #checks_outside;)*
    }
}

fn expand_descriptor(model: &Model<'_>, field: &Field<'_>, metric: &Metric<'_>) -> TokenStream {
    let ty = instrument_type(model, field);
    let span = span_of(&ty);
    let krate = runtime_at(&model.krate, span);
    let Metric { name, help, prefix_len, .. } = metric;
    let new = match &metric.source {
        Source::Computed(Computed { kind: ComputedKind::Counter, .. }) => {
            quote_spanned!(span=> #krate::Descriptor::counter(#name))
        }
        Source::Computed(Computed { kind: ComputedKind::Gauge, .. }) => {
            quote_spanned!(span=> #krate::Descriptor::gauge(#name))
        }
        Source::Field | Source::Written(_) => {
            let instrument = instrument_trait(&model.krate, field, metric, span);
            quote_spanned!(span=> #krate::Descriptor::new(#name, <#ty as #instrument>::KIND))
        }
    };
    let help = (!help.is_empty()).then(|| quote_spanned!(span=> .with_help(#help)));
    let unit = metric.unit.as_ref().map(|unit| quote_spanned!(span=> .with_unit(#unit)));
    let unit_of_buckets = field.may_be_histogram().then(|| {
        quote_spanned! {span=>
            .__with_unit_of_buckets(<#ty as #krate::Metric>::UNIT)
        }
    });
    let labels = expand_labels(&metric.labels);
    let labels = (!metric.labels.is_empty()).then(|| quote_spanned!(span=> .with_labels(#labels)));
    let objective = metric.objective.as_ref().map(|objective| {
        let Objective { within, span, billionths } = objective;
        // Located at the threshold, which the compiler looks for among the bounds.
        let span = Span::call_site().located_at(*span);
        let krate = runtime_at(&model.krate, span);
        quote_spanned! {span=>
            .with_objective(#krate::objective::<#ty>(#name, #within, #billionths))
        }
    });
    let errors = metric.errors.then(|| quote_spanned!(span=> .as_error_counter()));
    let descriptor =
        quote_spanned!(span=> #new #help #unit #unit_of_buckets #labels #objective #errors);
    if *prefix_len == 0 {
        descriptor
    } else {
        quote_spanned!(span=> #krate::prefixed(#descriptor, #prefix_len))
    }
}

fn expand_labels(labels: &[(String, String)]) -> TokenStream {
    let pairs = labels.iter().map(|(name, value)| quote!((#name, #value)));
    quote!(&[#(#pairs),*])
}

/// The labels of each metric that may be a family; empty if none may be.
fn expand_families(model: &Model<'_>) -> Option<TokenStream> {
    let krate = runtime_at(&model.krate, Span::call_site());
    let families = model.metrics().map(|(field, metric)| {
        if !field.may_be_family() {
            return quote!(&[]);
        }
        let ty = instrument_type(model, field);
        let span = span_of(&ty);
        let instrument = instrument_trait(&model.krate, field, metric, span);
        let krate = runtime_at(&model.krate, span);
        quote_spanned!(span=> (#krate::family_labels)(<#ty as #instrument>::LABELS))
    });
    model.metrics().any(|(field, _)| field.may_be_family()).then(|| {
        quote! {
            const FAMILIES: &'static [&'static [#krate::LabelValues]] = &[#(#families,)*];
        }
    })
}

fn expand_flattened(model: &Model<'_>) -> Option<TokenStream> {
    let krate = runtime_at(&model.krate, Span::call_site());
    let mut at = 0_usize;
    let mut flattened = Vec::new();
    for field in &model.fields {
        match &field.role {
            Role::Metric(_) => at += 1,
            Role::Skip => {}
            Role::Flatten { prefix, labels } => {
                let labels = expand_labels(labels);
                let ty = instrument_type(model, field);
                let table = runtime_at(&model.krate, span_of(&ty));
                let name = field.ident.unraw().to_string();
                let metrics = quote_spanned! {span_of(&ty)=>
                    (#table::flattened_metrics)(<#ty as #table::DescriptorTable>::DECLARED)
                };
                flattened.push(quote! {
                    #krate::Flattened {
                        at: #at,
                        field: #name,
                        prefix: #prefix,
                        labels: #labels,
                        metrics: #metrics,
                    }
                });
            }
        }
    }
    (!flattened.is_empty()).then(|| {
        quote! {
            const FLATTENED: &'static [#krate::Flattened] = &[#(#flattened,)*];
        }
    })
}

/// All metrics, composed; `None` if nothing is flattened and nothing has labels.
fn expand_composed(model: &Model<'_>) -> Option<TokenStream> {
    let krate = runtime_at(&model.krate, Span::call_site());
    if !model.is_composed() {
        None
    } else if model.generics.params.is_empty() {
        Some(quote! {
            #krate::Exact::<
                Self,
                { <Self as #krate::DescriptorTable>::SIZES.series },
                { <Self as #krate::DescriptorTable>::SIZES.keys },
                { <Self as #krate::DescriptorTable>::SIZES.key_len },
                { <Self as #krate::DescriptorTable>::SIZES.joined_labels },
            >::METRICS
        })
    } else {
        Some(quote!(#krate::SizeClasses::<Self>::METRICS))
    }
}

/// Calls that refuse metrics which cannot be distinguished, each located at the field that is wrong.
fn expand_checks(model: &Model<'_>) -> Vec<TokenStream> {
    let ident = model.instruments_ident();
    let own: Vec<_> = model.metrics().collect();
    let this = if model.generics.params.is_empty() { quote!(#ident) } else { quote!(Self) };
    let suspects = model.suspects.iter().map(|&index| {
        let span = own[index].0.ident.span();
        let krate = runtime_at(&model.krate, span);
        quote_spanned!(span=> (#krate::assert_distinct::<#this>)(#index))
    });
    let flattened = model.flattened().enumerate().map(|(index, field)| {
        let span = field.ident.span();
        let krate = runtime_at(&model.krate, span);
        quote_spanned!(span=> (#krate::assert_flattens::<#this>)(#index))
    });
    suspects.chain(flattened).collect()
}

/// The impls through which bare `errors` of a function counts in the marked field, of any type of error if that is a
/// counter, and otherwise of those from which its label can be made.
fn expand_error_counter(
    model: &Model<'_>,
    ident: &Ident,
    where_clause: Option<&TokenStream>,
) -> Option<TokenStream> {
    let (field, metric) = model.metrics().find(|(_, metric)| metric.errors)?;
    let krate = runtime_at(&model.krate, Span::call_site());
    let (_, ty_generics, _) = model.generics.split_for_impl();
    let error = quote!(__E: ?::core::marker::Sized);
    let impl_generics = impl_generics_with(model.generics, &error);
    let counter = field.ident_in_impl();
    let ty = instrument_type(model, field);
    let span = span_of(&ty);
    let at = runtime_at(&model.krate, span);
    if !field.may_be_family() {
        let count = error_trait(&model.krate, field, metric, span);
        let count = quote_spanned!(span=> <#ty as #count>::inc(&__metrics.#counter));
        return Some(quote! {
            #[automatically_derived]
            impl #impl_generics #krate::ErrorCounter<__E> for #ident #ty_generics #where_clause {
                #[inline]
                fn count_error(_: &__E, __metrics: &Self) {
                    #count;
                }
            }
        });
    }
    let bounded = |bound: &str| {
        let bound = Ident::new(bound, span);
        let bounds = expand_bounds(model).into_iter();
        let bounds: Vec<_> = bounds.chain([quote_spanned!(span=> #ty: #at::#bound<__E>)]).collect();
        model.where_clause_with(&bounds)
    };
    let (by_error, by_label) = (bounded("CountError"), bounded("CountLabel"));
    let count_error =
        quote_spanned!(span=> #at::CountError::count_error(__error, &__metrics.#counter));
    let count_label =
        quote_spanned!(span=> #at::CountLabel::count_label(__label, &__metrics.#counter));
    let label_generics = impl_generics_with(model.generics, &quote!(__E));
    Some(quote! {
        #[automatically_derived]
        impl #impl_generics #krate::ErrorCounter<__E> for #ident #ty_generics #by_error {
            #[inline]
            fn count_error(__error: &__E, __metrics: &Self) {
                #count_error;
            }
        }
        #[automatically_derived]
        impl #label_generics #krate::ErrorFamily<__E> for #ident #ty_generics #by_label {
            #[inline]
            fn count_label(__label: __E, __metrics: &Self) {
                #count_label;
            }
        }
    })
}
