//! The grammar of `#[metrics(…)]`: keys, some with values. Unknown keys and wrong values are reported here, wrong
//! combinations by the checks.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Error, Lit, LitStr, Meta, Path, Token, token};

use crate::diag::Diagnostics;
use crate::name;
use crate::suggest::nearest;
use crate::tokens::{Depth, flat, is_punct};

/// A key with its value, and the tokens to point at.
pub(crate) struct Key<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

impl<T> Key<T> {
    pub(crate) fn word(&self) -> &Ident {
        &self.key
    }
}

/// The keys of a struct.
#[derive(Default)]
pub(crate) struct StructKeys {
    pub(crate) krate: Option<Key<Path>>,
    pub(crate) padded: Option<Key<()>>,
    pub(crate) prefix: Option<Key<LitStr>>,
    pub(crate) storage: Option<Key<Ident>>,
    /// Whether `storage` is there, right or wrong.
    pub(crate) plain: bool,
}

/// The keys of a field.
#[derive(Default)]
pub(crate) struct FieldKeys {
    pub(crate) errors: Option<Key<()>>,
    pub(crate) flatten: Option<Key<()>>,
    pub(crate) help: Option<Key<LitStr>>,
    pub(crate) name: Option<Key<LitStr>>,
    pub(crate) padded: Option<Key<()>>,
    pub(crate) prefix: Option<Key<LitStr>>,
    pub(crate) sharded: Option<Key<()>>,
    pub(crate) skip: Option<Key<()>>,
    pub(crate) unit: Option<Key<LitStr>>,
}

/// The keys of a function.
#[derive(Default)]
pub(crate) struct FunctionKeys {
    pub(crate) calls: Option<Key<TokenStream>>,
    pub(crate) errors: Option<Key<Option<TokenStream>>>,
    pub(crate) in_flight: Option<Key<TokenStream>>,
    pub(crate) krate: Option<Key<Path>>,
    pub(crate) ok: Option<Key<TokenStream>>,
}

const STRUCT_KEYS: &[&str] = &["crate", "padded", "prefix", "storage"];
const FIELD_KEYS: &[&str] =
    &["errors", "flatten", "help", "name", "padded", "prefix", "sharded", "skip", "unit"];
const FUNCTION_KEYS: &[&str] = &["calls", "crate", "errors", "in_flight", "ok"];

pub(crate) fn parse_struct_keys(diag: &mut Diagnostics, attrs: &[Attribute]) -> StructKeys {
    let mut keys = StructKeys::default();
    for raw in parse_attributes(diag, attrs, STRUCT_KEYS) {
        match raw.key.to_string().as_str() {
            "crate" => {
                set(
                    diag,
                    &mut keys.krate,
                    raw,
                    Path::parse_mod_style,
                    "a path, such as `crate = facade::metrics`",
                );
            }
            "padded" => set_flag(diag, &mut keys.padded, raw),
            "prefix" => set_text(diag, &mut keys.prefix, raw, "log_"),
            "storage" => {
                keys.plain = true;
                set(
                    diag,
                    &mut keys.storage,
                    raw,
                    Ident::parse,
                    "a name, such as `storage = LogMetrics`",
                );
            }
            _ => unknown(diag, &raw.key, STRUCT, &[FIELD, FUNCTION]),
        }
    }
    keys
}

pub(crate) fn parse_field_keys(diag: &mut Diagnostics, attrs: &[Attribute]) -> FieldKeys {
    let mut keys = FieldKeys::default();
    for raw in parse_attributes(diag, attrs, FIELD_KEYS) {
        match raw.key.to_string().as_str() {
            "errors" => set_flag(diag, &mut keys.errors, raw),
            "flatten" => set_flag(diag, &mut keys.flatten, raw),
            "help" => set_text(diag, &mut keys.help, raw, "Records."),
            "name" => set_text(diag, &mut keys.name, raw, "records"),
            "padded" => set_flag(diag, &mut keys.padded, raw),
            "prefix" => set_text(diag, &mut keys.prefix, raw, "log_"),
            "sharded" => set_flag(diag, &mut keys.sharded, raw),
            "skip" => set_flag(diag, &mut keys.skip, raw),
            "unit" => set_text(diag, &mut keys.unit, raw, "bytes"),
            _ => unknown(diag, &raw.key, FIELD, &[STRUCT, FUNCTION]),
        }
    }
    keys
}

