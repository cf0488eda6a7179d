//! Tokens, read by hand: what a derive and an attribute need to know of Rust's grammar is little, and a parser for all
//! of it would be a third of what a user waits for in a first build.
//!
//! What `macro_rules!` fragments bring (`$vis`, `$ty`, `$meta` and so on) stands in invisible groups. Whoever looks for a
//! word or a sign looks into them; tokens that only pass through keep them.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

/// Tokens that are read one after the other.
pub(crate) struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
}

impl Cursor {
    pub(crate) fn new(tokens: TokenStream) -> Self {
        Self { tokens: tokens.into_iter().collect(), at: 0 }
    }

    /// What is still to be read.
    pub(crate) fn rest(&self) -> &[TokenTree] {
        &self.tokens[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }

    /// Takes invisible groups away from around what comes next.
    pub(crate) fn open(&mut self) {
        while let Some(inside) = self.peek().and_then(invisible) {
            let after = self.tokens.split_off(self.at + 1);
            self.tokens.pop();
            self.tokens.extend(inside);
            self.tokens.extend(after);
        }
    }

    /// Passes over a word, if one comes next.
    pub(crate) fn ident(&mut self) -> Option<Ident> {
        self.open();
        let Some(TokenTree::Ident(ident)) = self.peek() else { return None };
        let ident = ident.clone();
        self.at += 1;
        Some(ident)
    }

    /// Passes over a literal, if one comes next.
    pub(crate) fn literal(&mut self) {
        self.open();
        self.at += usize::from(matches!(self.peek(), Some(TokenTree::Literal(_))));
    }

    /// Passes over a group with these delimiters, if one comes next; gives what is in it.
    pub(crate) fn group(&mut self, delimiter: Delimiter) -> Option<TokenStream> {
        self.open();
        let Some(TokenTree::Group(group)) = self.peek() else { return None };
        let inside = (group.delimiter() == delimiter).then(|| group.stream());
        self.at += usize::from(inside.is_some());
        inside
    }

    /// Passes over angle brackets, if they come next and are closed; gives them with what is in them.
    pub(crate) fn angles(&mut self) -> Option<Vec<TokenTree>> {
        self.open();
        let start = self.at;
        let mut depth = Depth::default();
        for (at, token) in self.tokens.iter().enumerate().skip(start) {
            depth.pass(token);
            if depth.outside() {
                // Else the first token has opened nothing.
                return (at > start).then(|| {
                    self.at = at + 1;
                    self.tokens[start..=at].to_vec()
                });
            }
        }
        None
    }
}

/// What is in a group without delimiters.
fn invisible(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => Some(group.stream()),
        _ => None,
    }
}

/// The tokens without invisible groups around any of them.
pub(crate) fn flat(tokens: &TokenStream) -> Vec<TokenTree> {
    let mut all = Vec::new();
    flatten(tokens.clone(), &mut all);
    all
}

fn flatten(tokens: TokenStream, all: &mut Vec<TokenTree>) {
    for token in tokens {
        match invisible(&token) {
            Some(inside) => flatten(inside, all),
            None => all.push(token),
        }
    }
}

/// The tokens as they go out.
pub(crate) fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().cloned().collect()
}

/// What stands between commas that are in no angle brackets.
pub(crate) fn split_commas(tokens: &[TokenTree]) -> Vec<&[TokenTree]> {
    let mut parts = Vec::new();
    let mut depth = Depth::default();
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        if depth.outside() && is_punct(token, ',') {
            parts.push(&tokens[start..at]);
            start = at + 1;
        }
        depth.pass(token);
    }
    parts.push(&tokens[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Of a type or pattern that begins with `&`: the lifetime, whether it is `mut`, and the rest.
pub(crate) fn reference(tokens: &[TokenTree]) -> Option<(Option<String>, bool, &[TokenTree])> {
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

pub(crate) fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

pub(crate) fn is_group(token: &TokenTree) -> bool {
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
