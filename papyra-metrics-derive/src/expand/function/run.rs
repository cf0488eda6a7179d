//! The body, run to its end however it ends.

use proc_macro2::{Group, Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::{Reach, Writer, in_place, ours};
use crate::body::{braced, unbraced};
use crate::function::{ArgumentKind, ReceiverKind};

impl Writer<'_> {
    /// The expression that runs the body to its end, however it ends.
    pub(super) fn run(&self, block: &Group, is_async: bool) -> TokenStream {
        self.run_to(block, is_async, self.output)
    }

    /// The same, where what comes out is of that type.
    pub(super) fn run_to(
        &self,
        block: &Group,
        is_async: bool,
        output: Option<&TokenStream>,
    ) -> TokenStream {
        if !self.facts.exits {
            return in_place(block);
        }
        let private = &self.private;
        // Where the user's braces stand, for lints look into no closure or block of a macro's.
        let at = block.span();
        let leaves_self = self.leaves_self();
        let mover = (!leaves_self).then(|| quote_spanned!(at=> move));
        if is_async && self.facts.awaits {
            let takes = if leaves_self { self.captured() } else { self.dropped() };
            let body = after(&self.edge(output, &takes), block);
            let body = quote_spanned!(at=> async #mover #body);
            return ours!(#body.await);
        }
        let mentions = if leaves_self { Vec::new() } else { self.dropped() };
        let mentions = mentions.iter().map(|(attrs, name)| ours!(#attrs let _ = &#name;));
        let body = after(&mentions.collect(), block);
        let output = output.map(|output| ours!(-> #output));
        let body = quote_spanned!(at=> #mover || #output #body);
        ours!(#private::call(#body))
    }

    /// Whether the closure or block of the body only borrows what it names, for the sake of `self`.
    fn leaves_self(&self) -> bool {
        if !self.facts.names_self || !self.touches_self() || !self.judges() {
            return false;
        }
        match self.reach {
            Reach::Itself => self.kind() == Some(ReceiverKind::Exclusive) && !self.renames,
            Reach::Handle => self.kind() != Some(ReceiverKind::Shared) && !self.takes_self(),
            Reach::Found | Reach::This | Reach::Future => false,
        }
    }

    /// Whether the body takes the whole of `self`, and metrics that belong to it alone go with it.
    pub(super) fn takes_self(&self) -> bool {
        self.facts.names_self && self.facts.whole_self
    }

    /// The names that go into the closure or block, last to first: so they are dropped as arguments are. With each,
    /// the attributes of the statement that names it.
    fn captured(&self) -> Vec<(TokenStream, Ident)> {
        let mut names = Vec::new();
        for argument in self.model.function.arguments.iter().rev() {
            for name in argument.names.iter().rev() {
                let word = name.to_string();
                let cfg = &argument.cfg;
                if word.starts_with('_') {
                    // Nobody reads it, but it is dropped in its turn.
                    let allow = ours!(#cfg #[allow(clippy::used_underscore_binding)]);
                    names.push((allow, name.clone()));
                } else if self.facts.words.contains(&word) {
                    names.push((cfg.clone(), name.clone()));
                }
            }
        }
        let owned = matches!(self.kind(), Some(ReceiverKind::Value | ReceiverKind::Counted));
        if let (Some(receiver), true) = (self.receiver(), owned && self.facts.names_self) {
            if !self.leaves_self() {
                names.push((TokenStream::new(), receiver.token.clone()));
            }
        }
        names
    }

    /// The same, but for references, of which nothing is dropped. One alone is dropped in its turn, unless the body
    /// names but a part of it, which would be all that goes in.
    fn dropped(&self) -> Vec<(TokenStream, Ident)> {
        let arguments = &self.model.function.arguments;
        let is_lent = |name: &Ident| {
            arguments.iter().any(|argument| {
                argument.kind != ArgumentKind::Value && argument.names.contains(name)
            })
        };
        let mut names = self.captured();
        names.retain(|(_, name)| !is_lent(name));
        match names.as_slice() {
            [(_, name)] if !self.facts.parted.contains(&name.to_string()) => Vec::new(),
            _ => names,
        }
    }

    /// A way out of an `async` block that is never taken: it tells the block's type, and takes arguments in.
    fn edge(&self, output: Option<&TokenStream>, takes: &[(TokenStream, Ident)]) -> TokenStream {
        let private = &self.private;
        let takes = takes.iter().map(|(attrs, name)| ours!(#attrs #private::take(#name);));
        let ty = output.map(|output| ours!(::<#output>));
        ours! {
            if let ::core::option::Option::Some(__result) = ::core::option::Option::None #ty {
                #(#takes)*
                return __result;
            }
        }
    }
}

/// The block, with statements of ours before the user's.
fn after(ours: &TokenStream, block: &Group) -> Group {
    if ours.is_empty() {
        return block.clone();
    }
    let statements = unbraced(block);
    braced(quote!(#ours #statements), block.span())
}
