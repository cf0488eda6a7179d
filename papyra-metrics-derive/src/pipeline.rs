//! `#[metrics(…)]` on a function, stage by stage.

use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Diagnostics;
use crate::{check_function, expand, function};

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
