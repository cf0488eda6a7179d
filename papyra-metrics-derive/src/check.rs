//! Turns what was written into what was meant. Whatever can be wrong with an input is reported here; the stages
//! after this one cannot fail.

use std::collections::HashSet;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, GenericParam, Lit, LitStr, Meta, Type};

use crate::attr::{self, FieldKeys, Key};
use crate::diag::Diagnostics;
use crate::model::{Field, Krate, Metric, Model, Plain, Role, Storage};
use crate::name;
use crate::types::{is_phantom_data, last_word, mentions, path, pointee, primitive};

/// The model of a struct, as far as it can be told: where something was reported it is not to be expanded.
pub(crate) fn check_item<'a>(diag: &mut Diagnostics, item: &'a DeriveInput) -> Option<Model<'a>> {
    let keys = attr::parse_struct_keys(diag, &item.attrs);
    let fields = check_shape(diag, item)?;
    let storage = keys.storage.and_then(|key| check_storage(diag, item, key));
    let scope = Scope {
        ident: &item.ident,
        prefix: keys.prefix.and_then(|prefix| check_prefix(diag, &prefix)).unwrap_or_default(),
        parameters: parameters(item),
        plain: keys.plain,
        named: storage.is_some(),
        padded: keys.padded.is_some(),
    };
    if let (Some(Key { key, .. }), false) = (&keys.padded, keys.plain) {
        diag.error(key, "`padded` goes with `storage`; in a struct of instruments, wrap the types of its fields: `CachePadded<Counter>`");
    }
    let (mut checked, mut keys_of) = (Vec::new(), Vec::new());
    for field in fields {
        if let Some((field, keys)) = check_field(diag, &scope, field) {
            checked.push(field);
            keys_of.push(keys);
        }
    }
    check_names(diag, &checked, &keys_of);
    check_one_error_counter(diag, &checked, &keys_of);
    Some(Model {
        krate: Krate::new(keys.krate),
        vis: &item.vis,
        ident: &item.ident,
        generics: &item.generics,
        suspects: suspects(&checked),
        fields: checked,
        storage,
    })
}

/// What the checks of a field have to know of its struct.
struct Scope<'a> {
    /// The name of the struct.
    ident: &'a Ident,
    prefix: String,
    /// The type and const parameters.
    parameters: Vec<&'a Ident>,
    /// Whether it is a plain struct, with `storage`.
    plain: bool,
    /// Whether its storage has a name.
    named: bool,
    /// Whether its metrics go on cache lines of their own.
    padded: bool,
}

fn parameters(item: &DeriveInput) -> Vec<&Ident> {
    let parameters = item.generics.params.iter();
    let named = parameters.filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
    });
    named.collect()
}

fn check_shape<'a>(diag: &mut Diagnostics, item: &'a DeriveInput) -> Option<&'a Fields> {
    let ident = &item.ident;
    let (keyword, article) = match &item.data {
        Data::Struct(data) => {
            if matches!(data.fields, Fields::Named(_)) {
                return Some(&data.fields);
            }
            diag.error(
                ident,
                format!("`{ident}` has no named fields, and a metric takes its name from its field; write `struct {ident} {{ … }}`"),
            );
            return None;
        }
        Data::Enum(data) => (data.enum_token.to_token_stream(), "an"),
        Data::Union(data) => (data.union_token.to_token_stream(), "a"),
    };
    diag.error(
        &keyword,
        format!("`Metrics` is derived for a struct with named fields, and `{ident}` is {article} {keyword}; write a struct with a field for each metric"),
    );
    None
}

fn check_storage<'a>(
    diag: &mut Diagnostics,
    item: &'a DeriveInput,
    Key { value: ident, .. }: Key<Ident>,
) -> Option<Storage<'a>> {
    if ident == item.ident {
        diag.error(&ident, format!("`{ident}` is this struct itself; give the struct of atomics that is written for it another name"));
        return None;
    }
    Some(Storage { ident, attrs: item.attrs.iter().filter(|attr| passes_over(attr)).collect() })
}

