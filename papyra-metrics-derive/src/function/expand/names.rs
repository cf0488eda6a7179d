//! Defines the names of generated variables, and the spans of generated tokens.

use proc_macro2::{Ident, Span, TokenStream};

use crate::function::model::Target;

/// `quote!` with mixed-site hygiene: local variables cannot clash with those of the user.
macro_rules! quote_mixed_site {
    ($($tokens:tt)*) => { $crate::template::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(super) use quote_mixed_site;

/// The name of the alias of `self`, which is a clone or a reborrow of `self`.
pub(super) const SELF_ALIAS: &str = "__this";

/// Returns `__this`, the alias of `self`, at the given location.
pub(super) fn self_alias(at: Span) -> Ident {
    Ident::new(SELF_ALIAS, Span::mixed_site().located_at(at))
}

/// Returns `__root`, the name of the variable that holds the handle of the metrics. The module `handles` creates
/// handles.
pub(super) fn root_handle() -> Ident {
    Ident::new("__root", Span::mixed_site())
}

/// Returns the name of the variable that holds the handle of a target, such as `__errors` for the key `errors`.
pub(super) fn handle(target: &Target) -> Ident {
    Ident::new(&format!("__{}", target.key), Span::mixed_site())
}

/// Returns the location of the first token, with mixed-site hygiene.
pub(super) fn located(tokens: &TokenStream) -> Span {
    let first = tokens.clone().into_iter().next();
    Span::mixed_site().located_at(first.map_or_else(Span::call_site, |first| first.span()))
}

/// Returns the location of the last token, with mixed-site hygiene.
pub(super) fn located_at_end(tokens: &TokenStream) -> Span {
    let last = tokens.clone().into_iter().last();
    Span::mixed_site().located_at(last.map_or_else(Span::call_site, |last| last.span()))
}
