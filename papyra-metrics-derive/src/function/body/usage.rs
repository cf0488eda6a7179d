//! Determines how a body or an expression uses `self` and the arguments of the function, from the tokens alone. A macro
//! call is assumed to return and to await, because a user may define a macro of any name.

use proc_macro2::{Delimiter, Ident, Literal, TokenStream, TokenTree};
use syn::ext::IdentExt;

use crate::raw_tokens::{is_ident, is_one_of, is_punct, position};
use crate::string_set::StringSet;

/// How a body or an expression uses `self` and the arguments of the function, and whether it may return early or await.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // independent facts
pub(crate) struct BodyUsage {
    /// Whether the body may return early, by `return`, `?` or a macro call.
    pub(crate) exits: bool,
    /// Whether the body may await.
    pub(crate) awaits: bool,
    /// Whether the body names `self`.
    pub(crate) names_self: bool,
    /// Whether a `self` in the body is neither a field access nor a method call, as in `f(self)`. A `self` in a format
    /// string does not count.
    pub(crate) uses_self_as_value: bool,
    /// Whether a `self` in the body is not a field access, as in `f(self)` or `self.flush()`.
    pub(crate) uses_self_beyond_fields: bool,
    /// Whether a `move` closure or block names `self`.
    pub(crate) moves_self: bool,
    /// Whether a macro call or a format string contains `self`. If `self` were renamed, the macro would see the new
    /// name.
    pub(crate) shows_self_to_macros: bool,
    /// Whether a macro call may consume a pinned `self`, as `dbg!(self)` and `ready!(self.project().file.poll(cx))` do.
    /// Methods are judged by their names.
    pub(crate) consumes_self_in_macros: bool,
    /// The names and indices of the fields of `self` that the body accesses: `log` in `self.log.len`.
    pub(crate) fields_of_self: Vec<TokenTree>,
    /// Identifiers followed by a field access: `log` in `log.len`.
    pub(crate) fields_accessed_of: StringSet,
    /// The identifiers in the body and in its format strings, except the names of fields and methods. Raw identifiers
    /// are without `r#`, as in format strings.
    names: StringSet,
    /// The same identifiers, in the order in which the body first names them.
    names_in_order: Vec<String>,
}

/// Whether tokens are in the input of a macro, and whether they are in a `move` closure or block.
#[derive(Clone, Copy, Default)]
struct Surroundings {
    in_macro: bool,
    in_move: bool,
}

impl BodyUsage {
    pub(crate) fn of(tokens: &TokenStream) -> Self {
        let mut usage = Self::default();
        usage.visit(tokens, Surroundings::default());
        usage
    }

    /// Returns whether the body contains this identifier, other than as the name of a field or method.
    pub(crate) fn names(&self, ident: &Ident) -> bool {
        self.names.contains(&ident.unraw().to_string())
    }

    /// Returns the position of an identifier among the identifiers that the body names, in the order in which it first
    /// names them. Returns `None` if the body does not name the identifier.
    pub(crate) fn position_of(&self, ident: &Ident) -> Option<usize> {
        let ident = ident.unraw();
        self.names_in_order.iter().position(|name| ident == name)
    }

    /// Adds the names that another expression contains, including `self` and its fields.
    pub(crate) fn add(&mut self, other: &Self) {
        self.names_self |= other.names_self;
        for name in &other.names_in_order {
            self.add_name(name.clone());
        }
        self.fields_of_self.extend(other.fields_of_self.iter().cloned());
    }

    fn add_name(&mut self, name: String) {
        if self.names.insert(name.clone()) {
            self.names_in_order.push(name);
        }
    }

