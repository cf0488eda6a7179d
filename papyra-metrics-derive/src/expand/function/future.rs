//! Functions that return a future without being `async`: what is counted goes into the future.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::{Hold, Reach, Writer, located, located_at_end, ours};
use crate::body::{self, Facts, Future, Tail, braced};
use crate::expand::krate_at;
use crate::function::ReceiverKind;
use crate::model::Measured;
use crate::tokens::{flat, is_punct};

/// Whether a name is that of a future in a box: `BoxFuture<'_, T>`, or `Self::Future` where something ends with it. A
/// call begins no later, and to box a future again asks that its output lives long enough.
pub(super) fn may_be_future(output: &TokenStream, ends: bool) -> bool {
    let tokens = flat(output);
    let name = tokens.iter().take_while(|token| !is_punct(token, '<')).last();
    let name = name.map(ToString::to_string).unwrap_or_default();
    name.ends_with("BoxFuture") || ends && name.ends_with("Future")
}

/// A function that is not `async` and returns a future.
pub(super) fn expand_future(
    model: &Measured<'_>,
    block: &Group,
    output: Option<&TokenStream>,
    boxed: bool,
    judges: bool,
) -> TokenStream {
    let whole = Writer::new(model, block, output);
    let Some(Tail { statements, pin, future }) = body::tail(&block.stream()) else {
        return whole.write_around_future(boxed);
    };
    if boxed != pin.is_some() {
        return whole.write_around_future(boxed);
    }
    let in_place = |future: TokenStream| match &pin {
        None => future,
        Some((path, span)) => {
            let mut arguments = Group::new(Delimiter::Parenthesis, future);
            arguments.set_span(*span);
            quote!(#path #arguments)
        }
    };
    let returned = ours!(#[allow(clippy::implicit_return)]);
    let future = match future {
        Future::Block(words, inner) => {
            let writer = Writer::new(model, &inner, output);
            // Its block has `self` already, or no need of it.
            if statements.is_empty() && (writer.facts.names_self || !writer.touches_self()) {
                let measured = braced(writer.write(true), inner.span());
                return in_place(quote!(#words #measured));
            }
            quote!(#words #inner)
        }
        Future::Expression(future) => future,
    };
    if judges && Facts::of(&statements).exits {
        return whole.write_around_future(boxed);
    }
    let handles = whole.handles(whole.future_reach());
    let measured = in_place(whole.measured_future());
    let future = ours!(let __future = #future;);
    quote!(#handles #statements #future #returned #measured)
}

impl Writer<'_> {
    /// The body of a function whose return type may stand for an outcome or for a boxed future.
    pub(super) fn write_named(&self, output: &TokenStream) -> TokenStream {
        let private = &self.private;
        let handles = self.handles(self.reach);
        let calls = self.model.calls.as_ref().map(|_| {
            let calls = self.calls(self.reach);
            ours!(if __when.is_now() { #calls })
        });
        let when = (calls.is_some() || !self.judges())
            .then(|| ours!(let __when = #private::Returned::<#output>::new().__when();));
        let hold = self.hold();
        let Hold { guard, after, .. } = &hold;
        let run = self.run(&self.renamed_block(), false);
        let result = self.result(&hold, run, self.facts.exits);
        let finish = self.finish(output, if after.is_empty() { self.reach } else { Reach::This });
        let end = self.after_body(&ours!(#after #finish));
        ours! {
            #when
            #handles
            #calls
            #guard
            #result
            #end
        }
    }

    /// Counts what has come out, or puts it into a future that does. This stands from the first word of the return type
    /// to its last: there is what does not live long enough.
    fn finish(&self, output: &TokenStream, reach: Reach) -> TokenStream {
        let later = self.later(reach);
        let (first, last) = (located(output), located_at_end(output));
        if !self.judges() {
            let when = Ident::new("__when", first);
            return quote_spanned!(last=> #[allow(clippy::implicit_return)] #when.finish(__result, #later));
        }
        let now = self.end(reach, false);
        let krate = krate_at(&self.model.krate, last);
        let open = quote_spanned!(first=> <);
        quote_spanned! {last=>
            #[allow(clippy::implicit_return)]
            #open #output as #krate::__private::Finish<_, _>>::finish(__result, #now, #later)
        }
    }

    /// What a future takes with it, and counts when it begins and when it ends.
    fn later(&self, reach: Reach) -> TokenStream {
        let shared = self.shared(reach);
        let (calls, guard) = (self.calls(self.future_reach()), self.owned_guard());
        let end = self.end(self.future_reach(), true);
        if calls.is_empty() && guard.is_empty() {
            return ours!(|| { #shared move || #end });
        }
        ours!(|| { #shared move || { #calls #guard #end } })
    }

    /// The body of a function that returns a future which it does not make in its last line.
    pub(super) fn write_around_future(&self, boxed: bool) -> TokenStream {
        let private = &self.private;
        let handles = self.handles(self.future_reach());
        let written = self.model.function.output.as_ref().filter(|_| boxed);
        let ty = written.filter(|_| !self.facts.exits).map(|written| ours!(: #written));
        let run = self.run_to(self.block, false, written);
        let mut measured = self.measured_future();
        if boxed {
            measured = ours!(#private::boxed(#measured));
        }
        ours!(#handles let __future #ty = #run; #[allow(clippy::implicit_return)] #measured)
    }

    /// A future made of `__future`, with everything around it.
    pub(super) fn measured_future(&self) -> TokenStream {
        let reach = self.future_reach();
        let (calls, guard, see) = (self.calls(reach), self.guard(reach), self.see(reach));
        let ty = self.output.map(|output| ours!(: #output));
        ours! {
            async move {
                #calls
                #guard
                let __result #ty = __future.await;
                #see
                #[allow(clippy::implicit_return)]
                __result
            }
        }
    }

    /// What looks at the end of a function, or of its future.
    pub(super) fn end(&self, reach: Reach, later: bool) -> TokenStream {
        let private = &self.private;
        let mover = later.then(|| ours!(move));
        let holds = later && self.model.in_flight.is_some();
        let guard = holds.then(|| ours!(let _in_flight = __in_flight;));
        if !self.judges() {
            return ours!(#private::End(#mover || { #guard }));
        }
        let counted = self.counted(reach);
        ours!(#private::judge(#mover |__outcome| { #guard #counted }))
    }

    pub(super) fn future_reach(&self) -> Reach {
        if self.kind() == Some(ReceiverKind::Counted) { Reach::This } else { Reach::Future }
    }
}
