//! Finds the future that the last expression of a body creates.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::raw_tokens::{is_ident, is_punct, stream, text};

/// A body that ends with an expression that creates a future, such as an `async` block.
pub(crate) struct ReturnedFuture {
    /// The statements before the expression.
    pub(crate) statements: TokenStream,
    /// The path of `Box::pin` as written, and the span of its parentheses; `None` if the future is not boxed.
    pub(crate) pin: Option<(TokenStream, Span)>,
    pub(crate) future: Future,
}

pub(crate) enum Future {
    /// `async { … }` or `async move { … }`: the keywords, and the block.
    Block(TokenStream, Group),
    /// The argument of `Box::pin`.
    Expression(TokenStream),
}

/// Finds the future of a body that ends in `async { … }` or `Box::pin(…)`.
pub(crate) fn returned_future(body: &TokenStream) -> Option<ReturnedFuture> {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    if let Some((start, keywords, block)) = async_block(&tokens) {
        if !starts_expression(&tokens, start) {
            return None;
        }
        let statements = stream(&tokens[..start]);
        let future = Future::Block(keywords, block);
        return Some(ReturnedFuture { statements, pin: None, future });
    }
    let [head @ .., TokenTree::Group(arguments)] = tokens.as_slice() else { return None };
    if arguments.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let path = head.iter().rev().take_while(|token| {
        matches!(token, TokenTree::Ident(_)) && !is_ident(token, "return") || is_punct(token, ':')
    });
    let start = head.len() - path.count();
    let path = stream(&head[start..]);
    let known = ["Box::pin", "std::boxed::Box::pin", "alloc::boxed::Box::pin"];
    let written = text(&path);
    if !known.contains(&written.trim_start_matches("::")) || !starts_expression(&tokens, start) {
        return None;
    }
    let inside: Vec<TokenTree> = arguments.stream().into_iter().collect();
    let future = match async_block(&inside) {
        Some((0, keywords, block)) => Future::Block(keywords, block),
        _ => Future::Expression(arguments.stream()),
    };
    let statements = stream(&head[..start]);
    Some(ReturnedFuture { statements, pin: Some((path, arguments.span())), future })
}

/// Returns the `async` block at the end of the tokens: the index at which it begins, its keywords, and the block.
fn async_block(tokens: &[TokenTree]) -> Option<(usize, TokenStream, Group)> {
    let [head @ .., TokenTree::Group(block)] = tokens else { return None };
    if block.delimiter() != Delimiter::Brace {
        return None;
    }
    let keywords = match head {
        [.., word, mover] if is_ident(word, "async") && is_ident(mover, "move") => 2,
        [.., word] if is_ident(word, "async") => 1,
        _ => return None,
    };
    let start = head.len() - keywords;
    Some((start, stream(&head[start..]), block.clone()))
}

/// Returns whether an expression begins at the index `start`, rather than continuing an earlier one.
fn starts_expression(tokens: &[TokenTree], start: usize) -> bool {
    start == 0
        || is_punct(&tokens[start - 1], ';')
        || matches!(&tokens[start - 1], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{Future, returned_future};

    #[test]
    fn a_future_in_the_last_expression_is_found() {
        let found = returned_future(&quote!(let a = b; Box::pin(async move { a })));
        assert!(matches!(found, Some(found) if matches!(found.future, Future::Block(..))));
        let found = returned_future(&quote!(std::boxed::Box::pin(self.inner.append(x))));
        assert!(matches!(found, Some(found) if matches!(found.future, Future::Expression(_))));
        assert!(returned_future(&quote!(async { 1 })).is_some());
        assert!(returned_future(&quote!(f(Box::pin(x)))).is_none());
        assert!(returned_future(&quote!(x = Box::pin(x))).is_none());
        assert!(returned_future(&quote!(x.y(async { 1 }))).is_none());
    }
}
