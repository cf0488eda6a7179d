//! The path of the runtime crate in generated code.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Path;

use crate::keys::Key;
use crate::template::quote_spanned;

/// The path that the user named for the runtime crate, if any.
pub(crate) struct CratePath(Option<TokenStream>);

impl CratePath {
    pub(crate) fn new(key: Option<&Key<Path>>) -> Self {
        Self(key.map(|Key { value, .. }| value.to_token_stream()))
    }

    /// Whether the user named a path.
    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }
}

/// The path of the runtime crate, located at `span` unless the user named it. A named path keeps its location, so that a
/// wrong one is one error at the user's path, regardless of how often generated code uses it.
pub(crate) fn krate_at(krate: &CratePath, span: Span) -> TokenStream {
    match &krate.0 {
        None => quote_spanned!(span=> ::papyra_metrics),
        Some(path) => path.clone(),
    }
}

/// The name of the hidden module of the runtime crate in the block that contains generated impls.
pub(crate) fn runtime_alias(span: Span) -> TokenStream {
    quote_spanned!(span=> __rt)
}

/// The hidden module of the runtime crate. Generated impls use all items from there, so that a path to a re-export of only
/// some items is one error.
pub(crate) fn runtime_at(krate: &CratePath, span: Span) -> TokenStream {
    match &krate.0 {
        None => quote_spanned!(span=> ::papyra_metrics::__private),
        Some(path) => {
            let at = path.clone().into_iter().last().map_or(span, |last| last.span());
            quote_spanned!(at=> #path::__private)
        }
    }
}
