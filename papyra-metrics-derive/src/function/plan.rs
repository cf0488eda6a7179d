//! Decides how a body and its counters share `self` and the arguments.
//!
//! A body that cannot return early stays in place. Otherwise it runs in a closure, or in an `async` block if it awaits,
//! in which `return` and `?` end. Counters are looked up after the body, so that it has `self` for itself; if it takes
//! `self` away or returns a borrow of it, through handles made before.

use proc_macro2::{Group, Ident, Span, TokenStream};

use super::body::tail::{self, Future, ReturnedFuture};
use super::body::usage::{BodyUsage, ends_in_return};
use super::captures::{Capture, captures, lent_arguments};
use super::input::{ArgumentKind, Receiver, ReceiverKind};
use super::model::{InstrumentedFn, Output, Target, Targets};
use super::output::{
    borrows_self, cannot_be_annotated, is_primitive, may_be_boxed_future, outlives_self,
};

/// The part of a function that is measured.
pub(crate) enum Plan<'a> {
    /// Its body.
    Body(BodyPlan<'a>),
    /// Its body, or the boxed future that it returns, as its return type turns out to be.
    Named(BodyPlan<'a>, &'a TokenStream),
    /// The `async` block that is all of its body, `Box::pin` around it or not.
    FutureBlock { plan: BodyPlan<'a>, keywords: TokenStream, pin: Option<(TokenStream, Span)> },
    /// The future that it makes in its last expression, after some statements.
    LastFuture {
        plan: BodyPlan<'a>,
        statements: TokenStream,
        future: TokenStream,
        pin: Option<(TokenStream, Span)>,
    },
    /// The future that it returns, however it makes that.
    AnyFuture { plan: BodyPlan<'a>, is_boxed: bool },
}

/// How one body runs, and how its counters are reached.
#[allow(clippy::struct_excessive_bools)] // independent decisions
pub(crate) struct BodyPlan<'a> {
    pub(crate) model: &'a InstrumentedFn<'a>,
    pub(crate) block: Group,
    /// The type of what the body gives, if that can be told.
    pub(crate) output: Option<&'a TokenStream>,
    pub(crate) usage: BodyUsage,
    pub(crate) access: Access,
    pub(crate) body_self: BodySelf,
    pub(crate) scope: Scope,
    /// The closure or `async` block only borrows what it names, for the sake of `self`.
    pub(crate) only_borrows: bool,
    /// Fields of `self` that an `async` block captures by `&mut`: a `&` would have to be `Send`.
    pub(crate) captured_fields: Vec<Ident>,
    /// The arguments that go into the closure or `async` block, last to first, each with the attributes of a statement
    /// that names it.
    pub(crate) captures: Vec<Capture<'a>>,
    /// The body needs all of `self`, because a macro in it sees the name.
    macros_need_self: bool,
    /// Waiting is noted while the body runs, so that its cancellation can be counted.
    pub(crate) is_watched: bool,
    /// The body has to be the last expression, so a guard times the call.
    pub(crate) is_timed_by_guard: bool,
    /// A guard keeps hold of `&mut self` while the body runs.
    pub(crate) guard_holds_self: bool,
    /// Arguments of type `&mut` through which something is counted once the body is done with them.
    pub(crate) lent_arguments: Vec<&'a Ident>,
}

/// How counters are reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Through `self` and the arguments, before the body and after it.
    Direct,
    /// Through the metrics that were looked up before the body: `__metrics`.
    Cached,
    /// Through another name for `self`.
    SelfAlias,
    /// Through handles made before the body took `self` away.
    Handle,
    /// Through handles made for a future that outlives the function.
    FutureHandle,
}

/// Which `self` the body works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BodySelf {
    AsWritten,
    /// A reborrow by another name, which no macro in the body sees.
    Alias,
    /// `&mut *self` wherever the body would move it.
    Reborrowed,
    /// `Pin::as_mut(&mut self)` wherever the body would move it.
    ReborrowedPin,
}

/// In what a body runs to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    InPlace,
    Closure,
    AsyncBlock,
}

