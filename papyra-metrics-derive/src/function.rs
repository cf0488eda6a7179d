//! A function as it was written. Only its header is taken apart: the body stays raw tokens.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Visibility};

use crate::tokens::{Cursor, flat, is_group, is_ident, is_punct, reference, split_commas, stream};

/// A function with a body.
pub(crate) struct Function {
    /// Everything before the body, as it stands.
    pub(crate) header: TokenStream,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) constness: Option<Ident>,
    pub(crate) asyncness: Option<Ident>,
    pub(crate) ident: Ident,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) arguments: Vec<Argument>,
    /// The tokens after the arrow.
    pub(crate) output: Option<TokenStream>,
    pub(crate) body: Group,
}

/// What is no function with a body.
pub(crate) enum NoFunction {
    /// A function of a trait or an `extern` block.
    Bodiless(Ident),
    /// Anything else, with the word that says what it is.
    Other(TokenTree),
    Empty,
}

/// `self` in one of its forms.
pub(crate) struct Receiver {
    pub(crate) token: Ident,
    pub(crate) mutable: bool,
    /// The name of the lifetime of a reference.
    pub(crate) lifetime: Option<String>,
    pub(crate) kind: ReceiverKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReceiverKind {
    /// `&self`, `self: &Arc<Self>`, `self: Pin<&Self>`: it can be copied.
    Shared,
    /// `&mut self`.
    Exclusive,
    /// `self: Pin<&mut Self>`.
    Pinned,
    /// `self: Arc<Self>`, `self: Rc<Self>`: it can be cloned.
    Counted,
    /// `self`, `self: Box<Self>`.
    Value,
}

/// An argument that is not `self`.
pub(crate) struct Argument {
    /// Its `#[cfg(…)]`.
    pub(crate) cfg: TokenStream,
    /// The names that its pattern binds.
    pub(crate) names: Vec<Ident>,
    pub(crate) kind: ArgumentKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ArgumentKind {
    /// `&T`.
    Shared,
    /// `&mut T`.
    Exclusive,
    Value,
}

pub(crate) fn parse(item: TokenStream) -> Result<Function, NoFunction> {
    let all: Vec<TokenTree> = item.clone().into_iter().collect();
    let header = stream(all.split_last().map_or(&[], |(_, header)| header));
    let Ok((attributes, rest)) = parse_start.parse2(item) else { return Err(NoFunction::Empty) };
    let mut cursor = Cursor::new(rest);
    let word = cursor.peek().cloned();
    let (mut constness, mut asyncness) = (None, None);
    while let Some(ident) = cursor.ident() {
        match ident.to_string().as_str() {
            "const" => constness = Some(ident),
            "async" => asyncness = Some(ident),
            "default" | "unsafe" | "safe" => {}
            "extern" => cursor.literal(),
            "fn" => return parse_after_fn(cursor, header, attributes, constness, asyncness),
            _ => break,
        }
    }
    Err(word.map_or(NoFunction::Empty, NoFunction::Other))
}

fn parse_after_fn(
    mut cursor: Cursor,
    header: TokenStream,
    attributes: Vec<Attribute>,
    constness: Option<Ident>,
    asyncness: Option<Ident>,
) -> Result<Function, NoFunction> {
    let Some(ident) = cursor.ident() else { return Err(NoFunction::Empty) };
    cursor.angles();
    let Some(inputs) = cursor.group(Delimiter::Parenthesis) else {
        return Err(NoFunction::Bodiless(ident));
    };
    let Some((body, output)) = cursor.rest().split_last() else {
        return Err(NoFunction::Bodiless(ident));
    };
    let Some(body) = block(body) else { return Err(NoFunction::Bodiless(ident)) };
    let output = parse_output(output);
    let (receiver, arguments) = parse_inputs(inputs);
    Ok(Function {
        header,
        attributes,
        constness,
        asyncness,
        ident,
        receiver,
        arguments,
        output,
        body,
    })
}

/// Parses attributes and a visibility; gives the rest as it is.
fn parse_start(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, TokenStream)> {
    let attributes = input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    Ok((attributes, input.parse()?))
}

/// A body, also one that came through a `macro_rules!` fragment.
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

/// The type between the arrow and the where clause.
fn parse_output(tokens: &[TokenTree]) -> Option<TokenStream> {
    let [TokenTree::Punct(minus), TokenTree::Punct(greater), rest @ ..] = tokens else {
        return None;
    };
    let arrow = minus.as_char() == '-' && greater.as_char() == '>';
    let end = rest.iter().position(|token| is_ident(token, "where")).unwrap_or(rest.len());
    arrow.then(|| stream(&rest[..end]))
}

fn parse_inputs(inputs: TokenStream) -> (Option<Receiver>, Vec<Argument>) {
    let mut receiver = None;
    let mut arguments = Vec::new();
    let inputs: Vec<TokenTree> = inputs.into_iter().collect();
    for (index, input) in split_commas(&inputs).into_iter().enumerate() {
        let Ok((attributes, rest)) = parse_start.parse2(stream(input)) else { continue };
        let cursor = Cursor::new(rest);
        let mut cfg = TokenStream::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
            attribute.to_tokens(&mut cfg);
        }
        let input = cursor.rest();
        let colon = (0..input.len()).find(|&at| is_colon(input, at)).unwrap_or(input.len());
        let (pattern, ty) = input.split_at(colon);
        let ty = stream(ty.get(1..).unwrap_or_default());
        let own = stream(pattern);
        match flat(&own).last() {
            Some(TokenTree::Ident(token)) if index == 0 && token == "self" => {
                receiver = Some(parse_receiver(token.clone(), &flat(&own), &flat(&ty)));
            }
            _ => {
                let kind = match reference(&flat(&ty)) {
                    None => ArgumentKind::Value,
                    Some((_, false, _)) => ArgumentKind::Shared,
                    Some((_, true, _)) => ArgumentKind::Exclusive,
                };
                arguments.push(Argument { cfg, names: bindings(&flat(&own)), kind });
            }
        }
    }
    (receiver, arguments)
}

fn parse_receiver(token: Ident, pattern: &[TokenTree], ty: &[TokenTree]) -> Receiver {
    let (kind, lifetime, mutable) = if ty.is_empty() {
        match reference(pattern) {
            Some((lifetime, true, _)) => (ReceiverKind::Exclusive, lifetime, false),
            Some((lifetime, false, _)) => (ReceiverKind::Shared, lifetime, false),
            None => (ReceiverKind::Value, None, pattern.len() > 1),
        }
    } else {
        let (kind, lifetime) = receiver_kind(ty);
        (kind, lifetime, pattern.len() > 1)
    };
    Receiver { token, mutable, lifetime, kind }
}

/// What a receiver of that type is.
fn receiver_kind(ty: &[TokenTree]) -> (ReceiverKind, Option<String>) {
    if let Some((lifetime, mutable, _)) = reference(ty) {
        let kind = if mutable { ReceiverKind::Exclusive } else { ReceiverKind::Shared };
        return (kind, lifetime);
    }
    let generics = ty.iter().position(|token| is_punct(token, '<')).unwrap_or(ty.len());
    let (path, generics) = ty.split_at(generics);
    let last = path.last().map(ToString::to_string).unwrap_or_default();
    match last.as_str() {
        "Arc" | "Rc" => (ReceiverKind::Counted, None),
        "Pin" => match receiver_kind(generics.get(1..).unwrap_or_default()) {
            (ReceiverKind::Exclusive, lifetime) => (ReceiverKind::Pinned, lifetime),
            other => other,
        },
        _ => (ReceiverKind::Value, None),
    }
}

/// The names that a pattern binds: words in lower case that are no paths, calls or fields.
fn bindings(pattern: &[TokenTree]) -> Vec<Ident> {
    let mut names = Vec::new();
    for (at, token) in pattern.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                let first = word.trim_start_matches("r#").chars().next();
                let is_name = first.is_some_and(|c| c == '_' || c.is_lowercase())
                    && !matches!(word.as_str(), "_" | "mut" | "ref" | "box");
                let goes_on = pattern.get(at + 1).is_some_and(|next| {
                    is_punct(next, ':') || is_punct(next, '!') || is_group(next)
                });
                if is_name && !goes_on && !is_path(pattern, at) {
                    names.push(ident.clone());
                }
            }
            TokenTree::Group(group) => names.extend(bindings(&flat(&group.stream()))),
            _ => {}
        }
    }
    names
}

