//! Writes the tokens of a checked model. Nothing here can fail.

mod function;
mod publish;
mod storage;
mod visit;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

use crate::model::{Krate, Measured, Model};

pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let storage = model.storage.as_ref().map(|storage| storage::expand_struct(model, storage));
    let impls = visit::expand_impls(model);
    let publishable = publish::expand_impl(model);
    let plain = model.storage.as_ref().map(|storage| storage::expand_impls(model, storage));
    quote! {
        #storage
        #[allow(deprecated)] // a metric that is deprecated still counts
        const _: () = {
            #impls
            #publishable
            #plain
        };
    }
}

pub(crate) fn expand_function(model: &Measured<'_>) -> TokenStream {
    function::expand(model)
}

/// The path of the runtime crate, with every token at `span`: one left elsewhere would draw a caret there.
pub(crate) fn krate_at(krate: &Krate, span: Span) -> TokenStream {
    match &krate.0 {
        None => quote_spanned!(span=> ::papyra_metrics),
        // Located there, and resolved where it was written: it may be the `$crate` of a macro.
        Some(path) => {
            path.to_token_stream().into_iter().map(|token| located_at(token, span)).collect()
        }
    }
}

fn located_at(mut token: TokenTree, span: Span) -> TokenTree {
    token.set_span(token.span().located_at(span));
    token
}
