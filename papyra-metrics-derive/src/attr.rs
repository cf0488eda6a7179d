//! Parses the keys of `#[metrics(…)]` on a struct, field, function, enum or variant. Unknown keys, repeated keys and
//! values of a wrong form are reported here. The `check` modules report all other mistakes, such as an invalid name.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Error, Meta, Token};

use crate::diag::{Diagnostics, error_at};
use crate::keys::{
    EnumKeys, FieldKeys, FunctionKeys, Keys, ObjectiveKeys, POSITIONS, Position, RawKey,
    StructKeys, VariantKeys,
};
use crate::parse::parse_all;
use crate::raw_tokens::is_one_of;
use crate::suggest::nearest;
use crate::value::{RawValue, Value, in_parentheses};

pub(crate) fn parse_struct_keys(diag: &mut Diagnostics, attrs: &[Attribute]) -> StructKeys {
    let mut keys = StructKeys::default();
    parse_attributes(diag, &mut keys, attrs);
    keys
}

/// Parses the keys of a field. If several of its `#[metrics(…)]` attributes contain `counter = …` or `gauge = …`, the
/// result has one item for each `#[metrics(…)]` attribute, with the doc comment directly above it. Otherwise, the
/// result is one item with all keys and attributes.
pub(crate) fn parse_field_keys<'a>(
    diag: &mut Diagnostics,
    attrs: &'a [Attribute],
) -> Vec<(FieldKeys, &'a [Attribute])> {
    let is_own = |attr: &Attribute| is_named(attr, "metrics");
    let computed = attrs.iter().filter(|attr| is_own(attr) && computes_a_value(attr)).count();
    let mut parts = vec![attrs];
    if computed > 1 {
        parts = attrs.split_inclusive(is_own).collect();
        parts.retain(|part| part.last().is_some_and(is_own));
    }
    let mut parsed = Vec::new();
    for part in parts {
        let mut keys = FieldKeys::default();
        parse_attributes(diag, &mut keys, part);
        parsed.push((keys, part));
    }
    parsed
}

pub(crate) fn has_attribute(attrs: &[Attribute], name: &str) -> bool {
    attrs.iter().any(|attr| is_named(attr, name))
}

fn is_named(attr: &Attribute, name: &str) -> bool {
    attr.path().is_ident(name)
}

fn computes_a_value(attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else { return false };
    let keys = parse_keys(list.tokens.clone(), &FieldKeys::POSITION).unwrap_or_default();
    keys.iter().any(|raw| is_one_of(&raw.key, &["counter", "gauge"]))
}

pub(crate) fn parse_enum_keys(diag: &mut Diagnostics, attrs: &[Attribute]) -> EnumKeys {
    let mut keys = EnumKeys::default();
    parse_attributes(diag, &mut keys, attrs);
    keys
}

pub(crate) fn parse_variant_keys(diag: &mut Diagnostics, attrs: &[Attribute]) -> VariantKeys {
    let mut keys = VariantKeys::default();
    parse_attributes(diag, &mut keys, attrs);
    keys
}

/// Parses the keys of a function from the tokens in the parentheses of its attribute.
pub(crate) fn parse_function_keys(diag: &mut Diagnostics, tokens: TokenStream) -> FunctionKeys {
    let mut keys = FunctionKeys::default();
    if tokens.is_empty() {
        diag.error(
            &tokens,
            "`#[metrics]` has no keys; name what to count, such as `#[metrics(errors = write_errors)]`",
        );
        return keys;
    }
    set_all(diag, &mut keys, tokens);
    keys
}

/// Parses the keys of all `#[metrics(…)]` attributes in `attrs`.
fn parse_attributes(diag: &mut Diagnostics, keys: &mut dyn Keys, attrs: &[Attribute]) {
    for attr in attrs.iter().filter(|attr| is_named(attr, "metrics")) {
        match &attr.meta {
            Meta::List(list) if !list.tokens.is_empty() => {
                set_all(diag, keys, list.tokens.clone());
            }
            meta => {
                let Position { name, keys } = keys.position();
                diag.error(
                    meta,
                    format!("`#[metrics]` has no keys; write `#[metrics(…)]` with a key of a {name}: {}", listed(keys)),
                );
            }
        }
    }
}

impl Value for ObjectiveKeys {
    fn parse(key: &Ident, raw: RawValue, expected: &str) -> syn::Result<Self> {
        let tokens = in_parentheses(key, raw, expected)?;
        let mut keys = Self::default();
        let mut errors = Diagnostics::default();
        set_all(&mut errors, &mut keys, tokens);
        errors.into_result().map(|()| keys)
    }
}

/// Parses all keys in `tokens`, and stores their values in `keys`.
fn set_all(diag: &mut Diagnostics, keys: &mut dyn Keys, tokens: TokenStream) {
    match parse_keys(tokens, keys.position()) {
        Ok(raw) => {
            for raw in raw {
                if let Err(error) = set(keys, raw) {
                    diag.push(error);
                }
            }
        }
        Err(error) => diag.push(error),
    }
}

