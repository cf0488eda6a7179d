//! Finds the functions, structs, enums and unions of a file, and the positions at which attributes can be inserted.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{
    Field, Fields, File, ForeignItemFn, GenericArgument, ImplItemFn, ItemEnum, ItemFn, ItemStruct,
    ItemUnion, Macro, Path, PathArguments, ReturnType, Signature, TraitItemFn, Type,
    TypeParamBound,
};

/// The context of a function, which decides how its expansion is parsed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FunctionContext {
    Free,
    Impl,
    Trait,
    Foreign,
}

pub(crate) struct Function {
    pub(crate) tokens: TokenStream,
    pub(crate) context: FunctionContext,
    pub(crate) has_self: bool,
    /// Whether the function returns a `Result` or, for example, a future of a `Result`, according to the names in the type.
    pub(crate) returns_result: bool,
    /// The position in the file at which `#[metrics(…)]` can be inserted.
    pub(crate) at: usize,
}

pub(crate) struct TypeItem {
    pub(crate) tokens: TokenStream,
    /// The fields of a struct with named fields.
    pub(crate) named: Option<Vec<Field>>,
    /// The position in the file at which the derive can be inserted.
    pub(crate) at: usize,
    /// The positions in the file at which `#[metrics(…)]` can be inserted, one for each field in `named`.
    pub(crate) fields_at: Vec<usize>,
}

#[derive(Default)]
pub(crate) struct Items {
    pub(crate) functions: Vec<Function>,
    pub(crate) types: Vec<TypeItem>,
}

impl Items {
    /// Returns the items of a file, including those in modules, in functions' bodies, and in macros named `cfg_…`, which by
    /// convention emit their items unchanged.
    pub(crate) fn of(file: &File) -> Self {
        let mut items = Self::default();
        items.visit_file(file);
        items
    }

    fn add(
        &mut self,
        tokens: TokenStream,
        context: FunctionContext,
        sig: &Signature,
        start: &dyn ToTokens,
    ) {
        self.functions.push(Function {
            tokens,
            context,
            has_self: sig.receiver().is_some(),
            returns_result: matches!(&sig.output, ReturnType::Type(_, ty) if is_outcome(ty)),
            at: offset(start),
        });
    }

    fn add_type(&mut self, tokens: TokenStream, fields: Option<&Fields>, start: &dyn ToTokens) {
        let named = match fields {
            Some(Fields::Named(fields)) => Some(fields.named.iter().cloned().collect::<Vec<_>>()),
            _ => None,
        };
        let fields_at = named.iter().flatten().map(|field| {
            let (vis, ident) = (&field.vis, &field.ident);
            offset(&quote!(#vis #ident))
        });
        let fields_at = fields_at.collect();
        self.types.push(TypeItem { tokens, named, at: offset(start), fields_at });
    }
}

impl<'ast> Visit<'ast> for Items {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let (vis, sig) = (&item.vis, &item.sig);
        self.add(item.to_token_stream(), FunctionContext::Free, sig, &quote!(#vis #sig));
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        let mut bare = item.clone();
        bare.attrs.clear();
        self.add(item.to_token_stream(), FunctionContext::Impl, &item.sig, &bare);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.add(item.to_token_stream(), FunctionContext::Trait, &item.sig, &item.sig);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_foreign_item_fn(&mut self, item: &'ast ForeignItemFn) {
        self.add(item.to_token_stream(), FunctionContext::Foreign, &item.sig, &item.sig);
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        let (vis, keyword) = (&item.vis, &item.struct_token);
        self.add_type(item.to_token_stream(), Some(&item.fields), &quote!(#vis #keyword));
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        self.add_type(item.to_token_stream(), None, &item.enum_token);
    }

    fn visit_item_union(&mut self, item: &'ast ItemUnion) {
        self.add_type(item.to_token_stream(), None, &item.union_token);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        if name.is_some_and(|name| name.starts_with("cfg_")) {
            if let Ok(file) = syn::parse2::<File>(call.tokens.clone()) {
                let items = Self::of(&file);
                self.functions.extend(items.functions);
                self.types.extend(items.types);
            }
        }
    }
}

/// Returns the position in the file at which the tokens begin.
fn offset(tokens: &dyn ToTokens) -> usize {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or(0, |first| first.span().byte_range().start)
}

/// Returns whether the type is a `Result`, or a future, `Option`, `Poll`, `Pin` or `Box` of a `Result`, according to
/// the names in the type.
fn is_outcome(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_outcome(&group.elem),
        Type::Paren(paren) => is_outcome(&paren.elem),
        Type::ImplTrait(bounds) => bounds.bounds.iter().any(is_future_of_outcome),
        Type::TraitObject(bounds) => bounds.bounds.iter().any(is_future_of_outcome),
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else { return false };
            let inner = || match &last.arguments {
                PathArguments::AngleBracketed(arguments) => arguments.args.iter().any(
                    |argument| matches!(argument, GenericArgument::Type(ty) if is_outcome(ty)),
                ),
                _ => false,
            };
            match last.ident.to_string().as_str() {
                // Excludes an associated type named `Result`, which may be any type.
                "Result" => path.qself.is_none() && !is_associated(&path.path),
                "Option" | "Poll" | "Pin" | "Box" | "BoxFuture" => inner(),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Returns whether the path is an associated type, such as `Self::Result` or `C::Result`. The segment before the last
/// begins with a capital letter, unlike the name of a module.
fn is_associated(path: &Path) -> bool {
    path.segments
        .iter()
        .rev()
        .nth(1)
        .is_some_and(|before| before.ident.to_string().starts_with(char::is_uppercase))
}

fn is_future_of_outcome(bound: &TypeParamBound) -> bool {
    let TypeParamBound::Trait(bound) = bound else { return false };
    let Some(last) = bound.path.segments.last() else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    last.ident == "Future"
        && arguments.args.iter().any(
            |argument| matches!(argument, GenericArgument::AssocType(output) if is_outcome(&output.ty)),
        )
}
