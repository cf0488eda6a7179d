//! The derive behind `papyra-metrics`, which re-exports and documents it; depend on that crate instead.
//!
//! Tokens are parsed into a model of what the user wrote (`ast`), checked into a model of what was meant
//! (`check`, `model`), and expanded (`expand`). Mistakes are collected on the way and reported together.

#![forbid(unsafe_code)]

mod attr;
mod derive;
mod diag;
mod expand;
mod fallback;
mod function;
mod model;
mod name;
mod suggest;
mod tokens;
mod types;
mod value;

use proc_macro::TokenStream;

/// See `papyra_metrics::Metrics`.
#[proc_macro_derive(Metrics, attributes(metrics))]
pub fn derive_metrics(input: TokenStream) -> TokenStream {
    derive::derive(input.into()).into()
}

/// See `papyra_metrics::metrics`.
#[proc_macro_attribute]
pub fn metrics(keys: TokenStream, item: TokenStream) -> TokenStream {
    function::measure(keys.into(), &item.into()).into()
}
