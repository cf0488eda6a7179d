//! Runs parsers over tokens.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};

/// Runs a parser, which has to consume all tokens. One function for all parsers: an instance of `Parser::parse2` for each
/// takes longer to compile than the parser.
pub(crate) fn parse_all(
    tokens: TokenStream,
    parser: &mut dyn FnMut(ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    (|input: ParseStream<'_>| parser(input)).parse2(tokens)
}

/// The result of a parser; `None` if it fails or leaves tokens.
pub(crate) fn parsed<T>(
    tokens: TokenStream,
    parser: impl Fn(ParseStream<'_>) -> syn::Result<T>,
) -> Option<T> {
    let mut parsed = None;
    let end = parse_all(tokens, &mut |input| parser(input).map(|value| parsed = Some(value)));
    end.ok().and(parsed)
}
