//! The types of instruments, the traits that they must implement, and the spans at which the compiler reports them.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};

use crate::derive::model::{Field, Metric, Model, Role, Source, StorageInstrument, Written};
use crate::krate::{CratePath, runtime_at};
use crate::types::is_pointer_to_fn_pointer;

/// The bounds under which the struct is `Metrics`: one for each field type that depends on a parameter.
pub(super) fn expand_bounds(model: &Model<'_>) -> Vec<TokenStream> {
    let bounds = model.fields.iter().filter(|field| field.generic).filter_map(|field| {
        let ty = bounded_type(model, field);
        let span = span_of(&ty);
        let krate = runtime_at(&model.krate, span);
        match &field.role {
            Role::Metric(Metric { source: Source::Computed(_), .. }) | Role::Skip => None,
            Role::Metric(_) => Some(quote_spanned!(span=> #ty: #krate::Metric)),
            Role::Flatten { .. } if model.storage.is_some() => None,
            Role::Flatten { .. } => Some(quote_spanned!(span=> #ty: #krate::DescriptorTable)),
        }
    });
    let mut all = expand_storage_bounds(model);
    all.extend(bounds);
    all
}

/// The bounds of the impls of a plain struct: those of the struct, and for each family whose label is a parameter that it
/// can start at zero.
pub(super) fn expand_storage_bounds(model: &Model<'_>) -> Vec<TokenStream> {
    let families = model.fields.iter().filter(|field| field.generic && field.is_written_family());
    let families = families.map(|field| {
        let instrument = instrument_type(model, field);
        let span = span_of(&instrument);
        let krate = runtime_at(&model.krate, span);
        quote_spanned!(span=> #instrument: #krate::Zero)
    });
    expand_struct_bounds(model).into_iter().chain(families).collect()
}

/// The bounds of the struct that a plain struct declares, on the flattened types that depend on its parameters.
pub(super) fn expand_struct_bounds(model: &Model<'_>) -> Vec<TokenStream> {
    if model.storage.is_none() {
        return Vec::new();
    }
    let flattened = model.flattened().filter(|field| depends_on_parameters(field));
    let bounds = flattened.map(|field| {
        let ty = field.ty;
        let plain = storage_trait(&model.krate, field);
        quote_spanned!(span_of(ty)=> #ty: #plain)
    });
    bounds.collect()
}

/// Statements that require of each field's type what the expansion would, so that the compiler reports wrong types beside
/// the errors of the checks. A type that depends on a parameter is left out, because bounds decide about it.
pub(crate) fn expand_type_asserts(model: &Model<'_>) -> TokenStream {
    let fields = model.fields.iter().filter(|field| field.has_valid_keys && !field.generic);
    let asserts = fields.filter_map(|field| {
        let ty = field.ty;
        let span = span_of(ty);
        let krate = runtime_at(&model.krate, span);
        match &field.role {
            Role::Metric(metric) if matches!(metric.source, Source::Field) => {
                let instrument = instrument_trait(&model.krate, field, metric, span);
                Some(quote_spanned!(span=> let _ = <#ty as #instrument>::KIND;))
            }
            Role::Flatten { .. } if model.storage.is_none() => {
                Some(quote_spanned!(span=> let _ = <#ty as #krate::DescriptorTable>::OWN;))
            }
            Role::Flatten { .. } => {
                Some(quote_spanned!(span=> let () = <#ty as #krate::HasStorage>::ASSERTED;))
            }
            Role::Metric(_) | Role::Skip => None,
        }
    });
    asserts.collect()
}

/// The trait that the type of a metric must implement.
pub(super) fn instrument_trait(
    krate: &CratePath,
    field: &Field<'_>,
    metric: &Metric<'_>,
    span: Span,
) -> TokenStream {
    let krate = runtime_at(krate, span);
    if metric.errors && has_concrete_type(field, metric) {
        quote_spanned!(span=> #krate::ErrorInstrument)
    } else {
        quote_spanned!(span=> #krate::Metric)
    }
}

/// The trait through which an error is counted.
pub(super) fn error_trait(
    krate: &CratePath,
    field: &Field<'_>,
    metric: &Metric<'_>,
    span: Span,
) -> TokenStream {
    let krate = runtime_at(krate, span);
    if has_concrete_type(field, metric) {
        quote_spanned!(span=> #krate::ErrorInstrument)
    } else {
        quote_spanned!(span=> #krate::Inc)
    }
}

/// Whether the type of the error counter is known here, so that a wrong one can be reported as one error.
fn has_concrete_type(field: &Field<'_>, metric: &Metric<'_>) -> bool {
    !field.generic && matches!(metric.source, Source::Field)
}

/// The type of the field in the struct that holds the instruments.
pub(super) fn instrument_type(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let ty = field.ty;
    let span = span_of(ty);
    let krate = runtime_at(&model.krate, span);
    match &field.role {
        Role::Metric(Metric { source: Source::Written(written), .. }) => {
            written_type(written, &krate, span)
        }
        Role::Flatten { .. } if model.storage.is_some() => {
            let plain = storage_trait(&model.krate, field);
            quote_spanned!(span=> <#ty as #plain>::Storage)
        }
        _ => ty.to_token_stream(),
    }
}

/// The type of the field, as it must be written before a bound.
pub(super) fn bounded_type(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let ty = instrument_type(model, field);
    if is_pointer_to_fn_pointer(field.ty) { quote_spanned!(span_of(&ty)=> (#ty)) } else { ty }
}

/// The trait that a flattened type of a plain struct must implement. If the type depends on a parameter, a bound requires its
/// storage; otherwise the compiler looks whether it has one.
pub(super) fn storage_trait(krate: &CratePath, field: &Field<'_>) -> TokenStream {
    let ty = field.ty;
    let span = span_of(ty);
    let krate = runtime_at(krate, span);
    if depends_on_parameters(field) {
        quote_spanned!(span=> #krate::HasStorage)
    } else {
        quote_spanned! {span=>
            #krate::HasStorage<{
                use #krate::NotPlain as _;
                #krate::StorageProbe::<#ty>::PLAIN
            }>
        }
    }
}

/// Whether the type depends on a parameter of the struct, lifetimes included.
pub(super) fn depends_on_parameters(field: &Field<'_>) -> bool {
    field.generic || mentions_lifetime(field.ty.to_token_stream())
}

fn mentions_lifetime(ty: TokenStream) -> bool {
    let mut after_quote = false;
    ty.into_iter().any(|token| {
        let named = after_quote && !matches!(&token, TokenTree::Ident(name) if name == "static");
        after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        named || matches!(&token, TokenTree::Group(group) if mentions_lifetime(group.stream()))
    })
}

/// The type that replaces the one of a plain value.
pub(crate) fn written_type(written: &Written<'_>, krate: &TokenStream, span: Span) -> TokenStream {
    let mut ty = match written.instrument {
        StorageInstrument::Counter => quote_spanned!(span=> #krate::Counter),
        StorageInstrument::ShardedCounter => quote_spanned!(span=> #krate::ShardedCounter),
        StorageInstrument::Gauge => quote_spanned!(span=> #krate::Gauge),
        StorageInstrument::FloatGauge => quote_spanned!(span=> #krate::FloatGauge),
        StorageInstrument::Histogram(buckets) => {
            quote_spanned!(span=> #krate::Histogram<#buckets>)
        }
        StorageInstrument::ShardedHistogram(buckets) => {
            quote_spanned!(span=> #krate::ShardedHistogram<#buckets>)
        }
    };
    if let Some(label) = written.label {
        ty = quote_spanned!(span=> #krate::Family<#label, #ty>);
    }
    if written.padded {
        ty = quote_spanned!(span=> #krate::CachePadded<#ty>);
    }
    ty
}

/// The location of the type, with call-site hygiene.
pub(super) fn span_of(ty: &impl ToTokens) -> Span {
    let first = ty
        .to_token_stream()
        .into_iter()
        .next()
        .as_ref()
        .map_or_else(Span::call_site, TokenTree::span);
    Span::call_site().located_at(first)
}