fn check_field<'a>(
    diag: &mut Diagnostics,
    scope: &Scope<'_>,
    field: &'a syn::Field,
) -> Option<(Field<'a>, FieldKeys)> {
    let ident = field.ident.as_ref()?;
    let keys = attr::parse_field_keys(diag, &field.attrs);
    check_combination(diag, &keys);
    let role = if keys.skip.is_some() {
        if scope.plain && !is_phantom_data(&field.ty) {
            diag.error(&field.ty, "in a struct with `storage` only a `PhantomData` can be skipped: the written struct of atomics could not make up any other value");
        }
        Role::Skip
    } else if keys.flatten.is_some() {
        check_no_cycle(diag, scope, field)?;
        let own = keys.prefix.as_ref().and_then(|prefix| check_prefix(diag, prefix));
        Role::Flatten { prefix: format!("{}{}", scope.prefix, own.unwrap_or_default()) }
    } else {
        Role::Metric(check_metric(diag, scope, field, &keys)?)
    };
    let field = Field {
        ident,
        vis: &field.vis,
        ty: &field.ty,
        attrs: field.attrs.iter().filter(|attr| passes_over(attr)).collect(),
        generic: mentions(&field.ty, &scope.parameters),
        role,
    };
    Some((field, keys))
}

/// A struct within itself. One that goes over another struct is found by the compiler alone.
fn check_no_cycle(diag: &mut Diagnostics, scope: &Scope<'_>, field: &syn::Field) -> Option<()> {
    let this = path(pointee(&field.ty)).filter(|path| path.segments.len() == 1);
    let is_this = |word: &Ident| word == scope.ident || word == "Self";
    if !this.and_then(|path| path.segments.first()).is_some_and(|first| is_this(&first.ident)) {
        return Some(());
    }
    let ident = scope.ident;
    diag.error(&field.ty, format!("`{ident}` cannot be flattened into itself: its metrics would have no end; put what both have in common into a struct of its own"));
    None
}

/// Keys that make no sense beside each other.
fn check_combination(diag: &mut Diagnostics, keys: &FieldKeys) {
    let FieldKeys { errors, flatten, help, name, padded, prefix, sharded, skip, unit } = keys;
    for (word, key) in [
        ("errors", errors.as_ref().map(Key::word)),
        ("flatten", flatten.as_ref().map(Key::word)),
        ("padded", padded.as_ref().map(Key::word)),
        ("sharded", sharded.as_ref().map(Key::word)),
        ("help", help.as_ref().map(Key::word)),
        ("name", name.as_ref().map(Key::word)),
        ("prefix", prefix.as_ref().map(Key::word)),
        ("unit", unit.as_ref().map(Key::word)),
    ] {
        let Some(key) = key else { continue };
        if skip.is_some() {
            diag.error(key, format!("a field with `skip` is no metric, so `{word}` has nothing to say; keep one of the two"));
        } else if flatten.is_some() && !matches!(word, "flatten" | "prefix") {
            let instead = if word == "name" { "use `prefix`, or " } else { "" };
            diag.error(key, format!("`{word}` belongs to one metric, and `flatten` brings in several; {instead}put it on a field of the flattened struct"));
        } else if flatten.is_none() && word == "prefix" {
            diag.error(
                key,
                "`prefix` on a field goes with `flatten`; use `name = \"…\"` to name one metric",
            );
        }
    }
}

fn check_metric(
    diag: &mut Diagnostics,
    scope: &Scope<'_>,
    field: &syn::Field,
    keys: &FieldKeys,
) -> Option<Metric> {
    let ident = field.ident.as_ref()?;
    let name = check_name(diag, scope, ident, keys);
    let unit = keys.unit.as_ref().and_then(|unit| check_unit(diag, unit));
    let plain = plain(&field.ty).filter(|_| scope.plain);
    check_layout(diag, scope, field, keys)?;
    if scope.plain && plain.is_none() && !scope.named {
        return None; // it may be meant to be no plain struct
    }
    if scope.plain && plain.is_none() {
        diag.error(&field.ty, "in a struct with `storage` a metric is a plain `u64` (a counter) or `i64` (a gauge); use `flatten` for another such struct");
        return None;
    }
    if !scope.plain {
        check_counts_in_place(diag, &field.ty)?;
    }
    if let (Some(Key { key, .. }), true) = (&keys.errors, is_gauge(&field.ty, plain)) {
        diag.error(
            key,
            format!("errors are counted in a counter, and `{ident}` is a gauge; make it a counter, or take `errors` away"),
        );
        return None;
    }
    let sharded = keys.sharded.is_some();
    Some(Metric {
        name: format!("{}{}", scope.prefix, name?),
        prefix_len: scope.prefix.len(),
        help: keys.help.as_ref().map_or_else(|| help(&field.attrs), |help| help.value.value()),
        unit,
        errors: keys.errors.is_some(),
        plain: if sharded { Some(Plain::Sharded) } else { plain },
        padded: !sharded && (scope.padded || keys.padded.is_some()),
    })
}

