//! Generates the impls of `Metrics` and `DescriptorTable`: descriptors, flattening and the checks of names.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;

use super::bounds::instrument_trait;
use super::walk::expand_walk;
use crate::derive::generated::span_of;
use crate::derive::model::{
    Computed, ComputedKind, Field, InstrumentStruct, Metric, Objective, Role, Source,
};
use crate::template::{quote, quote_spanned};

/// Returns the impls of `Metrics` and of `DescriptorTable`, and the checks of names, which run at compile time.
pub(super) fn expand_impls(
    model: &InstrumentStruct<'_>,
    where_clause: Option<&TokenStream>,
) -> TokenStream {
    let ident = model.name.in_impl();
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let walk = expand_walk(model);
    let own = expand_own(model);
    let families = expand_families(model);
    let flattened = expand_flattened(model);
    let composed = expand_composed(model);
    let checks = expand_checks(model);
    // The compiler can check a generic struct only when its parameters are known.
    let is_generic = !model.generics.params.is_empty();
    let (mut checked, mut outside) = (TokenStream::new(), TokenStream::new());
    for check in checks {
        checked.extend(quote!(#check;));
        outside.extend(quote!(const _: () = #check;));
    }
    if is_generic {
        outside = TokenStream::new();
    }
    let checked = (is_generic && !checked.is_empty()).then(|| {
        quote! {
            const METRICS: &'static [__rt::Descriptor] = { #checked Self::COMPOSED };
        }
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics __rt::Metrics for #ident #ty_generics #where_clause {
            fn descriptors(&self) -> &[__rt::Descriptor] {
                <Self as __rt::DescriptorTable>::METRICS
            }
            fn __static_table(&self) -> __rt::StaticTable {
                <Self as __rt::DescriptorTable>::STATIC_TABLE
            }
            #[inline]
            fn walk(&self, __walker: &mut dyn __rt::Walker) {
                #walk
            }
        }
        #[automatically_derived]
        impl #impl_generics __rt::DescriptorTable for #ident #ty_generics #where_clause {
            const OWN: &'static [__rt::Descriptor] = &[#own];
            #families
            #flattened
            #composed
            #checked
        }
        #outside
    }
}

/// Returns the descriptors of the struct's own metrics, separated by commas. Flattened metrics are not included.
fn expand_own(model: &InstrumentStruct<'_>) -> TokenStream {
    let mut own = TokenStream::new();
    for (field, metric) in model.metrics() {
        let descriptor = expand_descriptor(field, metric);
        own.extend(quote!(#descriptor,));
    }
    own
}

fn expand_descriptor(field: &Field<'_>, metric: &Metric) -> TokenStream {
    let Metric { name, help, prefix_len, .. } = metric;
    let ty = &field.ty;
    let span = span_of(ty);
    let mut descriptor = match &metric.source {
        Source::Computed(Computed { kind: ComputedKind::Counter, .. }) => {
            quote_spanned!(span=> __rt::Descriptor::counter(#name))
        }
        Source::Computed(Computed { kind: ComputedKind::Gauge, .. }) => {
            quote_spanned!(span=> __rt::Descriptor::gauge(#name))
        }
        Source::Field(_) => {
            let instrument = instrument_trait(field, metric);
            // The name of the type may be an alias. So the compiler checks that the type has the kind that its name
            // suggests.
            if field.may_be_family() {
                quote_spanned!(span=> __rt::Descriptor::new(#name, <#ty as #instrument>::KIND))
            } else {
                let kind = if field.may_be_histogram() { "SINGLE" } else { "NUMBER" };
                let kind = Ident::new(kind, span);
                quote_spanned!(span=> (__rt::descriptor)(#name, <#ty as #instrument>::#kind))
            }
        }
    };
    if !help.is_empty() {
        descriptor.extend(quote_spanned!(span=> .with_help(#help)));
    }
    if let Some(unit) = &metric.unit {
        descriptor.extend(quote_spanned!(span=> .with_unit(#unit)));
    }
    if field.may_be_histogram() {
        descriptor
            .extend(quote_spanned!(span=> .__with_unit_of_buckets(<#ty as __rt::Metric>::UNIT)));
    }
    if !metric.labels.is_empty() {
        let labels = expand_labels(&metric.labels);
        descriptor.extend(quote_spanned!(span=> .with_labels(#labels)));
    }
    if let Some(Objective { within, span: at, billionths }) = &metric.objective {
        // These tokens have the span of the threshold, where the compiler reports an error if it is not a bucket bound.
        let at = Span::call_site().located_at(*at);
        descriptor.extend(quote_spanned! {at=>
            .with_objective(__rt::objective::<#ty>(#name, #within, #billionths))
        });
    }
    if metric.is_error_counter {
        descriptor.extend(quote_spanned!(span=> .into_error_counter()));
    }
    if *prefix_len == 0 {
        return descriptor;
    }
    quote_spanned!(span=> __rt::prefixed(#descriptor, #prefix_len))
}

fn expand_labels(labels: &[(String, String)]) -> TokenStream {
    let mut pairs = TokenStream::new();
    for (name, value) in labels {
        pairs.extend(quote!((#name, #value),));
    }
    quote!(&[#pairs])
}

/// Returns the constant with the labels of each family, or `None` if no metric may be a family. A metric that is not a
/// family has an empty list.
fn expand_families(model: &InstrumentStruct<'_>) -> Option<TokenStream> {
    let mut has_families = false;
    let mut families = TokenStream::new();
    for (field, metric) in model.metrics() {
        if !field.may_be_family() {
            families.extend(quote!(&[],));
            continue;
        }
        has_families = true;
        let ty = &field.ty;
        let instrument = instrument_trait(field, metric);
        families.extend(quote_spanned! {span_of(ty)=>
            (__rt::family_labels)(<#ty as #instrument>::LABELS, <#ty as #instrument>::STORED_MEMBERS),
        });
    }
    has_families.then(|| {
        quote! {
            const FAMILIES: &'static [&'static [__rt::LabelValues]] = &[#families];
        }
    })
}

fn expand_flattened(model: &InstrumentStruct<'_>) -> Option<TokenStream> {
    let mut at = 0_usize;
    let mut flattened = TokenStream::new();
    for field in &model.fields {
        let (prefix, labels) = match &field.role {
            Role::Metric(_) => {
                at += 1;
                continue;
            }
            Role::Skip { .. } => continue,
            Role::Flatten { prefix, labels } => (prefix, expand_labels(labels)),
        };
        let ty = &field.ty;
        let name = field.name.ident.unraw().to_string();
        let metrics = quote_spanned! {span_of(ty)=>
            (__rt::flattened_metrics)(<#ty as __rt::DescriptorTable>::DECLARED)
        };
        flattened.extend(quote! {
            __rt::Flattened {
                at: #at,
                field: #name,
                prefix: #prefix,
                labels: #labels,
                metrics: #metrics,
            },
        });
    }
    (!flattened.is_empty()).then(|| {
        quote! {
            const FLATTENED: &'static [__rt::Flattened] = &[#flattened];
        }
    })
}

/// Returns the constant with all descriptors, composed at compile time, or `None` if no field is flattened, has labels,
/// or may be a family.
fn expand_composed(model: &InstrumentStruct<'_>) -> Option<TokenStream> {
    if !model.is_composed() {
        return None;
    }
    let composed = if model.generics.params.is_empty() {
        quote! {
            __rt::Exact::<
                Self,
                { <Self as __rt::DescriptorTable>::SIZES.series },
                { <Self as __rt::DescriptorTable>::SIZES.keys },
                { <Self as __rt::DescriptorTable>::SIZES.key_len },
                { <Self as __rt::DescriptorTable>::SIZES.joined_labels },
            >
        }
    } else {
        quote!(__rt::SizeClasses::<Self>)
    };
    Some(quote!(const COMPOSED: &'static [__rt::Descriptor] = #composed::METRICS;))
}

/// Returns calls that fail at compile time if two metrics cannot be distinguished, or if a metric has two labels of the
/// same name. Each call is located at the field that causes the error.
fn expand_checks(model: &InstrumentStruct<'_>) -> Vec<TokenStream> {
    let ident = model.name.in_impl();
    let this = if model.generics.params.is_empty() { quote!(#ident) } else { quote!(Self) };
    let mut checks = Vec::new();
    let own = model.metrics();
    for index in &model.suspects {
        let span = own[*index].0.name.ident.span();
        checks.push(quote_spanned!(span=> (__rt::assert_distinct::<#this>)(#index)));
    }
    let mut index = 0_usize;
    for field in &model.fields {
        if let Role::Flatten { .. } = field.role {
            let span = field.name.ident.span();
            checks.push(quote_spanned!(span=> (__rt::assert_flattens::<#this>)(#index)));
            index += 1;
        }
    }
    checks
}
