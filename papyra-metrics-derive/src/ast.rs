//! What the user wrote, as it stands: no opinions. The compiler has parsed it before, so it is taken apart only as far
//! as its parts are needed; the others stay raw tokens.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;

use crate::diag::Error;
use crate::generics::Generics;
use crate::tokens::{Cursor, is_ident, is_punct, split_commas, stream, unraw};

/// What a derive was put on.
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    /// Nothing, if it is private.
    pub(crate) vis: TokenStream,
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
    pub(crate) vis: TokenStream,
    pub(crate) ident: Ident,
    pub(crate) ty: TokenStream,
}

/// `#[path]`, `#[path(…)]` or `#[path = …]`.
pub(crate) struct Attribute {
    /// Its words, joined by `::`.
    pub(crate) path: String,
    pub(crate) arguments: Arguments,
    /// In its brackets.
    group: Group,
    hash: TokenTree,
}

/// What follows the path of an attribute.
pub(crate) enum Arguments {
    None,
    /// In parentheses, or other brackets.
    List(TokenStream),
    /// After `=`.
    Value(TokenStream),
}

impl Item {
    pub(crate) fn parse(input: TokenStream) -> Result<Self, Error> {
        let mut cursor = Cursor::new(input);
        let attrs = parse_attributes(&mut cursor);
        let vis = parse_visibility(&mut cursor);
        let (Some(keyword), Some(ident)) = (cursor.ident(), cursor.ident()) else {
            return Err(cursor.error("a struct is expected here"));
        };
        let mut generics = Generics::parse(&mut cursor)?;
        // The where clause of a tuple struct comes after its fields.
        cursor.group(Delimiter::Parenthesis);
        generics.parse_where(&mut cursor);
        let body = match cursor.group(Delimiter::Brace) {
            Some(fields) if keyword == "struct" => Body::Named(parse_fields(fields)?),
            _ => Body::Other,
        };
        Ok(Self { attrs, vis, keyword, ident, generics, body })
    }
}

fn parse_fields(fields: TokenStream) -> Result<Vec<Field>, Error> {
    let tokens: Vec<TokenTree> = fields.into_iter().collect();
    let mut fields = Vec::new();
    for field in split_commas(&tokens) {
        fields.push(parse_field(field)?);
    }
    Ok(fields)
}

fn parse_field(tokens: &[TokenTree]) -> Result<Field, Error> {
    let mut cursor = Cursor::of(tokens);
    let attrs = parse_attributes(&mut cursor);
    let vis = parse_visibility(&mut cursor);
    let Some(ident) = cursor.ident() else {
        return Err(cursor.error("the name of a field is expected here"));
    };
    if !cursor.punct(':') {
        return Err(cursor.error("`:` and the type of the field are expected here"));
    }
    if cursor.rest().is_empty() {
        return Err(cursor.error("a type is expected here"));
    }
    Ok(Field { attrs, vis, ident, ty: stream(cursor.rest()) })
}

/// Passes over attributes.
pub(crate) fn parse_attributes(cursor: &mut Cursor) -> Vec<Attribute> {
    let mut attrs = Vec::new();
    loop {
        cursor.open();
        let [hash, TokenTree::Group(group), ..] = cursor.rest() else { return attrs };
        if !is_punct(hash, '#') || group.delimiter() != Delimiter::Bracket {
            return attrs;
        }
        attrs.push(Attribute::parse(hash.clone(), group.clone()));
        cursor.next();
        cursor.next();
    }
}

impl Attribute {
    fn parse(hash: TokenTree, group: Group) -> Self {
        let mut inside = Cursor::new(group.stream());
        let mut path = String::new();
        loop {
            if let Some(word) = inside.ident() {
                path.push_str(&unraw(&word));
            } else if inside.punct(':') {
                path.push(':');
            } else {
                break;
            }
        }
        let arguments = match inside.next() {
            Some(TokenTree::Group(list)) => Arguments::List(list.stream()),
            Some(equals) if is_punct(&equals, '=') => Arguments::Value(stream(inside.rest())),
            _ => Arguments::None,
        };
        Self { path, arguments, group, hash }
    }

    /// What stands in its brackets.
    pub(crate) fn meta(&self) -> TokenStream {
        self.group.stream()
    }
}

impl ToTokens for Attribute {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.hash.to_tokens(tokens);
        self.group.to_tokens(tokens);
    }
}

/// Passes over `pub`, with what it is restricted to.
pub(crate) fn parse_visibility(cursor: &mut Cursor) -> TokenStream {
    cursor.open();
    if !cursor.peek().is_some_and(|token| is_ident(token, "pub")) {
        return TokenStream::new();
    }
    let mut vis = TokenStream::from_iter(cursor.next());
    if let Some(TokenTree::Group(group)) = cursor.peek() {
        if group.delimiter() == Delimiter::Parenthesis {
            vis.extend(cursor.next());
        }
    }
    vis
}
