//! Expands functions that are not `async` and return, or may return, a future. The code that updates instruments runs
//! inside the future, if there is one.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};

use super::names::{located, located_at_end, quote_mixed_site};
use super::{BodyExpander, GuardBindings};
use crate::function::plan::{Access, Scope};
use crate::krate::krate_at;
use crate::template::{quote, quote_spanned};

/// Wraps the future in `Box::pin` if the user's code does.
pub(super) fn pinned(pin: Option<&(TokenStream, Span)>, future: TokenStream) -> TokenStream {
    let Some((path, span)) = pin else { return future };
    let mut arguments = Group::new(Delimiter::Parenthesis, future);
    arguments.set_span(*span);
    quote!(#path #arguments)
}

impl BodyExpander<'_> {
    /// Expands a body that creates its future in the last expression.
    pub(super) fn expand_last_future(
        &self,
        statements: &TokenStream,
        future: &TokenStream,
        pin: Option<&(TokenStream, Span)>,
    ) -> TokenStream {
        let handles = self.handles(self.plan.future_access());
        let measured = pinned(pin, self.measured_future());
        let future = quote_mixed_site!(let __future = #future;);
        let measured = quote_mixed_site!(return #measured);
        quote!(#handles #statements #future #measured)
    }

    /// Expands a body whose returned future may come from any expression.
    pub(super) fn expand_any_future(&self, is_boxed: bool) -> TokenStream {
        let private = &self.private;
        let handles = self.handles(self.plan.future_access());
        let written = self.plan.model.function.output.as_ref().filter(|_| is_boxed);
        let ty = written
            .filter(|_| self.plan.scope == Scope::InPlace)
            .map(|written| quote_mixed_site!(: #written));
        let run = self.run(&self.plan.block, written);
        let mut measured = self.measured_future();
        if is_boxed {
            measured = quote_mixed_site!(#private::boxed(#measured));
        }
        quote_mixed_site!(#handles let __future #ty = #run; return #measured)
    }

    /// Returns a future that awaits `__future`. The returned future also starts the clock, creates the guards and
    /// updates the instruments.
    fn measured_future(&self) -> TokenStream {
        let access = self.plan.future_access();
        let (calls, start) = (self.count_calls(access), self.start_clock(access));
        let guards = self.guards_of_future(access);
        let (time, record) = (self.record_time(access), self.record_outcome(access));
        let ty = self.plan.output.map(|output| quote_mixed_site!(: #output));
        let future = quote_mixed_site!(__future);
        let awaited = self.awaited(&future, self.plan.model.targets.cancelled.is_some());
        quote_mixed_site! {
            async move {
                #calls
                #start
                #guards
                let __result #ty = #awaited;
                #time
                #record
                return __result
            }
        }
    }

    /// Expands a body whose return type may be an alias of a `Result` or of a boxed future.
    pub(super) fn expand_named(&self, output: &TokenStream) -> TokenStream {
        let private = &self.private;
        let access = self.plan.access;
        let handles = self.handles(access);
        let calls = self.plan.model.targets.calls.as_ref().map(|_| {
            let calls = self.count_calls(access);
            quote_mixed_site!(if __when.is_immediate() { #calls })
        });
        let start = self.start_clock(access);
        let start = (!start.is_empty()).then(|| {
            quote_mixed_site! {
                let __started = if __when.is_immediate() {
                    #start
                    __started
                } else {
                    ::core::option::Option::None
                };
            }
        });
        let needs_when =
            calls.is_some() || start.is_some() || !self.plan.model.targets.counts_outcome();
        let asserted = self.plan.model.targets.cancelled.as_ref().map(|target| {
            let span = Span::mixed_site().located_at(target.key.span());
            let krate = krate_at(&self.plan.model.krate, span);
            quote_spanned!(span=> #krate::__private::assert_boxed_future::<#output>();)
        });
        let when = needs_when.then(
            || quote_mixed_site!(let __when = #private::ReturnType::<#output>::new().__when();),
        );
        let bindings = self.guard_bindings();
        let GuardBindings { guards, after, access_after, .. } = &bindings;
        let run = self.run(&self.rewritten_block(), self.plan.output);
        let result = self.result(&bindings, run, self.plan.scope != Scope::InPlace);
        let finish = self.finish(output, *access_after);
        quote_mixed_site! {
            #asserted
            #when
            #handles
            #calls
            #start
            #guards
            #result
            #after
            #finish
        }
    }

    /// Returns the last expression of the function. The expression records the end of the call, or moves the code that
    /// records it into the returned future. The expression has the span of the return type, where the compiler then
    /// reports a value that does not live long enough.
    fn finish(&self, output: &TokenStream, access: Access) -> TokenStream {
        let (now, deferred) = (self.record_end(access, false), self.deferred_recording(access));
        let (first, last) = (located(output), located_at_end(output));
        if !self.plan.model.targets.counts_outcome() {
            let when = Ident::new("__when", first);
            return quote_spanned! {last=>
                return #when.record_return(__result, #now, #deferred)
            };
        }
        let krate = krate_at(&self.plan.model.krate, last);
        let open = quote_spanned!(first=> <);
        quote_spanned! {last=>
            return #open #output as #krate::__private::RecordReturn<_, _>>::record_return(__result, #now, #deferred)
        }
    }

    /// Returns a closure that creates handles for the returned future and evaluates to a second closure. The future
    /// calls the second closure at its first poll, to count the call, start the clock, create the guards, and get the
    /// `OnComplete` that records the end of the future.
    fn deferred_recording(&self, access: Access) -> TokenStream {
        let future_access = self.plan.future_access();
        let shared = self.share_for_future(access);
        let (calls, start) = (self.count_calls(future_access), self.start_clock(future_access));
        let guards = self.owned_guards();
        let mut end = self.record_end(future_access, true);
        if self.plan.model.targets.cancelled.is_some() {
            let private = &self.private;
            end = quote_mixed_site!(#private::WithCancellation(#end, __cancelled));
        }
        if calls.is_empty() && start.is_empty() && guards.is_empty() {
            return quote_mixed_site!(|| { #shared move || #end });
        }
        quote_mixed_site!(|| { #shared move || { #calls #start #guards #end } })
    }

    /// Returns the `OnComplete` that records the end of a function, or of its future.
    fn record_end(&self, access: Access, is_deferred: bool) -> TokenStream {
        let private = &self.private;
        let mover = is_deferred.then(|| quote_mixed_site!(move));
        let holds_guard = is_deferred && self.plan.model.targets.in_flight.is_some();
        let guard = holds_guard.then(|| quote_mixed_site!(let __in_flight_guard = __in_flight;));
        let time = self.record_time(access);
        if !self.plan.model.targets.counts_outcome() {
            return quote_mixed_site!(#private::OnEnd(#mover || { #guard #time }));
        }
        let counted = self.count_outcome(access);
        // There is such a closure for the call and another one for its future, and only one of them is used. The
        // annotation gives the unused closure its error type.
        let error = self.plan.output.map(|output| {
            let span = located(output);
            let krate = krate_at(&self.plan.model.krate, span);
            quote_spanned!(span=> ::<<#output as #krate::__private::ReturnsErrors>::Error, _>)
        });
        quote_mixed_site!(#private::on_outcome #error (#mover |__outcome| { #guard #time #counted }))
    }
}
