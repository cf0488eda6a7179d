//! Writes the tokens of a checked model. Nothing here can fail.

mod bounds;
mod publish;
mod storage;
mod table;
mod walk;

pub(crate) use self::bounds::{expand_type_asserts, written_type};

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Model;

pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let storage = model.storage.as_ref().map(|storage| storage::expand_struct(model, storage));
    let impls = table::expand_impls(model);
    let publishable = publish::expand_impls(model);
    let plain = model.storage.as_ref().map(|_| storage::expand_impls(model));
    let lints = &model.allowed_lints;
    quote! {
        #storage
        #(#lints)*
        const _: () = {
            #impls
            #publishable
            #plain
        };
    }
}
