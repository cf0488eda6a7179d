//! Rewrites bodies: renames or reborrows `self`, and separates attributes and braces.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

use super::usage::{
    begins_access, begins_path, end_of_nested_fn, field_after, is_borrow_or_deref, is_macro_input,
    only_borrows_pin,
};
use crate::raw_tokens::{flat, is_one_of, is_punct, position, stream};
use crate::template::{quote, quote_spanned};

/// Splits a body into its inner attributes and a block of the other tokens. The block's braces have the span of the
/// body.
pub(crate) fn split_inner_attributes(body: &Group) -> (TokenStream, Group) {
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
    (attributes, braced(stream(rest), body.span()))
}

/// Returns a block whose braces have the given span of the user's code. So rustc drops the temporaries of the block's
/// last expression by the rules of the user's edition, and applies lints to the block.
pub(crate) fn braced(tokens: TokenStream, span: Span) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(span);
    group
}

/// Returns the statements of a block, for use after other statements. The statements keep their braces if they begin
/// with items, because a lint requires items to come first.
pub(crate) fn unbraced(block: &Group) -> TokenStream {
    let statements = block.stream();
    if begins_with_item(&flat(&statements)) { quote!(#block) } else { statements }
}

fn begins_with_item(tokens: &[TokenTree]) -> bool {
    const KEYWORDS: &[&str] = &[
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
        // The first two tokens are an attribute.
        [hash, TokenTree::Group(_), rest @ ..] if is_punct(hash, '#') => begins_with_item(rest),
        [TokenTree::Ident(word), TokenTree::Ident(next), ..]
            if is_one_of(word, &["async", "const", "unsafe"]) =>
        {
            next != "move"
        }
        [TokenTree::Ident(word), ..] => is_one_of(word, KEYWORDS),
        _ => false,
    }
}

/// Renames each `self`. The inputs of macros are unchanged, so they must not contain `self`.
pub(crate) fn rename_self(tokens: TokenStream, name: &dyn Fn(&Ident) -> Ident) -> TokenStream {
    replace_self(tokens, &|ident, _, _| name(ident).into_token_stream())
}

/// Reborrows a `self` that is `&mut` wherever it would be moved: `let this = self;` becomes `let this = &mut *self;`.
/// The inputs of macros are unchanged.
pub(crate) fn reborrow_self(tokens: TokenStream) -> TokenStream {
    replace_self(tokens, &|ident, before, after| {
        let is_place = before.is_some_and(is_borrow_or_deref)
            || matches!(after.first(), Some(TokenTree::Group(group)) if group.delimiter() != Delimiter::Brace)
            || begins_access(after)
            || after.first().is_some_and(|next| is_punct(next, '?'));
        if is_place {
            return ident.to_token_stream();
        }
        quote_spanned!(mixed_site(ident)=> &mut *#ident)
    })
}

/// Reborrows a pinned `self` wherever it would be moved: `self.project()` becomes `Pin::as_mut(&mut self).project()`.
/// The inputs of macros are unchanged.
pub(crate) fn reborrow_pinned_self(tokens: TokenStream) -> TokenStream {
    replace_self(tokens, &|ident, before, after| {
        let is_place = before.is_some_and(is_borrow_or_deref)
            || field_after(after).is_some()
            || only_borrows_pin(after);
        if is_place {
            return ident.to_token_stream();
        }
        quote_spanned!(mixed_site(ident)=> ::core::pin::Pin::as_mut(&mut #ident))
    })
}

fn mixed_site(ident: &Ident) -> Span {
    Span::mixed_site().located_at(ident.span())
}

/// A function that returns the replacement for a `self`. Its arguments are the identifier, the token before it, and the
/// tokens after it.
type Replacement<'a> = dyn Fn(&Ident, Option<&TokenTree>, &[TokenTree]) -> TokenStream + 'a;

/// Replaces each `self` that is a value. Attributes, `use` items, paths such as `self::log`, and the inputs of macros
/// are unchanged. Nested functions are unchanged too, because they have their own `self`.
fn replace_self(tokens: TokenStream, replacement: &Replacement) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut replaced = TokenStream::new();
    let mut at = 0;
    while at < tokens.len() {
        let end = end_of_unchanged(&tokens, at);
        if end > at {
            replaced.extend(tokens[at..end].iter().cloned());
            at = end;
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(ident) if ident == "self" && !begins_path(&tokens, at) => {
                let before = at.checked_sub(1).map(|before| &tokens[before]);
                replaced.extend(replacement(ident, before, &tokens[at + 1..]));
            }
            TokenTree::Group(group) => {
                let mut inside =
                    Group::new(group.delimiter(), replace_self(group.stream(), replacement));
                inside.set_span(group.span());
                inside.to_tokens(&mut replaced);
            }
            other => other.to_tokens(&mut replaced),
        }
        at += 1;
    }
    replaced
}

/// Returns the index after the tokens that begin at `at` and have to remain unchanged, such as a nested function or the
/// input of a macro. Returns `at` if there are none.
fn end_of_unchanged(tokens: &[TokenTree], at: usize) -> usize {
    let end = match &tokens[at] {
        TokenTree::Ident(ident) if ident == "fn" => end_of_nested_fn(tokens, at),
        TokenTree::Ident(ident) if ident == "use" => {
            let end = position(&tokens[at..], &|token| is_punct(token, ';'));
            Some(end.map_or(tokens.len(), |end| at + end))
        }
        // This is an attribute, possibly of an item with its own `self`.
        TokenTree::Punct(hash) if hash.as_char() == '#' => {
            let is_inner = tokens.get(at + 1).is_some_and(|next| is_punct(next, '!'));
            Some((at + 2 + usize::from(is_inner)).min(tokens.len()))
        }
        TokenTree::Group(_) if is_macro_input(tokens, at) => Some(at + 1),
        _ => None,
    };
    end.unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use quote::{format_ident, quote};

    use super::{braced, reborrow_pinned_self, reborrow_self, rename_self, unbraced};
    use crate::raw_tokens::code;

    #[test]
    fn renaming_leaves_nested_functions_and_paths_alone() {
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
        assert_eq!(rename_self(body, &|_| format_ident!("this")).to_string(), renamed.to_string());
    }

    #[test]
    fn self_is_reborrowed_where_it_would_move_and_macros_see_what_was_written() {
        let body = quote! {
            let this = self;
            f(self, &self, *self, self.x, self.y(), dbg!(self));
            if check(self) { self } else { return self; }
        };
        let reborrowed = quote! {
            let this = &mut *self;
            f(&mut *self, &self, *self, self.x, self.y(), dbg!(self));
            if check(&mut *self) { &mut *self } else { return &mut *self; }
        };
        assert_eq!(reborrow_self(body).to_string(), reborrowed.to_string());
    }

    #[test]
    fn a_pinned_self_is_reborrowed_where_it_would_move() {
        let body = quote! {
            let this = self.project();
            ready!(self.as_mut().poll(cx));
            self.as_mut().poll(self.x, f(self), &mut self)
        };
        let reborrowed = quote! {
            let this = ::core::pin::Pin::as_mut(&mut self).project();
            ready!(self.as_mut().poll(cx));
            self.as_mut().poll(self.x, f(::core::pin::Pin::as_mut(&mut self)), &mut self)
        };
        assert_eq!(reborrow_pinned_self(body).to_string(), reborrowed.to_string());
    }

    #[test]
    fn braces_stay_where_a_body_begins_with_items() {
        for (body, stay) in [
            (quote!(let a = b; a), false),
            (quote!(const { a }), false),
            (quote!(async move { a }.await), false),
            (quote!(use a::b;, b()), true),
            (code("#[cfg(unix)] const A: u8 = 0;, A"), true),
            (quote!(unsafe fn f() {}, a), true),
        ] {
            let block = braced(body.clone(), proc_macro2::Span::call_site());
            let expected = if stay { quote!({ #body }) } else { body };
            assert_eq!(unbraced(&block).to_string(), expected.to_string());
        }
    }
}
