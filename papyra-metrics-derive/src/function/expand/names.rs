//! Names and spans of generated code.

use proc_macro2::{Ident, Span, TokenStream};

use crate::function::model::Target;

/// `quote!` with mixed-site hygiene: local variables cannot clash with those of the user.
macro_rules! quote_mixed_site {
    ($($tokens:tt)*) => { $crate::template::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(super) use quote_mixed_site;

/// The alias of `self`.
pub(super) const SELF_ALIAS: &str = "__this";

/// The alias of `self`, at the given location.
pub(super) fn self_alias(at: Span) -> Ident {
    Ident::new(SELF_ALIAS, Span::mixed_site().located_at(at))
}

/// The handle of the metrics.
pub(super) fn root_handle() -> Ident {
    Ident::new("__root", Span::mixed_site())
}

/// The handle of a target that is given as an expression.
pub(super) fn handle(target: &Target) -> Ident {
    Ident::new(&format!("__{}", target.key), Span::mixed_site())
}

/// The location of the first token.
pub(super) fn located(tokens: &TokenStream) -> Span {
    let first = tokens.clone().into_iter().next();
    Span::mixed_site().located_at(first.map_or_else(Span::call_site, |first| first.span()))
}

/// The location of the last token.
pub(super) fn located_at_end(tokens: &TokenStream) -> Span {
    let last = tokens.clone().into_iter().last();
    Span::mixed_site().located_at(last.map_or_else(Span::call_site, |last| last.span()))
}
