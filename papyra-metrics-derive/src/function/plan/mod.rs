//! Decides whether the body of a function is measured, or the future that it returns.

mod body;

use proc_macro2::{Group, Span, TokenStream};

pub(crate) use self::body::{Access, BodyPlan, BodySelf, Scope, SharingReason};
use super::body::tail::{self, Future, ReturnedFuture};
use super::body::usage::BodyUsage;
use super::model::{InstrumentedFn, Output, Targets};
use super::output::{cannot_be_annotated, is_primitive, may_be_boxed_future};

/// The part of a function that is measured.
pub(crate) enum Plan<'a> {
    /// The body.
    Body(BodyPlan<'a>),
    /// The body, or the boxed future that the function returns. The compiler decides, because the return type may be an
    /// alias.
    Named(BodyPlan<'a>, &'a TokenStream),
    /// The `async` block that is the entire body, with or without `Box::pin` around it.
    FutureBlock { plan: BodyPlan<'a>, keywords: TokenStream, pin: Option<(TokenStream, Span)> },
    /// The future that the last expression of the body creates, and the statements before it, if there are any.
    LastFuture {
        plan: BodyPlan<'a>,
        statements: TokenStream,
        future: TokenStream,
        pin: Option<(TokenStream, Span)>,
    },
    /// The future that the function returns, from any expression.
    AnyFuture { plan: BodyPlan<'a>, is_boxed: bool },
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
                // The type may be an alias, but the last expression shows that it is a boxed future.
                Some(ReturnedFuture { pin: Some(_), .. }) => {
                    Self::of_future(model, block, None, true)
                }
                _ if may_return_alias(model, output) => Self::Named(plan(Some(output)), output),
                _ => Self::Body(plan(Some(output))),
            },
        }
    }

    /// Returns the plan of a function that is not `async` and returns a future.
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
                // The `async` block already captures `self`, or generated code does not need `self`.
                if statements.is_empty() && (plan.usage.names_self || !plan.touches_self()) {
                    return Self::FutureBlock { plan, keywords, pin };
                }
                crate::template::quote!(#keywords #inner)
            }
            Future::Expression(future) => future,
        };
        let observes = model.targets.observes_end() || model.targets.in_flight.is_some();
        if observes && BodyUsage::of(&statements).exits {
            return Self::AnyFuture { plan: whole, is_boxed };
        }
        Self::LastFuture { plan: whole, statements, future, pin }
    }

    /// Returns whether the signature needs `mut self`.
    pub(crate) fn needs_mut_self(&self) -> bool {
        let (Self::Body(plan)
        | Self::Named(plan, _)
        | Self::FutureBlock { plan, .. }
        | Self::LastFuture { plan, .. }
        | Self::AnyFuture { plan, .. }) = self;
        plan.needs_mut_self()
    }
}

