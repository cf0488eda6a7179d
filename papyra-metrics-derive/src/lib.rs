//! The macros of `papyra-metrics`, which re-exports and documents them; depend on that crate instead.
//!
//! Each of the modules `derive`, `label` and `function` implements one macro: it checks the parsed input, builds a
//! model, and generates code from the model. Errors are collected, so that one build reports all of them. The macros
//! share the other modules.

#![forbid(unsafe_code)]

mod attr;
mod derive;
mod diag;
mod function;
mod keys;
mod krate;
mod label;
mod label_rules;
mod naming;
mod parse;
mod raw_tokens;
mod string_set;
mod suggest;
mod template;
mod types;
mod value;

use proc_macro::TokenStream;

/// See `papyra_metrics::Metrics`.
#[proc_macro_derive(Metrics, attributes(metrics))]
pub fn derive_metrics(input: TokenStream) -> TokenStream {
    derive::derive(input.into()).into()
}

/// See `papyra_metrics::Label`.
#[proc_macro_derive(Label, attributes(metrics))]
pub fn derive_label(input: TokenStream) -> TokenStream {
    label::derive(input.into()).into()
}

/// See `papyra_metrics::metrics`.
#[proc_macro_attribute]
pub fn metrics(keys: TokenStream, item: TokenStream) -> TokenStream {
    function::measure(keys.into(), &item.into()).into()
}
