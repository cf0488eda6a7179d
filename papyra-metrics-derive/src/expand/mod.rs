//! Writes the tokens of a checked model. Nothing here can fail.

mod publish;
mod storage;
mod visit;

pub(crate) use self::visit::expand_type_asserts;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::model::{Krate, Model};

pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let storage = model.storage.as_ref().map(|storage| storage::expand_struct(model, storage));
    let impls = visit::expand_impls(model);
    let publishable = publish::expand_impls(model);
    let plain = model.storage.as_ref().map(|_| storage::expand_impls(model));
    let allow = visit::allow_private_bounds(model);
    let lints = &model.allowed_lints;
    quote! {
        #storage
        #(#lints)*
        #allow
        const _: () = {
            #impls
            #publishable
            #plain
        };
    }
}

/// The path of the runtime crate: at `span` where nobody named it. One that was named keeps its place, so that a wrong
/// one is one error, at the user's word, however often it is written. (What begins with it begins there: where the
/// place of a whole expression is shown, parentheses go around the path.)
pub(crate) fn krate_at(krate: &Krate, span: Span) -> TokenStream {
    match &krate.0 {
        None => quote_spanned!(span=> ::papyra_metrics),
        Some(path) => path.clone(),
    }
}

/// The module of the runtime crate from which generated code takes everything: a path that leads to no whole crate is then
/// one error.
pub(crate) fn runtime_at(krate: &Krate, span: Span) -> TokenStream {
    match &krate.0 {
        None => quote_spanned!(span=> ::papyra_metrics::__private),
        Some(path) => {
            let at = path.clone().into_iter().last().map_or(span, |last| last.span());
            quote_spanned!(at=> #path::__private)
        }
    }
}
