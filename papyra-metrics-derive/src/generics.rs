//! The parameters of a struct, in the three forms in which impls need them.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use crate::ast::parse_attributes;
use crate::diag::Error;
use crate::tokens::{Cursor, is_ident, is_punct, split_commas, stream};

/// All token streams are empty where there are no parameters.
#[derive(Default)]
pub(crate) struct Generics {
    /// Type and const parameters. (A lifetime needs no bound.)
    pub(crate) names: Vec<Ident>,
    /// What the where clause says.
    pub(crate) predicates: Vec<TokenStream>,
    /// The where clause, if it says anything.
    pub(crate) where_clause: Option<TokenStream>,
    /// `<'a, T: 'a = u8>`
    declared: TokenStream,
    /// `<'a, T: 'a>`
    bounded: TokenStream,
    /// `<'a, T>`
    used: TokenStream,
}

impl Generics {
    /// Passes over what stands in angle brackets.
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self, Error> {
        let mut generics = Self::default();
        let angles = cursor.angles().unwrap_or_default();
        let [open, parameters @ .., close] = angles.as_slice() else {
            return match cursor.peek() {
                Some(open) if is_punct(open, '<') => Err(Error::new(open, "this `<` has no `>`")),
                _ => Ok(generics),
            };
        };
        let (mut declared, mut bounded, mut used) = (Vec::new(), Vec::new(), Vec::new());
        let mut lifetimes = 0;
        for parameter in split_commas(parameters) {
            let mut cursor = Cursor::of(parameter);
            let attrs = parse_attributes(&mut cursor);
            let attrs = quote!(#(#attrs)*);
            let is_lifetime = cursor.peek().is_some_and(|token| is_punct(token, '\''));
            let is_const = cursor.peek().is_some_and(|token| is_ident(token, "const"));
            let before = if is_lifetime || is_const { cursor.next() } else { None };
            let Some(name) = cursor.ident() else {
                return Err(cursor.error("the name of a parameter is expected here"));
            };
            let bounds = stream(&cursor.until(|token| is_punct(token, '=')));
            let default = stream(cursor.rest());
            // Lifetimes go first: where they do not, the compiler says so of the struct, and need not say it again.
            let place = if is_lifetime { lifetimes } else { used.len() };
            let parameter = quote!(#attrs #before #name #bounds);
            declared.insert(place, quote!(#parameter #default));
            bounded.insert(place, parameter);
            if is_lifetime {
                lifetimes += 1;
                used.insert(place, quote!(#before #name));
            } else {
                used.insert(place, name.to_token_stream());
                generics.names.push(name);
            }
        }
        if !used.is_empty() {
            generics.declared = quote!(#open #(#declared),* #close);
            generics.bounded = quote!(#open #(#bounded),* #close);
            generics.used = quote!(#open #(#used),* #close);
        }
        Ok(generics)
    }

    /// Passes over the where clause.
    pub(crate) fn parse_where(&mut self, cursor: &mut Cursor) {
        if cursor.peek().is_some_and(|token| is_ident(token, "where")) {
            cursor.next();
            let predicates = cursor.until(ends_header);
            self.predicates = split_commas(&predicates).into_iter().map(stream).collect();
            self.where_clause = self.where_clause_with(&[]);
        }
    }

    /// The where clause with these bounds after its own, if it then says anything.
    pub(crate) fn where_clause_with(&self, bounds: &[TokenStream]) -> Option<TokenStream> {
        let own = &self.predicates;
        (!own.is_empty() || !bounds.is_empty()).then(|| quote!(where #(#own,)* #(#bounds,)*))
    }

    /// Whether there are no parameters.
    pub(crate) fn is_empty(&self) -> bool {
        self.used.is_empty()
    }

    /// What goes after `impl`, after the name of the struct, and before the braces.
    pub(crate) fn split_for_impl(&self) -> (&TokenStream, &TokenStream, Option<&TokenStream>) {
        (&self.bounded, &self.used, self.where_clause.as_ref())
    }
}

/// As declared, without the where clause.
impl ToTokens for Generics {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.declared.to_tokens(tokens);
    }
}

fn ends_header(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    }
}
