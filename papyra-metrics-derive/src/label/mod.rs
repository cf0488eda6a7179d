//! Expands `#[derive(Label)]`, which makes the variants of an enum the values of a label.

mod check;
mod expand;

use proc_macro2::TokenStream;
use syn::{DeriveInput, Error};

use crate::diag::Diagnostics;

/// Returns the impl of `Label`, or the errors and an impl that keeps uses of the enum from causing further errors.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(input) {
        Ok(item) => item,
        Err(error) => return Error::into_compile_error(error),
    };
    let mut diag = Diagnostics::default();
    let label = check::check_item(&mut diag, &item);
    match (diag.into_compile_errors(), label) {
        (None, Some(label)) => expand::expand(&label),
        (errors, _) => expand::expand_inert(&item, errors.as_ref()),
    }
}
