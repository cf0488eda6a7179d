//! What the derive reads of an item, beside what `syn` does. Shared by the fuzzer, a test that replays its seeds, and a
//! command that goes through the code of well-known crates.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Fields, GenericParam, Meta, Type, WherePredicate};

type Parts = Vec<(&'static str, TokenStream)>;

/// Where the two differ over an item that `syn` can read, as it stands or out of fragments of a macro, or over a string
/// in it.
pub(crate) fn difference(item: &TokenStream) -> Option<String> {
    difference_in_parts(item).or_else(|| difference_in_strings(item))
}

fn difference_in_strings(tokens: &TokenStream) -> Option<String> {
    tokens.clone().into_iter().find_map(|token| match token {
        TokenTree::Group(group) => difference_in_strings(&group.stream()),
        TokenTree::Literal(literal) => difference_in_string(&literal.to_string()),
        _ => None,
    })
}

fn difference_in_parts(item: &TokenStream) -> Option<String> {
    let theirs = syn::parse2::<DeriveInput>(item.clone()).ok()?;
    let out_of_fragments = fragments(theirs.clone());
    let theirs = written(&parts(theirs));
    [item.clone(), out_of_fragments].into_iter().find_map(|item| {
        let ours = papyra_metrics_expansion::read(item.clone());
        let ours = ours.map(|parts| written(&parts)).unwrap_or_default();
        let at = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        let at = at.or((ours.len() != theirs.len()).then_some(ours.len().min(theirs.len())))?;
        Some(format!("{:?} is read, and not {:?}: {item}", ours.get(at), theirs.get(at)))
    })
}

/// Where the two differ over what a literal says as a string.
pub(crate) fn difference_in_string(literal: &str) -> Option<String> {
    // The compiler takes these ends of lines out of a whole file, and `syn` out of strings with escapes.
    let raw = literal.starts_with('r').then(|| literal.replace("\r\n", "\n"));
    let theirs = syn::parse_str::<syn::LitStr>(raw.as_deref().unwrap_or(literal)).ok();
    let theirs = theirs.filter(|literal| literal.suffix().is_empty()).map(|theirs| theirs.value());
    let ours = papyra_metrics_expansion::string(literal);
    (ours != theirs).then(|| format!("{ours:?} is read, and not {theirs:?}: {literal}"))
}

/// In the order in which ours are.
fn parts(mut item: DeriveInput) -> Parts {
    let mut parts = attributes(&item.attrs);
    let keyword = match &item.data {
        Data::Struct(data) => data.struct_token.to_token_stream(),
        Data::Enum(data) => data.enum_token.to_token_stream(),
        Data::Union(data) => data.union_token.to_token_stream(),
    };
    parts.push(("visibility", item.vis.to_token_stream()));
    parts.push(("keyword", keyword));
    parts.push(("name", item.ident.to_token_stream()));
    item.generics.params.pop_punct();
    let (bounded, used, _) = item.generics.split_for_impl();
    parts.push(("declared", item.generics.to_token_stream()));
    parts.push(("bounded", bounded.to_token_stream()));
    parts.push(("used", used.to_token_stream()));
    parts.extend(item.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => Some(("parameter", parameter.ident.to_token_stream())),
        GenericParam::Const(parameter) => Some(("parameter", parameter.ident.to_token_stream())),
    }));
    let predicates = item.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    parts.extend(predicates.map(|predicate| ("predicate", predicate.to_token_stream())));
    if let Data::Struct(data) = item.data {
        if let Fields::Named(fields) = data.fields {
            for field in fields.named {
                parts.extend(attributes(&field.attrs));
                parts.push(("visibility", field.vis.to_token_stream()));
                parts.push(("field", field.ident.to_token_stream()));
                parts.push(("type", field.ty.to_token_stream()));
            }
        }
    }
    parts
}

fn attributes(attrs: &[Attribute]) -> Parts {
    let mut parts = Parts::new();
    for attr in attrs {
        parts.push(("attribute", attr.to_token_stream()));
        parts.push(("path", attr.path().to_token_stream()));
        match &attr.meta {
            Meta::List(list) => parts.push(("list", list.tokens.clone())),
            Meta::NameValue(pair) => parts.push(("value", pair.value.to_token_stream())),
            Meta::Path(_) => {}
        }
    }
    parts
}

/// The item as from a macro that has taken as much of it as it can as fragments.
fn fragments(mut item: DeriveInput) -> TokenStream {
    let attrs = grouped_attributes(&item.attrs);
    let vis = grouped(&item.vis);
    for parameter in &mut item.generics.params {
        match parameter {
            GenericParam::Lifetime(_) => {}
            GenericParam::Type(parameter) => {
                if let Some((_, default)) = &mut parameter.default {
                    *default = Type::Verbatim(grouped(&*default));
                }
            }
            GenericParam::Const(parameter) => parameter.ty = Type::Verbatim(grouped(&parameter.ty)),
        }
    }
    for predicate in item.generics.where_clause.iter_mut().flat_map(|it| &mut it.predicates) {
        if let WherePredicate::Type(predicate) = predicate {
            predicate.bounded_ty = Type::Verbatim(grouped(&predicate.bounded_ty));
        }
    }
    let (ident, generics, clause) = (&item.ident, &item.generics, &item.generics.where_clause);
    let item = match &item.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => {
                let fields = fields.named.iter().map(|field| {
                    let attrs = grouped_attributes(&field.attrs);
                    let (vis, ident, ty) = (grouped(&field.vis), &field.ident, grouped(&field.ty));
                    quote!(#attrs #vis #ident: #ty)
                });
                quote!(#attrs #vis struct #ident #generics #clause { #(#fields),* })
            }
            fields => quote!(#attrs #vis struct #ident #generics #fields #clause;),
        },
        Data::Enum(data) => {
            let variants = &data.variants;
            quote!(#attrs #vis enum #ident #generics #clause { #variants })
        }
        Data::Union(data) => {
            let fields = &data.fields;
            quote!(#attrs #vis union #ident #generics #clause #fields)
        }
    };
    grouped(item)
}

fn grouped_attributes(attrs: &[Attribute]) -> TokenStream {
    let attrs = attrs.iter().map(|attr| {
        let meta = match &attr.meta {
            Meta::NameValue(pair) => {
                let (path, value) = (&pair.path, grouped(&pair.value));
                quote!(#path = #value)
            }
            meta => meta.to_token_stream(),
        };
        let meta = grouped(meta);
        quote!(#[#meta])
    });
    attrs.collect()
}

fn grouped(tokens: impl ToTokens) -> TokenStream {
    TokenTree::from(Group::new(Delimiter::None, tokens.into_token_stream())).into()
}

/// One word for each token, without spaces, invisible groups and raw paths of attributes.
fn written(parts: &Parts) -> Vec<(&'static str, Vec<String>)> {
    let parts = parts.iter().map(|(name, tokens)| {
        let mut all = Vec::new();
        words(tokens.clone(), &mut all);
        if *name == "path" {
            all = all.into_iter().map(|word| word.replace("r#", "")).collect();
        }
        (*name, all)
    });
    parts.collect()
}

fn words(tokens: TokenStream, all: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let [open, close] = match group.delimiter() {
                    Delimiter::Parenthesis => ["(", ")"],
                    Delimiter::Brace => ["{", "}"],
                    Delimiter::Bracket => ["[", "]"],
                    Delimiter::None => ["", ""],
                };
                all.extend((!open.is_empty()).then(|| open.to_owned()));
                words(group.stream(), all);
                all.extend((!close.is_empty()).then(|| close.to_owned()));
            }
            other => all.push(other.to_string()),
        }
    }
}
