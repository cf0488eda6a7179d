//! Examines the tokens of expressions, patterns and bodies.
//!
//! Without its feature `full`, syn has no type for a statement, a block or a pattern, and refuses most expressions. So
//! it cannot parse the body and the arguments of a function, the value of a key such as
//! `errors = self.shards[i].errors`, and types that contain an expression. With `full`, every first build would take
//! longer, and a body would still be rewritten token by token, because the inputs of its macros are tokens in any case.
//!
//! `macro_rules!` fragments (`$vis`, `$ty`, `$expr`) arrive in groups without delimiters. `flat` removes these groups,
//! so that the other functions see the tokens inside them.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

/// Returns the tokens inside a group without delimiters, or `None` for any other token.
fn invisible(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => Some(group.stream()),
        _ => None,
    }
}

/// Returns the tokens, with each group without delimiters replaced by its content.
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

/// Collects tokens into a stream.
pub(crate) fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().cloned().collect()
}

/// Returns the tokens as text without spaces between them, such as `self.log.errors`. Groups keep their inner spaces.
pub(crate) fn text(tokens: &TokenStream) -> String {
    let mut text = String::new();
    for token in flat(tokens) {
        text.push_str(&token.to_string());
    }
    text
}

pub(crate) fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

pub(crate) fn is_one_of(ident: &Ident, words: &[&str]) -> bool {
    words.iter().any(|word| ident == word)
}

/// Returns the index of the first token for which `is` returns `true`. `is` is a trait object so that the generic
/// `Iterator::position` is compiled only once, and not for each condition.
pub(crate) fn position(tokens: &[TokenTree], is: &dyn Fn(&TokenTree) -> bool) -> Option<usize> {
    tokens.iter().position(is)
}

/// Returns whether `is` returns `true` for one of the tokens.
pub(crate) fn any(tokens: &[TokenTree], is: &dyn Fn(&TokenTree) -> bool) -> bool {
    position(tokens, is).is_some()
}

pub(crate) fn is_group(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(_))
}

/// Tracks the nesting depth of `<…>` while tokens are read one by one. The `>` of `->` does not close a bracket.
#[derive(Default)]
pub(crate) struct Depth {
    depth: usize,
    /// Whether the last token was the `-` of a possible `->`.
    is_after_dash: bool,
}

impl Depth {
    pub(crate) fn is_outside(&self) -> bool {
        self.depth == 0
    }

    /// Returns whether the token ends a list item that began at depth zero: a comma, or the `>` that closes the list.
    pub(crate) fn closes(&self, token: &TokenTree) -> bool {
        self.is_outside() && (is_punct(token, ',') || is_punct(token, '>') && !self.is_after_dash)
    }

    /// Reads the next token, and updates the depth.
    pub(crate) fn advance(&mut self, token: &TokenTree) {
        let TokenTree::Punct(punct) = token else {
            self.is_after_dash = false;
            return;
        };
        match punct.as_char() {
            '<' => self.depth += 1,
            '>' if !self.is_after_dash => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.is_after_dash = punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
    }
}

/// Converts Rust code in a test to tokens. The code is a string, because rustfmt would break it into many lines in
/// `quote!`.
#[cfg(test)]
pub(crate) fn code(text: &str) -> TokenStream {
    text.parse().expect("tokens")
}
