//! The walk over the instruments of a struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::bounds::{instrument_trait, instrument_type, span_of};
use crate::derive::model::{Computed, ComputedKind, Metric, Model, Role, Source};
use crate::krate::runtime_at;

/// Shows the instruments in declaration order, neighbours of one type in one call.
pub(super) fn expand_walk(model: &Model<'_>) -> TokenStream {
    let mut walk = TokenStream::new();
    let mut runs: Vec<SameTypeRun> = Vec::new();
    for field in &model.fields {
        let ident = field.ident_in_impl();
        let ty = instrument_type(model, field);
        let span = span_of(&ty);
        let krate = runtime_at(&model.krate, span);
        match &field.role {
            Role::Skip => {}
            Role::Metric(Metric { source: Source::Computed(computed), .. }) => {
                expand_runs(&mut runs, &mut walk);
                let Computed { kind, value } = computed;
                let span = span_of(value);
                let krate = runtime_at(&model.krate, span);
                let show = match kind {
                    ComputedKind::Counter => quote_spanned!(span=> show_counter),
                    ComputedKind::Gauge => quote_spanned!(span=> show_gauge),
                };
                walk.extend(quote_spanned!(span=> #krate::#show(&self.#ident, #value, __walker);));
            }
            Role::Metric(metric) => {
                let cell = quote_spanned!(span=> &self.#ident);
                let text = ty.to_string();
                match runs.last_mut() {
                    Some(run) if run.text == text && is_one_type(&text) => run.cells.push(cell),
                    _ => {
                        let instrument = instrument_trait(&model.krate, field, metric, span);
                        let show = quote_spanned!(span=> <#ty as #instrument>::__walk_batch);
                        runs.push(SameTypeRun { text, show, cells: vec![cell] });
                    }
                }
            }
            Role::Flatten { .. } => {
                expand_runs(&mut runs, &mut walk);
                walk.extend(quote_spanned! {span=>
                    <#ty as #krate::DescriptorTable>::walk_flattened(&self.#ident, __walker);
                });
            }
        }
    }
    expand_runs(&mut runs, &mut walk);
    walk
}

/// Neighbouring fields of one type.
struct SameTypeRun {
    /// The spelling of the type.
    text: String,
    /// The function that shows them.
    show: TokenStream,
    cells: Vec<TokenStream>,
}

/// Whether this spelling is the same type everywhere. `$crate` differs between macros.
fn is_one_type(text: &str) -> bool {
    !text.contains('$')
}

fn expand_runs(runs: &mut Vec<SameTypeRun>, walk: &mut TokenStream) {
    for SameTypeRun { show, cells, .. } in runs.drain(..) {
        walk.extend(quote!(#show(&[#(#cells,)*], __walker);));
    }
}
