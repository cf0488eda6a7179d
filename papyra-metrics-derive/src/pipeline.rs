//! The stages one after the other, over tokens that need no compiler: so tests can run them too.

use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Diagnostics;
use crate::{ast, check, check_function, expand, fallback, function};

/// `#[derive(Metrics)]` on an item.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let parsed = match ast::Item::parse(input) {
        Ok(parsed) => parsed,
        Err(error) => return error.to_compile_error(),
    };
    let mut diag = Diagnostics::default();
    let checked = check::check_item(&mut diag, &parsed);
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand(&model),
        (errors, _) => fallback::expand(&parsed, errors.as_ref()),
    }
}

/// `#[metrics(keys)]` on an item.
pub(crate) fn measure(keys: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diag = Diagnostics::default();
    let parsed = function::parse(item.clone());
    let checked = check_function::check_function(&mut diag, keys, parsed.as_ref());
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand_function(&model),
        // The function as it was, so that the user reads of the mistake and of no echo where it is called.
        (errors, _) => quote!(#errors #item),
    }
}
