//! What can be told of a function's body from its raw tokens. Where a macro call may hide something, it is
//! taken to be there.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

use crate::tokens::{flat, is_ident, is_punct};

/// What a body does, as far as its words tell.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub(crate) struct Facts {
    /// It may end before its end: `return`, `?`, or a macro.
    pub(crate) exits: bool,
    /// It may await.
    pub(crate) awaits: bool,
    /// It has a `move` closure or block.
    pub(crate) moves: bool,
    /// It names `self`.
    pub(crate) names_self: bool,
    /// It names `self` other than for a field or a method.
    pub(crate) bare_self: bool,
    /// It names `self` other than for a field.
    pub(crate) whole_self: bool,
    /// A string may name `self`, as in `"{self}"`.
    pub(crate) self_in_string: bool,
    /// Words of which it takes a field.
    pub(crate) parted: HashSet<String>,
    /// All its words, and those in strings' braces.
    pub(crate) words: HashSet<String>,
}

impl Facts {
    pub(crate) fn of(tokens: &TokenStream) -> Self {
        let mut facts = Self::default();
        facts.look(tokens);
        facts
    }

    fn look(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| &tokens[at]);
            let next = tokens.get(at + 1);
            match token {
                TokenTree::Group(group) => self.look(&group.stream()),
                TokenTree::Punct(punct) => self.exits |= punct.as_char() == '?',
                TokenTree::Literal(literal) => self.look_at_string(&literal.to_string()),
                TokenTree::Ident(ident) => {
                    let word = ident.to_string();
                    let is_field = before.is_some_and(|before| is_punct(before, '.'));
                    let calls_macro = next.is_some_and(|next| is_punct(next, '!'))
                        && tokens
                            .get(at + 2)
                            .is_some_and(|after| matches!(after, TokenTree::Group(_)));
                    match word.as_str() {
                        "return" => self.exits = true,
                        "await" => self.awaits = true,
                        "move" => self.moves = true,
                        "self" if is_path(&tokens, at) => {}
                        "self" => {
                            self.names_self = true;
                            self.bare_self |= !next.is_some_and(|next| is_punct(next, '.'));
                            self.whole_self |= !is_parted(&tokens[at + 1..]);
                        }
                        // A macro of any name may return and await: the user may have defined it.
                        _ if calls_macro => {
                            self.exits = true;
                            self.awaits = true;
                        }
                        _ => {}
                    }
                    if !is_field && is_parted(&tokens[at + 1..]) {
                        self.parted.insert(word.clone());
                    }
                    if !is_field {
                        self.words.insert(word);
                    }
                }
            }
        }
    }

    /// Words that a format string may name.
    fn look_at_string(&mut self, literal: &str) {
        if !literal.ends_with(['"', '#']) {
            return;
        }
        for part in literal.split('{').skip(1) {
            let end = part.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(part.len());
            let word = &part[..end];
            if word == "self" {
                self.self_in_string = true;
                self.names_self = true;
            } else if !word.is_empty() {
                self.words.insert(word.to_owned());
            }
        }
    }
}

/// Whether the `self` there begins a path: `self::log`, or `use log::{self, Log}`.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    let colons = |at: usize| {
        tokens.get(at).is_some_and(|token| is_punct(token, ':'))
            && tokens.get(at + 1).is_some_and(|token| is_punct(token, ':'))
    };
    colons(at + 1)
}

