//! The derive and the attribute as functions over tokens. This crate includes the sources of the derive crate, because a proc-macro
//! crate cannot export functions.

#![forbid(unsafe_code)]

#[path = "../../papyra-metrics-derive/src/attr.rs"]
mod attr;
#[path = "../../papyra-metrics-derive/src/derive/mod.rs"]
mod derive;
#[path = "../../papyra-metrics-derive/src/diag.rs"]
mod diag;
#[path = "../../papyra-metrics-derive/src/function/mod.rs"]
mod function;
#[path = "../../papyra-metrics-derive/src/keys.rs"]
mod keys;
#[path = "../../papyra-metrics-derive/src/krate.rs"]
mod krate;
#[path = "../../papyra-metrics-derive/src/label/mod.rs"]
mod label;
#[path = "../../papyra-metrics-derive/src/label_rules.rs"]
mod label_rules;
#[path = "../../papyra-metrics-derive/src/naming.rs"]
mod naming;
#[path = "../../papyra-metrics-derive/src/parse.rs"]
mod parse;
#[path = "../../papyra-metrics-derive/src/raw_tokens.rs"]
mod raw_tokens;
#[path = "../../papyra-metrics-derive/src/string_set.rs"]
mod string_set;
#[path = "../../papyra-metrics-derive/src/suggest.rs"]
mod suggest;
#[path = "../../papyra-metrics-derive/src/template.rs"]
mod template;
#[path = "../../papyra-metrics-derive/src/types.rs"]
mod types;
#[path = "../../papyra-metrics-derive/src/value.rs"]
mod value;

use proc_macro2::TokenStream;

/// Returns the expansion of `#[derive(Metrics)]` on an item.
pub fn derive(item: TokenStream) -> TokenStream {
    derive::derive(item)
}

/// Returns the expansion of `#[derive(Label)]` on an item.
pub fn derive_label(item: TokenStream) -> TokenStream {
    label::derive(item)
}

/// Returns the expansion of `#[metrics(keys)]` on an item.
#[allow(clippy::needless_pass_by_value)] // as the compiler passes them
pub fn measure(keys: TokenStream, item: TokenStream) -> TokenStream {
    function::measure(keys, &item)
}
