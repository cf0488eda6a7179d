//! Checks an enum with `#[derive(Label)]`: its shape, the name of the label, and the label values of its variants.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields};

use crate::attr;
use crate::diag::Diagnostics;
use crate::keys::{EnumKeys, Key};
use crate::krate::CratePath;
use crate::label_rules::{check_label_name, check_label_value};

/// The maximum number of values of a label.
const MAX_VALUES: usize = 256;

/// An enum with `#[derive(Label)]`, after its checks.
pub(super) struct LabelEnum<'a> {
    pub(super) krate: CratePath,
    pub(super) ident: &'a Ident,
    /// The name of the label.
    pub(super) name: String,
    pub(super) variants: Vec<Variant<'a>>,
    /// Whether no variant has an explicit discriminant. Each discriminant is then the index of its variant.
    pub(super) has_default_discriminants: bool,
}

/// A variant and its label value.
pub(super) struct Variant<'a> {
    pub(super) ident: &'a Ident,
    pub(super) value: String,
}

pub(super) fn check_item<'a>(
    diag: &mut Diagnostics,
    item: &'a DeriveInput,
) -> Option<LabelEnum<'a>> {
    let EnumKeys { krate, label, rename_all, .. } = attr::parse_enum_keys(diag, &item.attrs);
    let ident = &item.ident;
    let mut refuse = |keyword: &dyn ToTokens, kind: &str| {
        diag.error(
            keyword,
            format!("`Label` cannot be derived for {kind}; make `{ident}` an enum with a variant for each value"),
        );
    };
    let data = match &item.data {
        Data::Enum(data) => data,
        Data::Struct(data) => return refuse_item(&mut refuse, &data.struct_token, "a struct"),
        Data::Union(data) => return refuse_item(&mut refuse, &data.union_token, "a union"),
    };
    if let Some(parameter) = item.generics.params.first() {
        diag.error(
            parameter,
            format!(
                "`Label` cannot be derived for a generic enum; remove the parameters of `{ident}`"
            ),
        );
    }
    let case = rename_all.map_or(Case::Snake, |key| check_case(diag, &key));
    let name = match &label {
        Some(Key { value, .. }) => (value.value(), value.to_token_stream()),
        None => (snake_case(&ident.unraw().to_string()), ident.to_token_stream()),
    };
    check_label_name(diag, &name.0, &name.1);
    if data.variants.is_empty() {
        diag.error(ident, format!("a label needs at least one value; add a variant to `{ident}`"));
    }
    if let Some(variant) = data.variants.iter().nth(MAX_VALUES) {
        let count = data.variants.len();
        diag.error(
            &variant.ident,
            format!("a label has at most {MAX_VALUES} values, and `{ident}` has {count}; for values that are known only at run time, pass a label to `Registry::register`"),
        );
    }
    let mut variants: Vec<Variant<'_>> = Vec::new();
    for variant in &data.variants {
        let keys = attr::parse_variant_keys(diag, &variant.attrs);
        let ident = &variant.ident;
        if !matches!(variant.fields, Fields::Unit) {
            diag.error(
                &variant.fields,
                format!("a variant of a label cannot have fields, because a label has a fixed set of values; remove the fields of `{ident}`"),
            );
        }
        let (value, at) = match &keys.name {
            Some(Key { value, .. }) => (value.value(), value.to_token_stream()),
            None => (case.apply(&ident.unraw().to_string()), ident.to_token_stream()),
        };
        check_label_value(diag, &value, &at);
        let first = variants.iter().find(|variant| variant.value == value);
        if let Some(Variant { ident: first, .. }) = first {
            diag.error(
                &at,
                format!("`{value}` is the value of two variants, `{first}` and `{ident}`; give one of them another `name`"),
            );
        }
        variants.push(Variant { ident, value });
    }
    Some(LabelEnum {
        krate: CratePath::new(krate.as_ref()),
        ident,
        name: name.0,
        has_default_discriminants: data.variants.iter().all(|it| it.discriminant.is_none()),
        variants,
    })
}

fn refuse_item<T>(
    refuse: &mut dyn FnMut(&dyn ToTokens, &str),
    keyword: &dyn ToTokens,
    kind: &str,
) -> Option<T> {
    refuse(keyword, kind);
    None
}

/// The case of the label values that are derived from the names of variants, as set by `rename_all`.
enum Case {
    Snake,
    Lower,
}

impl Case {
    fn apply(&self, variant: &str) -> String {
        match self {
            Self::Snake => snake_case(variant),
            Self::Lower => variant.to_lowercase(),
        }
    }
}

fn check_case(diag: &mut Diagnostics, Key { value, .. }: &Key<syn::LitStr>) -> Case {
    match value.value().as_str() {
        "snake_case" => return Case::Snake,
        "lowercase" => return Case::Lower,
        other => diag.error(
            value,
            format!("`{other}` is not a valid case for label values, which match [a-z0-9_]+; use `snake_case` or `lowercase`"),
        ),
    }
    Case::Snake
}

/// Converts a name to snake case: `IoError` to `io_error`, `HTTPError` to `http_error`, `Level0` to `level0`.
fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(i + 1);
        let begins_word = c.is_uppercase()
            && before.is_some_and(|before| {
                before != '_'
                    && (!before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()))
            });
        if begins_word {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn words_of_a_name_are_joined_by_underscores() {
        for (name, expected) in [
            ("NotFound", "not_found"),
            ("IO", "io"),
            ("IoError", "io_error"),
            ("HTTPError", "http_error"),
            ("Level0", "level0"),
            ("L0Files", "l0_files"),
            ("not_found", "not_found"),
            ("Not_Found", "not_found"),
        ] {
            assert_eq!(snake_case(name), expected);
        }
    }
}
