//! Expands `#[derive(Metrics)]`: `check` builds a model from the parsed item, and `expand` generates code from the
//! model.

mod check;
mod expand;
mod fallback;
mod generated;
mod generics;
mod help;
mod input;
mod model;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{DeriveInput, Error};

use crate::attr;
use crate::diag::Diagnostics;

/// Returns the impls of `Metrics` and its helper traits, or the errors and impls without metrics.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let parsed: DeriveInput = match syn::parse2(input.clone()) {
        Ok(parsed) => parsed,
        Err(error) => return expand_unparsable(input, &error),
    };
    let mut diag = Diagnostics::default();
    let keys = attr::parse_struct_keys(&mut diag, &parsed.attrs);
    let has_valid_keys = diag.is_empty();
    let checked = check::check_item(&mut diag, &parsed, &keys, has_valid_keys);
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand(&model),
        (errors, checked) => fallback::expand(&parsed, &keys, errors.as_ref(), checked.as_ref()),
    }
}

/// Returns the error for an item that syn cannot parse, together with impls without metrics. The compiler has already
/// parsed the item, so the likely cause is an expression that syn parses only with its feature `full`, such as the
/// length in `[u8; const { 3 }]`.
fn expand_unparsable(input: TokenStream, error: &Error) -> TokenStream {
    let message = error.to_string();
    let errors = if message.starts_with("unsupported expression") {
        let message = "`#[derive(Metrics)]` cannot read this expression; move it to a `const` item and use its name here";
        Error::new(error.span(), message).into_compile_error()
    } else {
        error.to_compile_error()
    };
    // The struct gets impls without metrics, as if it had no fields, so that this error is the only one.
    let mut bare = TokenStream::new();
    for token in input {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                Group::new(Delimiter::Brace, TokenStream::new()).to_tokens(&mut bare);
            }
            token => token.to_tokens(&mut bare),
        }
    }
    match syn::parse2::<DeriveInput>(bare) {
        Ok(bare) => {
            let keys = attr::parse_struct_keys(&mut Diagnostics::default(), &bare.attrs);
            fallback::expand(&bare, &keys, Some(&errors), None)
        }
        Err(_) => errors,
    }
}
