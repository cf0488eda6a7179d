//! Generates handles of metrics: clones of shared pointers, or borrows. They are created before the body moves `self`
//! or an argument, and are used after the body.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};

use super::BodyExpander;
use super::names::{SELF_ALIAS, handle, quote_mixed_site, root_handle, self_alias};
use super::record::{Lookup, with_self_alias};
use crate::function::model::{MetricsRoot, RootKind, Target, TargetKind};
use crate::function::plan::{Access, SharingReason};
use crate::raw_tokens::{flat, is_ident, is_punct};
use crate::template::{quote, quote_spanned};

impl BodyExpander<'_> {
    /// Returns the statements before the body that read indices, create handles, clone `self`, or look up the metrics
    /// once for all instruments.
    pub(super) fn handles(&self, access: Access) -> TokenStream {
        let mut handles = self.read_indices();
        if let (Some(receiver), Access::SelfAlias, true) =
            (self.plan.receiver(), access, self.plan.touches_self())
        {
            let (this, token) = (self_alias(Span::mixed_site()), &receiver.token);
            handles.extend(quote_mixed_site!(let #this = ::core::clone::Clone::clone(&#token);));
        }
        if let Some(root) = self.plan.model.targets.root() {
            if access == Access::Cached {
                let Lookup { before, metrics } = self.lookup(root, Access::Direct);
                handles.extend(quote_mixed_site!(#before let __metrics = #metrics;));
            } else if self.plan.shares(&root.usage, access) {
                handles.extend(self.share_root(root, access));
            }
        }
        for (target, expression) in self.shared_expressions(access) {
            handles.extend(self.share(&handle(target), expression));
        }
        handles
    }

    /// Returns statements that create the handle of `self.metrics`, or of the value of the key `at` if it is given.
    fn share_root(&self, root: &MetricsRoot, access: Access) -> TokenStream {
        let private = &self.private;
        let metrics = self.metrics(root, Access::Direct);
        let reason =
            self.plan.sharing_reason(access).filter(|_| matches!(root.kind, RootKind::OfSelf(_)));
        let assertion = reason.map(|reason| {
            let first = metrics.clone().into_iter().next();
            let span = first.map_or_else(Span::call_site, |first| first.span());
            let span = Span::mixed_site().located_at(span);
            let assertion = Ident::new(assertion_for(reason), span);
            quote_spanned!(span=> #private::#assertion(&#metrics);)
        });
        let share = self.share(&root_handle(), &metrics);
        quote_mixed_site!(#assertion #share)
    }

    /// Returns statements that create a handle. If the expression is a path that contains shared pointers, such as
    /// `self.shared.metrics.errors`, the handle consists of a clone of the last pointer and closures that return the
    /// fields after it. Otherwise, the handle is a borrow.
    fn share(&self, handle: &Ident, expression: &TokenStream) -> TokenStream {
        let private = &self.private;
        let tokens = flat(expression);
        let is_path = tokens.iter().enumerate().all(|(at, token)| match token {
            TokenTree::Ident(_) => at % 2 == 0,
            TokenTree::Literal(_) => at > 0 && at % 2 == 0,
            token => at % 2 == 1 && is_punct(token, '.'),
        });
        let names: Vec<_> = tokens.iter().step_by(2).collect();
        let (root, fields) = match names.as_slice() {
            [this, dotted @ ..] if is_path && is_self(this) => match dotted {
                [first, rest @ ..] => (quote!(#this.#first), rest),
                [] => (expression.clone(), dotted),
            },
            [root, rest @ ..] if is_path => (quote!(#root), rest),
            _ => (expression.clone(), [].as_slice()),
        };
        let mut shares = quote_mixed_site!(let #handle = #private::probe(&#root).__share(););
        for field in fields {
            shares.extend(quote_mixed_site! {
                let #handle = #private::probe(&#handle.#field)
                    .__part()
                    .of(#handle, |#handle| &#handle.#field);
            });
        }
        shares
    }

    /// Returns the targets whose expressions are evaluated early to create handles, and these expressions.
    fn shared_expressions(&self, access: Access) -> Vec<(&Target, &TokenStream)> {
        let mut shared = Vec::new();
        for target in self.plan.model.targets.all() {
            match &target.kind {
                TargetKind::Expression(expression) if self.plan.shares(&target.usage, access) => {
                    shared.push((target, expression));
                }
                _ => {}
            }
        }
        shared
    }

    /// Returns statements that create handles for a future, from values that still exist after the body.
    pub(super) fn share_for_future(&self, access: Access) -> TokenStream {
        let mut shared = TokenStream::new();
        let clone =
            |name: &Ident| quote_mixed_site!(let #name = ::core::clone::Clone::clone(&#name););
        let future_access = self.plan.future_access();
        if self.plan.touches_self() && future_access == Access::SelfAlias {
            shared.extend(clone(&self_alias(Span::mixed_site())));
        }
        if let Some(root) = self.plan.model.targets.root() {
            if self.plan.shares(&root.usage, future_access) {
                shared.extend(if self.plan.shares(&root.usage, self.plan.access) {
                    clone(&root_handle())
                } else {
                    self.share(&root_handle(), &self.metrics(root, access))
                });
            }
        }
        for (target, expression) in self.shared_expressions(future_access) {
            shared.extend(if self.plan.shares(&target.usage, self.plan.access) {
                clone(&handle(target))
            } else {
                self.share(&handle(target), &with_self_alias(expression, access))
            });
        }
        shared
    }
}

/// Returns whether the token is `self` or its alias.
fn is_self(token: &TokenTree) -> bool {
    is_ident(token, "self") || is_ident(token, SELF_ALIAS)
}

/// Returns the name of the function that fails to compile if the metrics are not held through a shared pointer. Each
/// reason has its own error message.
fn assertion_for(reason: SharingReason) -> &'static str {
    match reason {
        SharingReason::AfterMove => "assert_usable_after_move",
        SharingReason::WhileBorrowed => "assert_usable_while_borrowed",
        SharingReason::BesideMacros => "assert_usable_beside_macros",
        SharingReason::InStaticFuture => "assert_usable_in_static_future",
    }
}
