//! Generates the code of a measured function from its plan.

mod future;
mod guards;
mod handles;
mod indices;
mod names;
mod record;
mod run;

use proc_macro2::{Group, Span, TokenStream};

use self::names::{quote_mixed_site, self_alias};
use super::body::rewrite::{
    self, braced, reborrow_pinned_self, reborrow_self, rename_self, split_inner_attributes,
};
use super::model::InstrumentedFn;
use super::plan::{Access, BodyPlan, BodySelf, Plan, Scope};
use crate::krate::krate_at;
use crate::template::quote;

pub(super) fn expand(model: &InstrumentedFn<'_>) -> TokenStream {
    let function = model.function;
    let (attributes, block) = split_inner_attributes(&function.body);
    let plan = Plan::new(model, &block);
    let header =
        if plan.needs_mut_self() { function.header_with_mut_self() } else { function.header() };
    let body = match &plan {
        Plan::Body(plan) => BodyExpander::new(plan).expand(),
        Plan::Named(plan, output) => BodyExpander::new(plan).expand_named(output),
        Plan::FutureBlock { plan, keywords, pin } => {
            let block = braced(BodyExpander::new(plan).expand(), plan.block.span());
            future::pinned(pin.as_ref(), quote!(#keywords #block))
        }
        Plan::LastFuture { plan, statements, future, pin } => {
            BodyExpander::new(plan).expand_last_future(statements, future, pin.as_ref())
        }
        Plan::AnyFuture { plan, is_boxed } => BodyExpander::new(plan).expand_any_future(*is_boxed),
    };
    let body = braced(quote!(#attributes #body), function.body.span());
    quote!(#header #body)
}

/// The statements that create guards and give the body access to the values that the guards hold. Guards exist while
/// the body runs.
struct GuardBindings {
    guards: TokenStream,
    /// The statement that binds `__this`, the alias of `self`, for the body.
    bind: TokenStream,
    /// Statements that reborrow arguments for the body.
    lend: TokenStream,
    /// Statements that bind `__this` and arguments for the code after the body.
    after: TokenStream,
    /// How generated code accesses an instrument after the body.
    access_after: Access,
}

struct BodyExpander<'a> {
    plan: &'a BodyPlan<'a>,
    /// The path `papyra_metrics::__private`.
    private: TokenStream,
}

impl<'a> BodyExpander<'a> {
    fn new(plan: &'a BodyPlan<'a>) -> Self {
        let krate = krate_at(&plan.model.krate, Span::mixed_site());
        Self { plan, private: quote_mixed_site!(#krate::__private) }
    }

    /// Returns the body with the generated code before and after it.
    fn expand(&self) -> TokenStream {
        let access = self.plan.access;
        let (handles, calls) = (self.handles(access), self.count_calls(access));
        let bindings = self.guard_bindings();
        let GuardBindings { guards: guard, bind, lend, after, access_after } = &bindings;
        let block = self.rewritten_block();
        let start = self.start_clock(access);
        if !self.plan.observes_end() {
            if guard.is_empty() || self.plan.has_to_be_last() {
                let body = rewrite::unbraced(&block);
                return quote_mixed_site!(#handles #calls #start #guard #bind #lend #body);
            }
            // The `let` statement ends the borrows of the last expression before the guards are dropped.
            let result = self.result(&bindings, self.in_place(&block), false);
            return quote_mixed_site! {
                #handles #calls #start #guard #result
                return __result
            };
        }
        let run = self.run(&block, self.plan.output);
        let result = self.result(&bindings, run, self.plan.scope != Scope::InPlace);
        let time = self.record_time(*access_after);
        let record = self.record_outcome(*access_after);
        quote_mixed_site! {
            #handles #calls #start #guard #result #after #time #record return __result
        }
    }

    /// Returns the statement that binds the value of the body to `__result`. A closure and an `async` block are already
    /// annotated with the type of that value.
    fn result(&self, bindings: &GuardBindings, run: TokenStream, has_type: bool) -> TokenStream {
        let GuardBindings { bind, lend, .. } = bindings;
        let run = if lend.is_empty() { run } else { quote_mixed_site!({ #lend #run }) };
        let ty = self.plan.output.filter(|_| !has_type).map(|ty| quote_mixed_site!(: #ty));
        quote_mixed_site!(#bind let __result #ty = #run;)
    }

    /// Returns the block of the body, with `self` replaced as planned.
    fn rewritten_block(&self) -> Group {
        let block = &self.plan.block;
        let statements = match self.plan.body_self {
            BodySelf::AsWritten => return block.clone(),
            BodySelf::Alias => rename_self(block.stream(), &|this| self_alias(this.span())),
            BodySelf::Reborrowed => reborrow_self(block.stream()),
            BodySelf::ReborrowedPin => reborrow_pinned_self(block.stream()),
        };
        braced(statements, block.span())
    }

    /// Returns the expression for a body that does not run in a closure or an `async` block. The body is in a branch of
    /// an `if` because it may diverge, and rustc warns of unreachable statements after a diverging expression.
    fn in_place(&self, block: &Group) -> TokenStream {
        let private = &self.private;
        quote_mixed_site!(if #private::takes_branch() #block else { #private::other_branch() })
    }
}
