//! Adds a parameter to the generics of an impl.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Generics;

use crate::raw_tokens::{is_punct, stream};
use crate::template::quote;

/// Returns the generics of an impl for the struct, with one parameter added: `<T, __E>` for a struct `Log<T>`.
pub(crate) fn impl_generics_with(generics: &Generics, parameter: &TokenStream) -> TokenStream {
    let (impl_generics, ..) = generics.split_for_impl();
    let tokens: Vec<TokenTree> = impl_generics.to_token_stream().into_iter().collect();
    let [_, own @ .., _] = tokens.as_slice() else { return quote!(<#parameter>) };
    let comma = own.last().is_some_and(|last| !is_punct(last, ',')).then(|| quote!(,));
    let own = stream(own);
    quote!(<#own #comma #parameter>)
}
