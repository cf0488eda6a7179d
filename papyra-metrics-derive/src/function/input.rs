//! Parses the header of a function. The body of the function, and the patterns and types of its arguments, remain
//! tokens.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, LitStr, Token, Type, Visibility};

use crate::attr::has_attribute;
use crate::parse::parsed;
use crate::raw_tokens::{
    Depth, any, flat, is_group, is_ident, is_one_of, is_punct, position, stream,
};
use crate::types::{last_word, only_argument, ungrouped};

/// A function with a body.
pub(crate) struct Function {
    /// Everything before the parentheses of the arguments.
    before_inputs: TokenStream,
    inputs: Group,
    /// Everything between the arguments and the body.
    after_inputs: TokenStream,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) constness: Option<Token![const]>,
    pub(crate) is_async: bool,
    pub(crate) ident: Ident,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) arguments: Vec<Argument>,
    /// The tokens of the return type.
    pub(crate) output: Option<TokenStream>,
    pub(crate) body: Group,
}

impl Function {
    /// Returns whether the function has the attribute `#[track_caller]`, which has no effect on code in a closure.
    pub(crate) fn tracks_caller(&self) -> bool {
        has_attribute(&self.attributes, "track_caller")
    }

    /// Returns everything before the body, as the user wrote it.
    pub(crate) fn header(&self) -> TokenStream {
        let Self { before_inputs, inputs, after_inputs, .. } = self;
        crate::template::quote!(#before_inputs #inputs #after_inputs)
    }

    /// Returns the header with `mut self` in place of `self`. The signature is the same for callers.
    pub(crate) fn header_with_mut_self(&self) -> TokenStream {
        let Self { before_inputs, inputs, after_inputs, .. } = self;
        let mut tokens: Vec<TokenTree> = inputs.stream().into_iter().collect();
        if let Some(at) = position(&tokens, &|token| is_ident(token, "self")) {
            let mutability = Ident::new("mut", tokens[at].span());
            tokens.insert(at, mutability.into());
        }
        let mut with_mut = Group::new(Delimiter::Parenthesis, stream(&tokens));
        with_mut.set_span(inputs.span());
        crate::template::quote!(#before_inputs #with_mut #after_inputs)
    }
}

/// An item that is not a function with a body.
pub(crate) enum NotAFunction {
    /// A function without a body, in a trait or an `extern` block.
    Bodiless(Ident),
    /// Another item, such as a struct, with the token at which the error is reported.
    Other(TokenTree),
    /// No item, or one that cannot be parsed.
    Empty,
}

/// The receiver of a method, such as `&self` or `self: Arc<Self>`.
pub(crate) struct Receiver {
    pub(crate) token: Ident,
    /// Whether the receiver is written as `mut self`.
    pub(crate) is_mut: bool,
    /// The name of the lifetime of a reference: `a` in `&'a self`.
    pub(crate) lifetime: Option<String>,
    pub(crate) kind: ReceiverKind,
    /// Whether the fields of `self` can be borrowed separately. This is possible if the receiver is `self`, a `Box` or
    /// a reference.
    pub(crate) has_disjoint_fields: bool,
}

/// How code after the body can use `self` again, judged by the type of the receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReceiverKind {
    /// `&self`, `self: &Arc<Self>`, `self: Pin<&Self>`: a receiver that can be copied.
    Shared,
    /// `&mut self`: a receiver that can be reborrowed.
    Exclusive,
    /// `self: Pin<&mut Self>`: a receiver that can be reborrowed with `Pin::as_mut`.
    Pinned,
    /// `self: Arc<Self>`, `self: Rc<Self>`: a receiver that can be cloned.
    RefCounted,
    /// `self`, `self: Box<Self>`: a receiver that the body may consume.
    Owned,
}

/// An argument that is not `self`.
pub(crate) struct Argument {
    /// The `#[cfg(…)]` of the argument.
    pub(crate) cfg: TokenStream,
    /// The names that the pattern of the argument binds: `a` and `b` in `(a, b): (u8, u8)`.
    pub(crate) names: Vec<Ident>,
    pub(crate) kind: ArgumentKind,
}

/// The kind of an argument, judged by the tokens of its type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ArgumentKind {
    /// `&T`.
    Shared,
    /// `&mut T`.
    Exclusive,
    Value,
}

