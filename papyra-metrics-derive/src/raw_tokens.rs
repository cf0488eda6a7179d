//! Functions over the tokens of expressions, patterns and bodies.
//!
//! Without its feature `full`, syn has no type for a statement, a block or a pattern, and refuses most expressions: the body
//! and the arguments of a function, the value of a key such as `errors = self.shards[i].errors`, and types that contain
//! an expression cannot be parsed with it. With `full`, every first build would take longer, and a body would still be
//! rewritten token by token, because the inputs of its macros are tokens in any case.
//!
//! `macro_rules!` fragments (`$vis`, `$ty`, `$expr`) arrive in groups without delimiters. The functions here look inside
//! these groups; generated code keeps them.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

/// The tokens in a group without delimiters.
fn invisible(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => Some(group.stream()),
        _ => None,
    }
}

/// The tokens, with those inside groups without delimiters in place of the groups.
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

/// The tokens as a stream.
pub(crate) fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().cloned().collect()
}

/// The tokens as text without spaces.
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

/// Whether an identifier is one of these words.
pub(crate) fn is_one_of(ident: &Ident, words: &[&str]) -> bool {
    words.iter().any(|word| ident == word)
}

/// The position of the first token for which a condition holds. One function for all conditions: an instance of
/// `Iterator::position` for each takes longer to compile than its caller.
pub(crate) fn position(tokens: &[TokenTree], is: &dyn Fn(&TokenTree) -> bool) -> Option<usize> {
    tokens.iter().position(is)
}

/// Whether a condition holds for one of the tokens.
pub(crate) fn any(tokens: &[TokenTree], is: &dyn Fn(&TokenTree) -> bool) -> bool {
    position(tokens, is).is_some()
}

pub(crate) fn is_group(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(_))
}

/// Nesting depth of `<…>`; the `>` of `->` does not count.
#[derive(Default)]
pub(crate) struct Depth {
    depth: usize,
    arrow: bool,
}

impl Depth {
    pub(crate) fn outside(&self) -> bool {
        self.depth == 0
    }

    /// Whether the token ends a list item that began at depth zero: a comma, or the `>` of the list around it.
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

/// The tokens of a text, for tests: rustfmt would spread them over many lines in `quote!`.
#[cfg(test)]
pub(crate) fn code(text: &str) -> TokenStream {
    text.parse().expect("tokens")
}
