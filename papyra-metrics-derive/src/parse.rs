//! Runs parsers over tokens.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};

/// Runs a parser that must consume all tokens. The parser is a trait object so that the generic `Parser::parse2` is
/// compiled only once, and not for each parser.
pub(crate) fn parse_all(
    tokens: TokenStream,
    parser: &mut dyn FnMut(ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    (|input: ParseStream<'_>| parser(input)).parse2(tokens)
}

/// Returns the result of a parser, or `None` if the parser fails or does not consume all tokens.
pub(crate) fn parsed<T>(
    tokens: TokenStream,
    parser: impl Fn(ParseStream<'_>) -> syn::Result<T>,
) -> Option<T> {
    let mut parsed = None;
    let end = parse_all(tokens, &mut |input| parser(input).map(|value| parsed = Some(value)));
    end.ok().and(parsed)
}