/// Whether what comes after a word is `.field`, and no method.
fn is_parted(after: &[TokenTree]) -> bool {
    match after {
        [dot, TokenTree::Ident(_), rest @ ..] if is_punct(dot, '.') => {
            let call = match rest {
                [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Parenthesis,
                [a, b, ..] => is_punct(a, ':') && is_punct(b, ':'),
                _ => false,
            };
            !call
        }
        [dot, TokenTree::Literal(_), ..] => is_punct(dot, '.'),
        _ => false,
    }
}

/// A body in two parts: its inner attributes, and the rest, in braces where its own stood.
pub(crate) fn split(body: &Group) -> (TokenStream, Group) {
    let mut attributes = TokenStream::new();
    let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut rest = tokens.as_slice();
    while let [hash, bang, group @ TokenTree::Group(_), after @ ..] = rest {
        if !is_punct(hash, '#') || !is_punct(bang, '!') {
            break;
        }
        attributes.extend([hash, bang, group].map(Clone::clone));
        rest = after;
    }
    (attributes, braced(rest.iter().cloned().collect(), body.span()))
}

/// Braces that stand where the user's do: blocks that end in the user's last expression keep the rules of the
/// user's edition for its temporaries, and lints find the user's code.
pub(crate) fn braced(tokens: TokenStream, span: Span) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(span);
    group
}

/// The statements of a block, to stand among others: in its braces only where it begins with items, which a lint
/// wants to be first.
pub(crate) fn unbraced(block: &Group) -> TokenStream {
    let statements = block.stream();
    if begins_with_item(&flat(&statements)) { quote::quote!(#block) } else { statements }
}

/// Whether a body is but one expression, which is read as one also behind a `=`. Brackets around it are left to the
/// lint that finds them needless, and a lone `todo!()` would be a lint's there.
pub(crate) fn is_one_expression(body: &TokenStream) -> bool {
    let tokens = flat(body);
    let is_statement = |at: usize, token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';' || at == 0 && punct.as_char() == '#',
        TokenTree::Ident(word) => at == 0 && word == "let",
        TokenTree::Group(group) => {
            let next = tokens.get(at + 1);
            group.delimiter() == Delimiter::Brace
                && next.is_some_and(|next| !is_ident(next, "else"))
        }
        TokenTree::Literal(_) => false,
    };
    !matches!(tokens.as_slice(), [] | [TokenTree::Group(_)])
        && !matches!(tokens.as_slice(), [_, bang, TokenTree::Group(_)] if is_punct(bang, '!'))
        && !begins_with_item(&tokens)
        && !tokens.iter().enumerate().any(|(at, token)| is_statement(at, token))
}

fn begins_with_item(tokens: &[TokenTree]) -> bool {
    const WORDS: &[&str] = &[
        "enum",
        "extern",
        "fn",
        "impl",
        "macro_rules",
        "mod",
        "pub",
        "static",
        "struct",
        "trait",
        "type",
        "use",
    ];
    match tokens {
        // An attribute.
        [hash, TokenTree::Group(_), rest @ ..] if is_punct(hash, '#') => begins_with_item(rest),
        [TokenTree::Ident(word), TokenTree::Ident(next), ..]
            if ["async", "const", "unsafe"].iter().any(|it| word == it) =>
        {
            next != "move"
        }
        [TokenTree::Ident(word), ..] => WORDS.iter().any(|it| word == it),
        _ => false,
    }
}

/// The same tokens with another name for `self`. Nested functions have a `self` of their own.
pub(crate) fn rename_self(tokens: TokenStream, name: &dyn Fn(&Ident) -> Ident) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut renamed = TokenStream::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(ident) if ident == "fn" && is_named(tokens.get(at + 1)) => {
                let end = tokens[at..]
                    .iter()
                    .position(ends_item)
                    .map_or(tokens.len(), |end| at + end + 1);
                renamed.extend(tokens[at..end].iter().cloned());
                at = end;
                continue;
            }
            TokenTree::Ident(ident) if ident == "use" => {
                let end = tokens[at..].iter().position(|token| is_punct(token, ';'));
                let end = end.map_or(tokens.len(), |end| at + end);
                renamed.extend(tokens[at..end].iter().cloned());
                at = end;
                continue;
            }
            TokenTree::Ident(ident) if ident == "self" && !is_path(&tokens, at) => {
                renamed.extend([TokenTree::Ident(name(ident))]);
            }
            TokenTree::Punct(hash) if hash.as_char() == '#' => {
                // An attribute, maybe of an item with a `self` of its own.
                let bang = tokens.get(at + 1).is_some_and(|next| is_punct(next, '!'));
                let end = (at + 2 + usize::from(bang)).min(tokens.len());
                renamed.extend(tokens[at..end].iter().cloned());
                at = end;
                continue;
            }
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), rename_self(group.stream(), name));
                inside.set_span(group.span());
                inside.to_tokens(&mut renamed);
            }
            other => other.to_tokens(&mut renamed),
        }
        at += 1;
    }
    renamed
}

