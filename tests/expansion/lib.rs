//! The derive and the attribute as functions over tokens: a crate of macros can export nothing else, so its
//! sources are built a second time.

#![forbid(unsafe_code)]

#[path = "../../papyra-metrics-derive/src/ast.rs"]
mod ast;
#[path = "../../papyra-metrics-derive/src/attr.rs"]
mod attr;
#[path = "../../papyra-metrics-derive/src/body.rs"]
mod body;
#[path = "../../papyra-metrics-derive/src/check.rs"]
mod check;
#[path = "../../papyra-metrics-derive/src/check_function.rs"]
mod check_function;
#[path = "../../papyra-metrics-derive/src/diag.rs"]
mod diag;
#[path = "../../papyra-metrics-derive/src/expand/mod.rs"]
mod expand;
#[path = "../../papyra-metrics-derive/src/fallback.rs"]
mod fallback;
#[path = "../../papyra-metrics-derive/src/function.rs"]
mod function;
#[path = "../../papyra-metrics-derive/src/generics.rs"]
mod generics;
#[path = "../../papyra-metrics-derive/src/literal.rs"]
mod literal;
#[path = "../../papyra-metrics-derive/src/model.rs"]
mod model;
#[path = "../../papyra-metrics-derive/src/name.rs"]
mod name;
#[path = "../../papyra-metrics-derive/src/pipeline.rs"]
mod pipeline;
#[path = "../../papyra-metrics-derive/src/tokens.rs"]
mod tokens;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// What `#[derive(Metrics)]` writes below an item.
pub fn derive(item: TokenStream) -> TokenStream {
    pipeline::derive(item)
}

/// What the derive reads of an item, part for part; `None` where that cannot be one.
pub fn read(item: TokenStream) -> Option<Vec<(&'static str, TokenStream)>> {
    let item = ast::Item::parse(item).ok()?;
    let generics = &item.generics;
    let (bounded, used, _) = generics.split_for_impl();
    let mut parts = read_attributes(&item.attrs);
    parts.extend([
        ("visibility", item.vis),
        ("keyword", item.keyword.to_token_stream()),
        ("name", item.ident.to_token_stream()),
        ("declared", generics.to_token_stream()),
        ("bounded", bounded.clone()),
        ("used", used.clone()),
    ]);
    parts.extend(generics.names.iter().map(|name| ("parameter", name.to_token_stream())));
    parts.extend(generics.predicates.iter().map(|predicate| ("predicate", predicate.clone())));
    if let ast::Body::Named(fields) = item.body {
        for field in fields {
            parts.extend(read_attributes(&field.attrs));
            parts.push(("visibility", field.vis));
            parts.push(("field", field.ident.to_token_stream()));
            parts.push(("type", field.ty));
        }
    }
    Some(parts)
}

fn read_attributes(attrs: &[ast::Attribute]) -> Vec<(&'static str, TokenStream)> {
    let mut parts = Vec::new();
    for attr in attrs {
        parts.push(("attribute", attr.to_token_stream()));
        parts.push(("path", attr.path.parse().unwrap_or_default()));
        match &attr.arguments {
            ast::Arguments::None => {}
            ast::Arguments::List(list) => parts.push(("list", list.clone())),
            ast::Arguments::Value(value) => parts.push(("value", value.clone())),
        }
    }
    parts
}

/// What a literal says as a string.
pub fn string(literal: &str) -> Option<String> {
    literal::value(literal)
}

/// What `#[metrics(keys)]` makes of an item.
#[allow(clippy::needless_pass_by_value)] // as the compiler passes them
pub fn measure(keys: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::measure(keys, &item)
}