/// Returns whether the compiler has to find out if the return type is an alias of a `Result` or of a boxed future.
fn may_return_alias(model: &InstrumentedFn<'_>, output: &TokenStream) -> bool {
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

    use super::{Access, BodyPlan, BodySelf, Plan, Scope, SharingReason};
    use crate::diag::Diagnostics;
    use crate::function::body::rewrite::split_inner_attributes;
    use crate::function::{check, input};
    use crate::raw_tokens::code;

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

    /// Checks the plan of a function with the key `errors`.
    fn assert_plan(item: &TokenStream, expected: (Scope, Access, BodySelf)) {
        with_body(&quote!(errors), item, |plan| {
            assert_eq!((plan.scope, plan.access, plan.body_self), expected, "{item}");
        });
    }

    #[test]
    fn a_body_stays_in_place_unless_it_may_return_early() {
        let in_place = (Scope::InPlace, Access::Direct, BodySelf::AsWritten);
        let closure = (Scope::Closure, Access::Direct, BodySelf::AsWritten);
        let block = (Scope::AsyncBlock, Access::Direct, BodySelf::AsWritten);
        assert_plan(&code("fn f(&self) -> Result<()> { self.inner.f() }"), in_place);
        assert_plan(&code("async fn f(&self) -> Result<()> { self.inner.f().await }"), in_place);
        assert_plan(&code("fn f(&self) -> Result<()> { self.inner.f()?; Ok(()) }"), closure);
        assert_plan(&code("fn f(&self) -> Result<()> { log!(); Ok(()) }"), closure);
        assert_plan(&code("async fn f(&self) -> R { self.f()?; Ok(()) }"), closure);
        assert_plan(&code("async fn f(&self) -> R { self.f().await?; Ok(()) }"), block);
        assert_plan(&code("async fn f(&self) -> R { log!(); Ok(()) }"), block);
    }

    #[test]
    fn metrics_that_are_needed_more_than_once_are_looked_up_once() {
        let item = code("fn f(&self) -> Result<()> { Ok(()) }");
        for (keys, access) in [
            (quote!(errors, ok = ok), Access::Direct),
            (quote!(errors, calls = calls), Access::Cached),
            (quote!(errors, in_flight = open), Access::Cached),
            (quote!(time = append), Access::Cached),
            (quote!(time = APPEND, errors), Access::Direct),
            (quote!(errors, calls = CALLS), Access::Direct),
        ] {
            with_body(&keys, &item, |plan| assert_eq!(plan.access, access, "{keys}"));
        }
    }

    #[test]
    fn the_access_to_counters_after_the_body_depends_on_the_receiver() {
        for (receiver, access) in [
            (quote!(&self), Access::Direct),
            (quote!(self: &Arc<Self>), Access::Direct),
            (quote!(&mut self), Access::Direct),
            (quote!(self: ::std::sync::Arc<Self>), Access::SelfAlias),
            (quote!(self), Access::Handle),
            (quote!(self: Box<Self>), Access::Handle),
        ] {
            let item = quote!(fn f(#receiver) -> Result<()> { self.a.f()?; Ok(()) });
            assert_plan(&item, (Scope::Closure, access, BodySelf::AsWritten));
        }
    }

    #[test]
    fn an_exclusive_self_is_renamed_only_if_no_macro_sees_it() {
        let closure = |access, body_self| (Scope::Closure, access, body_self);
        let block = |access, body_self| (Scope::AsyncBlock, access, body_self);
        for (item, expected) in [
            (code("{ self.a?; self.f() }"), closure(Access::Direct, BodySelf::AsWritten)),
            (code("{ a!(self.a); self.f() }"), closure(Access::Direct, BodySelf::AsWritten)),
            (code("{ let this = self; this.f()?; g() }"), closure(Access::Direct, BodySelf::Alias)),
            (code("{ let this = self; a!(self) }"), closure(Access::Direct, BodySelf::Reborrowed)),
            (code(r#"{ a!("{self}"); g(self) }"#), closure(Access::Direct, BodySelf::Reborrowed)),
            (
                code("{ a!(self.a); g(move || self.a) }"),
                closure(Access::Handle, BodySelf::AsWritten),
            ),
        ] {
            assert_plan(&quote!(fn f(&mut self) -> Result<()> #item), expected);
        }
        for (item, expected) in [
            (code("{ self.f().await?; g() }"), block(Access::Direct, BodySelf::Alias)),
            (code("{ a!(self.a); self.f().await }"), block(Access::Direct, BodySelf::Reborrowed)),
        ] {
            assert_plan(&quote!(async fn f(&mut self) -> Result<()> #item), expected);
        }
        for (item, expected) in [
            (code("{ self.f()?; g() }"), closure(Access::Direct, BodySelf::Alias)),
            (
                code("{ a!(self.as_mut().f()); g(self) }"),
                closure(Access::Direct, BodySelf::ReborrowedPin),
            ),
            (quote!({ a!(self.project().f()) }), closure(Access::Handle, BodySelf::AsWritten)),
        ] {
            assert_plan(&quote!(fn f(self: Pin<&mut Self>) -> Result<()> #item), expected);
        }
    }

    #[test]
    fn a_borrow_that_is_returned_needs_a_handle() {
        for output in [quote!(Result<&u8>), quote!(Result<Iter<'_>>), quote!(Result<impl A>)] {
            let item = quote!(fn f(&mut self) -> #output { self.a?; g() });
            assert_plan(&item, (Scope::Closure, Access::Handle, BodySelf::AsWritten));
        }
        for output in [quote!(Result<&'static u8>), quote!(Result<Iter<'a>>)] {
            let item = quote!(fn f<'a>(&mut self) -> #output { self.a?; g() });
            assert_plan(&item, (Scope::Closure, Access::Direct, BodySelf::AsWritten));
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
    fn metrics_have_to_be_shared_if_the_body_takes_all_of_self() {
        for (item, reason) in [
            (code("fn f(self) -> Result<()> { drop(self.a); Ok(()) }"), None),
            (
                code("fn f(self) -> Result<()> { drop(self); Ok(()) }"),
                Some(SharingReason::AfterMove),
            ),
            (
                code("fn f(&mut self) -> Result<&u8> { self.f() }"),
                Some(SharingReason::WhileBorrowed),
            ),
            (code("fn f(&mut self) -> Result<&u8> { Ok(&self.a) }"), None),
            (
                code("fn f(self: Pin<&mut Self>) -> Poll<R> { ready!(self.project().f()) }"),
                Some(SharingReason::BesideMacros),
            ),
        ] {
            with_body(&quote!(errors), &item, |plan| {
                assert_eq!(plan.sharing_reason(plan.access), reason, "{item}");
            });
        }
        let item = code("fn f(&mut self) -> Result<()> { a!(self.a); self.f() }");
        with_body(&quote!(errors, in_flight = open), &item, |plan| {
            assert_eq!(plan.sharing_reason(plan.access), Some(SharingReason::BesideMacros));
        });
        with_body(&quote!(errors), &item, |plan| {
            assert_eq!(plan.sharing_reason(plan.access), None);
        });
    }

    #[test]
    fn arguments_are_captured_in_reverse_so_that_they_are_dropped_in_order() {
        let names = |plan: BodyPlan<'_>| -> Vec<String> {
            plan.captures.iter().map(|capture| capture.name.to_string()).collect()
        };
        let body = code("{ f(a, b, d)?; self.g() }");
        let item = quote!(fn f(self, a: A, b: &B, _c: C, d: &mut D, e: E) -> Result<()> #body);
        with_body(&quote!(errors), &item, |plan| assert_eq!(names(plan), ["_c", "a", "self"]));
        let item = quote!(fn f(&mut self, a: A, b: &B, _c: C, d: &mut D, e: E) -> Result<()> #body);
        with_body(&quote!(errors), &item, |plan| assert_eq!(names(plan), ["d", "_c", "b", "a"]));
        let item = code("fn f(&self, a: A, b: &B) -> Result<()> { f(a, b)?; g() }");
        with_body(&quote!(errors), &item, |plan| assert!(names(plan).is_empty()));
        let item = code("fn f(&self, a: A) -> Result<()> { f(a.b)?; g() }");
        with_body(&quote!(errors), &item, |plan| assert_eq!(names(plan), ["a"]));
    }

    #[test]
    fn fields_of_self_that_an_async_block_borrows_are_captured_by_mutable_reference() {
        let item =
            code("async fn f(self) -> Result<()> { self.a.f().await?; g(self.b, self.metrics) }");
        with_body(&quote!(errors), &item, |plan| {
            let fields: Vec<_> = plan.captured_fields.iter().map(ToString::to_string).collect();
            assert_eq!(fields, ["a", "b"]);
            assert!(plan.needs_mut_self());
        });
        let item = code("async fn f(self) -> Result<()> { self.0.1.f().await?; g(self.2) }");
        with_body(&quote!(errors = self.1.errors), &item, |plan| {
            let fields: Vec<_> = plan.captured_fields.iter().map(ToString::to_string).collect();
            assert_eq!(fields, ["0", "2"]);
        });
        let item = code("async fn f(mut self) -> Result<()> { self.a.f().await?; g(self) }");
        with_body(&quote!(errors), &item, |plan| {
            assert!(plan.captured_fields.is_empty() && !plan.needs_mut_self());
        });
    }

    #[test]
    fn a_future_is_measured_in_the_expression_that_creates_it() {
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
        plan(code("{ let a = 1; Box::pin(self.f(a)) }"), boxed(), |it| {
            matches!(it, Plan::LastFuture { .. })
        });
        plan(code("{ if a { return g(); } Box::pin(self.f()) }"), boxed(), |it| {
            matches!(it, Plan::AnyFuture { is_boxed: true, .. })
        });
        plan(quote!({ self.f() }), opaque(), |it| {
            matches!(it, Plan::AnyFuture { is_boxed: false, .. })
        });
        plan(quote!({ self.f() }), quote!(BoxFuture<'_, R>), |it| matches!(it, Plan::Named(..)));
        plan(quote!({ Box::pin(self.f()) }), quote!(BoxFuture<'_, R>), |it| {
            matches!(it, Plan::LastFuture { .. })
        });
    }

    #[test]
    fn a_future_whose_cancellation_is_counted_is_watched_even_if_it_cannot_return_early() {
        let item = code("async fn f(&self) -> R { self.inner.f().await }");
        with_body(&quote!(cancelled = dropped), &item, |plan| {
            assert_eq!((plan.is_watched, plan.scope), (true, Scope::AsyncBlock));
            assert!(plan.observes_end());
        });
    }

    #[test]
    fn a_guard_times_a_body_that_cannot_run_in_a_closure() {
        for (item, by_guard) in [
            (code("fn f(&self) -> impl Fn(&str) -> bool { |_| true }"), true),
            (code("#[track_caller] fn f(&self) -> u8 { assert!(self.a); 1 }"), true),
            (code("fn f(&self) -> u8 { 1 }"), false),
            (code("async fn f(&self) -> u8 { 1 }"), false),
        ] {
            with_body(&quote!(time = append), &item, |plan| {
                assert_eq!(
                    (plan.is_timed_by_guard, plan.observes_end()),
                    (by_guard, !by_guard),
                    "{item}"
                );
            });
        }
    }
}
