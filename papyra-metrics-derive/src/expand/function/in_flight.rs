//! The gauge of what is in flight: up when a call begins, down when it ends in any way.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::count::field;
use super::handles::handle;
use super::{Hold, Reach, THIS, Writer, located, located_at_end, ours, touches_self};
use crate::body::{Facts, other_self};
use crate::function::{ArgumentKind, ReceiverKind};
use crate::model::{Place, PlaceOf};

impl<'a> Writer<'a> {
    /// The gauge goes up here, and the body gets what it holds.
    pub(super) fn hold(&self) -> Hold {
        let mut hold = Hold { guard: self.guard(self.reach), ..Hold::default() };
        let this = other_self(THIS, Span::mixed_site());
        if let (Some(receiver), true) = (self.receiver(), self.touches_self()) {
            let token = &receiver.token;
            let mutable = receiver.mutable.then(|| ours!(mut));
            let holds = self.reach == Reach::Itself && self.holds_self();
            match (receiver.kind, self.reach) {
                (ReceiverKind::Exclusive, Reach::Itself) if holds => {
                    let lent = self.lent();
                    hold.bind = ours!(let #mutable #this = #lent;);
                    hold.after = ours!(let #this = &*__in_flight.place;);
                }
                (ReceiverKind::Exclusive, Reach::Itself) if self.renames => {
                    hold.bind = ours!(let #mutable #this = &mut *#token;);
                }
                (ReceiverKind::Pinned, Reach::Itself) if holds => {
                    hold.bind = ours!(let #mutable #this = ::core::pin::Pin::as_mut(&mut __in_flight.place););
                    hold.after = ours!(let #this = &*__in_flight.place;);
                }
                (ReceiverKind::Pinned, Reach::Itself) if self.renames && receiver.mutable => {
                    hold.bind = ours!(let #mutable #this = ::core::pin::Pin::as_mut(&mut #token););
                }
                (ReceiverKind::Pinned, Reach::Itself) if self.renames => {
                    hold.guard = ours!(let mut __pin = #token;);
                    hold.bind = ours!(let #this = ::core::pin::Pin::as_mut(&mut __pin););
                    hold.after = ours!(let #this = &*__pin;);
                }
                _ => {}
            }
            if !self.facts.names_self {
                hold.bind = TokenStream::new();
            }
        }
        let holder = self.held_argument();
        for name in self.lent_arguments() {
            let is_held = holder == Some(name);
            if self.facts.words.contains(&name.to_string()) {
                let place = if is_held { ours!(__in_flight.place) } else { quote!(#name) };
                hold.lend.extend(ours!(let #name = &mut *#place;));
            }
            if is_held {
                hold.after.extend(ours!(let #name = &*__in_flight.place;));
            }
        }
        hold
    }

    /// What is held, lent to the body: from the first word of the return type to its last, for that is what has to show
    /// a borrow.
    fn lent(&self) -> TokenStream {
        let Some(output) = &self.model.function.output else {
            return ours!(&mut *__in_flight.place);
        };
        let borrow = quote_spanned!(located(output)=> &mut *__in_flight);
        let place = quote_spanned!(located_at_end(output)=> .place);
        quote!(#borrow #place)
    }

    /// The gauge goes up here, and down at the end of the scope.
    pub(super) fn guard(&self, reach: Reach) -> TokenStream {
        let private = &self.private;
        let Some(place) = &self.model.in_flight else { return TokenStream::new() };
        if let (Some(receiver), Reach::Itself, true) = (self.receiver(), reach, self.holds_self()) {
            let token = &receiver.token;
            let this = other_self(THIS, Span::mixed_site());
            let held = match receiver.kind {
                ReceiverKind::Exclusive => ours!(&mut *#token),
                _ if receiver.mutable => ours!(::core::pin::Pin::as_mut(&mut #token)),
                _ => ours!(#token),
            };
            let step = self.step(place, Reach::This);
            return ours!(let mut __in_flight = #private::InFlight::new(#held, |#this, __step| { #step }););
        }
        if let (Some(name), Reach::Itself | Reach::Found | Reach::Handle | Reach::This) =
            (self.held_argument(), reach)
        {
            let step = self.step(place, reach);
            return ours!(let mut __in_flight = #private::InFlight::new(&mut *#name, |#name, __step| { #step }););
        }
        if let PlaceOf::Expression(expression) = &place.of {
            let gauge = self.counter(place, expression, reach);
            return ours!(let __gauge = #gauge; let _in_flight = #private::InFlight::new(__gauge, |__gauge, __step| __step.make(__gauge)););
        }
        let (present, gauge) = (self.present(place, reach), field(place));
        ours! {
            let _in_flight = #present.map(|__metrics| {
                #private::InFlight::new(__metrics, |__metrics, __step| __step.make(#gauge))
            });
        }
    }

    /// The same, holding what it counts through for itself.
    pub(super) fn owned_guard(&self) -> TokenStream {
        let private = &self.private;
        let Some(place) = &self.model.in_flight else { return TokenStream::new() };
        let reach = self.future_reach();
        let step = self.step(place, reach);
        let held = match &place.of {
            PlaceOf::Expression(_) if self.is_handled(place, reach) => handle(place),
            PlaceOf::Expression(_) if !touches_self(place) => {
                return ours!(let __in_flight = #private::InFlight::new(#private::Owned(()), |_, __step| { #step }););
            }
            _ if reach == Reach::This => other_self(THIS, Span::mixed_site()),
            _ => Ident::new("__metrics", Span::mixed_site()),
        };
        ours! {
            let __in_flight = #private::InFlight::new(
                #private::Owned(::core::clone::Clone::clone(&#held)),
                |#held, __step| { #step },
            );
        }
    }

    /// A statement that moves the gauge by `__step`.
    pub(super) fn step(&self, place: &Place, reach: Reach) -> TokenStream {
        if let PlaceOf::Expression(expression) = &place.of {
            let gauge = self.counter(place, expression, reach);
            return ours!(__step.make(#gauge));
        }
        let gauge = field(place);
        self.with_metrics(place, reach, &ours!(__step.make(#gauge)))
    }

    /// Arguments of type `&mut` through which something is counted once the body is done with them.
    pub(super) fn lent_arguments(&self) -> Vec<&'a Ident> {
        let words = self.places().filter_map(|place| match &place.of {
            PlaceOf::Expression(expression) => Some(Facts::of(expression).words),
            _ => None,
        });
        let words: Vec<_> = words.collect();
        let exclusive = self
            .model
            .function
            .arguments
            .iter()
            .filter(|argument| argument.kind == ArgumentKind::Exclusive);
        exclusive
            .flat_map(|argument| &argument.names)
            .filter(|name| words.iter().any(|words| words.contains(&name.to_string())))
            .collect()
    }

    /// The `&mut` argument that what is in flight is counted through.
    pub(super) fn held_argument(&self) -> Option<&'a Ident> {
        let PlaceOf::Expression(expression) = &self.model.in_flight.as_ref()?.of else {
            return None;
        };
        let words = Facts::of(expression).words;
        self.lent_arguments().into_iter().find(|name| words.contains(&name.to_string()))
    }
}