/// The other name: no word of the user's can be taken for it.
pub(crate) fn other_self(name: &str, at: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(at))
}

fn is_named(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Ident(_)))
}

fn ends_item(token: &TokenTree) -> bool {
    is_punct(token, ';')
        || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// Whether the last statement is a `return`.
pub(crate) fn ends_in_return(body: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let tokens = match tokens.as_slice() {
        [head @ .., end] if is_punct(end, ';') => head,
        tokens => tokens,
    };
    let last = tokens.rsplit(|token| is_punct(token, ';')).next();
    last.and_then(<[TokenTree]>::first).is_some_and(|word| is_ident(word, "return"))
}

/// A body that ends in a future that it makes itself.
pub(crate) struct Tail {
    /// The statements before it.
    pub(crate) statements: TokenStream,
    /// `Box::pin`, by the path as written, with where its parentheses stand.
    pub(crate) pin: Option<(TokenStream, Span)>,
    /// The future: the block of an `async` one, or any expression in `Box::pin`.
    pub(crate) future: Future,
}

pub(crate) enum Future {
    /// `async { … }` or `async move { … }`: the words, and the block.
    Block(TokenStream, Group),
    Expression(TokenStream),
}

/// Whether the body ends in `async { … }` or `Box::pin(…)`.
pub(crate) fn tail(body: &TokenStream) -> Option<Tail> {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    if let Some((start, words, block)) = async_block(&tokens) {
        if !starts_expression(&tokens, start) {
            return None;
        }
        let statements = tokens[..start].iter().cloned().collect();
        return Some(Tail { statements, pin: None, future: Future::Block(words, block) });
    }
    let [head @ .., TokenTree::Group(arguments)] = tokens.as_slice() else { return None };
    if arguments.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let path = head.iter().rev().take_while(|token| {
        matches!(token, TokenTree::Ident(_)) && !is_ident(token, "return") || is_punct(token, ':')
    });
    let start = head.len() - path.count();
    let path: TokenStream = head[start..].iter().cloned().collect();
    let known = ["Box::pin", "std::boxed::Box::pin", "alloc::boxed::Box::pin"];
    let written = path.to_string().replace(' ', "");
    if !known.contains(&written.trim_start_matches("::")) || !starts_expression(&tokens, start) {
        return None;
    }
    let inside: Vec<TokenTree> = arguments.stream().into_iter().collect();
    let future = match async_block(&inside) {
        Some((0, words, block)) => Future::Block(words, block),
        _ => Future::Expression(arguments.stream()),
    };
    let statements = head[..start].iter().cloned().collect();
    Some(Tail { statements, pin: Some((path, arguments.span())), future })
}

/// The `async` block that ends the tokens, and where it begins.
fn async_block(tokens: &[TokenTree]) -> Option<(usize, TokenStream, Group)> {
    let [head @ .., TokenTree::Group(block)] = tokens else { return None };
    if block.delimiter() != Delimiter::Brace {
        return None;
    }
    let words = match head {
        [.., word, mover] if is_ident(word, "async") && is_ident(mover, "move") => 2,
        [.., word] if is_ident(word, "async") => 1,
        _ => return None,
    };
    let start = head.len() - words;
    Some((start, head[start..].iter().cloned().collect(), block.clone()))
}

/// Whether what begins there is an expression of its own, and no part of the one before.
fn starts_expression(tokens: &[TokenTree], start: usize) -> bool {
    start == 0
        || is_punct(&tokens[start - 1], ';')
        || matches!(&tokens[start - 1], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{Facts, Future, braced, is_one_expression, rename_self, tail, unbraced};

    #[test]
    fn early_exits_are_seen_and_what_may_hide_one_is_taken_for_one() {
        for body in [
            quote!(a?; b),
            quote!(if x {
                return y;
            }),
            quote!(bail!("x")),
            quote!(assert!(a); b),
            quote!(out::write!(a)),
            quote!(f(|| a?)),
        ] {
            assert!(Facts::of(&body).exits, "{body}");
        }
        for body in [quote!(a != b), quote!(Ok(!x))] {
            assert!(!Facts::of(&body).exits, "{body}");
        }
    }

    #[test]
    fn a_whole_self_is_more_than_its_fields() {
        for body in
            [quote!(f(self)), quote!(self.flush()), quote!(let x = self;), quote!(self.f::<u8>())]
        {
            assert!(Facts::of(&body).whole_self, "{body}");
        }
        for body in [quote!(self.file.flush()), quote!(self.0 + self::X), quote!(self.a = self.b)] {
            assert!(!Facts::of(&body).whole_self, "{body}");
        }
    }

    #[test]
    fn renaming_leaves_other_selves_alone() {
        let body = quote! {
            use log::{self, Log};
            impl T for S { #[count(self.x)] fn f(&self) -> u8 { self.x } }
            self::f(&self.x, |x| self.y(x));
        };
        let renamed = quote! {
            use log::{self, Log};
            impl T for S { #[count(self.x)] fn f(&self) -> u8 { self.x } }
            self::f(&this.x, |x| this.y(x));
        };
        assert_eq!(
            rename_self(body, &|_| quote::format_ident!("this")).to_string(),
            renamed.to_string()
        );
    }

    #[test]
    fn a_body_of_one_expression_is_told_from_statements() {
        for body in [
            quote!(self.inner.append(record)),
            quote!(if a { b } else { c }),
            quote!(match a {
                b => c,
            }),
            quote!(unsafe { a }),
            quote!(async move { a }),
            quote!(Log { a }),
        ] {
            assert!(is_one_expression(&body), "{body}");
        }
        for body in [
            quote!(),
            quote!(a; b),
            quote!(a;),
            quote!((a)),
            quote!({ a }),
            quote!(todo!()),
            quote!(if a { b() } c),
            quote!(match a {} - 1),
            quote!(
                #[allow(unused)]
                a
            ),
            quote!(use a::b;, b()),
            quote!(
                const fn a() {}
            ),
            quote!(
                fn a() {}
            ),
        ] {
            assert!(!is_one_expression(&body), "{body}");
        }
    }

    #[test]
    fn braces_stay_where_a_body_begins_with_items() {
        for (body, stay) in [
            (quote!(let a = b; a), false),
            (quote!(const { a }), false),
            (quote!(async move { a }.await), false),
            (quote!(use a::b;, b()), true),
            (
                quote!(
                    #[cfg(unix)]
                    const A: u8 = 0;,
                    A
                ),
                true,
            ),
            (quote!(unsafe fn f() {}, a), true),
        ] {
            let block = braced(body.clone(), proc_macro2::Span::call_site());
            let expected = if stay { quote!({ #body }) } else { body };
            assert_eq!(unbraced(&block).to_string(), expected.to_string());
        }
    }

    #[test]
    fn a_future_at_the_end_is_found() {
        let found = tail(&quote!(let a = b; Box::pin(async move { a })));
        assert!(matches!(found, Some(found) if matches!(found.future, Future::Block(..))));
        let found = tail(&quote!(std::boxed::Box::pin(self.inner.append(x))));
        assert!(matches!(found, Some(found) if matches!(found.future, Future::Expression(_))));
        assert!(tail(&quote!(async { 1 })).is_some());
        assert!(tail(&quote!(f(Box::pin(x)))).is_none());
        assert!(tail(&quote!(x = Box::pin(x))).is_none());
        assert!(tail(&quote!(x.y(async { 1 }))).is_none());
    }
}
