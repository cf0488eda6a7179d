//! Defines `quote!` and `quote_spanned!` with the syntax of the `quote` crate, without repetitions and literals.
//!
//! `quote` expands to a call for each token. These macros expand to a string literal with the text of all tokens, and a
//! call for each `#value`. This shortens the compile time of this crate by about an eighth. The first build of every
//! backend includes this time. The command in `tools/compile-time` prints how long such builds take.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Creates tokens with a call-site span: names in them are resolved where the user invokes the macro.
macro_rules! quote {
    ($($tokens:tt)*) => {
        $crate::template::quote_spanned!(::proc_macro2::Span::call_site()=> $($tokens)*)
    };
}

/// Creates tokens with the given span. Each `#value` is replaced by the tokens of the variable `value`.
macro_rules! quote_spanned {
    ($span:expr=> $($tokens:tt)*) => {{
        let template = &mut $crate::template::Template::new($span, stringify!($($tokens)*));
        $crate::template::push_values!(template $($tokens)*);
        template.finish()
    }};
}

/// Calls `push_value` for each `#value`. Tokens are matched in pairs, because `#` and `value` are two tokens.
macro_rules! push_values {
    ($template:ident) => {};
    ($template:ident $($tokens:tt)*) => {
        $crate::template::push_values!(@pairs $template (; $($tokens)*) ($($tokens)* ;));
    };
    (@pairs $template:ident ($($before:tt)*) ($($token:tt)*)) => {
        $($crate::template::push_values!(@pair $template $before $token);)*
    };
    (@pair $template:ident # $value:ident) => { $template.push_value(&$value); };
    (@pair $template:ident $before:tt ($($inside:tt)*)) => {
        $crate::template::push_values!($template $($inside)*);
    };
    (@pair $template:ident $before:tt [$($inside:tt)*]) => {
        $crate::template::push_values!($template $($inside)*);
    };
    (@pair $template:ident $before:tt {$($inside:tt)*}) => {
        $crate::template::push_values!($template $($inside)*);
    };
    (@pair $template:ident $before:tt $token:tt) => {};
}

pub(crate) use {push_values, quote, quote_spanned};

/// Builds tokens from the text of a template, in which each `#value` is replaced by the tokens of a value.
pub(crate) struct Template {
    span: Span,
    /// The text that has not been converted to tokens yet.
    rest: &'static str,
    tokens: TokenStream,
    /// The groups that are not closed yet: the delimiter of each, and the tokens before it.
    open: Vec<(Delimiter, TokenStream)>,
}

impl Template {
    /// Creates a template from its text, as `stringify!` returns it.
    pub(crate) fn new(span: Span, text: &'static str) -> Self {
        Self { span, rest: text, tokens: TokenStream::new(), open: Vec::new() }
    }

    /// Appends the tokens of the text before the next `#value`, and then the tokens of the value.
    pub(crate) fn push_value(&mut self, value: &dyn ToTokens) {
        self.push_text();
        value.to_tokens(&mut self.tokens);
    }

    /// Appends the tokens of the text after the last value, and returns all tokens.
    pub(crate) fn finish(&mut self) -> TokenStream {
        self.push_text();
        std::mem::take(&mut self.tokens)
    }

    /// Appends the tokens of the text before the next `#value`, or up to the end.
    fn push_text(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let Some(first) = self.rest.chars().next() else { return };
            match first {
                '(' => self.open(Delimiter::Parenthesis),
                '[' => self.open(Delimiter::Bracket),
                '{' => self.open(Delimiter::Brace),
                ')' | ']' | '}' => self.close(),
                '#' => {
                    let value = self.rest[1..].trim_start();
                    let end = end_of_word(value);
                    if end > 0 {
                        self.rest = &value[end..];
                        return;
                    }
                    self.push_punct('#');
                }
                _ => match end_of_word(self.rest) {
                    0 => self.push_punct(first),
                    end => self.push_word(end),
                },
            }
        }
    }

    fn open(&mut self, delimiter: Delimiter) {
        self.skip(1);
        self.open.push((delimiter, std::mem::take(&mut self.tokens)));
    }

    fn close(&mut self) {
        self.skip(1);
        let Some((delimiter, before)) = self.open.pop() else { return };
        let inside = std::mem::replace(&mut self.tokens, before);
        let mut group = Group::new(delimiter, inside);
        group.set_span(self.span);
        self.push(group.into());
    }

    fn push_word(&mut self, end: usize) {
        let word = &self.rest[..end];
        self.skip(end);
        self.push(Ident::new(word, self.span).into());
    }

    fn push_punct(&mut self, char: char) {
        self.skip(1);
        // Punctuation within a lifetime or an operator, such as `::`, `->` or `..=`, is joint.
        let next = self.rest.chars().next();
        let is_joint = char == '\'' || next == Some(char) || matches!(next, Some('=' | '>'));
        let spacing = if is_joint { Spacing::Joint } else { Spacing::Alone };
        let mut punct = Punct::new(char, spacing);
        punct.set_span(self.span);
        self.push(punct.into());
    }

    fn push(&mut self, token: TokenTree) {
        self.tokens.extend([token]);
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}

/// Returns the length of the word at the beginning of the text, or 0 if the text does not begin with a word.
fn end_of_word(text: &str) -> usize {
    text.find(|char: char| char != '_' && !char.is_ascii_alphanumeric()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Ident, Span, TokenStream};

    /// Asserts that the macros produce the same tokens as those of the `quote` crate.
    macro_rules! assert_same {
        ($($tokens:tt)*) => {
            let ours: TokenStream = super::quote!($($tokens)*);
            assert_eq!(format!("{ours:?}"), format!("{:?}", ::quote::quote!($($tokens)*)));
        };
    }

    #[test]
    fn tokens_are_those_of_the_quote_crate() {
        let name = Ident::new("writes", Span::call_site());
        let (this, help, none) = (::quote::quote!(*self), "Records.", None::<TokenStream>);
        assert_same! {};
        assert_same! { #name };
        assert_same! { #[inline] fn #name<'a, T>(&'static self, _: &mut [T]) -> ::core::f::F<'_> { #this } };
        assert_same! { if x && !y || a <= b { a..=b } else { &*#this.#name[#help] += #none (#name, { #this }) } };
        assert_same! { match <#this as F>::f::<#name>(&#this, |_| #name) { #name => return, _ => loop {} } };
    }
}
