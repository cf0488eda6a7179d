//! Parses the values of keys: flags, strings, numbers, names, paths, expressions and labels.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Lit, LitInt, LitStr, Path, Token, token};

use crate::diag::error_at;
use crate::naming::is_name;
use crate::parse::{parse_all, parsed};
use crate::raw_tokens::{Depth, flat, is_punct};

/// The tokens after a key, before they are parsed as a value.
pub(crate) enum RawValue {
    /// There are no tokens: the key has no value.
    Nothing,
    /// The tokens after `=`, up to the comma that ends the value.
    Assigned(TokenStream),
    /// A group `(…)` or a literal, without `=` before it.
    Other(TokenTree),
}

impl RawValue {
    pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.parse::<Option<Token![=]>>()?.is_some() {
            parse_value(input).map(Self::Assigned)
        } else if input.peek(Lit) || input.peek(token::Paren) {
            input.parse().map(Self::Other)
        } else {
            Ok(Self::Nothing)
        }
    }
}

/// Parses the tokens up to the comma that ends the value.
fn parse_value(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut value = TokenStream::new();
    let mut generics = Turbofish::default();
    while !input.is_empty() && (generics.is_inside() || !input.peek(Token![,])) {
        let token: TokenTree = input.parse()?;
        generics.advance(&token);
        token.to_tokens(&mut value);
    }
    Ok(value)
}

/// Tracks whether tokens are inside a turbofish, because the commas in `f::<A, B>()` do not separate keys.
#[derive(Default)]
struct Turbofish {
    depth: Depth,
    colons: usize,
}

impl Turbofish {
    fn is_inside(&self) -> bool {
        !self.depth.is_outside()
    }

    fn advance(&mut self, token: &TokenTree) {
        if self.is_inside() || self.colons == 2 && is_punct(token, '<') {
            self.depth.advance(token);
        }
        self.colons = if is_punct(token, ':') { self.colons + 1 } else { 0 };
    }
}

/// A type that the value of a key is parsed into.
pub(crate) trait Value: Sized {
    /// Parses the value after `key`. `expected` describes a valid value in error messages.
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self>;
}

impl Value for () {
    fn parse(key: &Ident, raw: RawValue, _: &str) -> syn::Result<Self> {
        let at = match raw {
            RawValue::Nothing => return Ok(()),
            RawValue::Assigned(value) if value.is_empty() => key.to_token_stream(),
            RawValue::Assigned(value) => value,
            RawValue::Other(value) => value.into(),
        };
        Err(error_at(&at, format!("`{key}` takes no value")))
    }
}

impl Value for LitStr {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        parse_assigned(key, raw, expected, parse_string)
    }
}

/// Parses a string literal without a suffix.
fn parse_string(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let string: LitStr = input.parse()?;
    if string.suffix().is_empty() { Ok(string) } else { Err(input.error("a suffix")) }
}

impl Value for LitInt {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        parse_assigned(key, raw, expected, <LitInt as Parse>::parse)
    }
}

impl Value for Ident {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        parse_assigned(key, raw, expected, <Ident as Parse>::parse)
    }
}

impl Value for Path {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        parse_assigned(key, raw, expected, Path::parse_mod_style)
    }
}

/// An expression, such as `self.shards[i].errors` or `|db| db.compactions()`. Its tokens are not parsed further.
impl Value for TokenStream {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        let value = assigned(key, raw, expected)?;
        check_expression(key, &value, expected)?;
        Ok(value)
    }
}

/// An optional expression, for a key such as `errors`, which can be used with or without a value.
impl Value for Option<TokenStream> {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        match raw {
            RawValue::Nothing => Ok(None),
            raw => Value::parse(key, raw, expected).map(Some),
        }
    }
}

/// The names and values in `labels(op = "get", type = "wal")`. A name may be a keyword.
pub(crate) struct LabelPairs(pub(crate) Vec<(Ident, LitStr)>);

impl Value for LabelPairs {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        let tokens = in_parentheses(key, raw, expected)?;
        let mut pairs = Vec::new();
        let end = parse_all(tokens.clone(), &mut |input| {
            while !input.is_empty() {
                let name = input.call(Ident::parse_any)?;
                input.parse::<Token![=]>()?;
                pairs.push((name, parse_string(input)?));
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        });
        end.map_err(|_| wrong_value(key, &tokens, expected))?;
        Ok(Self(pairs))
    }
}

/// A percentage above 0 and below 100, as an exact number of billionths: 99.9 % is 999,000,000.
#[derive(Clone, Copy)]
pub(crate) struct Percentage {
    pub(crate) billionths: u32,
}

impl Value for Percentage {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        let percentage = |input: ParseStream<'_>| {
            let literal: Lit = input.parse()?;
            let (digits, suffix) = match &literal {
                Lit::Int(int) => (int.base10_digits(), int.suffix()),
                Lit::Float(float) => (float.base10_digits(), float.suffix()),
                _ => return Err(input.error("not a number")),
            };
            let billionths = billionths(digits).filter(|_| suffix.is_empty());
            billionths
                .map(|billionths| Self { billionths })
                .ok_or_else(|| input.error("no percentage"))
        };
        parse_assigned(key, raw, expected, percentage)
    }
}

