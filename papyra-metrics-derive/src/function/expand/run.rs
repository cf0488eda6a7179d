//! Generates the expression that runs the body, in which `return` and `?` end the body and not the function.

use proc_macro2::{Group, TokenStream};

use super::BodyExpander;
use super::names::quote_mixed_site;
use crate::function::body::rewrite::{braced, unbraced};
use crate::function::captures::Capture;
use crate::function::input::ReceiverKind;
use crate::function::plan::{BodySelf, Scope};
use crate::template::{quote, quote_spanned};

impl BodyExpander<'_> {
    /// Returns the expression that runs the body and has its value. `output` is the type of this value.
    pub(super) fn run(&self, block: &Group, output: Option<&TokenStream>) -> TokenStream {
        let private = &self.private;
        // The closure or block has the span of the user's braces, because lints ignore code with the span of a macro.
        let at = block.span();
        let captures = &self.plan.captures;
        let mover = (!self.plan.only_borrows).then(|| quote_spanned!(at=> move));
        match self.plan.scope {
            Scope::InPlace => self.in_place(block),
            Scope::AsyncBlock => {
                let body = with_statements_first(&self.fake_return(output), block);
                let body = quote_spanned!(at=> async #mover #body);
                self.awaited(&body, self.plan.is_watched)
            }
            Scope::Closure => {
                let mut mentions = TokenStream::new();
                if mover.is_some() {
                    for capture in captures {
                        let (attributes, name) = (attributes(capture), capture.name);
                        mentions.extend(quote_mixed_site!(#attributes let _ = &#name;));
                    }
                }
                let body = with_statements_first(&mentions, block);
                let output = output.map(|output| quote_mixed_site!(-> #output));
                let body = quote_spanned!(at=> #mover || #output #body);
                quote_mixed_site!(#private::call(#body))
            }
        }
    }

    /// Returns an expression that awaits a future. If `is_watched` is true, the expression also records in the guard
    /// `__cancelled` that the future is waiting, so that a cancellation can be counted.
    pub(super) fn awaited(&self, future: &TokenStream, is_watched: bool) -> TokenStream {
        let private = &self.private;
        if !is_watched {
            return quote_mixed_site!(#future.await);
        }
        quote_mixed_site!({
            let mut __future = ::core::pin::pin!(#future);
            #private::watch(&mut __cancelled.waits, ::core::pin::Pin::as_mut(&mut __future)).await
        })
    }

    /// Returns statements with a `return` that is never executed. The `return` gives an `async` block its type, and the
    /// statements make the block capture variables by value or by `&mut` instead of by `&`.
    fn fake_return(&self, output: Option<&TokenStream>) -> TokenStream {
        let private = &self.private;
        let mut takes = TokenStream::new();
        for capture in &self.plan.captures {
            let (attributes, name) = (attributes(capture), capture.name);
            takes.extend(quote_mixed_site!(#attributes #private::capture(#name);));
        }
        let this = self.plan.receiver().map(|receiver| &receiver.token);
        for field in &self.plan.captured_fields {
            takes.extend(quote_mixed_site!(let _ = &mut #this.#field;));
        }
        if self.plan.body_self == BodySelf::Reborrowed
            && self.plan.receiver_kind() == Some(ReceiverKind::Exclusive)
        {
            takes.extend(quote_mixed_site!(let _ = &mut *#this;));
        }
        let ty = output.map(|output| quote_mixed_site!(::<#output>));
        quote_mixed_site! {
            if let ::core::option::Option::Some(__result) = ::core::option::Option::None #ty {
                #takes
                return __result;
            }
        }
    }
}

/// Returns the attributes of a statement that names a captured argument.
fn attributes(capture: &Capture<'_>) -> TokenStream {
    let cfg = &capture.cfg;
    // The name of an argument such as `_key` has the hygiene of the user's code, so clippy reports its use in the
    // statement unless the lint is allowed.
    let allow = capture
        .begins_with_underscore
        .then(|| quote_mixed_site!(#[allow(clippy::used_underscore_binding)]));
    quote!(#cfg #allow)
}

/// Returns the block with `statements` inserted at its beginning.
fn with_statements_first(statements: &TokenStream, block: &Group) -> Group {
    if statements.is_empty() {
        return block.clone();
    }
    let own = unbraced(block);
    braced(quote!(#statements #own), block.span())
}