/// When metrics have to be usable, so that they have to be shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bound {
    /// The body takes `self` away.
    AfterMove,
    /// What is returned borrows `self`.
    WhileBorrowed,
    /// A macro in the body names `self`, so that the body needs all of it.
    BesideMacros,
    /// The returned future borrows nothing.
    InStaticFuture,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(model: &'a InstrumentedFn<'a>, block: &Group) -> Self {
        let plan = |output| BodyPlan::new(model, block, output, false);
        match &model.output {
            Output::Value(output) => Self::Body(plan(Some(output))),
            Output::Future { output, .. } if model.function.is_async => {
                Self::Body(BodyPlan::new(model, block, output.as_ref(), true))
            }
            Output::Future { output, is_boxed } => {
                Self::of_future(model, block, output.as_ref(), *is_boxed)
            }
            Output::Named(output) => match tail::returned_future(&block.stream()) {
                // What the path is an alias of shows where the value is made.
                Some(ReturnedFuture { pin: Some(_), .. }) => {
                    Self::of_future(model, block, None, true)
                }
                _ if may_be_measured_later(model, output) => {
                    Self::Named(plan(Some(output)), output)
                }
                _ => Self::Body(plan(Some(output))),
            },
        }
    }

    /// The plan of a function that is not `async` and returns a future.
    fn of_future(
        model: &'a InstrumentedFn<'a>,
        block: &Group,
        output: Option<&'a TokenStream>,
        is_boxed: bool,
    ) -> Self {
        let whole = BodyPlan::new(model, block, output, false);
        let Some(ReturnedFuture { statements, pin, future }) =
            tail::returned_future(&block.stream())
        else {
            return Self::AnyFuture { plan: whole, is_boxed };
        };
        if is_boxed != pin.is_some() {
            return Self::AnyFuture { plan: whole, is_boxed };
        }
        let future = match future {
            Future::Block(keywords, inner) => {
                let plan = BodyPlan::new(model, &inner, output, true);
                // The block has `self` already, or does not need it.
                if statements.is_empty() && (plan.usage.names_self || !plan.touches_self()) {
                    return Self::FutureBlock { plan, keywords, pin };
                }
                quote::quote!(#keywords #inner)
            }
            Future::Expression(future) => future,
        };
        let observes = model.targets.observes_end() || model.targets.in_flight.is_some();
        if observes && BodyUsage::of(&statements).exits {
            return Self::AnyFuture { plan: whole, is_boxed };
        }
        Self::LastFuture { plan: whole, statements, future, pin }
    }

    /// Whether the signature needs `mut self`.
    pub(crate) fn needs_mut_self(&self) -> bool {
        let (Self::Body(plan)
        | Self::Named(plan, _)
        | Self::FutureBlock { plan, .. }
        | Self::LastFuture { plan, .. }
        | Self::AnyFuture { plan, .. }) = self;
        plan.needs_mut_self()
    }
}

impl<'a> BodyPlan<'a> {
    fn new(
        model: &'a InstrumentedFn<'a>,
        block: &Group,
        output: Option<&'a TokenStream>,
        is_async: bool,
    ) -> Self {
        let usage = BodyUsage::of(&block.stream());
        let is_watched = is_async && model.targets.cancelled.is_some();
        let scope = match (usage.exits, is_async && usage.awaits) {
            _ if is_watched => Scope::AsyncBlock,
            (false, _) => Scope::InPlace,
            (true, false) => Scope::Closure,
            (true, true) => Scope::AsyncBlock,
        };
        let is_timed_by_guard = !is_async
            && model.targets.time.is_some()
            && !model.targets.counts_outcome()
            && (cannot_be_annotated(model.function) || model.function.tracks_caller());
        let mut plan = Self {
            model,
            block: block.clone(),
            output,
            usage,
            access: Access::Direct,
            body_self: BodySelf::AsWritten,
            scope,
            only_borrows: false,
            captured_fields: Vec::new(),
            captures: Vec::new(),
            macros_need_self: false,
            is_watched,
            is_timed_by_guard,
            guard_holds_self: false,
            lent_arguments: lent_arguments(model),
        };
        if let (Some(receiver), true) = (plan.receiver(), plan.touches_self()) {
            plan.share_self(receiver);
        }
        plan.captures = captures(model.function, &plan.usage, plan.only_borrows);
        plan.captured_fields = plan.find_captured_fields();
        plan
    }