/// Whether the word there ends a path.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    at > 1 && is_punct(&tokens[at - 1], ':') && is_punct(&tokens[at - 2], ':')
}

/// Whether the token there is a colon that is no part of `::`.
fn is_colon(tokens: &[TokenTree], at: usize) -> bool {
    let is = |at: usize| tokens.get(at).is_some_and(|token| is_punct(token, ':'));
    is(at) && !is(at + 1) && (at == 0 || !is(at - 1))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{ArgumentKind, Function, NoFunction, ReceiverKind, parse};

    fn parse_str(item: &str) -> Result<Function, NoFunction> {
        parse(item.parse().expect("tokens"))
    }

    fn receiver(item: &str) -> Option<ReceiverKind> {
        let function = parse_str(item).ok()?;
        function.receiver.map(|receiver| receiver.kind)
    }

    #[test]
    fn receivers_are_told_apart_by_how_self_can_be_used_again() {
        for (kind, item) in [
            (ReceiverKind::Shared, "fn f(&self) {}"),
            (ReceiverKind::Shared, "fn f(&'a self, x: u8) {}"),
            (ReceiverKind::Shared, "fn f(self: &Arc<Self>) {}"),
            (ReceiverKind::Shared, "fn f(self: Pin<&Self>) {}"),
            (ReceiverKind::Exclusive, "fn f(&mut self) {}"),
            (ReceiverKind::Exclusive, "fn f(self: &'a mut Self) {}"),
            (ReceiverKind::Pinned, "fn f(mut self: std::pin::Pin<&mut Self>) {}"),
            (ReceiverKind::Counted, "fn f(self: std::sync::Arc<Self>) {}"),
            (ReceiverKind::Value, "fn f(mut self) {}"),
            (ReceiverKind::Value, "fn f(self: Box<Self>) {}"),
            (ReceiverKind::Value, "fn f(self: Self) {}"),
        ] {
            assert_eq!(receiver(item), Some(kind), "{item}");
        }
        assert_eq!(receiver("fn f(this: &Self) {}"), None);
    }

    #[test]
    fn arguments_are_known_by_the_names_that_their_patterns_bind() {
        let item = quote! {
            fn f<F: Fn(u8) -> Vec<u8>, const N: usize>(
                a: u8,
                (b, mut c): (u8, &mut [u8; N]),
                Point { x, y: Some::Where { z } }: Point,
                #[cfg(unix)] d: &mut HashMap<u8, Vec<u8>>,
                [first, .., _]: [u8; 3],
                ref e @ Wrapper(r#type): &Wrapper,
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
        assert_eq!(names, ["a", "b c", "x z", "d", "first", "e r#type"]);
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
    fn what_is_no_function_with_a_body_is_said() {
        assert!(matches!(parse_str("fn f(&self) -> u8;"), Err(NoFunction::Bodiless(_))));
        for item in ["pub struct S;", "const X: u8 = 0;", "unsafe impl T for S {}"] {
            assert!(matches!(parse_str(item), Err(NoFunction::Other(_))), "{item}");
        }
        assert!(matches!(parse_str(""), Err(NoFunction::Empty)));
        assert!(parse_str("pub(crate) unsafe extern \"C\" fn f() {}").is_ok());
    }
}
