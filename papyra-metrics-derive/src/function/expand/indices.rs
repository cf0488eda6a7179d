//! Generates variables for the indices of instruments, such as `request.op` in `requests[request.op]`. The variables are
//! read before the body, if the body may move the value that an index is read from, or return a borrow of it. An index of
//! the gauge of calls in flight is also read before the body if the body may change it, because the end of the call has to
//! decrement the gauge that its start has incremented.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use super::BodyExpander;
use super::names::quote_mixed_site;
use crate::function::body::usage::BodyUsage;
use crate::function::model::{Target, TargetKind};
use crate::raw_tokens::is_punct;
use crate::template::quote;

impl BodyExpander<'_> {
    /// Returns the statements that read the indices.
    pub(super) fn read_indices(&self) -> TokenStream {
        let mut statements = TokenStream::new();
        for target in self.plan.model.targets.all() {
            if let TargetKind::InMetrics(_, place) | TargetKind::Expression(place) = &target.kind {
                self.replace_indices(place, target, &mut 0, &mut statements);
            }
        }
        statements
    }

    /// Returns the place of the instrument, with the variables instead of the indices that they hold.
    pub(super) fn with_read_indices(&self, place: &TokenStream, target: &Target) -> TokenStream {
        self.replace_indices(place, target, &mut 0, &mut TokenStream::new())
    }

    /// Adds a statement for each index that has to be read early, and returns the place with the variables instead of these indices.
    fn replace_indices(
        &self,
        place: &TokenStream,
        target: &Target,
        count: &mut usize,
        statements: &mut TokenStream,
    ) -> TokenStream {
        let mut replaced = TokenStream::new();
        let mut can_be_indexed = false;
        for token in place.clone() {
            let follows_value = can_be_indexed;
            can_be_indexed =
                matches!(token, TokenTree::Ident(_) | TokenTree::Group(_)) || is_punct(&token, '?');
            let TokenTree::Group(group) = &token else {
                replaced.extend([token]);
                continue;
            };
            let content = match group.delimiter() {
                Delimiter::None => self.replace_indices(&group.stream(), target, count, statements),
                Delimiter::Bracket
                    if follows_value && self.is_read_early(&group.stream(), target) =>
                {
                    let name = format!("__{}_index_{count}", target.key);
                    *count += 1;
                    let (name, index) = (Ident::new(&name, Span::mixed_site()), group.stream());
                    statements.extend(quote_mixed_site!(let #name = #index;));
                    quote!(#name)
                }
                _ => group.stream(),
            };
            let mut new = Group::new(group.delimiter(), content);
            new.set_span(group.span());
            replaced.extend([TokenTree::Group(new)]);
        }
        replaced
    }

    fn is_read_early(&self, index: &TokenStream, target: &Target) -> bool {
        let usage = BodyUsage::of(index);
        let is_gauge = target.key == "in_flight";
        match &target.kind {
            // A body that may move the argument makes the instrument a handle, which contains the value of the index.
            TargetKind::Expression(_) => {
                is_gauge && self.plan.may_change(&usage, index) && is_place(index)
            }
            _ => {
                self.plan.may_move(&usage)
                    || self.plan.may_lend(&usage, index)
                    || is_gauge && self.plan.may_change(&usage, index)
            }
        }
    }
}

/// Returns whether the index is a variable or a field. The value of a call may be a borrow, such as a key of a map, and a
/// variable with that borrow would live during the body.
fn is_place(index: &TokenStream) -> bool {
    let is_part = |token| match token {
        TokenTree::Ident(_) | TokenTree::Literal(_) => true,
        TokenTree::Punct(punct) => matches!(punct.as_char(), '.' | '*'),
        TokenTree::Group(_) => false,
    };
    index.clone().into_iter().all(is_part)
}
