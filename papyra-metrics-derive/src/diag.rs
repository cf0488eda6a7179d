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
    /// Adds an error that underlines all tokens of `at`, or the macro call if `at` is empty.
    pub(crate) fn error(&mut self, at: &dyn ToTokens, message: impl Into<String>) {
        self.push(error_at(at, message.into()));
    }

    /// Adds an error that already has a location.
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

    /// Returns all errors as one combined error, or `Ok` if there are none.
    pub(crate) fn into_result(self) -> syn::Result<()> {
        self.errors.map_or(Ok(()), Err)
    }

    /// Returns a `compile_error!` for each error, or `None` if there are no errors.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        self.errors.map(Error::into_compile_error)
    }
}

/// Returns an error that underlines all tokens of `at`. `at` is a trait object so that the generic `Error::new_spanned`
/// is compiled only once, and not for each type of `at`.
pub(crate) fn error_at(at: &dyn ToTokens, message: String) -> Error {
    Error::new_spanned(at, message)
}