    fn visit(&mut self, tokens: &TokenStream, around: Surroundings) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut end_of_move = 0;
        let mut at = 0;
        while at < tokens.len() {
            let here = Surroundings { in_move: around.in_move || at < end_of_move, ..around };
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let in_macro = here.in_macro || is_macro_input(&tokens, at);
                    self.visit(&group.stream(), Surroundings { in_macro, ..here });
                }
                TokenTree::Punct(punct) => self.exits |= punct.as_char() == '?',
                TokenTree::Literal(literal) => self.visit_string(&literal.to_string(), here),
                TokenTree::Ident(ident) if ident == "fn" && !around.in_macro => {
                    if let Some(end) = end_of_nested_fn(&tokens, at) {
                        at = end;
                        continue;
                    }
                }
                TokenTree::Ident(ident) => {
                    if ident == "move" {
                        end_of_move = end_of_move.max(end_of_move_at(&tokens, at));
                    }
                    self.visit_ident(&tokens, at, ident, here);
                }
            }
            at += 1;
        }
    }

    fn visit_ident(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        ident: &Ident,
        around: Surroundings,
    ) {
        let after = &tokens[at + 1..];
        // The dots of `0..n` and `..rest` do not begin a field.
        let is_dot = |at: usize| tokens.get(at).is_some_and(|token| is_punct(token, '.'));
        let is_field = at > 0 && is_dot(at - 1) && !(at > 1 && is_dot(at - 2));
        let word = ident.to_string();
        match word.as_str() {
            "return" => self.exits = true,
            "await" => self.awaits = true,
            "self" if !begins_path(tokens, at) => {
                let before = at.checked_sub(1).map(|before| &tokens[before]);
                self.visit_self(before, after, around);
            }
            _ if is_macro_input(tokens, at + 2) => {
                self.exits = true;
                self.awaits = true;
            }
            _ => {}
        }
        if !is_field {
            if field_after(after).is_some() {
                self.fields_accessed_of.insert(word);
            }
            self.add_name(ident.unraw().to_string());
        }
    }

    fn visit_self(
        &mut self,
        before: Option<&TokenTree>,
        after: &[TokenTree],
        around: Surroundings,
    ) {
        let field = field_after(after);
        self.names_self = true;
        self.uses_self_as_value |= !begins_access(after);
        self.uses_self_beyond_fields |= field.is_none();
        self.moves_self |= around.in_move;
        if around.in_macro {
            self.shows_self_to_macros = true;
            self.consumes_self_in_macros |= field.is_none() && !may_borrow_pin(before, after);
        }
        if let Some(field) = field.and_then(first_field) {
            if !self.names_field_of_self(&field) {
                self.fields_of_self.push(field);
            }
        }
    }

    pub(crate) fn names_field_of_self(&self, field: &TokenTree) -> bool {
        let field = field.to_string();
        self.fields_of_self.iter().any(|named| named.to_string() == field)
    }

    /// Collects the identifiers that a string names if it is a format string: `key` in `"{key}"`.
    fn visit_string(&mut self, literal: &str, around: Surroundings) {
        if !literal.ends_with(['"', '#']) {
            return;
        }
        for part in literal.split('{').skip(1) {
            let ends_word = |c: char| c.is_ascii() && c != '_' && !c.is_ascii_alphanumeric();
            let end = part.find(ends_word).unwrap_or(part.len());
            let word = &part[..end];
            if word == "self" {
                self.names_self = true;
                self.uses_self_beyond_fields = true;
                self.shows_self_to_macros = true;
                self.moves_self |= around.in_move;
            } else if !word.is_empty() {
                self.add_name(word.to_owned());
            }
        }
    }
}

/// Keywords after which `!` is a negation, and not part of a macro call.
const BEFORE_NOT: &[&str] = &["break", "if", "in", "match", "return", "while"];

/// Returns whether the token at `at` is the input of a macro: a group after a path and `!`, or the group after the name
/// in a `macro_rules!` definition.
pub(super) fn is_macro_input(tokens: &[TokenTree], at: usize) -> bool {
    let is_group = matches!(tokens.get(at), Some(TokenTree::Group(_)));
    let called = |end: usize| {
        end > 1
            && is_punct(&tokens[end - 1], '!')
            && matches!(&tokens[end - 2], TokenTree::Ident(word) if !is_one_of(word, BEFORE_NOT))
    };
    is_group
        && (called(at) || at > 0 && matches!(tokens[at - 1], TokenTree::Ident(_)) && called(at - 1))
}

/// Returns whether the identifier at index `at` begins a path, such as `self::log`.
pub(super) fn begins_path(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at + 1..), Some([first, second, ..])
        if is_punct(first, ':') && is_punct(second, ':'))
}

