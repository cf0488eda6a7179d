//! Collects mistakes, so that one build shows all of them.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};

/// A mistake and its place.
pub(crate) struct Error {
    start: Span,
    end: Span,
    message: String,
}

impl Error {
    /// A mistake at all of these tokens; at the macro itself where there are none.
    pub(crate) fn new(at: impl ToTokens, message: impl Into<String>) -> Self {
        Self::at(at.into_token_stream(), message.into())
    }

    fn at(tokens: TokenStream, message: String) -> Self {
        let mut spans = tokens.into_iter().map(|token| token.span());
        let start = spans.next().unwrap_or_else(Span::call_site);
        let end = spans.last().unwrap_or(start);
        Self { start, end, message }
    }

    /// `compile_error!`, which the compiler shows from its first token to its last.
    pub(crate) fn to_compile_error(&self) -> TokenStream {
        let mut message = Literal::string(&self.message);
        message.set_span(self.end);
        let mut braces = Group::new(Delimiter::Brace, TokenTree::from(message).into());
        braces.set_span(self.end);
        quote_spanned!(self.start=> ::core::compile_error! #braces)
    }
}

#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Vec<Error>,
}

impl Diagnostics {
    /// Reports a mistake at all of these tokens.
    pub(crate) fn error(&mut self, at: impl ToTokens, message: impl Into<String>) {
        self.push(Error::at(at.into_token_stream(), message.into()));
    }

    /// Reports a mistake that has its place already.
    pub(crate) fn push(&mut self, error: Error) {
        self.errors.push(error);
    }

    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        let mut tokens = TokenStream::new();
        for error in &self.errors {
            error.to_compile_error().to_tokens(&mut tokens);
        }
        (!tokens.is_empty()).then_some(tokens)
    }
}

/// The known word nearest to one that is not known, where it is a slip of the pen.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|&candidate| (distance(word, candidate), candidate))
        .min()
        .filter(|&(distance, candidate)| distance <= 1.max(candidate.len() / 3))
        .map(|(_, candidate)| candidate)
}

/// Edits between two words: insertions, deletions, substitutions, and neighbours that have changed places (optimal
/// string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substituted.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        let known = ["errors", "flatten", "help", "name", "prefix", "skip", "unit"];
        assert_eq!(nearest("prefx", &known), Some("prefix"));
        assert_eq!(nearest("error", &known), Some("errors"));
        assert_eq!(nearest("flaten", &known), Some("flatten"));
        assert_eq!(nearest("unti", &known), Some("unit"));
        assert_eq!(nearest("ksip", &known), Some("skip"));
        assert_eq!(nearest("buckets", &known), None);
    }
}
