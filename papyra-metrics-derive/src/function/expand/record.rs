//! Generates the statements that update instruments, and the expressions that refer to instruments.

use proc_macro2::{Ident, Span, TokenStream};

use super::BodyExpander;
use super::names::{handle, located, quote_mixed_site, root_handle, self_alias};
use crate::function::body::rewrite::rename_self;
use crate::function::model::{MetricsRoot, RootKind, Target, TargetKind, Targets, Timing};
use crate::function::plan::Access;
use crate::krate::krate_at;
use crate::template::{quote, quote_spanned};

/// An expression that evaluates to an `Option` of a reference to the metrics, and the statements that must precede it.
pub(super) struct Lookup {
    pub(super) before: TokenStream,
    pub(super) metrics: TokenStream,
}

impl BodyExpander<'_> {
    pub(super) fn count_calls(&self, access: Access) -> TokenStream {
        let calls = self.plan.model.targets.calls.as_ref();
        calls.map(|target| self.count(target, access)).unwrap_or_default()
    }

    /// Returns the statement that starts the clock. At run time, the statement starts the clock only if there are
    /// metrics, and only for the calls that the key `sample` selects.
    pub(super) fn start_clock(&self, access: Access) -> TokenStream {
        let Some(timing) = &self.plan.model.targets.time else { return TokenStream::new() };
        let private = &self.private;
        let span = Span::mixed_site().located_at(timing.histogram.key.span());
        let krate = krate_at(&self.plan.model.krate, span);
        let clock = quote_spanned!(span=> #krate::__private::SystemClock);
        let start = match timing.sample {
            None => quote_mixed_site!(#private::start::<#clock>()),
            Some(n) => quote_mixed_site!(#private::start_one_in::<#clock>(#n)),
        };
        let Some(root) = timing.histogram.kind.root() else {
            return quote_mixed_site!(let __started = #start;);
        };
        let Lookup { before, metrics } = self.lookup(root, access);
        if before.is_empty() {
            return quote_mixed_site!(let __started = #metrics.and_then(|_| #start););
        }
        quote_mixed_site!(let __started = { #before #metrics.and_then(|_| #start) };)
    }

    /// Returns the statement that records how long the call has taken, if it is timed.
    pub(super) fn record_time(&self, access: Access) -> TokenStream {
        let Some(timing) = &self.plan.model.targets.time else { return TokenStream::new() };
        let histogram = self.instrument(&timing.histogram, access);
        let record = self.record_elapsed(timing, &histogram);
        let record = match timing.histogram.kind.root() {
            Some(root) => self.with_metrics(root, access, &record),
            None => record,
        };
        quote_mixed_site! {
            if let ::core::option::Option::Some(__started) = __started {
                let __elapsed = __started.elapsed();
                #record
            }
        }
    }

    /// Returns a statement that records `__elapsed`. `histogram` is the expression for a reference to the histogram.
    pub(super) fn record_elapsed(&self, timing: &Timing, histogram: &TokenStream) -> TokenStream {
        let n = timing.sample.unwrap_or(1);
        let span = Span::mixed_site().located_at(located_key(&timing.histogram));
        let krate = krate_at(&self.plan.model.krate, span);
        let elapsed = quote_mixed_site!(__elapsed);
        quote_spanned! {span=>
            #krate::__private::RecordDuration::record_duration(#histogram, #elapsed, #n);
        }
    }

    /// Returns statements that determine the outcome of `__result`, and count the outcome.
    pub(super) fn record_outcome(&self, access: Access) -> TokenStream {
        let counted = self.count_outcome(access);
        if counted.is_empty() {
            return counted;
        }
        let private = &self.private;
        let Some(output) = self.plan.output else {
            return quote_mixed_site!(let __outcome = #private::Fallible::outcome(&__result); #counted);
        };
        let span = located(output);
        let krate = krate_at(&self.plan.model.krate, span);
        let outcome = quote_spanned!(span=> <#output as #krate::__private::Fallible>);
        quote_mixed_site!(let __outcome = #outcome::outcome(&__result); #counted)
    }

    /// Returns statements that count an error, an `Ok`, or neither, depending on `__outcome`.
    pub(super) fn count_outcome(&self, access: Access) -> TokenStream {
        let Targets { errors, ok, .. } = &self.plan.model.targets;
        let if_err = |count: TokenStream| {
            quote_mixed_site! {
                if let ::core::option::Option::Some(__error) = __outcome.error { #count }
            }
        };
        let if_ok = |count: TokenStream| quote_mixed_site!(if __outcome.is_ok { #count });
        if let (Some(errors), Some(ok)) = (errors, ok) {
            if let (Some(root), Some(_)) = (errors.kind.root(), ok.kind.root()) {
                let error = if_err(self.count_error(errors, access));
                let ok = if_ok(self.inc(ok, access));
                return self.with_metrics(root, access, &quote!(#error #ok));
            }
        }
        let in_metrics = |target: &Target, count: TokenStream| match target.kind.root() {
            Some(root) => self.with_metrics(root, access, &count),
            None => count,
        };
        let error = errors
            .as_ref()
            .map(|errors| if_err(in_metrics(errors, self.count_error(errors, access))));
        let ok = ok.as_ref().map(|ok| if_ok(self.count(ok, access)));
        quote!(#error #ok)
    }

    /// Returns a statement that counts `__error`, through `__metrics` if the target is a field of the metrics.
    fn count_error(&self, target: &Target, access: Access) -> TokenStream {
        let span = Span::mixed_site().located_at(located_key(target));
        let krate = krate_at(&self.plan.model.krate, span);
        let private = &self.private;
        let (counter, is_marked) = match target.kind {
            TargetKind::ErrorCounter(_) => (quote_mixed_site!(__metrics), true),
            _ => (self.instrument(target, access), false),
        };
        let Some(by) = &self.plan.model.targets.errors_by else {
            let of = Ident::new(if is_marked { "ErrorCounter" } else { "CountError" }, span);
            let error = quote_mixed_site!(__error);
            return quote_spanned!(span=> #krate::__private::#of::count_error(#error, #counter););
        };
        let of = Ident::new(if is_marked { "ErrorFamily" } else { "CountLabel" }, span);
        let label = quote_mixed_site!(#private::label_by(__error, #by));
        quote_spanned!(span=> #krate::__private::#of::count_label(#label, #counter);)
    }

    /// Returns statements that add one to the counter of the target, if there are metrics.
    pub(super) fn count(&self, target: &Target, access: Access) -> TokenStream {
        let inc = self.inc(target, access);
        match target.kind.root() {
            Some(root) => self.with_metrics(root, access, &inc),
            None => inc,
        }
    }

    /// Returns a statement that adds one to the counter of the target, through `__metrics` if the target is a field of
    /// the metrics.
    pub(super) fn inc(&self, target: &Target, access: Access) -> TokenStream {
        self.inc_of(target, &self.instrument(target, access))
    }

    /// Returns a statement that adds one to a counter. `counter` is the expression for a reference to the counter.
    pub(super) fn inc_of(&self, target: &Target, counter: &TokenStream) -> TokenStream {
        let span = Span::mixed_site().located_at(located_key(target));
        let krate = krate_at(&self.plan.model.krate, span);
        quote_spanned!(span=> #krate::Inc::inc(#counter);)
    }

    /// Returns a reference to the instrument, through `__metrics` if the instrument is a field of the metrics.
    pub(super) fn instrument(&self, target: &Target, access: Access) -> TokenStream {
        match &target.kind {
            TargetKind::ErrorCounter(_) => quote_mixed_site!(__metrics),
            TargetKind::InMetrics(_, place) => {
                let read = self.with_read_indices(place, target);
                quote_spanned!(located(place)=> &__metrics.#read)
            }
            TargetKind::Expression(_) if self.plan.shares(&target.usage, access) => {
                let handle = handle(target);
                quote_mixed_site!(&#handle)
            }
            TargetKind::Expression(expression) => {
                let read = self.with_read_indices(expression, target);
                let expression = with_self_alias(&read, access);
                quote_spanned!(located(&expression)=> &#expression)
            }
        }
    }

    /// Returns code that runs the statements with `__metrics` bound, if there are metrics.
    pub(super) fn with_metrics(
        &self,
        root: &MetricsRoot,
        access: Access,
        statements: &TokenStream,
    ) -> TokenStream {
        let lookup = (access != Access::Cached).then(|| {
            let Lookup { before, metrics } = self.lookup(root, access);
            quote_mixed_site!(#before let __metrics = #metrics;)
        });
        quote_mixed_site! {
            #lookup
            if let ::core::option::Option::Some(__metrics) = __metrics { #statements }
        }
    }

    /// Returns the code that looks up the metrics, or that refers to the result of an earlier lookup.
    pub(super) fn lookup(&self, root: &MetricsRoot, access: Access) -> Lookup {
        let private = &self.private;
        if access == Access::Cached {
            let metrics = quote_mixed_site!(__metrics);
            return Lookup { before: TokenStream::new(), metrics };
        }
        let handle = root_handle();
        if self.plan.shares(&root.usage, access) {
            let metrics = quote_mixed_site!(#private::probe(&#handle).__present());
            return Lookup { before: TokenStream::new(), metrics };
        }
        let metrics = self.metrics(root, access);
        match root.kind {
            RootKind::OfSelf(_) => Lookup {
                before: TokenStream::new(),
                metrics: quote_mixed_site!(#private::probe(&#metrics).__present()),
            },
            // A temporary value of the expression has to live as long as the instrument that is borrowed from it.
            RootKind::At(_) => Lookup {
                before: quote_mixed_site!(let #handle = &#metrics;),
                metrics: quote_mixed_site!(#private::probe(#handle).__present()),
            },
        }
    }

    /// Returns the expression for the metrics: `self.metrics`, or the value of `at`. `self.metrics` has the span of the
    /// first key that needs it, so that an error such as a missing field `metrics` is reported once.
    pub(super) fn metrics(&self, root: &MetricsRoot, access: Access) -> TokenStream {
        match &root.kind {
            RootKind::At(expression) => with_self_alias(expression, access),
            RootKind::OfSelf(this) => {
                let targets = self.plan.model.targets.all();
                let in_root = targets.iter().find(|target| target.kind.root().is_some());
                let key = in_root.map_or_else(Span::call_site, |target| located_key(target));
                let mut owner = match access {
                    Access::SelfAlias => self_alias(this.span()),
                    _ => this.clone(),
                };
                owner.set_span(owner.span().located_at(key));
                let span = Span::mixed_site().located_at(key);
                if self.plan.model.krate.is_given() {
                    // Does not use the macro below: a wrong path of the crate would then be reported twice, once for
                    // the macro and once for the rest of the code.
                    let metrics = Ident::new("metrics", Span::call_site().located_at(key));
                    return quote_spanned!(span=> #owner.#metrics);
                }
                // The compiler shows the name of this macro if `self` has no field `metrics`.
                quote_spanned!(span=> ::papyra_metrics::__private::counters_are_looked_up_in_self_metrics__add_at_to_use_another_field!(#owner))
            }
        }
    }
}

/// Returns the location at which the attribute names the target.
fn located_key(target: &Target) -> Span {
    match &target.kind {
        TargetKind::InMetrics(_, place) | TargetKind::Expression(place) => located(place),
        TargetKind::ErrorCounter(_) => target.key.span(),
    }
}

/// Returns the expression, with `self` renamed to its alias if `access` requires it.
pub(super) fn with_self_alias(expression: &TokenStream, access: Access) -> TokenStream {
    match access {
        Access::SelfAlias => {
            rename_self(quote!(#expression), &|this: &Ident| self_alias(this.span()))
        }
        _ => expression.clone(),
    }
}
