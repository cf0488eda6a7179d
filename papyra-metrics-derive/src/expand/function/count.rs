//! The statements that count, and how they find their counters.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use super::handles::handle;
use super::{Reach, THIS, Writer, first_span, located, ours};
use crate::body::{other_self, rename_self};
use crate::expand::krate_at;
use crate::model::{Measured, Place, PlaceOf};

impl Writer<'_> {
    pub(super) fn calls(&self, reach: Reach) -> TokenStream {
        self.model.calls.as_ref().map(|place| self.count(place, reach)).unwrap_or_default()
    }

    pub(super) fn see(&self, reach: Reach) -> TokenStream {
        let private = &self.private;
        let judge = |word: &str| {
            let Some(output) = self.output else {
                let word = Ident::new(word, Span::mixed_site());
                return ours!(#private::Outcome::#word(&__result));
            };
            let span = Span::mixed_site().located_at(first_span(output));
            let word = Ident::new(word, span);
            let krate = krate_at(&self.model.krate, span);
            quote_spanned!(span=> <#output as #krate::__private::Outcome>::#word(&__result))
        };
        self.verdict(reach, &judge("failed"), &judge("succeeded"))
    }

    pub(super) fn verdict(
        &self,
        reach: Reach,
        failed: &TokenStream,
        succeeded: &TokenStream,
    ) -> TokenStream {
        let Measured { errors, ok, .. } = self.model;
        let outcomes = [(failed, errors), (succeeded, ok)];
        let counted = outcomes.into_iter().filter_map(|(came, place)| {
            let count = self.count(place.as_ref()?, reach);
            Some(ours!(if #came { #count }))
        });
        counted.collect()
    }

    /// A statement that counts one.
    pub(super) fn count(&self, place: &Place, reach: Reach) -> TokenStream {
        match &place.of {
            PlaceOf::Expression(expression) => {
                let counter = self.counter(place, expression, reach);
                let span = located(expression);
                let krate = krate_at(&self.model.krate, span);
                quote_spanned!(span=> #krate::Count::count(#counter);)
            }
            PlaceOf::Field(name) => {
                let (present, field) = (self.present(place, reach), field(place));
                let span = Span::mixed_site().located_at(name.span());
                let krate = krate_at(&self.model.krate, span);
                let count = quote_spanned!(span=> #krate::Count::count(#field););
                ours!(if let ::core::option::Option::Some(__metrics) = #present { #count })
            }
            PlaceOf::Marked => {
                let present = self.present(place, reach);
                let span = Span::mixed_site().located_at(place.key.span());
                let krate = krate_at(&self.model.krate, span);
                let count = quote_spanned! {span=>
                    #krate::__private::ErrorCounter::count_error(__metrics);
                };
                ours!(if let ::core::option::Option::Some(__metrics) = #present { #count })
            }
        }
    }

    /// A reference to what the expression names.
    pub(super) fn counter(
        &self,
        place: &Place,
        expression: &TokenStream,
        reach: Reach,
    ) -> TokenStream {
        if self.is_handled(place, reach) {
            let handle = handle(place);
            return ours!(&#handle);
        }
        let expression = as_seen(expression, reach);
        quote_spanned!(located(&expression)=> &#expression)
    }

    /// What is in `self.metrics`, as an `Option` of a reference.
    pub(super) fn present(&self, place: &Place, reach: Reach) -> TokenStream {
        let private = &self.private;
        let Some(receiver) = self.receiver() else { return TokenStream::new() };
        let owner = match reach {
            Reach::Handle | Reach::Future => {
                return ours!(::core::option::Option::as_ref(&__metrics));
            }
            Reach::Itself => receiver.token.clone(),
            Reach::This => other_self(THIS, Span::mixed_site()),
        };
        let metrics = self.metrics_of(&owner, place);
        ours!(#private::Reach::of(&#metrics).__present())
    }

    /// `self.metrics`, where the first key stands: what is wrong with it is told once.
    pub(super) fn metrics_of(&self, owner: &Ident, place: &Place) -> TokenStream {
        let place = self.places().find(|place| place.is_relative()).unwrap_or(place);
        let key = match &place.of {
            PlaceOf::Field(name) => name.span(),
            _ => place.key.span(),
        };
        let mut owner = owner.clone();
        owner.set_span(owner.span().located_at(key));
        let metrics = Ident::new("metrics", Span::call_site().located_at(key));
        quote_spanned!(Span::mixed_site().located_at(key)=> #owner.#metrics)
    }
}

/// A reference to the field of `__metrics`.
pub(super) fn field(place: &Place) -> TokenStream {
    let PlaceOf::Field(name) = &place.of else { return TokenStream::new() };
    let span = Span::mixed_site().located_at(name.span());
    quote_spanned!(span=> &__metrics.#name)
}

/// The expression, with the name that `self` has there.
pub(super) fn as_seen(expression: &TokenStream, reach: Reach) -> TokenStream {
    if reach != Reach::This {
        return expression.clone();
    }
    rename_self(expression.clone(), &|at: &Ident| other_self(THIS, at.span()))
}
