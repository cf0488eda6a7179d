//! Determines properties of a type from its tokens. Aliases are not resolved, because only the compiler can do so.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{GenericArgument, Path, PathArguments, Type};

/// Returns the type without the parentheses and the invisible groups of `macro_rules!` fragments around it.
pub(crate) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        ty => ty,
    }
}

/// Returns the path of a type such as `std::sync::Arc<T>`, or `None` for any other type, including
/// `<T as Trait>::Type`.
pub(crate) fn path(ty: &Type) -> Option<&Path> {
    match ungrouped(ty) {
        Type::Path(path) if path.qself.is_none() => Some(&path.path),
        _ => None,
    }
}

/// Returns the last identifier of a path: `Arc` for `std::sync::Arc<T>`.
pub(crate) fn last_word(ty: &Type) -> Option<String> {
    path(ty)?.segments.last().map(|last| last.ident.unraw().to_string())
}

/// Returns the last identifier of a path if it has no generic arguments and is either the only identifier or comes
/// directly after `primitive`: `u64` for both `u64` and `::core::primitive::u64`. Callers compare it with the names of
/// primitive types.
pub(crate) fn primitive(ty: &Type) -> Option<String> {
    let path = path(ty)?;
    let mut from_last = path.segments.iter().rev();
    let last = from_last.next().filter(|last| last.arguments.is_none())?;
    let module = from_last.next();
    module.is_none_or(|module| module.ident == "primitive").then(|| last.ident.unraw().to_string())
}

/// Returns whether the type is written as `PhantomData`, with or without a path before it.
pub(crate) fn is_phantom_data(ty: &Type) -> bool {
    last_word(ty).is_some_and(|word| word == "PhantomData")
}

/// Returns the type behind shared references, `Arc`, `Box`, `Option` and `Rc`, through which metrics can be flattened:
/// `Wal` for `Option<Arc<Wal>>`.
pub(crate) fn pointee(ty: &Type) -> &Type {
    const POINTERS: [&str; 4] = ["Arc", "Box", "Option", "Rc"];
    match ungrouped(ty) {
        Type::Reference(reference) if reference.mutability.is_none() => pointee(&reference.elem),
        ty => {
            let is_pointer = || last_word(ty).is_some_and(|word| POINTERS.contains(&word.as_str()));
            only_argument(ty).filter(|_| is_pointer()).map_or(ty, pointee)
        }
    }
}

/// Returns the type of an instrument, without the pointers and the `CachePadded` around it.
pub(crate) fn instrument(ty: &Type) -> &Type {
    let ty = pointee(ty);
    let is_padded = last_word(ty).is_some_and(|word| word == "CachePadded");
    only_argument(ty).filter(|_| is_padded).map_or(ty, instrument)
}

/// Returns the type in the angle brackets of a path if it is the only argument: `T` for `Arc<T>`.
pub(crate) fn only_argument(ty: &Type) -> Option<&Type> {
    match arguments(ty)?.as_slice() {
        [argument] => Some(argument),
        _ => None,
    }
}

/// Returns the types in the angle brackets of a path, or `None` if they contain anything but types, such as a lifetime.
pub(crate) fn arguments(ty: &Type) -> Option<Vec<&Type>> {
    let PathArguments::AngleBracketed(arguments) = &path(ty)?.segments.last()?.arguments else {
        return None;
    };
    let mut types = Vec::new();
    for argument in &arguments.args {
        let GenericArgument::Type(ty) = argument else { return None };
        types.push(ty);
    }
    Some(types)
}

/// Returns whether the type is a reference or raw pointer to a function pointer, directly or through other references
/// and pointers. In a where clause, rustc parses the `:` after such a type as a mistyped `->`, unless the type is in
/// parentheses.
pub(crate) fn is_pointer_to_fn_pointer(ty: &Type) -> bool {
    let elem = match ty {
        Type::Group(group) => return is_pointer_to_fn_pointer(&group.elem),
        Type::Reference(reference) => &reference.elem,
        Type::Ptr(pointer) => &pointer.elem,
        _ => return false,
    };
    matches!(**elem, Type::FnPtr(_)) || is_pointer_to_fn_pointer(elem)
}

/// Returns whether any of the identifiers `words` occurs in the type.
pub(crate) fn mentions(ty: &Type, words: &[&Ident]) -> bool {
    !words.is_empty() && any_ident(ty.to_token_stream(), &|ident| words.contains(&ident))
}

fn any_ident(tokens: TokenStream, is: &dyn Fn(&Ident) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => is(&ident),
        TokenTree::Group(group) => any_ident(group.stream(), is),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};
    use syn::{Type, parse_quote};

    use super::{is_phantom_data, mentions, pointee, primitive};

    #[test]
    fn a_primitive_type_is_known_by_its_name_or_its_path_in_core() {
        for ty in [quote!(u64), quote!(::core::primitive::u64), quote!((u64)), quote!(r#u64)] {
            let ty: Type = parse_quote!(#ty);
            assert_eq!(primitive(&ty).as_deref(), Some("u64"), "{}", ty.into_token_stream());
        }
        for ty in [quote!(mine::u64), quote!(u64<T>), quote!(&u64), quote!(<T as X>::u64)] {
            let ty: Type = parse_quote!(#ty);
            assert_eq!(primitive(&ty), None, "{}", ty.into_token_stream());
        }
    }

    #[test]
    fn the_pointee_is_the_type_behind_shared_references_and_smart_pointers() {
        for ty in [
            quote!(Wal),
            quote!(&'a Wal),
            quote!(std::sync::Arc<Box<Wal>>),
            quote!(Option<&Wal>),
            quote!((Wal)),
        ] {
            let ty: Type = parse_quote!(#ty);
            assert_eq!(pointee(&ty).to_token_stream().to_string(), "Wal");
        }
        for ty in [quote!(Vec<Wal>), quote!(&mut Wal), quote!(Box<Wal, Arena>)] {
            let ty: Type = parse_quote!(#ty);
            assert_eq!(
                pointee(&ty).to_token_stream().to_string(),
                ty.to_token_stream().to_string()
            );
        }
    }

    #[test]
    fn phantom_data_and_parameters_are_found_in_a_type() {
        assert!(is_phantom_data(&parse_quote!(::core::marker::PhantomData<T>)));
        assert!(!is_phantom_data(&parse_quote!(Box<PhantomData<T>>)));
        let parameter = quote::format_ident!("T");
        assert!(mentions(&parse_quote!(Vec<[T; 3]>), &[&parameter]));
        assert!(!mentions(&parse_quote!(Vec<[U; 3]>), &[&parameter]));
    }
}
