//! The derive behind `papyra-metrics`, which re-exports and documents it; depend on that crate instead.
//!
//! Tokens are parsed into a model of what the user wrote (`ast`), checked into a model of what was meant
//! (`check`, `model`), and expanded (`expand`). Mistakes are collected on the way and reported together.

#![forbid(unsafe_code)]

mod ast;
mod attr;
mod body;
mod check;
mod check_function;
mod diag;
mod expand;
mod fallback;
mod function;
mod model;
mod name;

use proc_macro::TokenStream;

use crate::diag::Diagnostics;

/// See `papyra_metrics::Metrics`.
#[proc_macro_derive(Metrics, attributes(metrics))]
pub fn derive_metrics(input: TokenStream) -> TokenStream {
    derive(input.into()).into()
}

/// See `papyra_metrics::metrics`.
#[proc_macro_attribute]
pub fn metrics(keys: TokenStream, item: TokenStream) -> TokenStream {
    measure(keys.into(), &item.into()).into()
}

fn derive(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let parsed: ast::Item = match syn::parse2(input) {
        Ok(parsed) => parsed,
        Err(error) => return error.into_compile_error(),
    };
    let mut diag = Diagnostics::default();
    let checked = check::check_item(&mut diag, &parsed);
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand(&model),
        (errors, _) => fallback::expand(&parsed, errors.as_ref()),
    }
}

fn measure(
    keys: proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let mut diag = Diagnostics::default();
    let parsed = function::parse(item.clone());
    let checked = check_function::check_function(&mut diag, keys, parsed.as_ref());
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand_function(&model),
        // The function as it was, so that the user reads of the mistake and of no echo where it is called.
        (errors, _) => quote::quote!(#errors #item),
    }
}