/// Where the cells of the metric go: only the derive's own atomics can be told.
fn check_layout(
    diag: &mut Diagnostics,
    scope: &Scope<'_>,
    field: &syn::Field,
    keys: &FieldKeys,
) -> Option<()> {
    let FieldKeys { padded, sharded, .. } = keys;
    match (padded, sharded) {
        (Some(Key { key, .. }), _) if !scope.plain => {
            let ty = field.ty.to_token_stream();
            diag.error(key, format!("`padded` goes with `storage`; in a struct of instruments, wrap the field's type: `CachePadded<{ty}>`"));
        }
        (_, Some(Key { key, .. })) if !scope.plain => {
            diag.error(key, "`sharded` goes with `storage`; in a struct of instruments, make the field's type `ShardedCounter`");
        }
        (Some(Key { key, .. }), Some(_)) => {
            diag.error(key, "a sharded counter has its cells on cache lines of their own already; take `padded` away");
        }
        (None, Some(Key { key, .. })) if plain(&field.ty) == Some(Plain::Gauge) => {
            let ident = field.ident.as_ref()?;
            diag.error(key, format!("only a counter can be sharded, and `{ident}` is a gauge"));
        }
        _ => return Some(()),
    }
    None
}

fn check_name(
    diag: &mut Diagnostics,
    scope: &Scope<'_>,
    ident: &Ident,
    keys: &FieldKeys,
) -> Option<String> {
    let (name, at) = match &keys.name {
        Some(Key { value, .. }) => (value.value(), value.to_token_stream()),
        None => (ident.unraw().to_string(), ident.to_token_stream()),
    };
    // After a prefix a digit may come first.
    if name::is_name(&name)
        || !scope.prefix.is_empty() && name::is_name(&format!("_{name}")) && !name.is_empty()
    {
        return Some(name);
    }
    let way_out = match (&keys.name, name::near(&name)) {
        (Some(_), Some(near)) => format!("; write `{near}`"),
        (Some(_), None) => String::new(),
        (None, Some(near)) => format!("; give it one with `name = \"{near}\"`"),
        (None, None) => "; give it one with `name = \"…\"`".to_owned(),
    };
    let name = quoted(&name);
    diag.error(
        at,
        format!(
            "{name} cannot be the name of a metric, which matches [a-zA-Z_][a-zA-Z0-9_]*{way_out}"
        ),
    );
    None
}

/// As messages show it.
fn quoted(word: &str) -> String {
    if word.is_empty() { "an empty string".to_owned() } else { format!("`{word}`") }
}

fn check_prefix(diag: &mut Diagnostics, prefix: &Key<LitStr>) -> Option<String> {
    let value = prefix.value.value();
    if name::is_prefix(&value) {
        return Some(value);
    }
    diag.error(
        &prefix.value,
        format!("`{value}` cannot begin the names of metrics, which match [a-zA-Z_][a-zA-Z0-9_]*"),
    );
    None
}

fn check_unit(diag: &mut Diagnostics, unit: &Key<LitStr>) -> Option<String> {
    let value = unit.value.value();
    if name::is_unit(&value) {
        return Some(value);
    }
    diag.error(
        &unit.value,
        format!(
            "{} cannot be a unit, which matches [a-z0-9_]+, such as `bytes` or `seconds`",
            quoted(&value)
        ),
    );
    None
}

/// Plain numbers, which change only behind `&mut`.
fn check_counts_in_place(diag: &mut Diagnostics, ty: &Type) -> Option<()> {
    const NUMBERS: [&str; 14] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64",
    ];
    let Some(name) = primitive(ty).filter(|name| NUMBERS.contains(&name.as_str())) else {
        return Some(());
    };
    let instrument = if name.starts_with('u') { "Counter" } else { "Gauge" };
    diag.error(ty, format!("`{name}` cannot be counted in place; write `{instrument}`, or add `#[metrics(storage = …)]` to the struct to have the atomics written for you"));
    None
}