pub(crate) fn parse(item: TokenStream) -> Result<Function, NotAFunction> {
    let length = item.clone().into_iter().count();
    let start = parsed(item.clone(), parse_start).ok_or(NotAFunction::Empty)?;
    let (ident, rest) = match start.rest {
        Rest::Function(ident, rest) => (ident, rest),
        Rest::Other(token) => return Err(NotAFunction::Other(token)),
        Rest::Empty => return Err(NotAFunction::Empty),
    };
    let rest: Vec<TokenTree> = rest.into_iter().collect();
    let [TokenTree::Group(inputs), after_inputs @ .., body] = rest.as_slice() else {
        return Err(NotAFunction::Bodiless(ident));
    };
    let Some(body) = block(body) else { return Err(NotAFunction::Bodiless(ident)) };
    let Some((receiver, arguments)) = parsed(inputs.stream(), parse_inputs) else {
        return Err(NotAFunction::Empty);
    };
    Ok(Function {
        before_inputs: item.into_iter().take(length - rest.len()).collect(),
        inputs: inputs.clone(),
        after_inputs: stream(after_inputs),
        attributes: start.attributes,
        constness: start.constness,
        is_async: start.is_async,
        ident,
        receiver,
        arguments,
        output: parse_output(after_inputs),
        body,
    })
}

/// The beginning of an item: the header of a function up to its arguments.
struct Start {
    attributes: Vec<Attribute>,
    constness: Option<Token![const]>,
    is_async: bool,
    rest: Rest,
}

enum Rest {
    /// The name of a function, and the tokens from its arguments on.
    Function(Ident, TokenStream),
    Other(TokenTree),
    Empty,
}

fn parse_start(input: ParseStream<'_>) -> syn::Result<Start> {
    let attributes = input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let first: Option<TokenTree> = input.fork().parse().ok();
    let mut start = Start {
        attributes,
        constness: None,
        is_async: false,
        rest: first.map_or(Rest::Empty, Rest::Other),
    };
    while input.peek(syn::Ident::peek_any) && !input.peek(Token![fn]) {
        match input.call(Ident::parse_any)? {
            word if word == "const" => start.constness = Some(Token![const](word.span())),
            word if word == "async" => start.is_async = true,
            word if word == "extern" => drop(input.parse::<Option<LitStr>>()?),
            word if is_one_of(&word, &["default", "safe", "unsafe"]) => {}
            _ => break,
        }
    }
    if input.parse::<Option<Token![fn]>>()?.is_some() {
        let ident = input.parse()?;
        skip_generics(input)?;
        start.rest = Rest::Function(ident, TokenStream::new());
    }
    let rest: TokenStream = input.parse()?;
    if let Rest::Function(_, after_generics) = &mut start.rest {
        *after_generics = rest;
    }
    Ok(start)
}

/// Skips the generics of a function, if there are any.
fn skip_generics(input: ParseStream<'_>) -> syn::Result<()> {
    let mut depth = Depth::default();
    while input.peek(Token![<]) || !depth.is_outside() {
        depth.advance(&input.parse()?);
        if depth.is_outside() {
            break;
        }
    }
    Ok(())
}

/// Returns the token as a block, or `None` if it is not one. A block from a `macro_rules!` fragment is inside a group
/// without delimiters.
fn block(token: &TokenTree) -> Option<Group> {
    let TokenTree::Group(group) = token else { return None };
    match group.delimiter() {
        Delimiter::Brace => Some(group.clone()),
        Delimiter::None => {
            let inside: Vec<_> = group.stream().into_iter().collect();
            let [token] = inside.as_slice() else { return None };
            block(token)
        }
        _ => None,
    }
}

/// Returns the type between `->` and the where clause.
fn parse_output(tokens: &[TokenTree]) -> Option<TokenStream> {
    let [TokenTree::Punct(minus), TokenTree::Punct(greater), rest @ ..] = tokens else {
        return None;
    };
    let is_arrow = minus.as_char() == '-' && greater.as_char() == '>';
    let end = position(rest, &|token| is_ident(token, "where")).unwrap_or(rest.len());
    is_arrow.then(|| stream(&rest[..end]))
}

fn parse_inputs(input: ParseStream<'_>) -> syn::Result<(Option<Receiver>, Vec<Argument>)> {
    let mut receiver = None;
    let mut arguments = Vec::new();
    while !input.is_empty() {
        let is_first = receiver.is_none() && arguments.is_empty();
        let attributes = input.call(Attribute::parse_outer)?;
        let pattern = flat(&parse_pattern(input)?);
        let colon: Option<Token![:]> = input.parse()?;
        let ty = colon.map(|_| parse_type(input)).transpose()?;
        // Only references and smart pointers are examined. syn can parse those without its feature `full`.
        let ty = ty.and_then(|ty| parsed(ty, Type::parse));
        match pattern.last() {
            Some(TokenTree::Ident(token)) if is_first && token == "self" => {
                receiver = Some(parse_receiver(token.clone(), &pattern, ty.as_ref()));
            }
            _ => arguments.push(Argument {
                cfg: cfg(&attributes),
                names: bindings(&pattern),
                kind: match ty.as_ref().map(ungrouped) {
                    Some(Type::Reference(ty)) if ty.mutability.is_some() => ArgumentKind::Exclusive,
                    Some(Type::Reference(_)) => ArgumentKind::Shared,
                    _ => ArgumentKind::Value,
                },
            }),
        }
        input.parse::<Option<Token![,]>>()?;
    }
    Ok((receiver, arguments))
}