/// Stores the value of one key. An unknown or repeated key is an error.
fn set(keys: &mut dyn Keys, raw: RawKey) -> syn::Result<()> {
    let word = raw.key.to_string();
    let position = keys.position();
    if !position.keys.contains(&word.as_str()) {
        return Err(unknown(&raw.key, position));
    }
    if keys.given().contains(&word) {
        let message = format!("`{word}` is given twice; remove one of the two");
        return Err(error_at(&raw.key, message));
    }
    keys.given().push(word.clone());
    keys.set(&word, raw)
}

/// Parses `key`, `key = value` and `key(…)`, separated by commas.
fn parse_keys(tokens: TokenStream, position: &Position) -> syn::Result<Vec<RawKey>> {
    let mut keys = Vec::new();
    parse_all(tokens, &mut |input| parse_into(&mut keys, input, position))?;
    Ok(keys)
}

fn parse_into(
    keys: &mut Vec<RawKey>,
    input: ParseStream<'_>,
    position: &Position,
) -> syn::Result<()> {
    while !input.is_empty() {
        if !input.peek(Ident::peek_any) {
            let Position { name, keys } = position;
            let message = format!("expected a key of a {name}: {}", listed(keys));
            return Err(at_next(input, &message));
        }
        let key = input.call(Ident::parse_any)?;
        let value = input.call(RawValue::parse)?;
        keys.push(RawKey { key, value });
        if !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
            return Err(at_next(input, "expected `,` before the next key"));
        }
    }
    Ok(())
}

/// Returns an error that underlines the whole next token, even if that token is a group such as `(…)`.
fn at_next(input: ParseStream<'_>, message: &str) -> Error {
    match input.parse::<TokenTree>() {
        Ok(next) => error_at(&next, message.to_owned()),
        Err(_) => input.error(message),
    }
}

fn unknown(key: &Ident, position: &Position) -> Error {
    let word = key.to_string();
    let Position { name, keys } = position;
    let expected = listed(keys);
    let elsewhere = POSITIONS.iter().find(|other| other.keys.contains(&word.as_str()));
    let message = if let Some(elsewhere) = elsewhere {
        let other = elsewhere.name;
        format!("`{word}` is a key of a {other}, not of a {name}; expected {expected}")
    } else if let Some(nearest) = nearest(&word, keys) {
        format!("unknown key `{word}` on a {name}, did you mean `{nearest}`? expected {expected}")
    } else {
        format!("unknown key `{word}` on a {name}; expected {expected}")
    };
    error_at(key, message)
}

/// Joins words for an error message, each in backticks: `a`, `b` or `c`.
fn listed(words: &[&str]) -> String {
    let mut list = String::new();
    for (i, word) in words.iter().enumerate() {
        let separator = match i {
            0 => "",
            _ if i + 1 == words.len() => " or ",
            _ => ", ",
        };
        list.push_str(separator);
        list.extend(["`", word, "`"]);
    }
    list
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};
    use syn::{Attribute, parse_quote};

    use super::{parse_field_keys, parse_function_keys};
    use crate::diag::Diagnostics;

    #[test]
    fn a_value_ends_at_a_comma_outside_of_a_turbofish() {
        let mut diag = Diagnostics::default();
        let keys = quote!(errors = f::<A, B>().x, ok = a < b, calls = c::d,);
        let keys = parse_function_keys(&mut diag, keys);
        assert!(diag.into_compile_errors().is_none());
        let errors = keys.errors.and_then(|errors| errors.value).unwrap_or_default();
        assert_eq!(errors.to_string(), quote!(f::<A, B>().x).to_string());
        let values = [keys.ok, keys.calls].map(|key| key.map(|key| key.value.to_string()));
        let expected = [quote!(a < b), quote!(c::d)].map(|value| Some(value.to_string()));
        assert_eq!(values, expected);
    }

    #[test]
    fn every_mistake_is_one_error_and_keys_after_it_are_read() {
        for (attr, mistakes) in [
            (quote!(#[metrics(label(op = "get"), name = "gets")]), 1),
            (quote!(#[metrics(labels = "get", name = "gets")]), 1),
            (quote!(#[metrics(labels(op), name = "gets")]), 1),
            (quote!(#[metrics(skip = true, name("x"), help "y", unit = 3, names = "gets")]), 5),
            (quote!(#[metrics(unit = "a", unit = "b")]), 1),
            (quote!(#[metrics(unit = "bytes"suffix)]), 1),
            (quote!(#[metrics]), 1),
            (quote!(#[metrics(name = "gets" unit = "bytes")]), 1),
        ] {
            let attr: Attribute = parse_quote!(#attr);
            let mut diag = Diagnostics::default();
            let keys = parse_field_keys(&mut diag, std::slice::from_ref(&attr)).remove(0).0;
            let errors = diag.into_compile_errors().unwrap_or_default().to_string();
            let attr = attr.to_token_stream().to_string();
            assert_eq!(errors.matches("compile_error").count(), mistakes, "{attr}: {errors}");
            if attr.contains("label") {
                assert!(keys.name.is_some());
            }
        }
    }
}
