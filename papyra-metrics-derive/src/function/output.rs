//! Examines return types by their tokens: whether they are futures, may be aliases of a `Result`, or borrow `self`.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;

use super::input::{Function, Receiver};
use super::model::Output;
use crate::raw_tokens::{Depth, any, flat, is_ident, is_punct, position, stream};

/// Returns the kind of the function's return type, judged by its tokens.
pub(super) fn classify(function: &Function) -> Output {
    let Some(written) = &function.output else {
        let unit = crate::template::quote!(());
        return if function.is_async {
            Output::Future { output: Some(unit), is_boxed: false }
        } else {
            Output::Value(unit)
        };
    };
    let value = without_impl(written);
    if function.is_async {
        return Output::Future { output: Some(value), is_boxed: false };
    }
    let tokens = flat(written);
    let boxed = boxed_future(&tokens);
    if let Some(bounds) = boxed {
        return Output::Future { output: future_output(bounds), is_boxed: true };
    }
    if tokens.first().is_some_and(|first| is_ident(first, "impl")) && is_future(&tokens) {
        return Output::Future { output: future_output(&tokens), is_boxed: false };
    }
    let generics = position(&tokens, &|token| is_punct(token, '<')).unwrap_or(tokens.len());
    let path = &tokens[..generics];
    let is_path =
        !any(path, &|token| !matches!(token, TokenTree::Ident(_)) && !is_punct(token, ':'));
    let last = path.last().map(ToString::to_string).unwrap_or_default();
    let is_named =
        generics > 0 && is_path || tokens.first().is_some_and(|first| is_punct(first, '<'));
    if !is_named || matches!(last.as_str(), "Result" | "Option" | "Poll" | "dyn" | "impl") {
        Output::Value(value)
    } else {
        Output::Named(value)
    }
}

/// Returns the type with `_` in place of each `impl Trait`.
fn without_impl(ty: &TokenStream) -> TokenStream {
    let mut result = TokenStream::new();
    let mut depth = Depth::default();
    let mut inside = false;
    for token in ty.clone() {
        if inside {
            // The bounds end at a comma, or at the bracket that closes the list around them.
            if !depth.closes(&token) {
                depth.advance(&token);
                continue;
            }
            inside = false;
        }
        match token {
            TokenTree::Ident(word) if word == "impl" => {
                Ident::new("_", word.span()).to_tokens(&mut result);
                (inside, depth) = (true, Depth::default());
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_impl(&group.stream()));
                inner.set_span(group.span());
                inner.to_tokens(&mut result);
            }
            other => other.to_tokens(&mut result),
        }
    }
    result
}

/// Returns the bounds in `Pin<Box<dyn …>>`, if they name a `Future`.
fn boxed_future(ty: &[TokenTree]) -> Option<&[TokenTree]> {
    let pin = inside(ty, "Pin")?;
    let bounds = inside(pin, "Box")?;
    is_future(bounds).then_some(bounds)
}

/// Returns the tokens after the `<` of a path that ends in `word`: `Box<T>>` for `Pin<Box<T>>`.
fn inside<'a>(ty: &'a [TokenTree], word: &str) -> Option<&'a [TokenTree]> {
    let open = position(ty, &|token| is_punct(token, '<'))?;
    let last = ty[..open].last()?;
    is_ident(last, word).then(|| &ty[open + 1..])
}

/// Returns whether the bounds name `Future`, outside of angle brackets.
fn is_future(bounds: &[TokenTree]) -> bool {
    let mut depth = Depth::default();
    bounds.iter().any(|token| {
        let is_outside = depth.is_outside();
        depth.advance(token);
        is_outside && is_ident(token, "Future")
    })
}

/// Returns the type after `Output =` in the bounds of a future.
fn future_output(bounds: &[TokenTree]) -> Option<TokenStream> {
    let at = bounds
        .windows(2)
        .position(|pair| is_ident(&pair[0], "Output") && is_punct(&pair[1], '='))?;
    let mut depth = Depth::default();
    let ty = &bounds[at + 2..];
    let end = ty.iter().position(|token| {
        let closes = depth.closes(token);
        depth.advance(token);
        closes
    });
    Some(without_impl(&stream(&ty[..end.unwrap_or(ty.len())])))
}