/// The keys of a function, from the tokens between the parentheses of its attribute.
pub(crate) fn parse_function_keys(diag: &mut Diagnostics, tokens: TokenStream) -> FunctionKeys {
    let mut keys = FunctionKeys::default();
    if tokens.is_empty() {
        diag.error(
            TokenStream::new(),
            "`#[metrics]` alone does nothing: say what to count, such as `#[metrics(errors = write_errors)]`",
        );
        return keys;
    }
    let raw = match parse_keys.parse2(tokens) {
        Ok(raw) => raw,
        Err(error) => {
            diag.push(error);
            return keys;
        }
    };
    for raw in raw {
        match raw.key.to_string().as_str() {
            "calls" => {
                set_place(diag, &mut keys.calls, raw, "the counter, such as `calls = scan_runs`");
            }
            "crate" => {
                set(
                    diag,
                    &mut keys.krate,
                    raw,
                    Path::parse_mod_style,
                    "a path, such as `crate = facade::metrics`",
                );
            }
            "errors" => set_errors(diag, &mut keys.errors, raw),
            "in_flight" => {
                set_place(
                    diag,
                    &mut keys.in_flight,
                    raw,
                    "the gauge, such as `in_flight = scans_in_flight`",
                );
            }
            "ok" => {
                set_place(diag, &mut keys.ok, raw, "the counter, such as `ok = records_written`");
            }
            _ => unknown(diag, &raw.key, FUNCTION, &[STRUCT, FIELD]),
        }
    }
    keys
}

fn set_place(
    diag: &mut Diagnostics,
    slot: &mut Option<Key<TokenStream>>,
    raw: RawKey,
    expected: &str,
) {
    let Key { key, value } = raw;
    if slot.is_some() {
        return diag.error(&key, format!("`{key}` is given twice; keep one"));
    }
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return diag
            .error(&key, format!("`{key}` needs to be told where to count; it takes {expected}"));
    };
    if check_place(diag, &key, &value) {
        *slot = Some(Key { key, value });
    }
}

/// `errors` alone is the struct's own error counter.
fn set_errors(diag: &mut Diagnostics, slot: &mut Option<Key<Option<TokenStream>>>, raw: RawKey) {
    let mut named = None;
    match raw {
        Key { key, .. } if slot.is_some() => {
            diag.error(&key, format!("`{key}` is given twice; keep one"));
        }
        Key { key, value: None } => *slot = Some(Key { key, value: None }),
        raw => {
            set_place(diag, &mut named, raw, "the counter, such as `errors = write_errors`");
            *slot = named.map(|Key { key, value }| Key { key, value: Some(value) });
        }
    }
}

/// Whether the value may be a place to count in, which no literal is.
fn check_place(diag: &mut Diagnostics, key: &Ident, value: &TokenStream) -> bool {
    let tokens = flat(value);
    if let Some(next) = next_key(&tokens) {
        diag.error(next, "a comma is expected before the next key");
        return false;
    }
    let [TokenTree::Literal(literal)] = tokens.as_slice() else { return true };
    let text = literal.to_string();
    let name = text.trim_matches('"');
    let message = if name.len() + 2 == text.len() && name::is_name(name) {
        format!("write the counter without quotes: `{key} = {name}`")
    } else {
        format!("`{key}` takes the name of a counter or an expression, and `{text}` is a literal")
    };
    diag.error(literal, message);
    false
}

/// Where an expression goes over into what must be another key: at a `;`, or at the `b` of `a b = c`.
fn next_key(tokens: &[TokenTree]) -> Option<&TokenTree> {
    tokens.iter().enumerate().find_map(|(at, token)| {
        let goes_on = matches!(tokens.get(at + 1..), Some([equals, value, ..])
            if is_punct(equals, '=') && !is_punct(value, '=') && !is_punct(value, '>'));
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let is_key = goes_on
            && matches!(token, TokenTree::Ident(_))
            && matches!(before, Some(TokenTree::Ident(_) | TokenTree::Group(_)));
        (is_key || is_punct(token, ';')).then_some(token)
    })
}

/// A key whose value nobody has looked at.
type RawKey = Key<Option<TokenStream>>;

/// All keys of all `#[metrics(…)]` among the attributes.
fn parse_attributes(diag: &mut Diagnostics, attrs: &[Attribute], known: &[&str]) -> Vec<RawKey> {
    let mut keys = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("metrics")) {
        match &attr.meta {
            Meta::List(list) if !list.tokens.is_empty() => match attr.parse_args_with(parse_keys) {
                Ok(parsed) => keys.extend(parsed),
                Err(error) => diag.push(error),
            },
            meta => diag.error(
                meta,
                format!(
                    "say what is meant in parentheses: `#[metrics(…)]` takes {}",
                    listed(known)
                ),
            ),
        }
    }
    keys
}

/// Parses `key`, `key = value`, and so on. A value ends at the next comma.
fn parse_keys(input: ParseStream<'_>) -> syn::Result<Vec<RawKey>> {
    let mut keys = Vec::new();
    while !input.is_empty() {
        if !input.peek(Ident::peek_any) {
            return Err(at_next(input, "a key is expected here, such as `skip` or `name = \"…\"`"));
        }
        let key = input.call(Ident::parse_any)?;
        let equals: Option<Token![=]> = input.parse()?;
        let value = equals.map(|_| parse_value(input)).transpose()?;
        if begins_value(input) {
            let message = format!("the value of `{key}` comes after a `=`: write `{key} = …`");
            return Err(at_next(input, &message));
        }
        keys.push(Key { key, value });
        if !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
            return Err(at_next(input, "a comma is expected before the next key"));
        }
    }
    Ok(keys)
}

