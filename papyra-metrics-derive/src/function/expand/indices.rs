//! Generates variables for the indices of instruments, such as `request.op` in `requests[request.op]`, if the body may move the
//! value that an index is read from. The variables are read before the body.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use super::BodyExpander;
use super::names::quote_mixed_site;
use crate::function::body::usage::BodyUsage;
use crate::function::model::{Target, TargetKind};
use crate::template::quote;

impl BodyExpander<'_> {
    /// Returns the statements that read the indices.
    pub(super) fn read_indices(&self) -> TokenStream {
        let mut statements = TokenStream::new();
        for target in self.plan.model.targets.all() {
            if let TargetKind::InMetrics(_, place) = &target.kind {
                self.replace_indices(place, target, &mut 0, &mut statements);
            }
        }
        statements
    }

    /// Returns the place of the instrument in the metrics, with the variables instead of the indices that they hold.
    pub(super) fn with_read_indices(&self, place: &TokenStream, target: &Target) -> TokenStream {
        self.replace_indices(place, target, &mut 0, &mut TokenStream::new())
    }

    /// Adds a statement for each index that has to be read early, and returns the place with the variables instead of these indices.
    fn replace_indices(
        &self,
        place: &TokenStream,
        target: &Target,
        count: &mut usize,
        statements: &mut TokenStream,
    ) -> TokenStream {
        let mut replaced = TokenStream::new();
        for token in place.clone() {
            let TokenTree::Group(group) = &token else {
                replaced.extend([token]);
                continue;
            };
            let content = match group.delimiter() {
                Delimiter::None => self.replace_indices(&group.stream(), target, count, statements),
                Delimiter::Bracket if self.plan.may_move(&BodyUsage::of(&group.stream())) => {
                    let name = format!("__{}_index_{count}", target.key);
                    *count += 1;
                    let (name, index) = (Ident::new(&name, Span::mixed_site()), group.stream());
                    statements.extend(quote_mixed_site!(let #name = #index;));
                    quote!(#name)
                }
                _ => group.stream(),
            };
            let mut new = Group::new(group.delimiter(), content);
            new.set_span(group.span());
            replaced.extend([TokenTree::Group(new)]);
        }
        replaced
    }
}