/// Returns the index after the nested function that begins at `at`, or `None` if the `fn` there is part of a type. A
/// nested function may have its own `self`.
pub(super) fn end_of_nested_fn(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let is_item = matches!(tokens.get(at + 1), Some(TokenTree::Ident(_)));
    let ends_item = |token: &TokenTree| {
        is_punct(token, ';')
            || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    is_item.then(|| position(&tokens[at..], &ends_item).map_or(tokens.len(), |end| at + end + 1))
}

/// Returns whether the tokens after an expression access a field or call a method: `.len`, but not the `..` of a range.
pub(super) fn begins_access(after: &[TokenTree]) -> bool {
    matches!(after, [dot, next, ..] if is_punct(dot, '.') && !is_punct(next, '.'))
}

/// Returns the accessed field if the tokens after an identifier begin with a field access: `len` for `.len`. A method
/// call and `.await` are not field accesses.
pub(super) fn field_after(after: &[TokenTree]) -> Option<&TokenTree> {
    match after {
        [dot, field @ TokenTree::Ident(word), rest @ ..] if is_punct(dot, '.') => {
            let is_call = match rest {
                [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Parenthesis,
                [first, second, ..] => is_punct(first, ':') && is_punct(second, ':'),
                _ => false,
            };
            (!is_call && word != "await").then_some(field)
        }
        [dot, field @ TokenTree::Literal(_), ..] if is_punct(dot, '.') => Some(field),
        _ => None,
    }
}

/// Returns the field that is accessed first. Two indices in a row, as in `self.0.1`, are one literal, `0.1`.
fn first_field(field: &TokenTree) -> Option<TokenTree> {
    let TokenTree::Literal(indices) = field else { return Some(field.clone()) };
    let first = indices.to_string().split('.').next()?.parse().ok()?;
    let mut index = Literal::usize_unsuffixed(first);
    index.set_span(indices.span());
    Some(index.into())
}

/// Returns whether a pinned `self` in the input of a macro may remain usable: after `&` or `*`, or before a method that
/// usually does not take a `Pin`. If the guess is wrong, the compiler reports a use after move.
fn may_borrow_pin(before: Option<&TokenTree>, after: &[TokenTree]) -> bool {
    let takes_pin = |method: &str| {
        ["get_mut", "get_unchecked_mut", "into_ref", "map_unchecked_mut"].contains(&method)
            || ["poll", "project", "start_send"].iter().any(|prefix| method.starts_with(prefix))
    };
    match after {
        [dot, TokenTree::Ident(method), ..] if is_punct(dot, '.') => {
            !takes_pin(&method.to_string())
        }
        _ => before.is_some_and(is_borrow_or_deref),
    }
}

/// Returns whether the token before `self` borrows or dereferences it: `&`, `&mut` or `*`.
pub(super) fn is_borrow_or_deref(before: &TokenTree) -> bool {
    is_punct(before, '&') || is_ident(before, "mut") || is_punct(before, '*')
}

/// Returns whether the tokens after a pinned `self` call a method that only borrows it: `as_mut`, `as_ref` or `set`.
pub(super) fn only_borrows_pin(after: &[TokenTree]) -> bool {
    matches!(after, [dot, TokenTree::Ident(method), ..] if is_punct(dot, '.')
        && is_one_of(method, &["as_mut", "as_ref", "set"]))
}

/// Returns the index after the closure or block that begins with the `move` at `at`.
fn end_of_move_at(tokens: &[TokenTree], at: usize) -> usize {
    let mut body = at + 1;
    if tokens.get(body).is_some_and(|token| is_punct(token, '|')) {
        let parameters = position(&tokens[body + 1..], &|token| is_punct(token, '|'));
        body = parameters.map_or(tokens.len(), |end| body + end + 2);
    } else {
        return body + 1;
    }
    let end = position(&tokens[body..], &|token| is_punct(token, ',') || is_punct(token, ';'));
    end.map_or(tokens.len(), |end| body + end)
}

/// Returns whether the last statement is a `return`.
pub(crate) fn ends_in_return(body: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let tokens = match tokens.as_slice() {
        [head @ .., end] if is_punct(end, ';') => head,
        tokens => tokens,
    };
    let last = tokens.rsplit(|token| is_punct(token, ';')).next();
    last.and_then(<[TokenTree]>::first).is_some_and(|word| is_ident(word, "return"))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::BodyUsage;
    use crate::raw_tokens::code;

    #[test]
    fn early_exits_are_found_and_every_macro_call_is_taken_for_one() {
        for body in [
            quote!(a?; b),
            code("if x { return y; }"),
            quote!(bail!("x")),
            quote!(assert!(a); b),
            quote!(out::write!(a)),
            quote!(f(|| a?)),
        ] {
            assert!(BodyUsage::of(&body).exits, "{body}");
        }
        for body in [
            quote!(a != b),
            quote!(Ok(!x)),
            code("if !(a) { b }"),
            code("fn f() -> Option<u8> { a? }, b"),
        ] {
            assert!(!BodyUsage::of(&body).exits, "{body}");
        }
    }

    #[test]
    fn the_end_of_a_range_and_the_rest_of_a_struct_are_no_fields() {
        let name = |name: &str| syn::Ident::new(name, proc_macro2::Span::call_site());
        let usage = BodyUsage::of(&code("for i in 0..n { a.field; } Config { a, ..rest }"));
        assert!(usage.names(&name("n")) && usage.names(&name("rest")));
        assert!(!usage.names(&name("field")));
        assert!(BodyUsage::of(&code("self..n")).uses_self_as_value);
        assert!(!BodyUsage::of(&code("self.n")).uses_self_as_value);
    }

    #[test]
    fn a_format_string_names_raw_identifiers_and_those_of_every_script() {
        let usage = BodyUsage::of(&quote!(format!("{type} {क्षण:?}")));
        for name in ["r#type", "क्षण"] {
            let name = syn::parse_str(name).unwrap();
            assert!(usage.names(&name) && usage.position_of(&name).is_some(), "{name}");
        }
    }

    #[test]
    fn self_as_a_value_and_its_methods_are_uses_beyond_its_fields() {
        for body in
            [quote!(f(self)), quote!(self.flush()), quote!(let x = self;), quote!(self.f::<u8>())]
        {
            assert!(BodyUsage::of(&body).uses_self_beyond_fields, "{body}");
        }
        for body in [
            quote!(self.file.flush()),
            quote!(self.0 + self::X),
            quote!(self.a = self.b),
            code("fn f(&self) { self.flush() }"),
        ] {
            assert!(!BodyUsage::of(&body).uses_self_beyond_fields, "{body}");
        }
    }

    #[test]
    fn a_macro_sees_self_in_its_input_and_in_its_strings() {
        for body in [
            quote!(info!(self.level)),
            quote!(a::b! { [(self)] }),
            quote!(format!("{self}")),
            code("macro_rules! level { () => { self.level }; }"),
        ] {
            assert!(BodyUsage::of(&body).shows_self_to_macros, "{body}");
        }
        for body in [
            quote!(info!("x"); self.level),
            quote!(if !(self.full) {}),
            quote!(info!(self::LEVEL)),
            quote!(self.level != (self.max)),
        ] {
            assert!(!BodyUsage::of(&body).shows_self_to_macros, "{body}");
        }
    }

    #[test]
    fn fields_and_reborrows_in_macros_do_not_consume_a_pinned_self() {
        for body in [quote!(ready!(self.project().a.poll())), quote!(dbg!(self))] {
            assert!(BodyUsage::of(&body).consumes_self_in_macros, "{body}");
        }
        for body in [
            quote!(ready!(self.as_mut().poll())),
            quote!(info!(self.a, &self, self.len()); self.get_mut()),
        ] {
            assert!(!BodyUsage::of(&body).consumes_self_in_macros, "{body}");
        }
    }

    #[test]
    fn self_moves_into_the_move_closures_and_blocks_that_name_it() {
        for body in [
            quote!(async move { self.a }),
            quote!(f(1, move |x, y| self.a + x)),
            quote!(let f = move || self.a;),
        ] {
            assert!(BodyUsage::of(&body).moves_self, "{body}");
        }
        for body in [
            quote!(f(move |x, y| x + y, self.a)),
            quote!(let f = move || 1; self.a),
            quote!(async move { 1 }; self.a),
            quote!(async { self.a }),
        ] {
            assert!(!BodyUsage::of(&body).moves_self, "{body}");
        }
    }
}
