//! `#[metrics(…)]` on a function, stage by stage: input, check, model, plan, expand.

mod body;
mod captures;
mod check;
mod expand;
mod input;
mod model;
mod output;
mod plan;

use proc_macro2::TokenStream;

use crate::diag::Diagnostics;
use crate::template::quote;

/// Expands `#[metrics(keys)]` on an item.
pub(crate) fn measure(keys: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diag = Diagnostics::default();
    let parsed = input::parse(item.clone());
    let checked = check::check(&mut diag, keys, parsed.as_ref());
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand(&model),
        // The function unchanged, so that its callers report no errors.
        (errors, _) => quote!(#errors #item),
    }
}
