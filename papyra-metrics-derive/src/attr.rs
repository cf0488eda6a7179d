//! The grammar of `#[metrics(…)]`: a table of keys for each position. Unknown keys and wrong values are reported here,
//! wrong combinations by the checks.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Error, LitInt, LitStr, Meta, Path, Token};

use crate::diag::{Diagnostics, error_at};
use crate::parse::parse_all;
use crate::raw_tokens::is_one_of;
use crate::suggest::nearest;
use crate::value::{LabelPairs, Percentage, RawValue, Value, in_parentheses};

/// A key with its value.
pub(crate) struct Key<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// Declares the keys of a position, in alphabetical order: the key, its field, the type of its value, and what a message
/// says that the key takes.
macro_rules! keys {
    ($(#[$doc:meta])* $keys:ident on $position:literal {
        $($word:literal $field:ident: $value:ty = $expected:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $keys {
            $(pub(crate) $field: Option<Key<$value>>,)*
            given: Vec<String>,
        }

        impl Keys for $keys {
            fn position(&self) -> &'static Position {
                &Self::POSITION
            }

            fn given(&mut self) -> &mut Vec<String> {
                &mut self.given
            }

            fn set(&mut self, word: &str, RawKey { key, value }: RawKey) -> syn::Result<()> {
                match word {
                    $($word => {
                        let value = <$value as Value>::parse(&key, value, $expected)?;
                        self.$field = Some(Key { key, value });
                    })*
                    _ => {}
                }
                Ok(())
            }
        }

        impl $keys {
            const POSITION: Position = Position { name: $position, keys: &[$($word),*] };

            /// Whether the key was given, even with an invalid value.
            #[allow(dead_code)] // not asked of every position
            pub(crate) fn is_given(&self, word: &str) -> bool {
                self.given.iter().any(|given| given == word)
            }

            /// The keys with valid values, in alphabetical order.
            #[allow(dead_code)] // not asked of every position
            pub(crate) fn words(&self) -> Vec<&Ident> {
                let mut words = Vec::new();
                $(if let Some(key) = &self.$field {
                    words.push(&key.key);
                })*
                words
            }
        }
    };
}

keys! {
    /// The keys of a struct.
    StructKeys on "struct" {
        "crate" krate: Path = "a path, such as `crate = facade::metrics`",
        "labels" labels: LabelPairs = "labels, such as `labels(component = \"wal\")`",
        "padded" padded: () = "no value",
        "prefix" prefix: LitStr = "a string, such as `prefix = \"log_\"`",
        "storage" storage: Ident = "a name, such as `storage = LogMetrics`",
    }
}

keys! {
    /// The keys of a field.
    FieldKeys on "field" {
        "counter" counter: TokenStream = "a path or closure, such as `counter = |db| db.compactions()`",
        "errors" errors: () = "no value",
        "flatten" flatten: () = "no value",
        "gauge" gauge: TokenStream = "a path or closure, such as `gauge = |queue| queue.len()`",
        "help" help: LitStr = "a string, such as `help = \"Records.\"`",
        "labels" labels: LabelPairs = "labels, such as `labels(op = \"get\")`",
        "name" name: LitStr = "a string, such as `name = \"records\"`",
        "objective" objective: ObjectiveKeys = "a threshold and a percentage: `objective(within = \"100ms\", of = 99.9)`",
        "padded" padded: () = "no value",
        "prefix" prefix: LitStr = "a string, such as `prefix = \"log_\"`",
        "sharded" sharded: () = "no value",
        "skip" skip: () = "no value",
        "unit" unit: LitStr = "a string, such as `unit = \"bytes\"`",
    }
}

keys! {
    /// The keys in the parentheses of a field's `objective`.
    ObjectiveKeys on "histogram's objective" {
        "of" of: Percentage = "a percentage above 0 and below 100 with at most 7 decimals, such as `of = 99.9`",
        "within" within: LitStr = "a bucket bound in quotes, such as `within = \"100ms\"` or `within = \"64KiB\"`",
    }
}

keys! {
    /// The keys of a function.
    FunctionKeys on "function" {
        "at" at: TokenStream = "the metrics to look up counters in, such as `at = self.stats`",
        "calls" calls: TokenStream = "a counter, such as `calls = scan_runs`",
        "cancelled" cancelled: TokenStream = "a counter, such as `cancelled = scans_cancelled`",
        "crate" krate: Path = "a path, such as `crate = facade::metrics`",
        "errors" errors: Option<TokenStream> = "a counter, such as `errors = write_errors`",
        "errors_by" errors_by: TokenStream = "a path or closure, such as `errors_by = ErrorKind::of`",
        "in_flight" in_flight: TokenStream = "a gauge, such as `in_flight = scans_in_flight`",
        "ok" ok: TokenStream = "a counter, such as `ok = records_written`",
        "sample" sample: LitInt = "a number, such as `sample = 16`",
        "time" time: TokenStream = "a histogram of durations, such as `time = append`",
    }
}

keys! {
    /// The keys of an enum of labels.
    EnumKeys on "label" {
        "crate" krate: Path = "a path, such as `crate = facade::metrics`",
        "label" label: LitStr = "a string, such as `label = \"error_kind\"`",
        "rename_all" rename_all: LitStr = "a string, such as `rename_all = \"lowercase\"`",
    }
}

keys! {
    /// The keys of a variant of such an enum.
    VariantKeys on "variant" {
        "name" name: LitStr = "a string, such as `name = \"not_found\"`",
    }
}

const POSITIONS: &[Position] = &[
    StructKeys::POSITION,
    FieldKeys::POSITION,
    ObjectiveKeys::POSITION,
    FunctionKeys::POSITION,
    EnumKeys::POSITION,
    VariantKeys::POSITION,
];

/// An item that can carry the attribute, and the keys that it takes.
struct Position {
    name: &'static str,
    keys: &'static [&'static str],
}

/// The keys of a position.
trait Keys {
    fn position(&self) -> &'static Position;

    /// The keys so far, including those with invalid values.
    fn given(&mut self) -> &mut Vec<String>;

    /// Parses the value of a known key and stores it.
    fn set(&mut self, word: &str, raw: RawKey) -> syn::Result<()>;
}

pub(crate) fn parse_struct_keys(diag: &mut Diagnostics, attrs: &[Attribute]) -> StructKeys {
    let mut keys = StructKeys::default();
    parse_attributes(diag, &mut keys, attrs);
    keys
}

/// Parses the keys of a field. If several of its attributes compute a value, each has its own keys and the doc comment above
/// it; otherwise all of them are read as one.
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

/// Whether one of the attributes has this name.
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

/// Parses the keys of all `#[metrics(…)]` among the attributes.
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

/// Parses the keys and sets each of them.
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

/// Sets a key that is known and not set yet.
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

/// A key whose value has not been read yet.
struct RawKey {
    key: Ident,
    value: RawValue,
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

/// An error that underlines the whole next token, also if it is a group.
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

/// `a`, `b` or `c`.
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

    use super::{POSITIONS, parse_field_keys, parse_function_keys};
    use crate::diag::Diagnostics;

    #[test]
    fn known_keys_are_listed_in_alphabetical_order() {
        for position in POSITIONS {
            assert!(position.keys.is_sorted(), "{}", position.name);
        }
    }

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
