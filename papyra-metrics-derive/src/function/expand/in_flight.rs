//! The gauge of what is in flight: up when a call begins, down when it ends in any way.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::names::{handle, located, located_at_end, quote_mixed_site, root_handle, self_alias};
use super::record::Lookup;
use super::{BodyExpander, InFlightBindings};
use crate::function::input::{Receiver, ReceiverKind};
use crate::function::model::{Target, TargetKind};
use crate::function::plan::{Access, BodySelf};

impl BodyExpander<'_> {
    /// Moves the gauge up, and gives the body what the guard holds.
    pub(super) fn in_flight_bindings(&self) -> InFlightBindings {
        let guard = self.guard(self.plan.access);
        let mut bindings = InFlightBindings { guard, ..InFlightBindings::default() };
        if let Some(receiver) = self.plan.receiver() {
            self.bind_self(receiver, &mut bindings);
        }
        if !self.plan.usage.names_self {
            bindings.bind = TokenStream::new();
        }
        for name in &self.plan.lent_arguments {
            let is_held = self.plan.held_argument == Some(name);
            if self.plan.usage.names(name) {
                let place =
                    if is_held { quote_mixed_site!(__in_flight.held) } else { quote!(#name) };
                bindings.lend.extend(quote_mixed_site!(let #name = &mut *#place;));
            }
            if is_held {
                bindings.after.extend(quote_mixed_site!(let #name = &*__in_flight.held;));
            }
        }
        bindings
    }

    /// Binds the alias of `self` for the body and for what comes after it.
    fn bind_self(&self, receiver: &Receiver, bindings: &mut InFlightBindings) {
        let this = self_alias(Span::mixed_site());
        let token = &receiver.token;
        let mutable = receiver.is_mut.then(|| quote_mixed_site!(mut));
        let is_pinned = receiver.kind == ReceiverKind::Pinned;
        if self.guard_holds_self() {
            let lent = if is_pinned {
                quote_mixed_site!(::core::pin::Pin::as_mut(&mut __in_flight.held))
            } else {
                self.reborrow_through_guard()
            };
            bindings.bind = quote_mixed_site!(let #mutable #this = #lent;);
            bindings.after = quote_mixed_site!(let #this = &*__in_flight.held;);
        } else if self.plan.body_self == BodySelf::Alias {
            let reborrow = match (is_pinned, receiver.is_mut) {
                (false, _) => quote_mixed_site!(&mut *#token),
                (true, true) => quote_mixed_site!(::core::pin::Pin::as_mut(&mut #token)),
                (true, false) => {
                    bindings.guard = quote_mixed_site!(let mut __pin = #token;);
                    bindings.after = quote_mixed_site!(let #this = &*__pin;);
                    quote_mixed_site!(::core::pin::Pin::as_mut(&mut __pin))
                }
            };
            bindings.bind = quote_mixed_site!(let #mutable #this = #reborrow;);
        }
    }

    /// Whether the guard holds `self`, which the body then has through it.
    fn guard_holds_self(&self) -> bool {
        self.plan.guard_holds_self && self.plan.access == Access::Direct
    }

    /// The reborrow spans the return type, because a borrow that outlives it has to show there.
    fn reborrow_through_guard(&self) -> TokenStream {
        let Some(output) = &self.plan.model.function.output else {
            return quote_mixed_site!(&mut *__in_flight.held);
        };
        let borrow = quote_spanned!(located(output)=> &mut *__in_flight);
        let place = quote_spanned!(located_at_end(output)=> .held);
        quote!(#borrow #place)
    }

    /// Moves the gauge up, and down at the end of the scope.
    pub(super) fn guard(&self, access: Access) -> TokenStream {
        let private = &self.private;
        let Some(target) = &self.plan.model.targets.in_flight else { return TokenStream::new() };
        if let (Some(receiver), Access::Direct, true) =
            (self.plan.receiver(), access, self.guard_holds_self())
        {
            let token = &receiver.token;
            let this = self_alias(Span::mixed_site());
            let held = match receiver.kind {
                ReceiverKind::Pinned if receiver.is_mut => {
                    quote_mixed_site!(::core::pin::Pin::as_mut(&mut #token))
                }
                ReceiverKind::Pinned => quote_mixed_site!(#token),
                _ => quote_mixed_site!(&mut *#token),
            };
            let step = self.move_gauge(target, Access::SelfAlias);
            return quote_mixed_site! {
                let mut __in_flight = #private::InFlight::new(#held, |#this, __delta| { #step });
            };
        }
        if let (Some(name), true) = (self.plan.held_argument, access != Access::FutureHandle) {
            let step = self.move_gauge(target, access);
            return quote_mixed_site! {
                let mut __in_flight = #private::InFlight::new(&mut *#name, |#name, __delta| { #step });
            };
        }
        let gauge = self.instrument(target, access);
        match target.kind.root() {
            None => quote_mixed_site! {
                let __gauge = #gauge;
                let _in_flight = #private::InFlight::new(__gauge, |__gauge, __delta| __delta.apply(__gauge));
            },
            Some(root) => {
                let Lookup { before, metrics } = self.lookup(root, access);
                quote_mixed_site! {
                    #before
                    let _in_flight = #metrics.map(|__metrics| {
                        #private::InFlight::new(__metrics, |__metrics, __delta| __delta.apply(#gauge))
                    });
                }
            }
        }
    }

    /// A guard that owns what it counts through.
    pub(super) fn owned_guard(&self) -> TokenStream {
        let private = &self.private;
        let Some(target) = &self.plan.model.targets.in_flight else { return TokenStream::new() };
        let access = self.plan.future_access();
        let step = self.move_gauge(target, access);
        let held = match target.kind.root() {
            Some(root) if self.plan.shares(&root.usage, access) => Some(root_handle()),
            None if self.plan.shares(&target.usage, access) => Some(handle(target)),
            _ if access == Access::SelfAlias && target.usage.names_self => {
                Some(self_alias(Span::mixed_site()))
            }
            _ => None,
        };
        let Some(held) = held else {
            return quote_mixed_site! {
                let __in_flight =
                    #private::InFlight::new(#private::Owned(()), |_, __delta| { #step });
            };
        };
        quote_mixed_site! {
            let __in_flight = #private::InFlight::new(
                #private::Owned(::core::clone::Clone::clone(&#held)),
                |#held, __delta| { #step },
            );
        }
    }

    /// A statement that moves the gauge by `__delta`.
    fn move_gauge(&self, target: &Target, access: Access) -> TokenStream {
        let gauge = self.instrument(target, access);
        let step = quote_mixed_site!(__delta.apply(#gauge));
        match &target.kind {
            TargetKind::Expression(_) => step,
            TargetKind::ErrorCounter(root) | TargetKind::InMetrics(root, _) => {
                self.with_metrics(root, access, &step)
            }
        }
    }
}
