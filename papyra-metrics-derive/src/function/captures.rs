//! Determines the arguments that the closure or `async` block around a body has to capture explicitly, and those that
//! the body has to reborrow.

use proc_macro2::{Ident, TokenStream};

use super::body::usage::BodyUsage;
use super::input::{ArgumentKind, Function, ReceiverKind};
use super::model::InstrumentedFn;

/// An argument, or `self`, that the closure or `async` block around a body has to capture explicitly.
pub(crate) struct Capture<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) cfg: Option<&'a TokenStream>,
    /// Whether the name begins with `_`. The closure or block around the body of a function captures such an argument
    /// even if the body does not name it, so that it is dropped in order.
    pub(crate) begins_with_underscore: bool,
}

/// Returns the arguments that the closure or block around the body of a function has to capture explicitly. They are in
/// reverse order, because a function drops its arguments in reverse order, and a closure drops its captures in order.
pub(super) fn captures<'a>(
    function: &'a Function,
    usage: &BodyUsage,
    only_borrows: bool,
) -> Vec<Capture<'a>> {
    let mut captures = Vec::new();
    for argument in function.arguments.iter().rev() {
        // A `move` closure need not capture references explicitly, because dropping them has no effect.
        if !only_borrows && argument.kind != ArgumentKind::Value {
            continue;
        }
        for name in argument.names.iter().rev() {
            let begins_with_underscore = name.to_string().starts_with('_');
            if begins_with_underscore || usage.names(name) {
                captures.push(Capture { name, cfg: Some(&argument.cfg), begins_with_underscore });
            }
        }
    }
    if only_borrows {
        return captures;
    }
    if let Some(receiver) = function.receiver.as_ref().filter(|_| usage.names_self) {
        if matches!(receiver.kind, ReceiverKind::Owned | ReceiverKind::RefCounted) {
            let name = &receiver.token;
            captures.push(Capture { name, cfg: None, begins_with_underscore: false });
        }
    }
    // A single argument is dropped in order without an explicit capture, unless the body names a field of it: then only
    // that field would be captured.
    match captures.as_slice() {
        [Capture { name, .. }] if !usage.fields_accessed_of.contains(&name.to_string()) => {
            Vec::new()
        }
        _ => captures,
    }
}

/// Like [`captures`], for a body that is the content of an `async` block of the user. Without generated code, the
/// user's block would capture only the arguments that its content names, in the order in which the content first names
/// them, and would drop them in this order. So the closure or block around the content captures them in this order too.
pub(super) fn captures_of_future<'a>(
    function: &'a Function,
    usage: &BodyUsage,
    only_borrows: bool,
) -> Vec<Capture<'a>> {
    // A `move` block captures what its content names, as the user's block does.
    if !only_borrows {
        return Vec::new();
    }
    let mut captures = Vec::new();
    for argument in &function.arguments {
        for name in &argument.names {
            if let Some(position) = usage.position_of(name) {
                let begins_with_underscore = name.to_string().starts_with('_');
                let cfg = Some(&argument.cfg);
                let at = captures.partition_point(|(other, _)| *other < position);
                captures.insert(at, (position, Capture { name, cfg, begins_with_underscore }));
            }
        }
    }
    captures.into_iter().map(|(_, capture)| capture).collect()
}

/// Returns the arguments of type `&mut` that occur in the values of keys, such as `log` in `errors = log.errors`. The
/// body uses reborrows of these arguments, so that generated code can use the arguments after the body.
pub(super) fn lent_arguments<'a>(model: &'a InstrumentedFn<'a>) -> Vec<&'a Ident> {
    let mut lent = Vec::new();
    for argument in &model.function.arguments {
        if argument.kind == ArgumentKind::Exclusive {
            for name in &argument.names {
                if model.targets.mention(name) {
                    lent.push(name);
                }
            }
        }
    }
    lent
}
