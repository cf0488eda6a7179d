//! Attributes that replace `#[metrics]`, so that one source is compiled with different measurements.

use proc_macro::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};

/// Returns the function unchanged, so that nothing is measured.
#[proc_macro_attribute]
pub fn unmeasured(_: TokenStream, function: TokenStream) -> TokenStream {
    function
}

/// Measures the function as `#[metrics]` does, but without the key `sample`, so that every call is timed.
#[proc_macro_attribute]
pub fn every_call(keys: TokenStream, function: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = keys.into_iter().collect();
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
    let is_sample = |key: &&[TokenTree]| matches!(key.first(), Some(TokenTree::Ident(word)) if word.to_string() == "sample");
    let mut kept = TokenStream::new();
    for key in tokens.split(is_comma).filter(|key| !key.is_empty() && !is_sample(key)) {
        kept.extend(key.iter().cloned());
        kept.extend([TokenTree::from(Punct::new(',', Spacing::Alone))]);
    }
    let path = "::papyra_metrics::metrics".parse::<TokenStream>();
    let mut attribute = path.unwrap_or_else(|error| unreachable!("the path is valid: {error}"));
    attribute.extend([TokenTree::from(Group::new(Delimiter::Parenthesis, kept))]);
    let mut item = TokenStream::from(TokenTree::from(Punct::new('#', Spacing::Alone)));
    item.extend([TokenTree::from(Group::new(Delimiter::Bracket, attribute))]);
    item.extend(function);
    item
}