/// Returns the `#[cfg(…)]` among the attributes.
fn cfg(attributes: &[Attribute]) -> TokenStream {
    let mut cfg = TokenStream::new();
    for attribute in attributes {
        if attribute.path().is_ident("cfg") {
            attribute.to_tokens(&mut cfg);
        }
    }
    cfg
}

/// Parses the tokens of a pattern, up to the colon before the type or the comma after the argument.
fn parse_pattern(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut pattern = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.peek(Token![::]) {
            input.parse::<Token![::]>()?.to_tokens(&mut pattern);
        } else if input.peek(Token![:]) {
            break;
        } else {
            input.parse::<TokenTree>()?.to_tokens(&mut pattern);
        }
    }
    Ok(pattern)
}

/// Parses the tokens of a type, up to the comma after the argument.
fn parse_type(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut ty = TokenStream::new();
    let mut depth = Depth::default();
    while !input.is_empty() && (!depth.is_outside() || !input.peek(Token![,])) {
        let token: TokenTree = input.parse()?;
        depth.advance(&token);
        token.to_tokens(&mut ty);
    }
    Ok(ty)
}

fn parse_receiver(token: Ident, pattern: &[TokenTree], ty: Option<&Type>) -> Receiver {
    let is_mut = any(pattern, &|token| is_ident(token, "mut"));
    let is_reference = pattern.first().is_some_and(|token| is_punct(token, '&'));
    let lifetime = match pattern {
        [_, quote, TokenTree::Ident(name), ..] if is_reference && is_punct(quote, '\'') => {
            Some(name.to_string())
        }
        _ => None,
    };
    let (kind, lifetime) = match ty {
        None if is_reference && is_mut => (ReceiverKind::Exclusive, lifetime),
        None if is_reference => (ReceiverKind::Shared, lifetime),
        None => (ReceiverKind::Owned, None),
        Some(ty) => receiver_kind(ty),
    };
    let word = ty.and_then(last_word);
    let has_disjoint_fields = match kind {
        ReceiverKind::Shared | ReceiverKind::Exclusive => true,
        ReceiverKind::Owned => word.is_none_or(|word| word == "Self" || word == "Box"),
        ReceiverKind::Pinned | ReceiverKind::RefCounted => false,
    };
    Receiver { token, is_mut: is_mut && !is_reference, lifetime, kind, has_disjoint_fields }
}

/// Returns the kind of a receiver of this type, and the name of its lifetime.
fn receiver_kind(ty: &Type) -> (ReceiverKind, Option<String>) {
    if let Type::Reference(reference) = ungrouped(ty) {
        let lifetime = reference.lifetime.as_ref().map(|lifetime| lifetime.ident.to_string());
        let is_mut = reference.mutability.is_some();
        let kind = if is_mut { ReceiverKind::Exclusive } else { ReceiverKind::Shared };
        return (kind, lifetime);
    }
    match last_word(ty).as_deref() {
        Some("Arc" | "Rc") => (ReceiverKind::RefCounted, None),
        Some("Pin") => match only_argument(ty).map(receiver_kind) {
            Some((ReceiverKind::Exclusive, lifetime)) => (ReceiverKind::Pinned, lifetime),
            Some(other) => other,
            None => (ReceiverKind::Owned, None),
        },
        _ => (ReceiverKind::Owned, None),
    }
}

/// Returns the names that a pattern binds: the identifiers in lower case, except those of paths, macros and fields.
fn bindings(pattern: &[TokenTree]) -> Vec<Ident> {
    let mut names = Vec::new();
    for (at, token) in pattern.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                let first = word.trim_start_matches("r#").chars().next();
                let is_name = first.is_some_and(|c| c == '_' || c.is_lowercase())
                    && !matches!(word.as_str(), "_" | "mut" | "ref" | "box");
                let is_continued = pattern.get(at + 1).is_some_and(|next| {
                    is_punct(next, ':') || is_punct(next, '!') || is_group(next)
                });
                if is_name && !is_continued && !is_path(pattern, at) {
                    names.push(ident.clone());
                }
            }
            TokenTree::Group(group) => names.extend(bindings(&flat(&group.stream()))),
            _ => {}
        }
    }
    names
}

