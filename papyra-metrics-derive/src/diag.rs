//! Collects errors, so that one build shows all of them.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The errors so far, in the order in which they were reported.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Option<Error>,
    count: usize,
}

impl Diagnostics {
    /// Reports an error that underlines all of these tokens, or the macro itself if there are none.
    pub(crate) fn error(&mut self, at: &dyn ToTokens, message: impl Into<String>) {
        self.push(error_at(at, message.into()));
    }

    /// Reports an error that already has a location.
    pub(crate) fn push(&mut self, error: Error) {
        self.count += 1;
        match &mut self.errors {
            Some(errors) => errors.combine(error),
            None => self.errors = Some(error),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_none()
    }

    /// Returns the number of errors reported so far.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The combined errors; `Ok` if there are none.
    pub(crate) fn into_result(self) -> syn::Result<()> {
        self.errors.map_or(Ok(()), Err)
    }

    /// A `compile_error!` for each error; `None` if there are none.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        self.errors.map(Error::into_compile_error)
    }
}

/// An error that underlines all of these tokens. One function for all types: an instance of `Error::new_spanned` for each
/// takes longer to compile than its caller.
pub(crate) fn error_at(at: &dyn ToTokens, message: String) -> Error {
    Error::new_spanned(at, message)
}
