//! A function as it was written. Only its header is taken apart, by hand: the body stays raw tokens, and so `syn`
//! does without its feature `full`.

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};

use crate::ast::flat;

/// A function with a body.
pub(crate) struct Function {
    /// Everything before the body, as it stands.
    pub(crate) header: TokenStream,
    /// The word of each attribute on it: `inline`, `track_caller`.
    pub(crate) attributes: Vec<String>,
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
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    // A whole item that came through a `macro_rules!` fragment.
    while let [TokenTree::Group(group)] = tokens.as_slice() {
        if group.delimiter() != Delimiter::None {
            break;
        }
        tokens = group.stream().into_iter().collect();
    }
    let mut cursor = Cursor { tokens: &tokens, at: 0 };
    let attributes = cursor.attributes();
    cursor.visibility();
    let (mut constness, mut asyncness) = (None, None);
    let word = cursor.at;
    while let Some(ident) = cursor.ident() {
        match ident.to_string().as_str() {
            "const" => constness = Some(ident),
            "async" => asyncness = Some(ident),
            "default" | "unsafe" | "safe" => {}
            "extern" => cursor.literal(),
            "fn" => return parse_after_fn(cursor, attributes, constness, asyncness),
            _ => break,
        }
    }
    Err(tokens.get(word).cloned().map_or(NoFunction::Empty, NoFunction::Other))
}

fn parse_after_fn(
    mut cursor: Cursor<'_>,
    attributes: Vec<String>,
    constness: Option<Ident>,
    asyncness: Option<Ident>,
) -> Result<Function, NoFunction> {
    let Some(ident) = cursor.ident() else { return Err(NoFunction::Empty) };
    cursor.generics();
    let Some(TokenTree::Group(inputs)) = cursor.next() else {
        return Err(NoFunction::Bodiless(ident));
    };
    let Some((last, head)) = cursor.tokens.split_last() else {
        return Err(NoFunction::Bodiless(ident));
    };
    let Some(body) = block(last) else { return Err(NoFunction::Bodiless(ident)) };
    let output = parse_output(head.get(cursor.at..).unwrap_or_default());
    let (receiver, arguments) = parse_inputs(inputs.stream());
    let header = head.iter().cloned().collect();
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
    let ty = rest.iter().take_while(|token| !is_ident(token, "where"));
    arrow.then(|| ty.cloned().collect())
}

fn parse_inputs(inputs: TokenStream) -> (Option<Receiver>, Vec<Argument>) {
    let mut receiver = None;
    let mut arguments = Vec::new();
    for (index, input) in split_commas(inputs).into_iter().enumerate() {
        let mut cursor = Cursor { tokens: &input, at: 0 };
        let cfg = cursor.cfg();
        let input = &input[cursor.at..];
        let colon = (0..input.len()).find(|&at| is_colon(input, at)).unwrap_or(input.len());
        let (pattern, ty) = input.split_at(colon);
        let ty: TokenStream = ty.iter().skip(1).cloned().collect();
        let own = pattern.iter().cloned().collect();
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

/// Of a type or pattern that begins with `&`: the lifetime, whether it is `mut`, and the rest.
fn reference(tokens: &[TokenTree]) -> Option<(Option<String>, bool, &[TokenTree])> {
    let [first, rest @ ..] = tokens else { return None };
    if !is_punct(first, '&') {
        return None;
    }
    let (lifetime, rest) = match rest {
        [quote, TokenTree::Ident(name), rest @ ..] if is_punct(quote, '\'') => {
            (Some(name.to_string()), rest)
        }
        _ => (None, rest),
    };
    match rest {
        [word, rest @ ..] if is_ident(word, "mut") => Some((lifetime, true, rest)),
        _ => Some((lifetime, false, rest)),
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

fn split_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    let mut depth = Depth::default();
    for token in tokens {
        let outside = depth.outside();
        depth.pass(&token);
        if outside && is_punct(&token, ',') {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether the token there is a colon that is no part of `::`.
fn is_colon(tokens: &[TokenTree], at: usize) -> bool {
    let is = |at: usize| tokens.get(at).is_some_and(|token| is_punct(token, ':'));
    is(at) && !is(at + 1) && (at == 0 || !is(at - 1))
}

pub(crate) fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_group(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(_))
}

/// How deep in angle brackets one is. The one of an arrow closes nothing.
#[derive(Default)]
pub(crate) struct Depth {
    depth: usize,
    arrow: bool,
}

impl Depth {
    pub(crate) fn outside(&self) -> bool {
        self.depth == 0
    }

    /// Whether that token ends what began outside of all brackets.
    pub(crate) fn closes(&self, token: &TokenTree) -> bool {
        self.outside() && (is_punct(token, ',') || is_punct(token, '>') && !self.arrow)
    }

    pub(crate) fn pass(&mut self, token: &TokenTree) {
        let TokenTree::Punct(punct) = token else {
            self.arrow = false;
            return;
        };
        match punct.as_char() {
            '<' => self.depth += 1,
            '>' if !self.arrow => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.arrow = punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
    }
}

struct Cursor<'a> {
    tokens: &'a [TokenTree],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<TokenTree> {
        let token = self.peek().cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn ident(&mut self) -> Option<Ident> {
        let Some(TokenTree::Ident(ident)) = self.peek() else { return None };
        let ident = ident.clone();
        self.at += 1;
        Some(ident)
    }

    fn literal(&mut self) {
        if let Some(TokenTree::Literal(_)) = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over attributes; gives the groups of those that can be told apart.
    fn attribute_groups(&mut self) -> Vec<TokenStream> {
        let mut groups = Vec::new();
        while let [hash, TokenTree::Group(group), ..] = &self.tokens[self.at..] {
            if !is_punct(hash, '#') || group.delimiter() != Delimiter::Bracket {
                break;
            }
            groups.push(group.stream());
            self.at += 2;
        }
        groups
    }

    /// Passes over attributes; gives their words.
    fn attributes(&mut self) -> Vec<String> {
        let groups = self.attribute_groups();
        let words = groups.into_iter().filter_map(|group| {
            let path = group.into_iter().take_while(|token| !is_group(token));
            path.last().map(|word| word.to_string())
        });
        words.collect()
    }

    /// Passes over attributes; gives those that are `cfg`.
    fn cfg(&mut self) -> TokenStream {
        let groups = self.attribute_groups();
        let cfgs = groups.into_iter().filter(|group| {
            group.clone().into_iter().next().is_some_and(|word| is_ident(&word, "cfg"))
        });
        cfgs.map(|group| quote::quote!(#[#group])).collect()
    }

    fn visibility(&mut self) {
        match self.peek() {
            // Through a `macro_rules!` fragment.
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => self.at += 1,
            Some(token) if is_ident(token, "pub") => {
                self.at += 1;
                if let Some(TokenTree::Group(group)) = self.peek() {
                    if group.delimiter() == Delimiter::Parenthesis {
                        self.at += 1;
                    }
                }
            }
            _ => {}
        }
    }

    fn generics(&mut self) {
        let mut depth = Depth::default();
        while let Some(token) = self.peek() {
            if depth.outside() && !is_punct(token, '<') {
                break;
            }
            depth.pass(token);
            self.at += 1;
        }
    }
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
