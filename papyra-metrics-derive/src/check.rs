//! Turns what was written into what was meant. Whatever can be wrong with an input is reported here; the stages
//! after this one cannot fail.

use std::collections::{BTreeMap, HashMap};

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;

use crate::ast::{self, Arguments, Attribute, Body, Item};
use crate::attr::{self, FieldKeys, Key};
use crate::diag::Diagnostics;
use crate::literal::Text;
use crate::model::{Field, Krate, Metric, Model, Plain, Role, Storage};
use crate::name;
use crate::tokens::{flat, unraw};

/// The model of a struct, as far as it can be told: where something was reported it is not to be expanded.
pub(crate) fn check_item<'a>(diag: &mut Diagnostics, item: &'a Item) -> Option<Model<'a>> {
    let keys = attr::parse_struct_keys(diag, &item.attrs);
    let fields = check_shape(diag, item)?;
    let storage = keys.storage.and_then(|key| check_storage(diag, item, key));
    let scope = Scope {
        prefix: keys.prefix.and_then(|prefix| check_prefix(diag, &prefix)).unwrap_or_default(),
        parameters: &item.generics.names,
        plain: keys.plain,
        named: storage.is_some(),
        padded: keys.pad.is_some(),
    };
    if let (Some(Key { key, .. }), false) = (&keys.pad, keys.plain) {
        diag.error(key, "`pad` goes with `storage`; in a struct of instruments, wrap the types of its fields: `Padded<Counter>`");
    }
    let checked: Vec<_> =
        fields.iter().filter_map(|field| check_field(diag, &scope, field)).collect();
    check_names(diag, &checked);
    check_one_error_counter(diag, &checked);
    let fields: Vec<_> = checked.into_iter().map(|(field, _)| field).collect();
    Some(Model {
        krate: Krate(keys.krate.map(|Key { value, .. }| value)),
        vis: &item.vis,
        ident: &item.ident,
        generics: &item.generics,
        suspects: suspects(&fields),
        fields,
        storage,
    })
}

/// What the checks of a field have to know of its struct.
struct Scope<'a> {
    prefix: String,
    /// The type and const parameters.
    parameters: &'a [Ident],
    /// Whether it is a plain struct, with `storage`.
    plain: bool,
    /// Whether its storage has a name.
    named: bool,
    /// Whether its metrics go on cache lines of their own.
    padded: bool,
}

fn check_shape<'a>(diag: &mut Diagnostics, item: &'a Item) -> Option<&'a [ast::Field]> {
    let Item { keyword, ident, .. } = item;
    match &item.body {
        Body::Named(fields) => return Some(fields),
        Body::Other if keyword != "struct" => {
            let article = if keyword == "enum" { "an" } else { "a" };
            diag.error(
                keyword,
                format!("`Metrics` is derived for a struct with named fields, and `{ident}` is {article} {keyword}; write a struct with a field for each metric"),
            );
        }
        Body::Other => diag.error(
            ident,
            format!("`{ident}` has no named fields, and a metric takes its name from its field; write `struct {ident} {{ … }}`"),
        ),
    }
    None
}

fn check_storage<'a>(
    diag: &mut Diagnostics,
    item: &'a Item,
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
    field: &'a ast::Field,
) -> Option<(Field<'a>, FieldKeys)> {
    let keys = attr::parse_field_keys(diag, &field.attrs);
    check_combination(diag, &keys);
    let role = if keys.skip.is_some() {
        if scope.plain && !is_phantom_data(&field.ty) {
            diag.error(&field.ty, "in a struct with `storage` only a `PhantomData` can be skipped: the written struct of atomics could not make up any other value");
        }
        Role::Skip
    } else if keys.flatten.is_some() {
        let own = keys.prefix.as_ref().and_then(|prefix| check_prefix(diag, prefix));
        Role::Flatten { prefix: format!("{}{}", scope.prefix, own.unwrap_or_default()) }
    } else {
        Role::Metric(check_metric(diag, scope, field, &keys)?)
    };
    let field = Field {
        ident: &field.ident,
        vis: &field.vis,
        ty: &field.ty,
        attrs: field.attrs.iter().filter(|attr| passes_over(attr)).collect(),
        generic: mentions(&field.ty, scope.parameters),
        role,
    };
    Some((field, keys))
}

