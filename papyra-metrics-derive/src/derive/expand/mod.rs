//! Generates code from the model. The model is already checked, so this stage reports no errors.

mod bounds;
mod errors;
mod plain;
mod publish;
mod table;
mod walk;

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;

use self::bounds::expand_bounds;
use super::model::{InstrumentStruct, Model};
use crate::krate::{CratePath, runtime_at};
use crate::template::quote;

pub(crate) use self::bounds::expand_type_asserts;

pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    match model {
        Model::Instruments(instruments) => expand_block(instruments, &TokenStream::new()),
        Model::Plain(plain) => {
            let storage = plain::expand_struct(plain);
            let block = expand_block(&plain.storage, &plain::expand_impls(plain));
            quote!(#storage #block)
        }
    }
}

fn expand_block(model: &InstrumentStruct<'_>, plain: &TokenStream) -> TokenStream {
    let bounds = model.where_clause_with(&expand_bounds(model));
    let metrics = table::expand_impls(model, bounds.as_ref());
    let error_counter = errors::expand_impls(model, bounds.as_ref());
    let shared_memory = publish::expand_impl(model);
    let block = in_block(&model.krate, &quote!(#metrics #error_counter #shared_memory #plain));
    let lints = &model.allowed_lints;
    quote!(#lints #block)
}

/// Returns the impls in a `const _` block, which imports the hidden module `papyra_metrics::__private` as `__rt`. If
/// the user gave the path of the crate, the block imports nothing, and the full path of the module replaces each
/// `__rt`: an import of a wrong path would cause a second error.
pub(crate) fn in_block(krate: &CratePath, impls: &TokenStream) -> TokenStream {
    let runtime = runtime_at(krate, Span::call_site());
    if krate.is_given() {
        let impls = with_path(impls.clone(), &runtime);
        return quote!(const _: () = { #impls };);
    }
    quote! {
        const _: () = {
            use #runtime as __rt;
            #impls
        };
    }
}

/// Replaces each `__rt` by a path.
fn with_path(impls: TokenStream, path: &TokenStream) -> TokenStream {
    let mut replaced = TokenStream::new();
    for token in impls {
        match token {
            TokenTree::Ident(ident) if ident == "__rt" => path.to_tokens(&mut replaced),
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), with_path(group.stream(), path));
                inside.set_span(group.span());
                inside.to_tokens(&mut replaced);
            }
            other => other.to_tokens(&mut replaced),
        }
    }
    replaced
}