    /// Decides how the body and the counters share `self`.
    fn share_self(&mut self, receiver: &Receiver) {
        let observes_end = self.observes_end();
        let is_exclusive = matches!(receiver.kind, ReceiverKind::Exclusive | ReceiverKind::Pinned);
        self.guard_holds_self =
            is_exclusive && self.guarded().any(|target| target.usage.names_self);
        if observes_end || self.guarded().next().is_some() {
            (self.access, self.body_self) = match receiver.kind {
                ReceiverKind::Shared if self.lookups() > 1 => (Access::Cached, BodySelf::AsWritten),
                ReceiverKind::Shared => (Access::Direct, BodySelf::AsWritten),
                ReceiverKind::RefCounted => (Access::SelfAlias, BodySelf::AsWritten),
                ReceiverKind::Owned => (Access::Handle, BodySelf::AsWritten),
                ReceiverKind::Exclusive | ReceiverKind::Pinned => self.share_exclusive(receiver),
            };
        }
        self.only_borrows = observes_end
            && self.usage.names_self
            && match self.access {
                Access::Direct => is_exclusive && self.body_self != BodySelf::Alias,
                Access::Handle => !self.takes_self(),
                Access::Cached | Access::SelfAlias | Access::FutureHandle => false,
            };
    }

    /// Decides for `&mut self`, pinned or not.
    fn share_exclusive(&mut self, receiver: &Receiver) -> (Access, BodySelf) {
        let usage = &self.usage;
        let function = self.model.function;
        let output = match &self.model.output {
            Output::Future { .. } => self.output.or(function.output.as_ref()),
            _ => function.output.as_ref(),
        };
        if borrows_self(function, receiver, output) {
            return (Access::Handle, BodySelf::AsWritten);
        }
        let is_pinned = receiver.kind == ReceiverKind::Pinned;
        let needs_another = usage.names_self
            && (is_pinned
                || self.guard_holds_self
                || self.observes_end()
                    && (usage.uses_self_as_value
                        || usage.moves_self
                        || self.scope == Scope::AsyncBlock));
        if !needs_another {
            return (Access::Direct, BodySelf::AsWritten);
        }
        if !usage.shows_self_to_macros {
            return (Access::Direct, BodySelf::Alias);
        }
        // What macros see must stay as it is, and there is only one `self`.
        let takes_all = self.guard_holds_self || usage.moves_self;
        if takes_all || is_pinned && usage.consumes_self_in_macros {
            self.macros_need_self = true;
            return (Access::Handle, BodySelf::AsWritten);
        }
        let body_self = if is_pinned { BodySelf::ReborrowedPin } else { BodySelf::Reborrowed };
        (Access::Direct, body_self)
    }