/// An error that underlines the whole next token, be it a group.
fn at_next(input: ParseStream<'_>, message: &str) -> Error {
    match input.parse::<TokenTree>() {
        Ok(next) => Error::new_spanned(next, message),
        Err(_) => input.error(message),
    }
}

/// Parses the tokens up to the comma that ends the value.
fn parse_value(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut value = TokenStream::new();
    let mut generics = Turbofish::default();
    while !input.is_empty() && (generics.inside() || !input.peek(Token![,])) {
        let token: TokenTree = input.parse()?;
        generics.pass(&token);
        token.to_tokens(&mut value);
    }
    Ok(value)
}

/// Whether a literal or parentheses come next.
fn begins_value(input: ParseStream<'_>) -> bool {
    input.peek(Lit) || input.peek(token::Paren)
}

/// The commas in `f::<A, B>()` part no keys.
#[derive(Default)]
struct Turbofish {
    depth: Depth,
    colons: usize,
}

impl Turbofish {
    fn inside(&self) -> bool {
        !self.depth.outside()
    }

    fn pass(&mut self, token: &TokenTree) {
        if self.inside() || self.colons == 2 && is_punct(token, '<') {
            self.depth.pass(token);
        }
        self.colons = if is_punct(token, ':') { self.colons + 1 } else { 0 };
    }
}

fn set<T>(
    diag: &mut Diagnostics,
    slot: &mut Option<Key<T>>,
    raw: RawKey,
    read: fn(ParseStream<'_>) -> syn::Result<T>,
    expected: &str,
) {
    let Some(Key { key, value }) = given(diag, slot.is_some(), raw, expected) else { return };
    match read.parse2(value.clone()) {
        Ok(value) => *slot = Some(Key { key, value }),
        Err(_) => diag.error(value, format!("`{key}` takes {expected}")),
    }
}

/// The key with its value, if it is the first of its kind and has one.
fn given(
    diag: &mut Diagnostics,
    is_set: bool,
    Key { key, value }: RawKey,
    expected: &str,
) -> Option<Key<TokenStream>> {
    let value = value.filter(|value| !value.is_empty());
    if is_set {
        diag.error(&key, format!("`{key}` is given twice; keep one"));
    } else if value.is_none() {
        diag.error(&key, format!("`{key}` takes {expected}"));
    } else {
        return value.map(|value| Key { key, value });
    }
    None
}

fn set_text(diag: &mut Diagnostics, slot: &mut Option<Key<LitStr>>, raw: RawKey, such: &str) {
    let expected = format!("a string, such as `{} = \"{such}\"`", raw.key);
    set(diag, slot, raw, string, &expected);
}

/// Parses a string literal without a suffix.
fn string(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let string: LitStr = input.parse()?;
    if string.suffix().is_empty() { Ok(string) } else { Err(input.error("a suffix")) }
}

fn set_flag(diag: &mut Diagnostics, slot: &mut Option<Key<()>>, raw: RawKey) {
    let Key { key, value } = raw;
    if slot.is_some() {
        return diag.error(&key, format!("`{key}` is given twice; keep one"));
    }
    if let Some(value) = value {
        let at = if value.is_empty() { key.to_token_stream() } else { value };
        diag.error(at, format!("`{key}` stands alone; take its value away"));
    }
    *slot = Some(Key { key, value: () });
}

/// A place for keys, and the keys that it takes.
type Place = (&'static str, &'static [&'static str]);

const STRUCT: Place = ("struct", STRUCT_KEYS);
const FIELD: Place = ("field", FIELD_KEYS);
const FUNCTION: Place = ("function", FUNCTION_KEYS);

fn unknown(diag: &mut Diagnostics, key: &Ident, (place, known): Place, others: &[Place]) {
    let word = key.to_string();
    let elsewhere = others.iter().find(|(_, known)| known.contains(&word.as_str()));
    let message = if let Some((other, _)) = elsewhere {
        format!("`{word}` is a key of a {other}; a {place} takes {}", listed(known))
    } else if let Some(nearest) = nearest(&word, known) {
        format!(
            "unknown key `{word}` on a {place}, did you mean `{nearest}`? Expected {}",
            listed(known)
        )
    } else {
        format!("unknown key `{word}` on a {place}; expected {}", listed(known))
    };
    diag.error(key, message);
}

/// `a`, `b` or `c`.
fn listed(words: &[&str]) -> String {
    let mut list = String::new();
    for (i, word) in words.iter().enumerate() {
        let between = if i + 1 == words.len() { " or " } else { ", " };
        list.push_str(if i == 0 { "" } else { between });
        list.push('`');
        list.push_str(word);
        list.push('`');
    }
    list
}
