//! A measured function: its body, with what is counted around it.
//!
//! Where the body cannot end early it stays in place. Otherwise it runs in a closure, or in an `async` block where
//! it awaits, in which `return` and `?` end. Counters are looked up after the body, so that it has `self` for
//! itself; where it takes `self` away or returns a borrow of it, through handles made before.

mod count;
mod future;
mod handles;
mod in_flight;
mod run;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;

use self::future::{expand_future, may_be_future};
use super::krate_at;
use crate::body::{self, Facts, Tail, braced, other_self, rename_self};
use crate::function::{Receiver, ReceiverKind};
use crate::model::{Measured, Output, Place, PlaceOf};
use crate::tokens::{flat, is_ident, is_punct};

pub(super) fn expand(model: &Measured<'_>) -> TokenStream {
    let header = &model.function.header;
    let (attributes, block) = body::split(&model.function.body);
    let body = expand_body(model, &block);
    let body = braced(quote!(#attributes #body), model.function.body.span());
    quote!(#header #body)
}

fn expand_body(model: &Measured<'_>, block: &Group) -> TokenStream {
    let judges = model.errors.is_some() || model.ok.is_some();
    match &model.output {
        Output::Value(output) => Writer::new(model, block, Some(output)).write(false),
        Output::Future { output, .. } if model.function.asyncness.is_some() => {
            Writer::new(model, block, output.as_ref()).write(true)
        }
        Output::Future { output, boxed } => {
            expand_future(model, block, output.as_ref(), *boxed, judges)
        }
        Output::Named(output) => match body::tail(&block.stream()) {
            // What the name stands for shows where it is made.
            Some(Tail { pin: Some(_), .. }) => expand_future(model, block, None, true, judges),
            _ if judges || may_be_future(output, model.in_flight.is_some()) => {
                Writer::new(model, block, Some(output)).write_named(output)
            }
            _ => Writer::new(model, block, Some(output)).write(false),
        },
    }
}

/// How counters are looked up.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// Through `self`, which is there before the body and after it.
    Itself,
    /// Through what was found in `self` before the body: `__metrics`.
    Found,
    /// Through another name for `self`.
    This,
    /// Through what was shared before the body took `self` away.
    Handle,
    /// Through what was shared for a future that outlives the function.
    Future,
}

/// What keeps hold of the gauge of what is in flight.
#[derive(Default)]
struct Hold {
    guard: TokenStream,
    /// The other name for `self` that the body works on.
    bind: TokenStream,
    /// Arguments that are lent to the body alone.
    lend: TokenStream,
    /// Names for what comes after the body.
    after: TokenStream,
}

struct Writer<'a> {
    model: &'a Measured<'a>,
    block: &'a Group,
    /// What the body comes to, if that can be told.
    output: Option<&'a TokenStream>,
    facts: Facts,
    reach: Reach,
    /// The body works on a reborrow of `self`, by another name.
    renames: bool,
    /// `papyra_metrics::__private`.
    private: TokenStream,
}

/// The other name for `self`.
const THIS: &str = "__this";

/// A `quote!` of our own names and words.
macro_rules! ours {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
use ours;

impl<'a> Writer<'a> {
    fn new(model: &'a Measured<'a>, block: &'a Group, output: Option<&'a TokenStream>) -> Self {
        let krate = krate_at(&model.krate, Span::mixed_site());
        let mut writer = Self {
            model,
            block,
            output,
            facts: Facts::of(&block.stream()),
            reach: Reach::Itself,
            renames: false,
            private: ours!(#krate::__private),
        };
        if writer.touches_self() && (writer.judges() || model.in_flight.is_some()) {
            writer.decide();
        }
        writer
    }

    /// How the body and the counters share `self`.
    fn decide(&mut self) {
        let Some(receiver) = self.receiver() else { return };
        match receiver.kind {
            ReceiverKind::Shared if self.lookups() > 1 => self.reach = Reach::Found,
            ReceiverKind::Shared => {}
            ReceiverKind::Counted => self.reach = Reach::This,
            ReceiverKind::Value => self.reach = Reach::Handle,
            ReceiverKind::Exclusive | ReceiverKind::Pinned => {
                let facts = &self.facts;
                self.renames = facts.names_self
                    && (receiver.kind == ReceiverKind::Pinned
                        || self.holds_self()
                        || self.judges() && (facts.bare_self || facts.moves || self.runs_async()));
                // A name in a string cannot be changed.
                if self.borrows_self(receiver) || self.renames && facts.self_in_string {
                    self.reach = Reach::Handle;
                    self.renames = false;
                }
            }
        }
    }

    fn receiver(&self) -> Option<&'a Receiver> {
        self.model.function.receiver.as_ref()
    }

    fn kind(&self) -> Option<ReceiverKind> {
        self.receiver().map(|receiver| receiver.kind)
    }

    fn places(&self) -> impl Iterator<Item = &'a Place> + use<'a> {
        let Measured { calls, errors, in_flight, ok, .. } = self.model;
        [errors, ok, calls, in_flight].into_iter().flatten()
    }

    /// How often `self.metrics` would be looked into: for calls, for what is in flight, and for outcomes.
    fn lookups(&self) -> usize {
        let Measured { calls, errors, in_flight, ok, .. } = self.model;
        let looks = |places: &[&Option<Place>]| {
            usize::from(places.iter().copied().flatten().any(Place::is_relative))
        };
        looks(&[calls]) + looks(&[in_flight]) + looks(&[errors, ok])
    }

    /// Whether anything is counted through `self`.
    fn touches_self(&self) -> bool {
        self.places().any(touches_self)
    }

    fn judges(&self) -> bool {
        self.model.errors.is_some() || self.model.ok.is_some()
    }

    /// Whether the body runs in an `async` block of its own, if the function is `async`.
    fn runs_async(&self) -> bool {
        self.facts.exits && self.facts.awaits
    }

    /// Whether what comes out may borrow from `&mut self`.
    fn borrows_self(&self, receiver: &Receiver) -> bool {
        let written = self.model.function.output.as_ref();
        let output = match &self.model.output {
            Output::Future { .. } => self.output.or(written),
            _ => written,
        };
        output.is_some_and(|output| borrows(output, receiver.lifetime.as_deref()))
            || receiver.lifetime.as_ref().is_some_and(|lifetime| self.may_hide(lifetime))
    }

    /// Whether the return type may hide the lifetime that `&'a mut self` has been given: in an associated type, or in a
    /// type parameter of the function that has to outlive it.
    fn may_hide(&self, lifetime: &str) -> bool {
        let function = self.model.function;
        let output = function.output.as_ref().map(flat).unwrap_or_default();
        let is_associated = match output.as_slice() {
            [first, colon, ..] if is_punct(colon, ':') => is_ident(first, "Self"),
            [first, ..] => is_punct(first, '<'),
            [] => false,
        };
        let bounds = |tokens: &[TokenTree]| {
            let bounds = tokens.windows(3).filter(|bound| {
                (is_punct(&bound[0], ':') || is_punct(&bound[0], '+'))
                    && is_punct(&bound[1], '\'')
                    && is_ident(&bound[2], lifetime)
            });
            bounds.count()
        };
        is_associated || bounds(&flat(&function.header)) > bounds(&output)
    }

    /// Whether what is in flight keeps hold of `&mut self` while the body runs.
    fn holds_self(&self) -> bool {
        let exclusive = matches!(self.kind(), Some(ReceiverKind::Exclusive | ReceiverKind::Pinned));
        exclusive && self.model.in_flight.as_ref().is_some_and(touches_self)
    }

    /// The body with everything around it, in a function or a block that is `async` or not.
    fn write(&self, is_async: bool) -> TokenStream {
        let (handles, calls) = (self.handles(self.reach), self.calls(self.reach));
        let hold = self.hold();
        let Hold { guard, bind, lend, after } = &hold;
        let block = self.renamed_block();
        if !self.judges() {
            if guard.is_empty() || self.keeps_its_place(&block.stream()) {
                let body = body::unbraced(&block);
                return ours!(#handles #calls #guard #bind #lend #body);
            }
            // What the last expression borrows is given back before the gauge goes down.
            let result = self.result(&hold, in_place(&block), false);
            return ours!(#handles #calls #guard #result #[allow(unreachable_code, clippy::implicit_return)] __result);
        }
        let result = self.result(&hold, self.run(&block, is_async), self.facts.exits);
        let see = self.see(if after.is_empty() { self.reach } else { Reach::This });
        let end = self.after_body(&ours!(#after #see #[allow(clippy::implicit_return)] __result));
        ours!(#handles #calls #guard #result #end)
    }

    /// The statements that keep what the body comes to. A closure and an `async` block say themselves what that is.
    fn result(&self, hold: &Hold, run: TokenStream, says_type: bool) -> TokenStream {
        let Hold { bind, lend, .. } = hold;
        let run = if lend.is_empty() { run } else { ours!({ #lend #run }) };
        let ty = self.output.filter(|_| !says_type).map(|ty| ours!(: #ty));
        ours!(#bind let __result #ty = #run;)
    }

    /// Whether the body has to be the last expression: it never returns, ends in a `return`, which a lint then finds
    /// needless, or is of a type that cannot be written, from which closures take their lifetimes.
    fn keeps_its_place(&self, body: &TokenStream) -> bool {
        let output = self.model.function.output.as_ref().map(flat).unwrap_or_default();
        matches!(output.as_slice(), [never] if is_punct(never, '!'))
            || body::ends_in_return(body)
            || output.iter().any(|token| is_ident(token, "impl"))
    }

    /// What comes after the body, which never does where a body in place is, say, `todo!()`: rustc says so of the
    /// first statement.
    fn after_body(&self, end: &TokenStream) -> TokenStream {
        let allow = (!self.facts.exits).then(|| ours!(#[allow(unreachable_code)]));
        ours!(#allow #end)
    }

    /// The block, on another name for `self` if it needs one.
    fn renamed_block(&self) -> Group {
        if !self.renames {
            return self.block.clone();
        }
        let this = |at: &Ident| other_self(THIS, at.span());
        braced(rename_self(self.block.stream(), &this), self.block.span())
    }
}

/// A body that cannot end early, as the value of a `let`.
fn in_place(block: &Group) -> TokenStream {
    if body::is_one_expression(&block.stream()) {
        return block.stream();
    }
    // In parentheses, for a lint may find the braces needless.
    ours!((#block))
}

impl Place {
    fn is_relative(&self) -> bool {
        !matches!(self.of, PlaceOf::Expression(_))
    }
}

fn touches_self(place: &Place) -> bool {
    match &place.of {
        PlaceOf::Expression(expression) => Facts::of(expression).names_self,
        _ => true,
    }
}

fn first_span(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

fn located(tokens: &TokenStream) -> Span {
    Span::mixed_site().located_at(first_span(tokens))
}

fn located_at_end(tokens: &TokenStream) -> Span {
    let last = tokens.clone().into_iter().last();
    Span::mixed_site().located_at(last.map_or_else(Span::call_site, |last| last.span()))
}

/// Whether a return type borrows from a `&mut self` of that lifetime, or may: `impl Trait` does in edition 2024.
fn borrows(output: &TokenStream, lifetime: Option<&str>) -> bool {
    let tokens = flat(output);
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(word) => word == "impl",
        TokenTree::Group(group) => borrows(&group.stream(), lifetime),
        TokenTree::Punct(punct) if punct.as_char() == '&' => {
            !matches!(tokens.get(at + 1), Some(next) if is_punct(next, '\''))
        }
        TokenTree::Punct(punct) if punct.as_char() == '\'' => {
            tokens.get(at + 1).is_some_and(|name| {
                is_ident(name, "_") || lifetime.is_some_and(|lifetime| is_ident(name, lifetime))
            })
        }
        _ => false,
    })
}