/// Returns whether a path may be an alias of a boxed future: a name that ends in `BoxFuture` or, if `counts_end` is
/// set, in `Future`. `counts_end` means that a metric depends on the end of the future. Without such a metric, fewer
/// names are accepted, because wrapping a future costs a second box and requires bounds on its output.
pub(super) fn may_be_boxed_future(output: &TokenStream, counts_end: bool) -> bool {
    let tokens = flat(output);
    let name = tokens.iter().take_while(|token| !is_punct(token, '<')).last();
    let name = name.map(ToString::to_string).unwrap_or_default();
    name.ends_with("BoxFuture") || counts_end && name.ends_with("Future")
}

/// Returns whether a type is primitive: a single name in lower case.
pub(super) fn is_primitive(output: &TokenStream) -> bool {
    matches!(flat(output).as_slice(), [TokenTree::Ident(name)]
        if name.to_string().starts_with(|first: char| first.is_ascii_lowercase()))
}

/// Returns whether the function returns `Pin<Box<dyn Future>>` without a lifetime. Such a future is `'static`, so it
/// cannot borrow `self`.
pub(super) fn outlives_self(function: &Function, output: &Output) -> bool {
    let written = function.output.as_ref().map(flat).unwrap_or_default();
    matches!(output, Output::Future { is_boxed: true, .. })
        && !any(&written, &|token| is_punct(token, '\''))
}

/// Returns whether the return type cannot be the type of a variable, because it is `!` or contains `impl Trait`. Any
/// other return type is also written on the closure around a body, because it gives the closure its lifetimes.
pub(super) fn cannot_be_annotated(function: &Function) -> bool {
    let output = function.output.as_ref().map(flat).unwrap_or_default();
    matches!(output.as_slice(), [never] if is_punct(never, '!'))
        || any(&output, &|token| is_ident(token, "impl"))
}

/// Returns whether the returned value may borrow from `&mut self`. `output` is the type that the body or its future
/// produces. This type may contain the lifetime of `self`, or hide the lifetime in an associated type or a type
/// parameter.
pub(super) fn borrows_self(
    function: &Function,
    receiver: &Receiver,
    output: Option<&TokenStream>,
) -> bool {
    let lifetime = receiver.lifetime.as_deref();
    output.is_some_and(|output| borrows(output, lifetime))
        || lifetime.is_some_and(|lifetime| may_hide(function, lifetime))
}

/// Returns whether a type borrows, or may borrow, from a `&mut self` of this lifetime. `impl Trait` may borrow from
/// `self`, because `impl Trait` captures all lifetimes in edition 2024.
fn borrows(ty: &TokenStream, lifetime: Option<&str>) -> bool {
    let tokens = flat(ty);
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(word) => word == "impl",
        TokenTree::Group(group) => borrows(&group.stream(), lifetime),
        TokenTree::Punct(punct) if punct.as_char() == '&' => {
            !matches!(tokens.get(at + 1), Some(next) if is_punct(next, '\''))
        }
        TokenTree::Punct(punct) if punct.as_char() == '\'' => {
            tokens.get(at + 1).is_some_and(|name| {
                is_ident(name, "_") || lifetime.is_some_and(|lifetime| is_ident(name, lifetime))
            })
        }
        _ => false,
    })
}

/// Returns whether the return type may hide the lifetime of `&'a mut self`: in an associated type such as `Self::Iter`,
/// or in a type parameter with a bound such as `T: 'a`.
fn may_hide(function: &Function, lifetime: &str) -> bool {
    let output = function.output.as_ref().map(flat).unwrap_or_default();
    let is_associated = match output.as_slice() {
        [first, colon, ..] if is_punct(colon, ':') => is_ident(first, "Self"),
        [first, ..] => is_punct(first, '<'),
        [] => false,
    };
    let bounds = |tokens: &[TokenTree]| {
        let bounds = tokens.windows(3).filter(|bound| {
            (is_punct(&bound[0], ':') || is_punct(&bound[0], '+'))
                && is_punct(&bound[1], '\'')
                && is_ident(&bound[2], lifetime)
        });
        bounds.count()
    };
    is_associated || bounds(&flat(&function.header())) > bounds(&output)
}
