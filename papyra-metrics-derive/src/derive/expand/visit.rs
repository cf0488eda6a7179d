//! The tables of a struct's metrics, and the walk over its instruments.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::derive::model::{Field, Metric, Model, Plain, Role};
use crate::krate::{CratePath, runtime_at};
use crate::types::is_pointer_to_fn_pointer;

/// `Metrics` and what stands behind it, for the struct that holds the instruments.
pub(super) fn expand_impls(model: &Model<'_>) -> TokenStream {
    let krate = runtime_at(&model.krate, Span::call_site());
    let ident = model.instruments_ident();
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let where_clause = model.where_clause_with(&expand_bounds(model));
    let own = model.metrics().map(|(field, metric)| expand_descriptor(model, field, metric));
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
            fn walk(&self, __walker: &mut dyn #krate::Walker) {
                #walk
            }
        }
        #[automatically_derived]
        impl #impl_generics #krate::DescriptorTable for #ident #ty_generics #where_clause {
            const OWN: &'static [#krate::Descriptor] = &[#(#own,)*];
            #flattened
            #composed
            #metrics
        }
        #error_counter
        #(const _: () = #checks_outside;)*
    }
}

/// What has to hold for the struct to be `Metrics`: a bound for each type of a field that depends on a parameter, and
/// no others.
pub(super) fn expand_bounds(model: &Model<'_>) -> Vec<TokenStream> {
    let bounds = model.fields.iter().filter(|field| field.generic).filter_map(|field| {
        let ty = bounded_type(model, field);
        let span = span_of(&ty);
        let krate = runtime_at(&model.krate, span);
        match &field.role {
            Role::Metric(_) => Some(quote_spanned!(span=> #ty: #krate::Instrument)),
            Role::Flatten { .. } if model.storage.is_some() => None,
            Role::Flatten { .. } => Some(quote_spanned!(span=> #ty: #krate::DescriptorTable)),
            Role::Skip => None,
        }
    });
    let mut all = expand_plain_bounds(model);
    all.extend(bounds);
    all
}

/// These bounds may be of types that are private, which is no concern of whoever reads the struct.
pub(super) fn allow_private_bounds(model: &Model<'_>) -> Option<TokenStream> {
    (!expand_plain_bounds(model).is_empty()).then(|| quote!(#[allow(private_bounds)]))
}

/// What a plain struct asks of the flattened types that depend on its parameters.
pub(super) fn expand_plain_bounds(model: &Model<'_>) -> Vec<TokenStream> {
    if model.storage.is_none() {
        return Vec::new();
    }
    let flattened = model.flattened().filter(|field| depends_on_parameters(field));
    let bounds = flattened.map(|field| {
        let ty = field.ty;
        let plain = plain_trait(&model.krate, field);
        quote_spanned!(span_of(ty)=> #ty: #plain)
    });
    bounds.collect()
}

fn expand_descriptor(model: &Model<'_>, field: &Field<'_>, metric: &Metric) -> TokenStream {
    let ty = instrument_type(model, field);
    let span = span_of(&ty);
    let krate = runtime_at(&model.krate, span);
    let Metric { name, help, prefix_len, .. } = metric;
    let help = (!help.is_empty()).then(|| quote_spanned!(span=> .with_help(#help)));
    let unit = metric.unit.as_ref().map(|unit| quote_spanned!(span=> .with_unit(#unit)));
    let instrument = instrument_trait(&model.krate, field, metric, span);
    let unit_of_buckets = field.may_be_histogram().then(|| {
        quote_spanned! {span=>
            .__with_unit_of_buckets(<#ty as #krate::Instrument>::__UNIT)
        }
    });
    let descriptor = quote_spanned! {span=>
        #krate::Descriptor::new(#name, <#ty as #instrument>::KIND)#help #unit #unit_of_buckets
    };
    if *prefix_len == 0 {
        descriptor
    } else {
        quote_spanned!(span=> #krate::prefixed(#descriptor, #prefix_len))
    }
}

fn expand_flattened(model: &Model<'_>) -> Option<TokenStream> {
    let krate = runtime_at(&model.krate, Span::call_site());
    let mut at = 0_usize;
    let mut flattened = Vec::new();
    for field in &model.fields {
        match &field.role {
            Role::Metric(_) => at += 1,
            Role::Skip => {}
            Role::Flatten { prefix } => {
                let ty = instrument_type(model, field);
                let table = runtime_at(&model.krate, span_of(&ty));
                let name = field.ident.unraw().to_string();
                let metrics =
                    quote_spanned!(span_of(&ty)=> <#ty as #table::DescriptorTable>::METRICS);
                flattened.push(quote! {
                    #krate::Flattened { at: #at, field: #name, prefix: #prefix, metrics: #metrics }
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

/// All metrics, composed; `None` if nothing is flattened.
fn expand_composed(model: &Model<'_>) -> Option<TokenStream> {
    let krate = runtime_at(&model.krate, Span::call_site());
    if model.flattened().next().is_none() {
        None
    } else if model.generics.params.is_empty() {
        Some(quote! {
            #krate::Exact::<
                Self,
                { #krate::len::<Self>() },
                { #krate::names_len::<Self>() },
            >::METRICS
        })
    } else {
        Some(quote!(#krate::SizeClasses::<Self>::METRICS))
    }
}

/// Calls that refuse metrics which cannot be told apart, each located at the field at fault.
fn expand_checks(model: &Model<'_>) -> Vec<TokenStream> {
    let ident = model.instruments_ident();
    let own: Vec<_> = model.metrics().collect();
    let this = if model.generics.params.is_empty() { quote!(#ident) } else { quote!(Self) };
    let suspects = model.suspects.iter().map(|&(a, b)| {
        let span = own[b].0.ident.span();
        let krate = runtime_at(&model.krate, span);
        quote_spanned! {span=>
            (#krate::assert_distinct)(
                &<#this as #krate::DescriptorTable>::OWN[#a],
                &<#this as #krate::DescriptorTable>::OWN[#b],
            )
        }
    });
    let flattened = model.flattened().enumerate().map(|(index, field)| {
        let span = field.ident.span();
        let krate = runtime_at(&model.krate, span);
        quote_spanned!(span=> (#krate::assert_flattens::<#this>)(#index))
    });
    suspects.chain(flattened).collect()
}

/// The instruments in declaration order: tables of those of one type that stand one after the other.
fn expand_walk(model: &Model<'_>) -> TokenStream {
    let mut walk = TokenStream::new();
    let mut runs: Vec<Run> = Vec::new();
    for field in &model.fields {
        let ident = field.ident_in_impl();
        let ty = instrument_type(model, field);
        let span = span_of(&ty);
        let krate = runtime_at(&model.krate, span);
        match &field.role {
            Role::Skip => {}
            Role::Metric(metric) => {
                let cell = quote_spanned!(span=> &self.#ident);
                let text = ty.to_string();
                match runs.last_mut() {
                    Some(run) if run.text == text && is_one_type(&text) => run.cells.push(cell),
                    _ => {
                        let instrument = instrument_trait(&model.krate, field, metric, span);
                        let show = quote_spanned!(span=> <#ty as #instrument>::__walk_batch);
                        runs.push(Run { text, show, cells: vec![cell] });
                    }
                }
            }
            Role::Flatten { .. } => {
                expand_runs(&mut runs, &mut walk);
                walk.extend(quote_spanned! {span=>
                    <#ty as #krate::DescriptorTable>::walk_flattened(&self.#ident, __walker);
                });
            }
        }
    }
    expand_runs(&mut runs, &mut walk);
    walk
}

/// Fields of one type in a row.
struct Run {
    /// The type as it is written.
    text: String,
    /// The function that shows them.
    show: TokenStream,
    cells: Vec<TokenStream>,
}

/// Whether what is written so is one type wherever it is written. (`$crate` is that of each macro.)
fn is_one_type(text: &str) -> bool {
    !text.contains('$')
}

fn expand_runs(runs: &mut Vec<Run>, walk: &mut TokenStream) {
    for Run { show, cells, .. } in runs.drain(..) {
        walk.extend(quote!(#show(&[#(#cells,)*], __walker);));
    }
}

fn expand_error_counter(
    model: &Model<'_>,
    ident: &Ident,
    where_clause: Option<&TokenStream>,
) -> Option<TokenStream> {
    let (field, metric) = model.metrics().find(|(_, metric)| metric.errors)?;
    let krate = runtime_at(&model.krate, Span::call_site());
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let counter = field.ident_in_impl();
    let ty = instrument_type(model, field);
    let span = span_of(&ty);
    let count = error_trait(&model.krate, field, metric, span);
    let count = quote_spanned!(span=> <#ty as #count>::inc(&self.#counter));
    Some(quote! {
        #[automatically_derived]
        impl #impl_generics #krate::ErrorCounter for #ident #ty_generics #where_clause {
            #[inline]
            fn count_error(&self) {
                #count;
            }
        }
    })
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
            Role::Metric(metric) if metric.plain.is_none() => {
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

/// What the field's type is asked for as an instrument.
fn instrument_trait(
    krate: &CratePath,
    field: &Field<'_>,
    metric: &Metric,
    span: Span,
) -> TokenStream {
    let krate = runtime_at(krate, span);
    if metric.errors && asks_at_once(field, metric) {
        quote_spanned!(span=> #krate::ErrorInstrument)
    } else {
        quote_spanned!(span=> #krate::Instrument)
    }
}

/// What the type of the error counter is asked for where an error is counted.
fn error_trait(krate: &CratePath, field: &Field<'_>, metric: &Metric, span: Span) -> TokenStream {
    let krate = runtime_at(krate, span);
    if asks_at_once(field, metric) {
        quote_spanned!(span=> #krate::ErrorInstrument)
    } else {
        quote_spanned!(span=> #krate::Inc)
    }
}

/// Whether the error counter's type may be wrong and is none that only bounds tell of.
fn asks_at_once(field: &Field<'_>, metric: &Metric) -> bool {
    !field.generic && metric.plain.is_none()
}

/// The type of the field in the struct that holds the instruments.
pub(super) fn instrument_type(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let ty = field.ty;
    let span = span_of(ty);
    let krate = runtime_at(&model.krate, span);
    match &field.role {
        Role::Metric(Metric { plain: Some(plain), padded, .. }) => {
            let instrument = written_instrument(*plain, &krate, span);
            if *padded {
                quote_spanned!(span=> #krate::CachePadded<#instrument>)
            } else {
                instrument
            }
        }
        Role::Flatten { .. } if model.storage.is_some() => {
            let plain = plain_trait(&model.krate, field);
            quote_spanned!(span=> <#ty as #plain>::Storage)
        }
        _ => ty.to_token_stream(),
    }
}

/// The same type where a bound follows it.
pub(super) fn bounded_type(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let ty = instrument_type(model, field);
    if is_pointer_to_fn_pointer(field.ty) { quote_spanned!(span_of(&ty)=> (#ty)) } else { ty }
}

/// What a flattened type is asked for in a plain struct. One that depends on a parameter of the struct cannot be told
/// beforehand whether it has a storage.
pub(super) fn plain_trait(krate: &CratePath, field: &Field<'_>) -> TokenStream {
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

/// Whether the type is another for other parameters of the struct, lifetimes included.
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

/// What a plain integer becomes, whether padded or not.
pub(super) fn written_instrument(plain: Plain, krate: &TokenStream, span: Span) -> TokenStream {
    match plain {
        Plain::Counter => quote_spanned!(span=> #krate::Counter),
        Plain::Gauge => quote_spanned!(span=> #krate::Gauge),
        Plain::Sharded => quote_spanned!(span=> #krate::ShardedCounter),
    }
}

/// Where the type stands. What is written with this span has the scope of the derive.
pub(super) fn span_of(ty: &impl ToTokens) -> Span {
    let first = ty
        .to_token_stream()
        .into_iter()
        .next()
        .as_ref()
        .map_or_else(Span::call_site, TokenTree::span);
    Span::call_site().located_at(first)
}