/// Two metrics of one name. Those that flattened fields bring are for the compiler to compare.
fn check_names(diag: &mut Diagnostics, fields: &[Field<'_>], keys: &[FieldKeys]) {
    let mut seen = HashSet::new();
    for (field, keys) in fields.iter().zip(keys) {
        let Role::Metric(Metric { name, .. }) = &field.role else { continue };
        if seen.insert(name.clone()) {
            continue;
        }
        let has_name = |field: &&Field<'_>| matches!(&field.role, Role::Metric(metric) if metric.name == *name);
        let Some(first) = fields.iter().find(has_name) else { continue };
        let message = format!(
            "two metrics are named `{name}`: the fields `{}` and `{}`; give one of them another `name`",
            first.ident, field.ident
        );
        match &keys.name {
            Some(Key { value, .. }) => diag.error(value, message),
            None => diag.error(field.ident, message),
        }
    }
}

fn check_one_error_counter(diag: &mut Diagnostics, fields: &[Field<'_>], keys: &[FieldKeys]) {
    let mut first = None;
    for (field, keys) in fields.iter().zip(keys) {
        let (Role::Metric(_), Some(Key { key, .. })) = (&field.role, &keys.errors) else {
            continue;
        };
        let field = field.ident;
        match first {
            None => first = Some(field),
            Some(first) => diag.error(key, format!("the error counter is already `{first}`; a struct has one, and functions name the others: `#[metrics(errors = {field})]`")),
        }
    }
}

/// Metrics that may be exported as one. Their kinds decide, and those only the compiler knows.
fn suspects(fields: &[Field<'_>]) -> Vec<(usize, usize)> {
    let mut suspects = Vec::new();
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    for field in fields {
        let Role::Metric(metric) = &field.role else { continue };
        let name = name::loose(&metric.name[metric.prefix_len..], metric.unit.as_deref());
        if !seen.insert(name.clone()) {
            for (earlier, other) in names.iter().enumerate() {
                if *other == name {
                    suspects.push((earlier, names.len()));
                }
            }
        }
        names.push(name);
    }
    suspects
}

/// The first paragraph of the doc comment: its trimmed lines, joined by one space.
fn help(attrs: &[Attribute]) -> String {
    let mut paragraph = String::new();
    for text in attrs.iter().filter_map(doc) {
        let starred = is_starred(&text);
        for (i, line) in text.split('\n').enumerate() {
            let line = line.trim();
            let unstarred = line.strip_prefix('*').filter(|_| starred && i > 0);
            let line = unstarred.map_or(line, str::trim);
            if line.is_empty() && !paragraph.is_empty() {
                return paragraph;
            }
            paragraph.push_str(if line.is_empty() || paragraph.is_empty() { "" } else { " " });
            paragraph.push_str(line);
        }
    }
    paragraph
}

/// The text of a doc comment.
fn doc(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => string(&doc.value),
        _ => None,
    }
}

/// The text of a string literal, also one that came through a `macro_rules!` fragment.
fn string(value: &Expr) -> Option<String> {
    match value {
        Expr::Group(group) => string(&group.expr),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) if text.suffix().is_empty() => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether that is a block drawn with stars, which are no part of it.
fn is_starred(text: &str) -> bool {
    text.split('\n').skip(1).map(str::trim_start).all(|it| it.is_empty() || it.starts_with('*'))
}

/// Attributes that mean the same on the struct of atomics.
fn passes_over(attr: &Attribute) -> bool {
    ["doc", "cfg", "allow", "expect", "deprecated"].iter().any(|word| attr.path().is_ident(word))
}

/// What a plain integer becomes.
pub(crate) fn plain(ty: &Type) -> Option<Plain> {
    match primitive(ty)?.as_str() {
        "u64" => Some(Plain::Counter),
        "i64" => Some(Plain::Gauge),
        _ => None,
    }
}

/// Whether the type says that it is a gauge. One that hides it, such as an alias, is for the compiler.
fn is_gauge(ty: &Type, plain: Option<Plain>) -> bool {
    plain == Some(Plain::Gauge) || matches!(last_word(ty).as_deref(), Some("Gauge" | "AtomicI64"))
}
