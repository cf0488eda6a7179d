//! The statements that count, and how they find their counters.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use super::handles::handle;
use super::{Reach, THIS, Writer, located, ours};
use crate::body::{other_self, rename_self};
use crate::expand::krate_at;
use crate::model::{Measured, Place, PlaceOf};

impl Writer<'_> {
    pub(super) fn calls(&self, reach: Reach) -> TokenStream {
        self.model.calls.as_ref().map(|place| self.count(place, reach)).unwrap_or_default()
    }

    pub(super) fn see(&self, reach: Reach) -> TokenStream {
        let counted = self.counted(reach);
        if counted.is_empty() {
            return counted;
        }
        let private = &self.private;
        let Some(output) = self.output else {
            return ours!(let __outcome = #private::Outcome::verdict(&__result); #counted);
        };
        let span = located(output);
        let krate = krate_at(&self.model.krate, span);
        let outcome = quote_spanned!(span=> <#output as #krate::__private::Outcome>);
        ours!(let __outcome = #outcome::verdict(&__result); #counted)
    }

    /// Statements that count what `__outcome` is.
    pub(super) fn counted(&self, reach: Reach) -> TokenStream {
        let Measured { errors, ok, .. } = self.model;
        let (failed, succeeded) = (ours!(__outcome.failed), ours!(__outcome.succeeded));
        match (errors, ok) {
            (Some(errors), Some(ok)) if errors.is_relative() && ok.is_relative() => {
                let (error, ok) = (self.count_found(errors), self.count_found(ok));
                let counted = ours!(if #failed { #error } if #succeeded { #ok });
                self.with_metrics(errors, reach, &counted)
            }
            _ => {
                let outcomes = [(failed, errors), (succeeded, ok)];
                let counted = outcomes.into_iter().filter_map(|(came, place)| {
                    let count = self.count(place.as_ref()?, reach);
                    Some(ours!(if #came { #count }))
                });
                counted.collect()
            }
        }
    }

    /// A statement that counts one.
    pub(super) fn count(&self, place: &Place, reach: Reach) -> TokenStream {
        if let PlaceOf::Expression(expression) = &place.of {
            let counter = self.counter(place, expression, reach);
            let span = located(expression);
            let krate = krate_at(&self.model.krate, span);
            return quote_spanned!(span=> #krate::Inc::inc(#counter););
        }
        self.with_metrics(place, reach, &self.count_found(place))
    }

    /// The same, in `__metrics`.
    fn count_found(&self, place: &Place) -> TokenStream {
        let PlaceOf::Field(name) = &place.of else {
            let span = Span::mixed_site().located_at(place.key.span());
            let krate = krate_at(&self.model.krate, span);
            return quote_spanned!(span=> #krate::__private::ErrorCounter::count_error(__metrics););
        };
        let span = Span::mixed_site().located_at(name.span());
        let (krate, field) = (krate_at(&self.model.krate, span), field(place));
        quote_spanned!(span=> #krate::Inc::inc(#field);)
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

    /// Statements that have `__metrics`, where `self.metrics` is something.
    pub(super) fn with_metrics(
        &self,
        place: &Place,
        reach: Reach,
        statements: &TokenStream,
    ) -> TokenStream {
        let (found, metrics) = match reach {
            Reach::Handle | Reach::Future => (None, ours!(&__metrics)),
            Reach::Found => (None, ours!(__metrics)),
            Reach::Itself | Reach::This => {
                let present = self.present(place, reach);
                (Some(ours!(let __metrics = #present;)), ours!(__metrics))
            }
        };
        ours!(#found if let ::core::option::Option::Some(__metrics) = #metrics { #statements })
    }

    /// What is in `self.metrics`, as an `Option` of a reference.
    pub(super) fn present(&self, place: &Place, reach: Reach) -> TokenStream {
        let private = &self.private;
        let Some(receiver) = self.receiver() else { return TokenStream::new() };
        let owner = match reach {
            Reach::Handle | Reach::Future => {
                return ours!(::core::option::Option::as_ref(&__metrics));
            }
            Reach::Found => return ours!(__metrics),
            Reach::Itself => receiver.token.clone(),
            Reach::This => other_self(THIS, Span::mixed_site()),
        };
        let metrics = self.metrics_of(&owner, place);
        ours!(#private::at(&#metrics).__present())
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
