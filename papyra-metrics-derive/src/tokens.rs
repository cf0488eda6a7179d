//! Tokens, read by hand: what a derive and an attribute need to know of Rust's grammar is little, and a parser for all
//! of it would be a third of what a user waits for in a first build.
//!
//! What `macro_rules!` fragments bring (`$vis`, `$ty`, `$meta` and so on) stands in invisible groups. Whoever looks for a
//! word or a sign looks into them; tokens that only pass through keep them.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

use crate::diag::Error;

/// Tokens that are read one after the other.
pub(crate) struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
}

impl Cursor {
    pub(crate) fn new(tokens: TokenStream) -> Self {
        Self { tokens: tokens.into_iter().collect(), at: 0 }
    }

    pub(crate) fn of(tokens: &[TokenTree]) -> Self {
        Self { tokens: tokens.to_vec(), at: 0 }
    }

    /// What has been read, and what is still to be.
    pub(crate) fn all(&self) -> &[TokenTree] {
        &self.tokens
    }

    /// What is still to be read.
    pub(crate) fn rest(&self) -> &[TokenTree] {
        &self.tokens[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }

    pub(crate) fn next(&mut self) -> Option<TokenTree> {
        let token = self.peek().cloned();
        self.at += usize::from(token.is_some());
        token
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

    /// Passes over that sign, if it comes next.
    pub(crate) fn punct(&mut self, char: char) -> bool {
        self.open();
        let is = self.peek().is_some_and(|token| is_punct(token, char));
        self.at += usize::from(is);
        is
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

    /// Passes over what comes before a token that stands in no angle brackets and is such a one.
    pub(crate) fn until(&mut self, ends: fn(&TokenTree) -> bool) -> Vec<TokenTree> {
        let mut depth = Depth::default();
        let start = self.at;
        while let Some(token) = self.tokens.get(self.at) {
            if depth.outside() && ends(token) {
                break;
            }
            depth.pass(token);
            self.at += 1;
        }
        self.tokens[start..self.at].to_vec()
    }

    /// A mistake where the next token stands, or at the last one.
    pub(crate) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(self.peek().or(self.tokens.last()), message)
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

/// The word as it names something: without `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    let word = ident.to_string();
    word.strip_prefix("r#").map(str::to_owned).unwrap_or(word)
}

/// Whether the word can be no name unless it is written `r#`.
pub(crate) fn is_keyword(ident: &Ident) -> bool {
    #[rustfmt::skip]
    const KEYWORDS: &[&str] = &[
        "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else", "enum",
        "extern", "false", "final", "fn", "for", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut",
        "override", "priv", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "try", "type",
        "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    KEYWORDS.contains(&ident.to_string().as_str())
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
