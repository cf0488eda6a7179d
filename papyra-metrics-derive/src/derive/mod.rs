//! `#[derive(Metrics)]`, stage by stage: the parsed item is checked into a model, and the model is expanded.

mod check;
mod expand;
mod fallback;
mod generics;
mod help;
mod input;
mod model;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{DeriveInput, Error};

use crate::diag::Diagnostics;

/// Expands `#[derive(Metrics)]` on an item.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let parsed: DeriveInput = match syn::parse2(input.clone()) {
        Ok(parsed) => parsed,
        Err(error) => return unparsed(input, &error),
    };
    let mut diag = Diagnostics::default();
    let checked = check::check_item(&mut diag, &parsed);
    match (diag.into_compile_errors(), checked) {
        (None, Some(model)) => expand::expand(&model),
        (errors, checked) => fallback::expand(&parsed, errors.as_ref(), checked.as_ref()),
    }
}

/// The compiler has accepted the item before it came here, so what cannot be parsed is syntax that syn does not read
/// without its feature `full`: an expression such as the length in `[u8; const { 3 }]`.
fn unparsed(input: TokenStream, error: &Error) -> TokenStream {
    let message = error.to_string();
    let errors = if message.contains("unsupported expression") {
        let message = "`#[derive(Metrics)]` cannot read this expression; move it to a `const` item and use its name here";
        Error::new(error.span(), message).into_compile_error()
    } else {
        error.to_compile_error()
    };
    // Without its fields the struct gets inert impls, so that this error is the only one.
    let bare = input.into_iter().map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            TokenTree::Group(Group::new(Delimiter::Brace, TokenStream::new()))
        }
        token => token,
    });
    match syn::parse2(bare.collect()) {
        Ok(bare) => fallback::expand(&bare, Some(&errors), None),
        Err(_) => errors,
    }
}
