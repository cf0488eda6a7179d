//! Generates the body of `Metrics::walk`, which passes each instrument of a struct to a walker.

use proc_macro2::TokenStream;

use super::bounds::instrument_trait;
use crate::derive::generated::span_of;
use crate::derive::model::{Computed, ComputedKind, InstrumentStruct, Role, Source};
use crate::template::{quote, quote_spanned};

/// Returns statements that pass the instruments to `__walker` in declaration order. Adjacent fields of the same type
/// are passed in one call.
pub(super) fn expand_walk(model: &InstrumentStruct<'_>) -> TokenStream {
    let mut walk = TokenStream::new();
    let mut run: Option<SameTypeRun> = None;
    for field in &model.fields {
        let (ident, ty) = (field.name.in_impl(), &field.ty);
        let span = span_of(ty);
        let shown = match &field.role {
            Role::Skip { .. } => continue,
            Role::Metric(metric) => match &metric.source {
                Source::Computed(Computed { kind, value }) => {
                    let span = span_of(value);
                    let show = match kind {
                        ComputedKind::Counter => quote_spanned!(span=> __rt::show_counter),
                        ComputedKind::Gauge => quote_spanned!(span=> __rt::show_gauge),
                    };
                    quote_spanned!(span=> #show(&self.#ident, #value, __walker);)
                }
                Source::Field(_) => {
                    let cell = quote_spanned!(span=> &self.#ident,);
                    let text = ty.to_string();
                    match &mut run {
                        Some(run) if run.text == text && is_one_type(&text) => {
                            run.cells.extend(cell);
                        }
                        _ => {
                            walk.extend(run.take().map(SameTypeRun::expand));
                            let instrument = instrument_trait(field, metric);
                            let show = quote_spanned!(span=> <#ty as #instrument>::__walk_batch);
                            run = Some(SameTypeRun { text, show, cells: cell });
                        }
                    }
                    continue;
                }
            },
            Role::Flatten { .. } => quote_spanned! {span=>
                <#ty as __rt::DescriptorTable>::walk_flattened(&self.#ident, __walker);
            },
        };
        walk.extend(run.take().map(SameTypeRun::expand));
        walk.extend(shown);
    }
    walk.extend(run.map(SameTypeRun::expand));
    walk
}

/// Adjacent fields of the same type, which are passed to the walker in one call.
struct SameTypeRun {
    /// The tokens of the type as text.
    text: String,
    /// The function that passes the fields to the walker.
    show: TokenStream,
    /// References to the fields, separated by commas.
    cells: TokenStream,
}

impl SameTypeRun {
    fn expand(self) -> TokenStream {
        let Self { show, cells, .. } = self;
        quote!(#show(&[#cells], __walker);)
    }
}

/// Returns whether two types that are both written as `text` are always the same type. They may differ if `text`
/// contains `$crate`, which refers to the crate that defines the macro.
fn is_one_type(text: &str) -> bool {
    !text.contains('$')
}