/// Keys that make no sense beside each other.
fn check_combination(diag: &mut Diagnostics, keys: &FieldKeys) {
    let FieldKeys { errors, flatten, help, name, pad, prefix, sharded, skip, unit } = keys;
    let values = [("help", help), ("name", name), ("prefix", prefix), ("unit", unit)];
    let others = [("errors", errors), ("flatten", flatten), ("pad", pad), ("sharded", sharded)]
        .into_iter()
        .filter_map(|(word, key)| Some((word, &key.as_ref()?.key)))
        .chain(values.into_iter().filter_map(|(word, key)| Some((word, &key.as_ref()?.key))));
    for (word, key) in others {
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
    field: &ast::Field,
    keys: &FieldKeys,
) -> Option<Metric> {
    let name = check_name(diag, scope, field, keys);
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
            format!("errors are counted in a counter, and `{}` is a gauge; make it a counter, or take `errors` away", field.ident),
        );
        return None;
    }
    let sharded = keys.sharded.is_some();
    Some(Metric {
        name: format!("{}{}", scope.prefix, name?),
        prefix_len: scope.prefix.len(),
        help: keys
            .help
            .as_ref()
            .map_or_else(|| help(&field.attrs), |help| help.value.value.clone()),
        unit,
        errors: keys.errors.is_some(),
        plain: if sharded { Some(Plain::Sharded) } else { plain },
        padded: !sharded && (scope.padded || keys.pad.is_some()),
    })
}

/// Where the cells of the metric go: only the derive's own atomics can be told.
fn check_layout(
    diag: &mut Diagnostics,
    scope: &Scope<'_>,
    field: &ast::Field,
    keys: &FieldKeys,
) -> Option<()> {
    let FieldKeys { pad, sharded, .. } = keys;
    match (pad, sharded) {
        (Some(Key { key, .. }), _) if !scope.plain => {
            let ty = &field.ty;
            diag.error(key, format!("`pad` goes with `storage`; in a struct of instruments, wrap the field's type: `Padded<{ty}>`"));
        }
        (_, Some(Key { key, .. })) if !scope.plain => {
            diag.error(key, "`sharded` goes with `storage`; in a struct of instruments, make the field's type `ShardedCounter`");
        }
        (Some(Key { key, .. }), Some(_)) => {
            diag.error(key, "a sharded counter has its cells on cache lines of their own already; take `pad` away");
        }
        (None, Some(Key { key, .. })) if plain(&field.ty) == Some(Plain::Gauge) => {
            diag.error(
                key,
                format!("only a counter can be sharded, and `{}` is a gauge", field.ident),
            );
        }
        _ => return Some(()),
    }
    None
}

