//! Expands `#[metrics(…)]` on a function in stages: `input` parses the function, `check` builds the model, `plan`
//! decides how the body runs, and `expand` generates code.

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

/// Returns the function with code that updates its metrics, or the errors and the unchanged item.
pub(crate) fn measure(keys: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diag = Diagnostics::default();
    let parsed = input::parse(item.clone());
    let checked = check::check(&mut diag, keys, parsed.as_ref());
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand(&model),
        // The function is emitted unchanged, so that its callers cause no further errors.
        (errors, _) => quote!(#errors #item),
    }
}