/// Returns whether the identifier at index `at` ends a path such as `module::name`.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    at > 1 && is_punct(&tokens[at - 1], ':') && is_punct(&tokens[at - 2], ':')
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{ArgumentKind, Function, NotAFunction, ReceiverKind, parse};

    fn parse_str(item: &str) -> Result<Function, NotAFunction> {
        parse(item.parse().expect("tokens"))
    }

    fn receiver(item: &str) -> Option<ReceiverKind> {
        let function = parse_str(item).ok()?;
        function.receiver.map(|receiver| receiver.kind)
    }

    #[test]
    fn the_kind_of_a_receiver_follows_from_its_type() {
        for (kind, item) in [
            (ReceiverKind::Shared, "fn f(&self) {}"),
            (ReceiverKind::Shared, "fn f(&'a self, x: u8) {}"),
            (ReceiverKind::Shared, "fn f(self: &Arc<Self>) {}"),
            (ReceiverKind::Shared, "fn f(self: Pin<&Self>) {}"),
            (ReceiverKind::Exclusive, "fn f(&mut self) {}"),
            (ReceiverKind::Exclusive, "fn f(self: &'a mut Self) {}"),
            (ReceiverKind::Pinned, "fn f(mut self: std::pin::Pin<&mut Self>) {}"),
            (ReceiverKind::RefCounted, "fn f(self: std::sync::Arc<Self>) {}"),
            (ReceiverKind::Owned, "fn f(mut self) {}"),
            (ReceiverKind::Owned, "fn f(self: Box<Self>) {}"),
            (ReceiverKind::Owned, "fn f(self: Self) {}"),
            (ReceiverKind::RefCounted, "fn f(self: ::std::sync::Arc<Self>) {}"),
            (ReceiverKind::RefCounted, "fn f(mut self: ::std::rc::Rc<Self>, a: u8) {}"),
            (ReceiverKind::Owned, "fn f(self: ::std::boxed::Box<Self>) {}"),
            (ReceiverKind::Pinned, "fn f(self: ::core::pin::Pin<&'a mut Self>) {}"),
            (ReceiverKind::Shared, "fn f(self: &'a ::std::sync::Arc<Self>) {}"),
        ] {
            assert_eq!(receiver(item), Some(kind), "{item}");
        }
        assert_eq!(receiver("fn f(this: &Self) {}"), None);
    }

    #[test]
    fn the_names_that_a_pattern_binds_are_found() {
        let item = quote! {
            fn f<F: Fn(u8) -> Vec<u8>, const N: usize>(
                a: u8,
                (b, mut c): (u8, &mut [u8; N]),
                Point { x, y: Some::Where { z } }: Point,
                #[cfg(unix)] d: &mut HashMap<u8, Vec<u8>>,
                [first, .., _]: [u8; 3],
                ref e @ Wrapper(r#type): &Wrapper,
                path: ::std::path::PathBuf,
                self::Id(id): self::Id,
                length: [u8; const { 3 }],
            ) -> Result<Vec<u8>, Foo<{ N }>> where F: Clone {}
        };
        let function = parse(item).unwrap_or_else(|_| panic!("it is a function"));
        let names: Vec<String> = function
            .arguments
            .iter()
            .map(|argument| {
                let names: Vec<_> = argument.names.iter().map(ToString::to_string).collect();
                names.join(" ")
            })
            .collect();
        assert_eq!(names, ["a", "b c", "x z", "d", "first", "e r#type", "path", "id", "length"]);
        let kinds: Vec<_> = function.arguments.iter().map(|argument| argument.kind).collect();
        assert_eq!(kinds[3], ArgumentKind::Exclusive);
        assert_eq!(kinds[5], ArgumentKind::Shared);
        assert_eq!(function.arguments[3].cfg.to_string(), quote!(#[cfg(unix)]).to_string());
        assert_eq!(
            function.output.unwrap_or_default().to_string(),
            quote!(Result<Vec<u8>, Foo<{ N }>>).to_string()
        );
    }

    #[test]
    fn other_items_are_refused_at_their_keyword() {
        assert!(matches!(parse_str("fn f(&self) -> u8;"), Err(NotAFunction::Bodiless(_))));
        for item in ["pub struct S;", "const X: u8 = 0;", "unsafe impl T for S {}"] {
            assert!(matches!(parse_str(item), Err(NotAFunction::Other(_))), "{item}");
        }
        assert!(matches!(parse_str(""), Err(NotAFunction::Empty)));
        assert!(parse_str("pub(crate) unsafe extern \"C\" fn f() {}").is_ok());
    }
}
