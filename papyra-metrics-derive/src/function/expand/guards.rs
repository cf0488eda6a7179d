//! Generates the guards that exist during a call: one changes the gauge of calls in flight, one counts a cancelled
//! future, and one times a call whose body cannot run in a closure.

use proc_macro2::{Ident, Span, TokenStream};

use super::names::{handle, located, located_at_end, quote_mixed_site, root_handle, self_alias};
use super::record::Lookup;
use super::{BodyExpander, GuardBindings};
use crate::function::body::usage::BodyUsage;
use crate::function::input::{Receiver, ReceiverKind};
use crate::function::model::{Target, TargetKind, Targets, Timing};
use crate::function::plan::{Access, BodySelf};
use crate::template::{quote, quote_spanned};

/// A guard, and the instrument that it updates.
struct Guard<'a> {
    kind: GuardKind<'a>,
    target: &'a Target,
}

#[derive(Clone, Copy)]
enum GuardKind<'a> {
    /// Increments a gauge when created, and decrements it when dropped.
    InFlight,
    /// Increments a counter if the guard is dropped while the future waits.
    Cancelled,
    /// Records the duration of the call when dropped.
    Timer(&'a Timing),
}

impl Guard<'_> {
    fn local(&self) -> Ident {
        let name = match self.kind {
            GuardKind::InFlight => "__in_flight",
            GuardKind::Cancelled => "__cancelled",
            GuardKind::Timer(_) => "__timer",
        };
        Ident::new(name, Span::mixed_site())
    }
}

/// The statements that create guards, and the names of the guards that hold `self` and arguments.
#[derive(Default)]
struct Guards<'a> {
    statements: TokenStream,
    holder_of_self: Option<Ident>,
    holders_of_arguments: Vec<(&'a Ident, Ident)>,
}

impl Guards<'_> {
    /// Returns the name of the last guard that holds the argument.
    fn holder_of(&self, argument: &Ident) -> Option<&Ident> {
        let mut holders = self.holders_of_arguments.iter().rev();
        holders.find_map(|(held, holder)| (*held == argument).then_some(holder))
    }
}

