//! Collects errors, so that one build shows all of them.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The errors so far, in the order in which they were reported.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Option<Error>,
}

impl Diagnostics {
    /// Reports an error that underlines all of these tokens, or the macro itself if there are none.
    pub(crate) fn error(&mut self, at: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(at, message));
    }

    /// Reports an error that already has a location.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.errors {
            Some(errors) => errors.combine(error),
            None => self.errors = Some(error),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_none()
    }

    /// How many errors there are so far.
    pub(crate) fn count(&self) -> usize {
        self.errors.iter().flatten().count()
    }

    /// A `compile_error!` for each error; `None` if there are none.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        self.errors.map(Error::into_compile_error)
    }
}