    pub(crate) fn receiver(&self) -> Option<&'a Receiver> {
        self.model.function.receiver.as_ref()
    }

    pub(crate) fn receiver_kind(&self) -> Option<ReceiverKind> {
        self.receiver().map(|receiver| receiver.kind)
    }

    /// Whether anything is counted through `self`.
    pub(crate) fn touches_self(&self) -> bool {
        self.model.targets.iter().any(|target| target.usage.names_self)
    }

    /// Whether the body takes all of `self`, and with it metrics that belong to it alone.
    fn takes_self(&self) -> bool {
        self.usage.names_self && self.usage.uses_self_beyond_fields
    }

    /// How often the metrics would be looked up: for calls, for the clock, for guards, and after the body.
    fn lookups(&self) -> usize {
        let Targets { calls, cancelled, errors, in_flight, ok, time } = &self.model.targets;
        let time = time.as_ref().map(|timing| &timing.histogram);
        let [calls, cancelled, errors, in_flight, ok] =
            [calls, cancelled, errors, in_flight, ok].map(Option::as_ref);
        let looks_up = |targets: &[Option<&Target>]| {
            let mut targets = targets.iter().copied().flatten();
            usize::from(targets.any(|target| target.kind.root().is_some()))
        };
        let before = looks_up(&[calls]) + looks_up(&[time]);
        let guards = looks_up(&[in_flight]) + looks_up(&[cancelled]);
        before + guards + looks_up(&[errors, ok, time])
    }

    /// What guards count in while the body runs.
    fn guarded(&self) -> impl Iterator<Item = &'a Target> {
        let Targets { cancelled, in_flight, time, .. } = &self.model.targets;
        let cancelled = cancelled.iter().filter(|_| self.is_watched);
        let time = time.iter().filter(|_| self.is_timed_by_guard);
        in_flight.iter().chain(cancelled).chain(time.map(|timing| &timing.histogram))
    }

    /// Whether anything is counted through an argument after the body.
    pub(crate) fn reads_after_body(&self, argument: &Ident) -> bool {
        let Targets { errors, ok, time, .. } = &self.model.targets;
        let time = time.as_ref().map(|timing| &timing.histogram);
        let mut targets = [errors.as_ref(), ok.as_ref(), time].into_iter().flatten();
        targets.any(|target| target.usage.names(argument))
    }

    /// Whether something is done after the body, which then has to end within the function.
    pub(crate) fn observes_end(&self) -> bool {
        self.model.targets.observes_end() && !self.is_timed_by_guard
    }

    /// The `&mut` argument through which the guard of a target reaches it.
    pub(crate) fn held_argument(&self, target: &Target) -> Option<&'a Ident> {
        self.lent_arguments.iter().copied().find(|name| target.usage.names(name))
    }

    pub(crate) fn needs_mut_self(&self) -> bool {
        let takes_fields =
            !self.captured_fields.is_empty() && self.receiver_kind() == Some(ReceiverKind::Owned);
        let is_mut = self.receiver().is_some_and(|receiver| receiver.is_mut);
        !is_mut && (takes_fields || self.body_self == BodySelf::ReborrowedPin)
    }

    /// What the metrics have to be, because a borrow of them will not do.
    pub(crate) fn bound(&self, access: Access) -> Option<Bound> {
        let is_handle = matches!(access, Access::Handle | Access::FutureHandle);
        let receiver = self.receiver_kind().filter(|_| is_handle)?;
        let while_borrowed =
            if self.macros_need_self { Bound::BesideMacros } else { Bound::WhileBorrowed };
        match receiver {
            ReceiverKind::Owned => self.takes_self().then_some(Bound::AfterMove),
            _ if access == Access::FutureHandle
                && outlives_self(self.model.function, &self.model.output) =>
            {
                Some(Bound::InStaticFuture)
            }
            ReceiverKind::Exclusive | ReceiverKind::Pinned => {
                self.takes_self().then_some(while_borrowed)
            }
            ReceiverKind::Shared | ReceiverKind::RefCounted => None,
        }
    }

    /// How counters are reached in a future that the function returns.
    pub(crate) fn future_access(&self) -> Access {
        match self.receiver_kind() {
            Some(ReceiverKind::RefCounted) => Access::SelfAlias,
            _ => Access::FutureHandle,
        }
    }

    /// Whether an expression is evaluated before the body, because it could not be after it.
    pub(crate) fn shares(&self, expression: &BodyUsage, access: Access) -> bool {
        let mut arguments = self
            .model
            .function
            .arguments
            .iter()
            .filter(|argument| argument.names.iter().any(|name| expression.names(name)));
        match access {
            Access::FutureHandle => expression.names_self || arguments.next().is_some(),
            Access::SelfAlias
                if expression.names_self
                    && self.receiver_kind() == Some(ReceiverKind::RefCounted) =>
            {
                false
            }
            _ => {
                expression.names_self && access == Access::Handle
                    || arguments.any(|argument| {
                        argument.kind == ArgumentKind::Value
                            && argument.names.iter().any(|name| self.usage.names(name))
                    })
            }
        }
    }

    /// Whether the body has to be the last expression: it never returns, it ends in a `return`, which a lint then finds
    /// needless, or its type cannot be written.
    pub(crate) fn has_to_be_last(&self) -> bool {
        ends_in_return(&self.block.stream()) || cannot_be_annotated(self.model.function)
    }

    fn find_captured_fields(&self) -> Vec<Ident> {
        let Some(receiver) = self.receiver() else { return Vec::new() };
        let is_needed = self.only_borrows
            && self.scope == Scope::AsyncBlock
            && self.access == Access::Handle
            && receiver.has_disjoint_fields;
        if !is_needed {
            return Vec::new();
        }
        let is_shared = |field: &Ident| {
            self.model.targets.iter().any(|target| target.usage.fields_of_self.contains(field))
        };
        self.usage.fields_of_self.iter().filter(|field| !is_shared(field)).cloned().collect()
    }
}

