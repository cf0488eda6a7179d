//! The paths by which generated code names the `papyra-metrics` crate and its hidden module.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Path;

use crate::keys::Key;
use crate::template::quote_spanned;

/// The path in `#[metrics(crate = path)]`, if the user gave one.
pub(crate) struct CratePath(Option<TokenStream>);

impl CratePath {
    pub(crate) fn new(key: Option<&Key<Path>>) -> Self {
        Self(key.map(|Key { value, .. }| value.to_token_stream()))
    }

    /// Returns whether the user gave a path.
    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }
}

/// Returns the path of the `papyra-metrics` crate: `::papyra_metrics` located at `span`, or the path that the user
/// gave. The user's path keeps its location. So a wrong path causes only one error, at this location, regardless of how
/// often generated code uses the path.
pub(crate) fn krate_at(krate: &CratePath, span: Span) -> TokenStream {
    match &krate.0 {
        None => quote_spanned!(span=> ::papyra_metrics),
        Some(path) => path.clone(),
    }
}

/// Returns `__rt`, which stands for the hidden module `papyra_metrics::__private` in generated impls. The block around
/// the impls imports the module under this name. If the user gave the path of the crate, the full path of the module
/// replaces the name instead.
pub(crate) fn runtime_alias(span: Span) -> TokenStream {
    quote_spanned!(span=> __rt)
}

/// Returns the path of the hidden module `papyra_metrics::__private`. Generated impls use all items through this
/// module. So if `crate = path` names a module that re-exports only some items of the crate, there is one error, and
/// not one for each missing item.
pub(crate) fn runtime_at(krate: &CratePath, span: Span) -> TokenStream {
    match &krate.0 {
        None => quote_spanned!(span=> ::papyra_metrics::__private),
        Some(path) => {
            let at = path.clone().into_iter().last().map_or(span, |last| last.span());
            quote_spanned!(at=> #path::__private)
        }
    }
}
