//! Checks the expansions of typical inputs. `expand/` contains each input next to its expected expansion, so that a review
//! shows every change of generated code. `EXPAND=overwrite` updates the expected expansions.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, File, ImplItem, Item, Meta, Token, punctuated::Punctuated};

#[test]
fn the_expansion_of_a_struct_of_counters_is_as_reviewed() {
    check("derive");
}

#[test]
fn the_expansion_of_a_generic_struct_that_flattens_another_is_as_reviewed() {
    check("flatten");
}

#[test]
fn the_expansion_of_a_plain_struct_is_as_reviewed() {
    check("storage");
}

#[test]
fn the_expansion_of_a_method_that_counts_its_outcomes_is_as_reviewed() {
    check("method");
}

#[test]
fn the_expansion_of_an_async_method_with_a_gauge_is_as_reviewed() {
    check("async_method");
}

#[test]
fn the_expansion_of_a_method_whose_guard_holds_self_is_as_reviewed() {
    check("exclusive");
}

#[test]
fn the_expansion_of_a_method_whose_return_type_is_an_alias_is_as_reviewed() {
    check("alias");
}

#[test]
fn the_expansion_of_a_method_that_returns_a_boxed_future_is_as_reviewed() {
    check("boxed");
}

fn check(name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("derive/expand");
    let input = fs::read_to_string(dir.join(name).with_extension("rs")).unwrap();
    let file: File = syn::parse_str(&input).unwrap();
    let items: TokenStream = file.items.into_iter().map(expand).collect();
    let expansion = prettyplease::unparse(&syn::parse2(items).unwrap());
    let reviewed = dir.join(name).with_extension("expanded.rs");
    if env::var("EXPAND").is_ok_and(|it| it == "overwrite") {
        fs::write(&reviewed, &expansion).unwrap();
    }
    let reviewed = fs::read_to_string(reviewed).unwrap_or_default();
    assert_eq!(
        expansion, reviewed,
        "\nthe expansion of {name}.rs has changed; if it should, run this test with \
         EXPAND=overwrite and review the difference"
    );
}

/// Expands the derive and the attributes of papyra-metrics on an item. Returns the item without these attributes, and the
/// generated code. Other derives are kept.
fn expand(item: Item) -> TokenStream {
    match item {
        Item::Struct(item) => {
            let expansion = papyra_metrics_expansion::derive(quote!(#item));
            let mut item = item;
            item.attrs.retain(|attr| !attr.path().is_ident("metrics"));
            item.attrs.iter_mut().for_each(without_metrics);
            item.attrs
                .retain(|attr| !attr.meta.require_list().is_ok_and(|it| it.tokens.is_empty()));
            item.fields
                .iter_mut()
                .for_each(|field| field.attrs.retain(|attr| !attr.path().is_ident("metrics")));
            quote!(#item #expansion)
        }
        Item::Impl(mut item) => {
            for inner in &mut item.items {
                let ImplItem::Fn(function) = inner else { continue };
                let at = function.attrs.iter().position(|attr| attr.path().is_ident("metrics"));
                let attr = function.attrs.remove(at.unwrap());
                let keys = attr.meta.require_list().unwrap().tokens.clone();
                let expansion = papyra_metrics_expansion::measure(keys, quote!(#function));
                *inner = ImplItem::Verbatim(expansion);
            }
            // The impl is parsed again, because prettyplease cannot format `ImplItem::Verbatim`. The parsed impl contains
            // functions instead.
            syn::parse2::<Item>(quote!(#item)).unwrap().to_token_stream()
        }
        other => panic!("no case for {}", quote!(#other)),
    }
}

/// Removes `Metrics` from a derive attribute.
fn without_metrics(attr: &mut Attribute) {
    let Meta::List(list) = &mut attr.meta else { return };
    if list.path.is_ident("derive") {
        let derives = Punctuated::<syn::Path, Token![,]>::parse_terminated;
        let derives = syn::parse::Parser::parse2(derives, list.tokens.clone()).unwrap();
        let others = derives.into_iter().filter(|derive| !derive.is_ident("Metrics"));
        list.tokens = others.collect::<Punctuated<_, Token![,]>>().into_token_stream();
    }
}
