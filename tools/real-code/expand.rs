//! Expands every function and type of the corpus in several forms, such as with different keys, and checks the output.
//! The code of the macros runs in this process, not in the compiler.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;

use crate::items::{Function, FunctionContext, TypeItem};

/// The keys that each function is expanded with. The counters need not exist, because the output is not compiled.
pub(crate) const FUNCTION_KEYS: &[&str] = &[
    "errors",
    "errors = write_errors",
    "errors = METRICS.write_errors",
    "calls = runs",
    "calls = METRICS.runs, in_flight = METRICS.open",
    "errors = e, ok = o, calls = c, in_flight = f",
    "errors = crate::of(&self).e, ok = crate::of(&self).o, in_flight = crate::of(&self).f",
    "crate = facade::metrics, errors = &METRICS.by::<A, B>().e, in_flight = METRICS.f",
];

#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) functions: usize,
    pub(crate) types: usize,
    pub(crate) expansions: usize,
    /// The number of errors with each message. In the messages, `…` replaces the text in backquotes.
    pub(crate) errors: BTreeMap<String, usize>,
    /// Panics, output that does not parse, errors without a location, and structs that are refused although every field has
    /// `skip` or `flatten`.
    pub(crate) faults: Vec<String>,
}

impl Figures {
    pub(crate) fn try_function(&mut self, function: &Function, file: &str) {
        self.functions += 1;
        for keys in FUNCTION_KEYS {
            let Ok(key_tokens) = TokenStream::from_str(keys) else { continue };
            let item = function.tokens.clone();
            let wrap = |out: TokenStream| match function.context {
                FunctionContext::Free => out,
                FunctionContext::Impl => quote!(impl It { #out }),
                FunctionContext::Trait => quote!(trait It { #out }),
                FunctionContext::Foreign => quote!(extern "C" { #out }),
            };
            let run = || papyra_metrics_expansion::measure(key_tokens, item);
            self.expand(&format!("{file}: #[metrics({keys})]"), &function.tokens, run, wrap);
        }
    }

    pub(crate) fn try_type(&mut self, item: &TypeItem, file: &str) {
        self.types += 1;
        let tokens = &item.tokens;
        let mut inputs = vec![
            ("unchanged", tokens.clone()),
            ("prefix", quote!(#[metrics(prefix = "log_")] #tokens)),
            ("storage", quote!(#[metrics(storage = Storage)] #tokens)),
            ("crate", quote!(#[metrics(crate = facade::metrics)] #tokens)),
            ("through a macro", grouped(tokens)),
        ];
        if item.named.is_some() {
            inputs.push(("skip", with_attribute(tokens, &quote!(#[metrics(skip)]))));
            inputs.push((
                "flatten",
                with_attribute(tokens, &quote!(#[metrics(flatten, prefix = "f_")])),
            ));
            inputs.push(("unit", with_attribute(tokens, &quote!(#[metrics(unit = "bytes")]))));
        }
        for (form, input) in inputs {
            let run = || papyra_metrics_expansion::derive(input.clone());
            let errors = self.expand(&format!("{file}: derive, {form}"), &input, run, |out| out);
            if errors > 0 && ["skip", "flatten"].contains(&form) {
                self.faults.push(format!("{file}: refused with every field `{form}`: {input}"));
            }
        }
    }

    /// Expands an item and returns the number of errors.
    fn expand(
        &mut self,
        form: &str,
        input: &TokenStream,
        run: impl FnOnce() -> TokenStream,
        wrap: impl FnOnce(TokenStream) -> TokenStream,
    ) -> usize {
        self.expansions += 1;
        let Ok(output) = panic::catch_unwind(AssertUnwindSafe(run)) else {
            self.faults.push(format!("{form}: panics on: {input}"));
            return 0;
        };
        let errors = errors(output.clone());
        for (message, literal) in &errors {
            *self.errors.entry(without_quoted_text(message)).or_default() += 1;
            if literal.span().byte_range().is_empty() {
                self.faults
                    .push(format!("{form}: an error without a location: {message}: {input}"));
            }
        }
        if let Err(error) = syn::parse2::<syn::File>(wrap(output.clone())) {
            self.faults.push(format!("{form}: does not parse ({error}): {output}"));
        }
        errors.len()
    }
}

/// Returns the messages of the `compile_error!` calls at the top level of the output.
pub(crate) fn errors(output: TokenStream) -> Vec<(String, TokenTree)> {
    let tokens: Vec<TokenTree> = output.into_iter().collect();
    let calls = tokens.windows(3).filter_map(|call| match call {
        [TokenTree::Ident(word), _, TokenTree::Group(message)] if word == "compile_error" => {
            message.stream().into_iter().next()
        }
        _ => None,
    });
    calls.map(|message| (message.to_string(), message)).collect()
}

/// Returns the message with `…` instead of the text in backquotes.
fn without_quoted_text(message: &str) -> String {
    let parts = message.split('`').enumerate();
    parts.map(|(i, part)| if i % 2 == 0 { part } else { "`…`" }).collect()
}

/// Returns the struct with an attribute on each field. Fields whose type mentions the struct itself get `skip` instead,
/// because the derive rightly refuses them as metrics.
fn with_attribute(item: &TokenStream, attribute: &TokenStream) -> TokenStream {
    let Ok(mut item) = syn::parse2::<syn::ItemStruct>(item.clone()) else { return item.clone() };
    for field in &mut item.fields {
        let ty = &field.ty;
        let is_recursive = mentions(quote!(#ty), &item.ident);
        let skip = quote!(#[metrics(skip)]);
        let attribute = if is_recursive { &skip } else { attribute };
        field.attrs.push(syn::parse_quote!(#attribute));
    }
    quote!(#item)
}

fn mentions(tokens: TokenStream, name: &proc_macro2::Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

/// Returns the struct as a `macro_rules!` macro would declare it: the type of each field is in a group without
/// delimiters.
fn grouped(item: &TokenStream) -> TokenStream {
    let Ok(mut item) = syn::parse2::<syn::ItemStruct>(item.clone()) else { return item.clone() };
    for field in &mut item.fields {
        let ty = &field.ty;
        let mut group = Group::new(Delimiter::None, quote!(#ty));
        group.set_span(ty.span());
        field.ty = syn::Type::Verbatim(TokenTree::from(group).into());
    }
    quote!(#item)
}