/// Converts the digits of a percentage to billionths: `99.9` to 999,000,000. Returns `None` if the percentage is not
/// above 0 and below 100, or has more than 7 decimals before its trailing zeros.
fn billionths(percentage: &str) -> Option<u32> {
    const DECIMALS: usize = 7;
    let (whole, fraction) = percentage.split_once('.').unwrap_or((percentage, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DECIMALS {
        return None;
    }
    let billionths: u32 = format!("{whole}{fraction:0<DECIMALS$}").parse().ok()?;
    (0 < billionths && billionths < 1_000_000_000).then_some(billionths)
}

/// Returns the tokens in the parentheses after a key, such as `op = "get"` in `labels(op = "get")`. Missing or empty
/// parentheses are an error.
pub(crate) fn in_parentheses(
    key: &Ident,
    raw: RawValue,
    expected: &str,
) -> syn::Result<TokenStream> {
    let at = match raw {
        RawValue::Other(TokenTree::Group(group)) if !group.stream().is_empty() => {
            return Ok(group.stream());
        }
        RawValue::Other(value) => value.into(),
        RawValue::Assigned(value) if !value.is_empty() => value,
        _ => key.to_token_stream(),
    };
    Err(wrong_value(key, &at, expected))
}

fn parse_assigned<T>(
    key: &Ident,
    raw: RawValue,
    expected: &str,
    parser: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let value = assigned(key, raw, expected)?;
    parsed(value.clone(), parser).ok_or_else(|| wrong_value(key, &value, expected))
}

/// Returns the tokens after `=`. A key without `=`, or without tokens after it, is an error.
fn assigned(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<TokenStream> {
    let at = match raw {
        RawValue::Assigned(value) if !value.is_empty() => return Ok(value),
        RawValue::Other(value) => value.into(),
        _ => key.to_token_stream(),
    };
    Err(wrong_value(key, &at, expected))
}

fn wrong_value(key: &Ident, at: &TokenStream, expected: &str) -> Error {
    error_at(at, format!("`{key}` takes {expected}"))
}

/// Refuses a literal, which cannot name an instrument, and a missing comma between the value and the next key.
fn check_expression(key: &Ident, value: &TokenStream, expected: &str) -> syn::Result<()> {
    let tokens = flat(value);
    if let Some(next) = token_after_value(&tokens) {
        return Err(error_at(next, "expected `,` before the next key".to_owned()));
    }
    let [TokenTree::Literal(literal)] = tokens.as_slice() else { return Ok(()) };
    let text = literal.to_string();
    let name = text.trim_matches('"');
    let message = if name.len() + 2 == text.len() && is_name(name) {
        format!("`{key}` takes a name, not a string; write `{key} = {name}`")
    } else {
        format!("`{key}` takes {expected}")
    };
    Err(error_at(literal, message))
}

/// Returns the first token that cannot belong to the value: the `b` in `a b` and in `a b = c`, where a comma is missing, or
/// a `;`.
fn token_after_value(tokens: &[TokenTree]) -> Option<&TokenTree> {
    tokens.iter().enumerate().find_map(|(at, token)| {
        let is_assigned = matches!(tokens.get(at + 1..), Some([equals, value, ..])
            if is_punct(equals, '=') && !is_punct(value, '=') && !is_punct(value, '>'));
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        // The type in `&'a T` follows a lifetime, not a value.
        let follows_lifetime = at >= 2 && is_punct(&tokens[at - 2], '\'');
        let follows_value = match before {
            Some(TokenTree::Ident(_)) if follows_lifetime => false,
            // The name in `if let None = x` is a pattern, not a key.
            Some(TokenTree::Ident(ident)) if is_pattern_keyword(ident) => false,
            Some(TokenTree::Ident(ident)) => is_assigned || ident == "self" || !is_keyword(ident),
            Some(TokenTree::Group(_) | TokenTree::Literal(_)) => true,
            Some(TokenTree::Punct(_)) | None => false,
        };
        let starts_value = match token {
            TokenTree::Ident(ident) => is_assigned || !is_keyword(ident),
            TokenTree::Literal(_) => true,
            TokenTree::Group(_) | TokenTree::Punct(_) => false,
        };
        (follows_value && starts_value || is_punct(token, ';')).then_some(token)
    })
}

/// Returns whether a pattern may follow the keyword.
fn is_pattern_keyword(ident: &Ident) -> bool {
    ["let", "mut", "ref"].iter().any(|keyword| ident == keyword)
}

fn is_keyword(ident: &Ident) -> bool {
    parsed(ident.to_token_stream(), <Ident as Parse>::parse).is_none()
}
