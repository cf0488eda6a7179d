//! Declares the keys of `#[metrics(…)]`: one table for structs, one for fields, and so on.

use proc_macro2::{Ident, TokenStream};
use syn::{LitInt, LitStr, Path};

use crate::value::{LabelPairs, Percentage, RawValue, Value};

/// A key of an attribute, and its parsed value. Errors are reported at the location of the key.
pub(crate) struct Key<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// Declares a struct with the keys of one kind of item, such as a field, in alphabetical order. Each line contains the
/// key, the name of its field in the struct, the type of its value, and the description of a valid value for error
/// messages.
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
            pub(crate) const POSITION: Position = Position { name: $position, keys: &[$($word),*] };

            /// Returns whether the key was given, even with an invalid value.
            #[allow(dead_code)] // unused by some kinds of items
            pub(crate) fn is_given(&self, word: &str) -> bool {
                self.given.iter().any(|given| given == word)
            }

            /// Returns the keys with valid values, in alphabetical order.
            #[allow(dead_code)] // unused by some kinds of items
            pub(crate) fn valid_keys(&self) -> Vec<&Ident> {
                let mut keys = Vec::new();
                $(if let Some(key) = &self.$field {
                    keys.push(&key.key);
                })*
                keys
            }
        }
    };
}

keys! {
    /// The keys that `#[metrics(…)]` can set on a struct.
    StructKeys on "struct" {
        "crate" krate: Path = "a path, such as `crate = facade::metrics`",
        "labels" labels: LabelPairs = "labels, such as `labels(component = \"wal\")`",
        "padded" padded: () = "no value",
        "prefix" prefix: LitStr = "a string, such as `prefix = \"log_\"`",
        "storage" storage: Ident = "a name, such as `storage = LogMetrics`",
    }
}

keys! {
    /// The keys that `#[metrics(…)]` can set on a field.
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
    /// The keys in the parentheses of `objective(…)`, which is a key of a field.
    ObjectiveKeys on "histogram's objective" {
        "of" of: Percentage = "a percentage above 0 and below 100 with at most 7 decimals, such as `of = 99.9`",
        "within" within: LitStr = "a bucket bound in quotes, such as `within = \"100ms\"` or `within = \"64KiB\"`",
    }
}

keys! {
    /// The keys that `#[metrics(…)]` can set on a function.
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
    /// The keys that `#[metrics(…)]` can set on an enum with `#[derive(Label)]`.
    EnumKeys on "label" {
        "crate" krate: Path = "a path, such as `crate = facade::metrics`",
        "label" label: LitStr = "a string, such as `label = \"error_kind\"`",
        "rename_all" rename_all: LitStr = "a string, such as `rename_all = \"lowercase\"`",
    }
}

keys! {
    /// The keys that `#[metrics(…)]` can set on a variant of an enum with `#[derive(Label)]`.
    VariantKeys on "variant" {
        "name" name: LitStr = "a string, such as `name = \"not_found\"`",
    }
}

pub(crate) const POSITIONS: &[Position] = &[
    StructKeys::POSITION,
    FieldKeys::POSITION,
    ObjectiveKeys::POSITION,
    FunctionKeys::POSITION,
    EnumKeys::POSITION,
    VariantKeys::POSITION,
];

/// A kind of item that takes keys, such as `field`, and the names of the keys in alphabetical order.
pub(crate) struct Position {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static str],
}

/// A key whose value has not been parsed yet.
pub(crate) struct RawKey {
    pub(crate) key: Ident,
    pub(crate) value: RawValue,
}

/// The keys of one struct, field, function, enum or variant, or those in the parentheses of one `objective(…)`.
pub(crate) trait Keys {
    fn position(&self) -> &'static Position;

    /// Returns the names of the keys that were given so far, including those with invalid values. The parser adds each
    /// key to the list.
    fn given(&mut self) -> &mut Vec<String>;

    /// Parses and stores the value of the key `word`, which is one of the keys of this kind of item.
    fn set(&mut self, word: &str, raw: RawKey) -> syn::Result<()>;
}

#[cfg(test)]
mod tests {
    use super::POSITIONS;

    #[test]
    fn known_keys_are_listed_in_alphabetical_order() {
        for position in POSITIONS {
            assert!(position.keys.is_sorted(), "{}", position.name);
        }
    }
}
