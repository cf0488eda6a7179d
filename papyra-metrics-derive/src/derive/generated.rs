//! Chooses the instrument that is generated for a field of a struct with `#[metrics(storage = …)]`. The name of the
//! field's type determines the instrument: a `Counter` for a `u64`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;

use crate::template::quote_spanned;
use crate::types::{arguments, last_word, only_argument, primitive};

/// The instrument that is generated for a field of a struct with `storage`.
pub(crate) struct GeneratedInstrument<'a> {
    pub(crate) instrument: StorageInstrument<'a>,
    /// The type of the label, if the field is a `Family` of these instruments.
    pub(crate) label: Option<&'a Type>,
    /// Whether the instrument is wrapped in `CachePadded`.
    pub(crate) is_padded: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum StorageInstrument<'a> {
    Counter,
    ShardedCounter,
    Gauge,
    FloatGauge,
    /// A histogram with buckets of this type.
    Histogram(&'a Type),
    ShardedHistogram(&'a Type),
}

impl<'a> GeneratedInstrument<'a> {
    /// Returns the instrument that stores the values of a field of this type, or `None` if no instrument can store
    /// them.
    pub(crate) fn of(ty: &'a Type) -> Option<Self> {
        if let Some(instrument) = StorageInstrument::of(ty) {
            return Some(Self { instrument, label: None, is_padded: false });
        }
        let is_family = last_word(ty).is_some_and(|word| word == "Family");
        match arguments(ty).filter(|_| is_family)?.as_slice() {
            [label, value] => {
                let instrument = StorageInstrument::of(value)?;
                Some(Self { instrument, label: Some(label), is_padded: false })
            }
            _ => None,
        }
    }

    pub(crate) fn is_gauge(&self) -> bool {
        matches!(self.instrument, StorageInstrument::Gauge | StorageInstrument::FloatGauge)
    }

    pub(crate) fn is_histogram(&self) -> bool {
        use StorageInstrument::{Histogram, ShardedHistogram};
        matches!(self.instrument, Histogram(_) | ShardedHistogram(_))
    }

    /// Returns the type of the instrument, with `runtime` as the path of the module that contains it.
    pub(crate) fn ty(&self, runtime: &TokenStream, span: Span) -> TokenStream {
        let mut ty = match self.instrument {
            StorageInstrument::Counter => quote_spanned!(span=> #runtime::Counter),
            StorageInstrument::ShardedCounter => quote_spanned!(span=> #runtime::ShardedCounter),
            StorageInstrument::Gauge => quote_spanned!(span=> #runtime::Gauge),
            StorageInstrument::FloatGauge => quote_spanned!(span=> #runtime::FloatGauge),
            StorageInstrument::Histogram(buckets) => {
                quote_spanned!(span=> #runtime::Histogram<#buckets>)
            }
            StorageInstrument::ShardedHistogram(buckets) => {
                quote_spanned!(span=> #runtime::ShardedHistogram<#buckets>)
            }
        };
        if let Some(label) = self.label {
            ty = quote_spanned!(span=> #runtime::Family<#label, #ty>);
        }
        if self.is_padded {
            ty = quote_spanned!(span=> #runtime::CachePadded<#ty>);
        }
        ty
    }
}

impl<'a> StorageInstrument<'a> {
    fn of(ty: &'a Type) -> Option<Self> {
        match primitive(ty).as_deref() {
            Some("u64") => return Some(Self::Counter),
            Some("i64") => return Some(Self::Gauge),
            Some("f64") => return Some(Self::FloatGauge),
            _ => {}
        }
        let is_distribution = last_word(ty).is_some_and(|word| word == "Distribution");
        only_argument(ty).filter(|_| is_distribution).map(Self::Histogram)
    }
}

/// Returns the trait through which generated code uses the storage of a flattened field in a struct with `storage`. If
/// the type of the field depends on a parameter, the trait is `HasStorage`, and a bound requires it. Otherwise, it is
/// `HasStorage<{ … }>` with an expression that is `false` if the type has no storage. Every type implements
/// `HasStorage<false>`. So a type without storage causes only one error, in the assertion that uses
/// `HasStorage::ASSERTED`.
pub(crate) fn storage_trait(
    ty: &Type,
    depends_on_parameters: bool,
    runtime: &TokenStream,
) -> TokenStream {
    let span = span_of(ty);
    if depends_on_parameters {
        return quote_spanned!(span=> #runtime::HasStorage);
    }
    quote_spanned! {span=>
        #runtime::HasStorage<{
            use #runtime::NotPlain as _;
            #runtime::StorageProbe::<#ty>::PLAIN
        }>
    }
}

/// Returns the storage of a flattened field of a struct with `storage`: the generated struct of instruments that stores
/// the values of the field.
pub(crate) fn storage_of(
    ty: &Type,
    depends_on_parameters: bool,
    runtime: &TokenStream,
) -> TokenStream {
    let plain = storage_trait(ty, depends_on_parameters, runtime);
    quote_spanned!(span_of(ty)=> <#ty as #plain>::Storage)
}

/// Returns the location of the first token, with call-site hygiene.
pub(crate) fn span_of(tokens: &dyn ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    Span::call_site().located_at(first.as_ref().map_or_else(Span::call_site, TokenTree::span))
}
