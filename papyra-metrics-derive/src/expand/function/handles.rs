//! What is shared before the body takes `self` or an argument away, so that it can be counted through afterwards.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

use super::count::as_seen;
use super::{Reach, THIS, Writer, ours};
use crate::body::{Facts, other_self};
use crate::function::{ArgumentKind, Receiver, ReceiverKind};
use crate::model::{Output, Place, PlaceOf};
use crate::tokens::{flat, is_ident, is_punct};

impl Writer<'_> {
    /// The statements that make handles, before the body.
    pub(super) fn handles(&self, reach: Reach) -> TokenStream {
        let private = &self.private;
        let mut handles = TokenStream::new();
        let relative = self.places().find(|place| place.is_relative());
        if let (Some(receiver), true) = (self.receiver(), self.touches_self()) {
            let token = &receiver.token;
            if reach == Reach::This {
                let this = other_self(THIS, Span::mixed_site());
                handles.extend(ours!(let #this = ::core::clone::Clone::clone(&#token);));
            } else if let (Some(place), Reach::Found) = (relative, reach) {
                let present = self.present(place, Reach::Itself);
                handles.extend(ours!(let __metrics = #present;));
            } else if let (Some(place), Reach::Handle | Reach::Future) = (relative, reach) {
                let metrics = self.metrics_of(token, place);
                if let Some(bound) = self.bound(receiver, reach) {
                    let span = Span::mixed_site().located_at(place.key.span());
                    let bound = Ident::new(bound, span);
                    handles.extend(quote_spanned!(span=> #private::#bound(&#metrics);));
                }
                handles.extend(self.share_metrics(&ours!(#private::at(&#metrics).__present())));
            }
        }
        for place in self.places().filter(|place| self.is_handled(place, reach)) {
            if let PlaceOf::Expression(expression) = &place.of {
                handles.extend(self.share_expression(place, expression));
            }
        }
        handles
    }

    /// The function that asks for metrics which can be shared, where nothing else will do.
    fn bound(&self, receiver: &Receiver, reach: Reach) -> Option<&'static str> {
        match receiver.kind {
            ReceiverKind::Value => self.takes_self().then_some("given_away"),
            _ if reach == Reach::Future && self.outlives_self() => Some("outlived"),
            ReceiverKind::Exclusive | ReceiverKind::Pinned => {
                self.takes_self().then_some("borrowed")
            }
            _ => None,
        }
    }

    /// Whether the function returns `Box<dyn Future>` without a lifetime, which is one that borrows nothing.
    fn outlives_self(&self) -> bool {
        let written = self.model.function.output.as_ref().map(flat).unwrap_or_default();
        matches!(self.model.output, Output::Future { boxed: true, .. })
            && !written.iter().any(|token| is_punct(token, '\''))
    }

    fn share_metrics(&self, present: &TokenStream) -> TokenStream {
        let private = &self.private;
        ours!(let __metrics = #present.map(|__metrics| #private::at(__metrics).__share());)
    }

    /// Shares the first part of a path that can be shared: `self.shared.metrics.errors` may be an `Arc`'s.
    fn share_expression(&self, place: &Place, expression: &TokenStream) -> TokenStream {
        let private = &self.private;
        let handle = handle(place);
        let tokens = flat(expression);
        let is_path = tokens.iter().enumerate().all(|(at, token)| match token {
            TokenTree::Ident(_) => at % 2 == 0,
            TokenTree::Literal(_) => at > 0 && at % 2 == 0,
            token => at % 2 == 1 && is_punct(token, '.'),
        });
        if !is_path {
            return ours!(let #handle = #private::at(&#expression).__share(););
        }
        let names: Vec<_> = tokens.iter().step_by(2).collect();
        let (root, fields) = match names.as_slice() {
            [this, first, rest @ ..] if is_ident(this, "self") => (quote!(#this.#first), rest),
            [root, rest @ ..] => (quote!(#root), rest),
            [] => return TokenStream::new(),
        };
        let mut shares = ours!(let #handle = #private::at(&#root).__share(););
        for field in fields {
            shares.extend(ours! {
                let #handle = #private::at(&#handle.#field)
                    .__part()
                    .of(#handle, |#handle| &#handle.#field);
            });
        }
        shares
    }

    /// Statements that make handles for a future, from what there is after the body.
    pub(super) fn shared(&self, reach: Reach) -> TokenStream {
        let mut shared = TokenStream::new();
        let clone = |name: &Ident| ours!(let #name = ::core::clone::Clone::clone(&#name););
        if self.touches_self() {
            if self.future_reach() == Reach::This {
                shared.extend(clone(&other_self(THIS, Span::mixed_site())));
            } else if let Some(place) = self.places().find(|place| place.is_relative()) {
                shared.extend(match reach {
                    Reach::Handle => clone(&Ident::new("__metrics", Span::mixed_site())),
                    _ => self.share_metrics(&self.present(place, reach)),
                });
            }
        }
        for place in self.places().filter(|place| self.is_handled(place, Reach::Future)) {
            if let PlaceOf::Expression(expression) = &place.of {
                shared.extend(if self.is_handled(place, self.reach) {
                    clone(&handle(place))
                } else {
                    self.share_expression(place, &as_seen(expression, reach))
                });
            }
        }
        shared
    }

    /// Whether an expression is looked up before the body, for it could not be after it.
    pub(super) fn is_handled(&self, place: &Place, reach: Reach) -> bool {
        let PlaceOf::Expression(expression) = &place.of else { return false };
        let words = Facts::of(expression);
        let through_self = words.names_self;
        let mut arguments = self.model.function.arguments.iter().filter(|argument| {
            argument.names.iter().any(|name| words.words.contains(&name.to_string()))
        });
        match reach {
            Reach::Future => through_self || arguments.next().is_some(),
            Reach::This if self.kind() == Some(ReceiverKind::Counted) && through_self => false,
            _ => {
                through_self && reach == Reach::Handle
                    || arguments.any(|argument| {
                        argument.kind == ArgumentKind::Value
                            && argument
                                .names
                                .iter()
                                .any(|name| self.facts.words.contains(&name.to_string()))
                    })
            }
        }
    }
}

/// The name of the handle that stands for an expression.
pub(super) fn handle(place: &Place) -> Ident {
    Ident::new(&format!("__{}", place.key), Span::mixed_site())
}