fn check_name(
    diag: &mut Diagnostics,
    scope: &Scope<'_>,
    field: &ast::Field,
    keys: &FieldKeys,
) -> Option<String> {
    let (name, at) = match &keys.name {
        Some(Key { value, .. }) => (value.value.clone(), value.token.to_token_stream()),
        None => (unraw(&field.ident), field.ident.to_token_stream()),
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

fn check_prefix(diag: &mut Diagnostics, prefix: &Key<Text>) -> Option<String> {
    let Text { value, token } = &prefix.value;
    if name::is_prefix(value) {
        return Some(value.clone());
    }
    diag.error(
        token,
        format!("`{value}` cannot begin the names of metrics, which match [a-zA-Z_][a-zA-Z0-9_]*"),
    );
    None
}

fn check_unit(diag: &mut Diagnostics, unit: &Key<Text>) -> Option<String> {
    let Text { value, token } = &unit.value;
    if name::is_unit(value) {
        return Some(value.clone());
    }
    diag.error(
        token,
        format!(
            "{} cannot be a unit, which matches [a-z0-9_]+, such as `bytes` or `seconds`",
            quoted(value)
        ),
    );
    None
}

/// Plain numbers, which change only behind `&mut`.
fn check_counts_in_place(diag: &mut Diagnostics, ty: &TokenStream) -> Option<()> {
    const NUMBERS: [&str; 14] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64",
    ];
    let name = primitive(ty);
    if !NUMBERS.contains(&name.as_str()) {
        return Some(());
    }
    let instrument = if name.starts_with('u') { "Counter" } else { "Gauge" };
    diag.error(ty, format!("`{name}` cannot be counted in place; write `{instrument}`, or add `#[metrics(storage = …)]` to the struct to have the atomics written for you"));
    None
}

/// Two metrics of one name. Those that flattened fields bring are for the compiler to compare.
fn check_names(diag: &mut Diagnostics, fields: &[(Field<'_>, FieldKeys)]) {
    let mut seen: HashMap<&str, &Ident> = HashMap::new();
    for (field, keys) in fields {
        let Role::Metric(metric) = &field.role else { continue };
        if let Some(first) = seen.get(metric.name.as_str()) {
            let message = format!(
                "two metrics are named `{}`: the fields `{first}` and `{}`; give one of them another `name`",
                metric.name, field.ident
            );
            match &keys.name {
                Some(Key { value, .. }) => diag.error(&value.token, message),
                None => diag.error(field.ident, message),
            }
        } else {
            seen.insert(&metric.name, field.ident);
        }
    }
}

fn check_one_error_counter(diag: &mut Diagnostics, fields: &[(Field<'_>, FieldKeys)]) {
    let mut marked = fields
        .iter()
        .filter(|(field, _)| matches!(field.role, Role::Metric(_)))
        .filter_map(|(field, keys)| Some((field.ident, &keys.errors.as_ref()?.key)));
    if let Some((first, _)) = marked.next() {
        for (field, key) in marked {
            diag.error(key, format!("the error counter is already `{first}`; a struct has one, and functions name the others: `#[metrics(errors = {field})]`"));
        }
    }
}

/// Metrics that may be exported as one. Their kinds decide, and those only the compiler knows.
fn suspects(fields: &[Field<'_>]) -> Vec<(usize, usize)> {
    let metrics = fields.iter().filter_map(|field| match &field.role {
        Role::Metric(metric) => Some(metric),
        _ => None,
    });
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, metric) in metrics.enumerate() {
        let name = &metric.name[metric.prefix_len..];
        alike.entry(name::loose(name, metric.unit.as_deref())).or_default().push(place);
    }
    alike
        .values()
        .flat_map(|places| {
            let pairs = places.iter().enumerate();
            pairs.flat_map(|(i, &b)| places[..i].iter().map(move |&a| (a, b)))
        })
        .collect()
}

/// The first paragraph of the doc comment: its trimmed lines, joined by one space.
fn help(attrs: &[Attribute]) -> String {
    let text: Vec<String> = attrs.iter().filter_map(doc).collect();
    let lines = text.iter().flat_map(|text| text.split('\n')).map(str::trim);
    let paragraph: Vec<&str> =
        lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}

/// The text of a doc comment; of a block, without the stars that it is drawn with.
fn doc(attr: &Attribute) -> Option<String> {
    let Arguments::Value(value) = &attr.arguments else { return None };
    if attr.path != "doc" {
        return None;
    }
    let Text { value: text, .. } = Text::of(value)?;
    let stars = text.lines().skip(1).all(|line| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with('*')
    });
    if !stars {
        return Some(text);
    }
    let lines = text.split('\n').enumerate().map(|(i, line)| {
        let starred = line.trim_start();
        if i == 0 { line } else { starred.strip_prefix('*').unwrap_or(starred) }
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// Attributes that mean the same on the struct of atomics.
fn passes_over(attr: &Attribute) -> bool {
    ["doc", "cfg", "allow", "expect", "deprecated"].contains(&attr.path.as_str())
}

fn mentions(ty: &TokenStream, parameters: &[Ident]) -> bool {
    !parameters.is_empty()
        && ty.clone().into_iter().any(|token| match token {
            TokenTree::Ident(ident) => parameters.contains(&ident),
            TokenTree::Group(group) => mentions(&group.stream(), parameters),
            _ => false,
        })
}

/// The words of a path: `std::primitive::u64`. `None` for a type that is more than one.
fn path(ty: &TokenStream) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for token in flat(ty) {
        match token {
            TokenTree::Ident(ident) => words.push(unraw(&ident)),
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            _ => return None,
        }
    }
    Some(words)
}

/// The last word of a path that may be that of a primitive type; empty for other types.
fn primitive(ty: &TokenStream) -> String {
    let words = path(ty).unwrap_or_default();
    match words.as_slice() {
        [word] => word.clone(),
        [.., module, word] if module == "primitive" => word.clone(),
        _ => String::new(),
    }
}

/// What a plain integer becomes.
pub(crate) fn plain(ty: &TokenStream) -> Option<Plain> {
    match primitive(ty).as_str() {
        "u64" => Some(Plain::Counter),
        "i64" => Some(Plain::Gauge),
        _ => None,
    }
}

/// Whether the type says that it is a gauge. One that hides it, such as an alias, is for the compiler.
fn is_gauge(ty: &TokenStream, plain: Option<Plain>) -> bool {
    let last = path(ty).and_then(|words| words.last().cloned());
    plain == Some(Plain::Gauge) || matches!(last.as_deref(), Some("Gauge" | "AtomicI64"))
}

/// Whether the type is `PhantomData`, which nobody reads.
pub(crate) fn is_phantom_data(ty: &TokenStream) -> bool {
    let tokens = flat(ty);
    let name = tokens
        .iter()
        .take_while(|token| !matches!(token, TokenTree::Punct(punct) if punct.as_char() == '<'));
    matches!(name.last(), Some(TokenTree::Ident(ident)) if ident == "PhantomData")
}
