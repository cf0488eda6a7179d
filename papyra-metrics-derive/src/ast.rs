//! What the user wrote, as it stands: no opinions. Types of fields stay raw tokens, for nothing in them has to be
//! understood, and `syn` without its feature `full` cannot parse them all.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Generics, Token, Visibility, braced, token};

/// What a derive was put on.
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// `struct`, `enum` or `union`.
    pub(crate) keyword: Ident,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) body: Body,
}

/// The fields, where they have names.
pub(crate) enum Body {
    Named(Vec<Field>),
    /// A tuple struct, a unit struct, an enum or a union.
    Other,
}

/// A named field.
pub(crate) struct Field {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) ty: TokenStream,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let keyword = parse_keyword(input)?;
        let ident = input.parse()?;
        let mut generics: Generics = input.parse()?;
        generics.where_clause = input.parse()?;
        let body = if keyword == "struct" && input.peek(token::Brace) {
            let content;
            braced!(content in input);
            Body::Named(parse_fields(&content)?)
        } else {
            input.parse::<TokenStream>()?;
            Body::Other
        };
        Ok(Self { attrs, vis, keyword, ident, generics, body })
    }
}

fn parse_keyword(input: ParseStream<'_>) -> syn::Result<Ident> {
    use syn::ext::IdentExt;
    input.call(Ident::parse_any)
}

fn parse_fields(input: ParseStream<'_>) -> syn::Result<Vec<Field>> {
    let mut fields = Vec::new();
    while !input.is_empty() {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty = parse_type(input)?;
        fields.push(Field { attrs, vis, ident, ty });
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(fields)
}

/// The tokens up to the comma that ends the field: the first that stands in no angle brackets.
fn parse_type(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut ty = TokenStream::new();
    let mut depth = 0_usize;
    let mut arrow = false;
    while !input.is_empty() && (depth > 0 || !input.peek(Token![,])) {
        let token: TokenTree = input.parse()?;
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                '<' => depth += 1,
                '>' if !arrow => depth = depth.saturating_sub(1),
                _ => {}
            }
            arrow = punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
        }
        token.to_tokens(&mut ty);
    }
    if ty.is_empty() { Err(input.error("a type is expected here")) } else { Ok(ty) }
}

/// The tokens of a type without the invisible groups that `macro_rules!` puts around its fragments.
pub(crate) fn flat(ty: &TokenStream) -> Vec<TokenTree> {
    ty.clone()
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                flat(&group.stream())
            }
            other => vec![other],
        })
        .collect()
}