impl<'a> BodyExpander<'a> {
    /// Returns the statements that create the guards of the body and that bind the values which the guards hold.
    pub(super) fn guard_bindings(&self) -> GuardBindings {
        let guards =
            self.guards(self.plan.access, self.plan.is_watched, self.plan.is_timed_by_guard);
        let mut bindings = GuardBindings {
            guards: guards.statements.clone(),
            bind: TokenStream::new(),
            lend: TokenStream::new(),
            after: TokenStream::new(),
            access_after: self.plan.access,
        };
        if let Some(receiver) = self.plan.receiver() {
            self.bind_self(receiver, &guards, &mut bindings);
        }
        if !self.plan.usage.names_self {
            bindings.bind = TokenStream::new();
        }
        for name in &self.plan.lent_arguments {
            let holder = guards.holder_of(name);
            if self.plan.usage.names(name) {
                let place = holder.map_or(quote!(#name), |it| quote_mixed_site!(#it.held));
                bindings.lend.extend(quote_mixed_site!(let #name = &mut *#place;));
            }
            if let Some(holder) = holder.filter(|_| self.plan.reads_after_body(name)) {
                bindings.after.extend(quote_mixed_site!(let #name = &*#holder.held;));
            }
        }
        bindings
    }

    /// Adds the statements that bind the alias of `self`, for the body and for the code after it.
    fn bind_self(&self, receiver: &Receiver, guards: &Guards<'_>, bindings: &mut GuardBindings) {
        let this = self_alias(Span::mixed_site());
        let token = &receiver.token;
        let mutable = receiver.is_mut.then(|| quote_mixed_site!(mut));
        let is_pinned = receiver.kind == ReceiverKind::Pinned;
        if let Some(holder) = &guards.holder_of_self {
            let lent = if is_pinned {
                quote_mixed_site!(::core::pin::Pin::as_mut(&mut #holder.held))
            } else {
                self.reborrow_through_guard(holder)
            };
            bindings.bind = quote_mixed_site!(let #mutable #this = #lent;);
            bindings.after = quote_mixed_site!(let #this = &*#holder.held;);
            bindings.access_after = Access::SelfAlias;
        } else if self.plan.body_self == BodySelf::Alias {
            let reborrow = match (is_pinned, receiver.is_mut) {
                (false, _) => quote_mixed_site!(&mut *#token),
                (true, true) => quote_mixed_site!(::core::pin::Pin::as_mut(&mut #token)),
                (true, false) => {
                    bindings.guards.extend(quote_mixed_site!(let mut __pin = #token;));
                    bindings.after = quote_mixed_site!(let #this = &*__pin;);
                    bindings.access_after = Access::SelfAlias;
                    quote_mixed_site!(::core::pin::Pin::as_mut(&mut __pin))
                }
            };
            bindings.bind = quote_mixed_site!(let #mutable #this = #reborrow;);
        }
    }

    /// Returns a reborrow of the `self` that a guard holds. The reborrow has the span of the return type: if the
    /// function returns a borrow that would outlive the guard, the compiler reports the error there.
    fn reborrow_through_guard(&self, holder: &Ident) -> TokenStream {
        let Some(output) = &self.plan.model.function.output else {
            return quote_mixed_site!(&mut *#holder.held);
        };
        let borrow = quote_spanned!(located(output)=> &mut *#holder);
        let place = quote_spanned!(located_at_end(output)=> .held);
        quote!(#borrow #place)
    }

    /// Returns statements that create the guards of a future that the function returns.
    pub(super) fn guards_of_future(&self, access: Access) -> TokenStream {
        self.guards(access, true, false).statements
    }

    /// Returns the statements that create the guards. The guards are dropped at the end of the scope.
    fn guards(&self, access: Access, is_watched: bool, is_timed: bool) -> Guards<'a> {
        let mut guards = Guards::default();
        for guard in self.guarded(is_watched, is_timed) {
            self.add_guard(&guard, access, &mut guards);
        }
        guards
    }

    fn guarded(&self, is_watched: bool, is_timed: bool) -> Vec<Guard<'a>> {
        let Targets { cancelled, in_flight, time, .. } = &self.plan.model.targets;
        let mut guarded = Vec::new();
        if let Some(target) = in_flight {
            guarded.push(Guard { kind: GuardKind::InFlight, target });
        }
        if let (Some(target), true) = (cancelled, is_watched) {
            guarded.push(Guard { kind: GuardKind::Cancelled, target });
        }
        if let (Some(timing), true) = (time, is_timed) {
            guarded.push(Guard { kind: GuardKind::Timer(timing), target: &timing.histogram });
        }
        guarded
    }

    fn add_guard(&self, guard: &Guard<'a>, access: Access, guards: &mut Guards<'a>) {
        let (local, target) = (guard.local(), guard.target);
        let holds_self = self.plan.guard_holds_self && access == Access::Direct;
        if let (Some(receiver), true) =
            (self.plan.receiver(), holds_self && target.usage.names_self)
        {
            let held = held_self(receiver, guards.holder_of_self.as_ref());
            let this = self_alias(Span::mixed_site());
            let made = self.guard_that_holds(guard, &held, &this, Access::SelfAlias, false);
            guards.statements.extend(quote_mixed_site!(let mut #local = #made;));
            guards.holder_of_self = Some(local);
            return;
        }
        let argument = self.held_argument(target).filter(|_| access != Access::FutureHandle);
        if let Some(name) = argument {
            let place = guards.holder_of(name).map(|holder| quote_mixed_site!(#holder.held));
            let place = place.unwrap_or_else(|| quote!(#name));
            let held = quote_mixed_site!(&mut *#place);
            let made = self.guard_that_holds(guard, &held, name, access, false);
            guards.statements.extend(quote_mixed_site!(let mut #local = #made;));
            guards.holders_of_arguments.push((name, local));
            return;
        }
        guards.statements.extend(match guard.kind {
            GuardKind::InFlight => self.gauge_guard(target, access),
            GuardKind::Cancelled => self.cancellation_guard(target, access),
            GuardKind::Timer(timing) => self.timer_guard(timing, access),
        });
    }

    /// Returns the `&mut` argument through which the guard of a target accesses the instrument, if there is one. An index that
    /// was read before the body is not accessed through it.
    fn held_argument(&self, target: &Target) -> Option<&'a Ident> {
        let mut lent = self.plan.lent_arguments.iter().copied();
        let place = match &target.kind {
            TargetKind::ErrorCounter(_) => TokenStream::new(),
            TargetKind::InMetrics(_, place) | TargetKind::Expression(place) => {
                self.with_read_indices(place, target)
            }
        };
        let (place, root) = (BodyUsage::of(&place), target.kind.root());
        lent.find(|name| place.names(name) || root.is_some_and(|root| root.usage.names(name)))
    }

    /// Returns an expression that creates a guard. The guard holds the value `held`. Its closure gets that value as the
    /// parameter `name`, and accesses the instrument through it. If `is_moved` is true, the closure also owns the other variables
    /// that it names, because the guard outlives them.
    fn guard_that_holds(
        &self,
        guard: &Guard<'_>,
        held: &TokenStream,
        name: &Ident,
        access: Access,
        is_moved: bool,
    ) -> TokenStream {
        let private = &self.private;
        let mover = is_moved.then(|| quote_mixed_site!(move));
        match guard.kind {
            GuardKind::InFlight => {
                let step = self.change_gauge(guard.target, access);
                quote_mixed_site!(#private::InFlight::new(#held, #mover |#name, __delta| { #step }))
            }
            GuardKind::Cancelled => {
                let count = self.count(guard.target, access);
                quote_mixed_site!(#private::Cancellation::new(#held, #mover |#name| { #count }))
            }
            GuardKind::Timer(timing) => {
                let record =
                    self.record_elapsed(timing, &self.instrument(&timing.histogram, access));
                let record = match timing.histogram.kind.root() {
                    Some(root) => self.with_metrics(root, access, &record),
                    None => record,
                };
                quote_mixed_site! {
                    #private::CallTimer::new(__started, #held, #mover |#name, __elapsed| { #record })
                }
            }
        }
    }

    /// Returns statements that create the guard that changes the gauge of calls in flight. The guard borrows the gauge,
    /// or the metrics that contain the gauge.
    fn gauge_guard(&self, target: &Target, access: Access) -> TokenStream {
        let private = &self.private;
        let gauge = self.instrument(target, access);
        let Some(root) = target.kind.root() else {
            return quote_mixed_site! {
                let __gauge = #gauge;
                let __in_flight_guard = #private::InFlight::new(__gauge, |__gauge, __delta| __delta.apply(__gauge));
            };
        };
        let Lookup { before, metrics } = self.lookup(root, access);
        quote_mixed_site! {
            #before
            let __in_flight_guard = #metrics.map(|__metrics| {
                #private::InFlight::new(__metrics, |__metrics, __delta| __delta.apply(#gauge))
            });
        }
    }

    /// Returns statements that create the guard that counts a cancelled future. The guard borrows the counter, or the
    /// metrics that contain the counter.
    fn cancellation_guard(&self, target: &Target, access: Access) -> TokenStream {
        let private = &self.private;
        let Some(root) = target.kind.root() else {
            let counter = self.instrument(target, access);
            let count = self.inc_of(target, &quote_mixed_site!(__counter));
            return quote_mixed_site! {
                let __counter = #counter;
                let mut __cancelled = #private::Cancellation::new(__counter, |__counter| { #count });
            };
        };
        let Lookup { before, metrics } = self.lookup(root, access);
        let count = self.inc(target, access);
        quote_mixed_site! {
            #before
            let mut __cancelled =
                #private::Cancellation::new(#private::Owned(#metrics), |__metrics| {
                    if let ::core::option::Option::Some(__metrics) = *__metrics { #count }
                });
        }
    }

    /// Returns statements that create the guard that times the call. The guard borrows the histogram, or the metrics
    /// that contain the histogram.
    fn timer_guard(&self, timing: &Timing, access: Access) -> TokenStream {
        let private = &self.private;
        let histogram = self.instrument(&timing.histogram, access);
        let Some(root) = timing.histogram.kind.root() else {
            let record = self.record_elapsed(timing, &quote_mixed_site!(__histogram));
            return quote_mixed_site! {
                let __histogram = #histogram;
                let __timer = #private::CallTimer::new(
                    __started, __histogram, |__histogram, __elapsed| { #record }
                );
            };
        };
        let Lookup { before, metrics } = self.lookup(root, access);
        let record = self.record_elapsed(timing, &histogram);
        quote_mixed_site! {
            #before
            let __timer = #metrics.map(|__metrics| {
                #private::CallTimer::new(__started, __metrics, |__metrics, __elapsed| { #record })
            });
        }
    }

    /// Returns statements that create guards that own the handles of their instruments.
    pub(super) fn owned_guards(&self) -> TokenStream {
        let mut guards = TokenStream::new();
        for guard in self.guarded(true, false) {
            guards.extend(self.owned_guard(&guard));
        }
        guards
    }

    fn owned_guard(&self, guard: &Guard<'_>) -> TokenStream {
        let private = &self.private;
        let (local, target) = (guard.local(), guard.target);
        let access = self.plan.future_access();
        let held = match target.kind.root() {
            Some(root) if self.plan.shares(&root.usage, access) => Some(root_handle()),
            None if self.plan.shares(&target.usage, access) => Some(handle(target)),
            _ if access == Access::SelfAlias && target.usage.names_self => {
                Some(self_alias(Span::mixed_site()))
            }
            _ => None,
        };
        let (held, name) = match held {
            Some(held) => (quote_mixed_site!(::core::clone::Clone::clone(&#held)), held),
            None => (quote_mixed_site!(()), Ident::new("__unused", Span::mixed_site())),
        };
        let held = quote_mixed_site!(#private::Owned(#held));
        let made = self.guard_that_holds(guard, &held, &name, access, true);
        quote_mixed_site!(let #local = #made;)
    }

    /// Returns a statement that changes the gauge by `__delta`.
    fn change_gauge(&self, target: &Target, access: Access) -> TokenStream {
        let gauge = self.instrument(target, access);
        let step = quote_mixed_site!(__delta.apply(#gauge));
        match target.kind.root() {
            Some(root) => self.with_metrics(root, access, &step),
            None => step,
        }
    }
}

/// Returns the expression for the `self` that a guard holds: the receiver or a reborrow of it, or a reborrow of the
/// `self` that the previous guard holds.
fn held_self(receiver: &Receiver, holder: Option<&Ident>) -> TokenStream {
    let token = &receiver.token;
    match (receiver.kind, holder) {
        (ReceiverKind::Pinned, Some(holder)) => {
            quote_mixed_site!(::core::pin::Pin::as_mut(&mut #holder.held))
        }
        (ReceiverKind::Pinned, None) if receiver.is_mut => {
            quote_mixed_site!(::core::pin::Pin::as_mut(&mut #token))
        }
        (ReceiverKind::Pinned, None) => quote_mixed_site!(#token),
        (_, Some(holder)) => quote_mixed_site!(&mut *#holder.held),
        (_, None) => quote_mixed_site!(&mut *#token),
    }
}