/// Whether a function may turn out to return an outcome or a boxed future, as the path of its return type is resolved.
fn may_be_measured_later(model: &InstrumentedFn<'_>, output: &TokenStream) -> bool {
    let Targets { cancelled, in_flight, time, .. } = &model.targets;
    let is_timed = time.is_some() && !cannot_be_annotated(model.function) && !is_primitive(output);
    model.targets.counts_outcome()
        || cancelled.is_some()
        || is_timed
        || may_be_boxed_future(output, in_flight.is_some() || time.is_some())
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::{Access, BodyPlan, BodySelf, Bound, Plan, Scope};
    use crate::diag::Diagnostics;
    use crate::function::body::rewrite::split_inner_attributes;
    use crate::function::{check, input};

    /// Examines the plan of a function that is measured with these keys.
    fn with_plan(keys: &TokenStream, item: &TokenStream, examine: impl FnOnce(Plan<'_>)) {
        let function = input::parse(item.clone()).unwrap_or_else(|_| panic!("a function: {item}"));
        let mut diag = Diagnostics::default();
        let model = check::check(&mut diag, keys.clone(), Ok(&function)).expect("a model");
        assert!(diag.is_empty(), "{:?}", diag.into_compile_errors().map(|it| it.to_string()));
        examine(Plan::new(&model, &split_inner_attributes(&function.body).1));
    }

    fn with_body(keys: &TokenStream, item: &TokenStream, examine: impl FnOnce(BodyPlan<'_>)) {
        with_plan(keys, item, |plan| match plan {
            Plan::Body(body) => examine(body),
            _ => panic!("the plan of a body: {item}"),
        });
    }

    fn errors(item: &TokenStream, expected: (Scope, Access, BodySelf)) {
        with_body(&quote!(errors), item, |plan| {
            assert_eq!((plan.scope, plan.access, plan.body_self), expected, "{item}");
        });
    }

    #[test]
    fn a_body_stays_in_place_unless_it_may_return_early() {
        let in_place = (Scope::InPlace, Access::Direct, BodySelf::AsWritten);
        let closure = (Scope::Closure, Access::Direct, BodySelf::AsWritten);
        let block = (Scope::AsyncBlock, Access::Direct, BodySelf::AsWritten);
        errors(
            &quote!(
                fn f(&self) -> Result<()> {
                    self.inner.f()
                }
            ),
            in_place,
        );
        errors(
            &quote!(
                async fn f(&self) -> Result<()> {
                    self.inner.f().await
                }
            ),
            in_place,
        );
        errors(
            &quote!(
                fn f(&self) -> Result<()> {
                    self.inner.f()?;
                    Ok(())
                }
            ),
            closure,
        );
        errors(
            &quote!(
                fn f(&self) -> Result<()> {
                    log!();
                    Ok(())
                }
            ),
            closure,
        );
        errors(
            &quote!(
                async fn f(&self) -> R {
                    self.f()?;
                    Ok(())
                }
            ),
            closure,
        );
        errors(
            &quote!(
                async fn f(&self) -> R {
                    self.f().await?;
                    Ok(())
                }
            ),
            block,
        );
        errors(
            &quote!(
                async fn f(&self) -> R {
                    log!();
                    Ok(())
                }
            ),
            block,
        );
    }

    #[test]
    fn metrics_are_looked_up_once_for_calls_outcomes_and_the_gauge() {
        let item = quote!(
            fn f(&self) -> Result<()> {
                Ok(())
            }
        );
        for (keys, access) in [
            (quote!(errors, ok = ok), Access::Direct),
            (quote!(errors, calls = calls), Access::Cached),
            (quote!(errors, in_flight = open), Access::Cached),
            (quote!(errors, calls = CALLS), Access::Direct),
        ] {
            with_body(&keys, &item, |plan| assert_eq!(plan.access, access, "{keys}"));
        }
    }

    #[test]
    fn the_receiver_says_how_counters_are_reached_after_the_body() {
        for (receiver, access) in [
            (quote!(&self), Access::Direct),
            (quote!(self: &Arc<Self>), Access::Direct),
            (quote!(&mut self), Access::Direct),
            (quote!(self: ::std::sync::Arc<Self>), Access::SelfAlias),
            (quote!(self), Access::Handle),
            (quote!(self: Box<Self>), Access::Handle),
        ] {
            let item = quote!(fn f(#receiver) -> Result<()> { self.a.f()?; Ok(()) });
            errors(&item, (Scope::Closure, access, BodySelf::AsWritten));
        }
    }

    #[test]
    fn an_exclusive_self_goes_by_another_name_only_where_no_macro_sees_it() {
        let closure = |access, body_self| (Scope::Closure, access, body_self);
        let block = |access, body_self| (Scope::AsyncBlock, access, body_self);
        for (item, expected) in [
            (
                quote!({
                    self.a?;
                    self.f()
                }),
                closure(Access::Direct, BodySelf::AsWritten),
            ),
            (
                quote!({
                    a!(self.a);
                    self.f()
                }),
                closure(Access::Direct, BodySelf::AsWritten),
            ),
            (
                quote!({
                    let this = self;
                    this.f()?;
                    g()
                }),
                closure(Access::Direct, BodySelf::Alias),
            ),
            (
                quote!({
                    let this = self;
                    a!(self)
                }),
                closure(Access::Direct, BodySelf::Reborrowed),
            ),
            (
                quote!({
                    a!("{self}");
                    g(self)
                }),
                closure(Access::Direct, BodySelf::Reborrowed),
            ),
            (
                quote!({
                    a!(self.a);
                    g(move || self.a)
                }),
                closure(Access::Handle, BodySelf::AsWritten),
            ),
        ] {
            errors(&quote!(fn f(&mut self) -> Result<()> #item), expected);
        }
        for (item, expected) in [
            (
                quote!({
                    self.f().await?;
                    g()
                }),
                block(Access::Direct, BodySelf::Alias),
            ),
            (
                quote!({
                    a!(self.a);
                    self.f().await
                }),
                block(Access::Direct, BodySelf::Reborrowed),
            ),
        ] {
            errors(&quote!(async fn f(&mut self) -> Result<()> #item), expected);
        }
        for (item, expected) in [
            (
                quote!({
                    self.f()?;
                    g()
                }),
                closure(Access::Direct, BodySelf::Alias),
            ),
            (
                quote!({
                    a!(self.as_mut().f());
                    g(self)
                }),
                closure(Access::Direct, BodySelf::ReborrowedPin),
            ),
            (quote!({ a!(self.project().f()) }), closure(Access::Handle, BodySelf::AsWritten)),
        ] {
            errors(&quote!(fn f(self: Pin<&mut Self>) -> Result<()> #item), expected);
        }
    }

    #[test]
    fn a_borrow_that_is_returned_needs_a_handle() {
        for output in [quote!(Result<&u8>), quote!(Result<Iter<'_>>), quote!(Result<impl A>)] {
            let item = quote!(fn f(&mut self) -> #output { self.a?; g() });
            errors(&item, (Scope::Closure, Access::Handle, BodySelf::AsWritten));
        }
        for output in [quote!(Result<&'static u8>), quote!(Result<Iter<'a>>)] {
            let item = quote!(fn f<'a>(&mut self) -> #output { self.a?; g() });
            errors(&item, (Scope::Closure, Access::Direct, BodySelf::AsWritten));
        }
        for (header, output) in [
            (quote!(), quote!(Self::Iter)),
            (quote!(T: 'a), quote!(Result<T>)),
            (quote!(), quote!(Result<Iter<'a>>)),
        ] {
            let item = quote!(fn f<'a, #header>(&'a mut self) -> #output { self.a?; g() });
            with_plan(&quote!(errors), &item, |plan| match plan {
                Plan::Body(plan) | Plan::Named(plan, _) => assert_eq!(plan.access, Access::Handle),
                _ => panic!("{item}"),
            });
        }
    }

    #[test]
    fn metrics_have_to_be_shared_where_the_body_takes_all_of_self() {
        for (item, bound) in [
            (
                quote!(
                    fn f(self) -> Result<()> {
                        drop(self.a);
                        Ok(())
                    }
                ),
                None,
            ),
            (
                quote!(
                    fn f(self) -> Result<()> {
                        drop(self);
                        Ok(())
                    }
                ),
                Some(Bound::AfterMove),
            ),
            (
                quote!(
                    fn f(&mut self) -> Result<&u8> {
                        self.f()
                    }
                ),
                Some(Bound::WhileBorrowed),
            ),
            (
                quote!(
                    fn f(&mut self) -> Result<&u8> {
                        Ok(&self.a)
                    }
                ),
                None,
            ),
            (
                quote!(
                    fn f(self: Pin<&mut Self>) -> Poll<R> {
                        ready!(self.project().f())
                    }
                ),
                Some(Bound::BesideMacros),
            ),
        ] {
            with_body(&quote!(errors), &item, |plan| {
                assert_eq!(plan.bound(plan.access), bound, "{item}");
            });
        }
        let item = quote!(
            fn f(&mut self) -> Result<()> {
                a!(self.a);
                self.f()
            }
        );
        with_body(&quote!(errors, in_flight = open), &item, |plan| {
            assert_eq!(plan.bound(plan.access), Some(Bound::BesideMacros));
        });
        with_body(&quote!(errors), &item, |plan| assert_eq!(plan.bound(plan.access), None));
    }

    #[test]
    fn arguments_are_taken_last_to_first_so_that_they_are_dropped_in_order() {
        let names = |plan: BodyPlan<'_>| -> Vec<String> {
            plan.captures.iter().map(|capture| capture.name.to_string()).collect()
        };
        let body = quote!({
            f(a, b, d)?;
            self.g()
        });
        let item = quote!(fn f(self, a: A, b: &B, _c: C, d: &mut D, e: E) -> Result<()> #body);
        with_body(&quote!(errors), &item, |plan| assert_eq!(names(plan), ["_c", "a", "self"]));
        let item = quote!(fn f(&mut self, a: A, b: &B, _c: C, d: &mut D, e: E) -> Result<()> #body);
        with_body(&quote!(errors), &item, |plan| assert_eq!(names(plan), ["d", "_c", "b", "a"]));
        let item = quote!(
            fn f(&self, a: A, b: &B) -> Result<()> {
                f(a, b)?;
                g()
            }
        );
        with_body(&quote!(errors), &item, |plan| assert!(names(plan).is_empty()));
        let item = quote!(
            fn f(&self, a: A) -> Result<()> {
                f(a.b)?;
                g()
            }
        );
        with_body(&quote!(errors), &item, |plan| assert_eq!(names(plan), ["a"]));
    }

    #[test]
    fn fields_of_a_self_that_stays_are_captured_mutably() {
        let item = quote!(
            async fn f(self) -> Result<()> {
                self.a.f().await?;
                g(self.b, self.metrics)
            }
        );
        with_body(&quote!(errors), &item, |plan| {
            let fields: Vec<_> = plan.captured_fields.iter().map(ToString::to_string).collect();
            assert_eq!(fields, ["a", "b"]);
            assert!(plan.needs_mut_self());
        });
        let item = quote!(
            async fn f(mut self) -> Result<()> {
                self.a.f().await?;
                g(self)
            }
        );
        with_body(&quote!(errors), &item, |plan| {
            assert!(plan.captured_fields.is_empty() && !plan.needs_mut_self());
        });
    }

    #[test]
    fn a_future_is_measured_where_it_is_made() {
        let plan = |body: TokenStream, output: TokenStream, expected: fn(&Plan<'_>) -> bool| {
            let item = quote!(fn f(&self) -> #output #body);
            with_plan(&quote!(errors), &item, |plan| assert!(expected(&plan), "{item}"));
        };
        let opaque = || quote!(impl Future<Output = R>);
        let boxed = || quote!(Pin<Box<dyn Future<Output = R> + '_>>);
        plan(quote!({ async move { self.f().await } }), opaque(), |it| {
            matches!(it, Plan::FutureBlock { pin: None, .. })
        });
        plan(quote!({ Box::pin(async move { self.f().await }) }), boxed(), |it| {
            matches!(it, Plan::FutureBlock { pin: Some(_), .. })
        });
        plan(
            quote!({
                let a = 1;
                Box::pin(self.f(a))
            }),
            boxed(),
            |it| matches!(it, Plan::LastFuture { .. }),
        );
        plan(
            quote!({
                if a {
                    return g();
                }
                Box::pin(self.f())
            }),
            boxed(),
            |it| matches!(it, Plan::AnyFuture { is_boxed: true, .. }),
        );
        plan(quote!({ self.f() }), opaque(), |it| {
            matches!(it, Plan::AnyFuture { is_boxed: false, .. })
        });
        plan(quote!({ self.f() }), quote!(BoxFuture<'_, R>), |it| matches!(it, Plan::Named(..)));
        plan(quote!({ Box::pin(self.f()) }), quote!(BoxFuture<'_, R>), |it| {
            matches!(it, Plan::LastFuture { .. })
        });
    }
}
