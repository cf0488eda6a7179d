//! Turns a function and its keys into what is to be counted. Whatever can be wrong with them is reported here,
//! but for what only the compiler knows: types.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;

use crate::attr::{self, FunctionKeys, Key};
use crate::body::Facts;
use crate::diag::Diagnostics;
use crate::function::{Function, NoFunction};
use crate::model::{Krate, Measured, Output, Place, PlaceOf};
use crate::tokens::{Depth, flat, is_ident, is_punct, stream};

pub(crate) fn check_function<'a>(
    diag: &mut Diagnostics,
    keys: TokenStream,
    parsed: Result<&'a Function, &NoFunction>,
) -> Option<Measured<'a>> {
    let function = match parsed {
        Ok(function) => function,
        Err(no_function) => {
            report_no_function(diag, no_function);
            return None;
        }
    };
    let keys = attr::parse_function_keys(diag, keys);
    check_shape(diag, function, &keys);
    let FunctionKeys { calls, errors, in_flight, krate, ok, .. } = keys;
    let errors = errors.and_then(|Key { key, value }| check_errors(diag, function, key, value));
    let mut check = |place: Option<Key<TokenStream>>| {
        place.and_then(|Key { key, value }| check_place(diag, function, key, &value))
    };
    let (ok, calls, in_flight) = (check(ok), check(calls), check(in_flight));
    Some(Measured {
        krate: Krate::new(krate),
        function,
        output: output(function),
        calls,
        errors,
        in_flight,
        ok,
    })
}

fn report_no_function(diag: &mut Diagnostics, no_function: &NoFunction) {
    match no_function {
        NoFunction::Bodiless(ident) => diag.error(
            ident,
            format!("`#[metrics]` needs a function body to measure, and `{ident}` has none here; put the attribute on the methods of the impl blocks"),
        ),
        NoFunction::Other(word) if ["struct", "enum", "union"].iter().any(|it| is_ident(word, it)) => diag.error(
            word,
            "`#[metrics(…)]` alone goes on a function or a method; on a struct it stands below `#[derive(Metrics)]`",
        ),
        NoFunction::Other(word) => diag.error(
            word,
            "`#[metrics(errors = …)]` goes on a function or a method",
        ),
        NoFunction::Empty => diag.error(
            TokenStream::new(),
            "`#[metrics(errors = …)]` goes on a function or a method",
        ),
    }
}

fn check_shape(diag: &mut Diagnostics, function: &Function, keys: &FunctionKeys) {
    let ident = &function.ident;
    if let Some(constness) = &function.constness {
        diag.error(
            constness,
            format!("`#[metrics]` cannot be used on a `const fn`: a counter cannot be changed at compile time; remove `const` from `{ident}` or count in its caller"),
        );
    }
    let judged: Vec<&Ident> = keys
        .errors
        .iter()
        .map(|errors| &errors.key)
        .chain(keys.ok.iter().map(|ok| &ok.key))
        .collect();
    let Some(first) = judged.first() else { return };
    let output = function.output.as_ref().map(flat).unwrap_or_default();
    match output.as_slice() {
        [] => diag.error(first, returns_nothing(ident, &judged)),
        [TokenTree::Group(unit)] if unit.stream().is_empty() => {
            diag.error(first, returns_nothing(ident, &judged));
        }
        [never] if is_punct(never, '!') => diag.error(
            first,
            format!("{} a function that returns a `Result`, and `{ident}` never returns; for a function that cannot fail use `calls = …`", need(&judged)),
        ),
        _ => {}
    }
    let exits = || Facts::of(&function.body.stream()).exits;
    if function.attributes.iter().any(|attribute| attribute.path().is_ident("track_caller"))
        && exits()
    {
        diag.error(
            first,
            format!("the body of `{ident}` can return early, so it runs in a closure that `#[track_caller]` cannot see through; move it to a `#[track_caller]` helper and call that"),
        );
    }
}

fn need(judged: &[&Ident]) -> String {
    match judged {
        [one] => format!("`{one}` needs"),
        _ => "`errors` and `ok` need".to_owned(),
    }
}

fn returns_nothing(ident: &Ident, judged: &[&Ident]) -> String {
    format!(
        "{} a function that returns a `Result`, and `{ident}` returns nothing; for a function that cannot fail use `calls = …`",
        need(judged)
    )
}

fn check_errors(
    diag: &mut Diagnostics,
    function: &Function,
    key: Ident,
    value: Option<TokenStream>,
) -> Option<Place> {
    if let Some(value) = value {
        return check_place(diag, function, key, &value);
    }
    if function.receiver.is_none() {
        diag.error(
            &key,
            format!("bare `errors` counts in the error counter of `self.metrics`, and `{}` has no `self`; write the full path, such as `errors = METRICS.write_errors`", function.ident),
        );
        return None;
    }
    Some(Place { key, of: PlaceOf::Marked })
}

fn check_place(
    diag: &mut Diagnostics,
    function: &Function,
    key: Ident,
    value: &TokenStream,
) -> Option<Place> {
    let tokens = flat(value);
    let [TokenTree::Ident(name)] = tokens.as_slice() else {
        return Some(Place { key, of: PlaceOf::Expression(value.clone()) });
    };
    if function.receiver.is_some() && name != "self" {
        return Some(Place { key, of: PlaceOf::Field(name.clone()) });
    }
    let is_argument =
        || function.arguments.iter().flat_map(|argument| &argument.names).any(|it| it == name);
    if name.to_string().starts_with(char::is_lowercase) && !is_argument() {
        diag.error(
            name,
            format!("`{name}` is looked up in `self.metrics`, but `{}` has no `self`; write the full path, such as `METRICS.{name}`", function.ident),
        );
        return None;
    }
    Some(Place { key, of: PlaceOf::Expression(value.clone()) })
}

/// What the return type says.
fn output(function: &Function) -> Output {
    let Some(written) = &function.output else {
        let unit = quote::quote!(());
        return match function.asyncness {
            Some(_) => Output::Future { output: Some(unit), boxed: false },
            None => Output::Value(unit),
        };
    };
    let value = without_impl(written);
    if function.asyncness.is_some() {
        return Output::Future { output: Some(value), boxed: false };
    }
    let tokens = flat(written);
    let boxed = boxed_future(&tokens);
    if let Some(bounds) = boxed {
        return Output::Future { output: future_output(bounds), boxed: true };
    }
    if tokens.first().is_some_and(|first| is_ident(first, "impl")) && is_future(&tokens) {
        return Output::Future { output: future_output(&tokens), boxed: false };
    }
    let generics = tokens.iter().position(|token| is_punct(token, '<')).unwrap_or(tokens.len());
    let path = &tokens[..generics];
    let is_path =
        path.iter().all(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'));
    let last = path.last().map(ToString::to_string).unwrap_or_default();
    let whole = generics > 0 && is_path || tokens.first().is_some_and(|first| is_punct(first, '<'));
    if !whole || matches!(last.as_str(), "Result" | "Option" | "Poll" | "dyn" | "impl") {
        Output::Value(value)
    } else {
        Output::Named(value)
    }
}

/// The tokens with `_` for each `impl Trait`.
fn without_impl(ty: &TokenStream) -> TokenStream {
    let mut result = TokenStream::new();
    let mut depth = Depth::default();
    let mut inside = false;
    for token in ty.clone() {
        if inside {
            // It reaches to the comma or the bracket that closes what it stands in.
            if !depth.closes(&token) {
                depth.pass(&token);
                continue;
            }
            inside = false;
        }
        match token {
            TokenTree::Ident(word) if word == "impl" => {
                Ident::new("_", word.span()).to_tokens(&mut result);
                (inside, depth) = (true, Depth::default());
            }
            TokenTree::Group(group) => {
                let mut inner =
                    proc_macro2::Group::new(group.delimiter(), without_impl(&group.stream()));
                inner.set_span(group.span());
                inner.to_tokens(&mut result);
            }
            other => other.to_tokens(&mut result),
        }
    }
    result
}

/// The bounds in `Pin<Box<dyn …>>`, if those are of a future.
fn boxed_future(ty: &[TokenTree]) -> Option<&[TokenTree]> {
    let pin = inside(ty, "Pin")?;
    let bounds = inside(pin, "Box")?;
    is_future(bounds).then_some(bounds)
}

/// What stands in the angle brackets of a path that ends in that word.
fn inside<'a>(ty: &'a [TokenTree], word: &str) -> Option<&'a [TokenTree]> {
    let open = ty.iter().position(|token| is_punct(token, '<'))?;
    let last = ty[..open].last()?;
    is_ident(last, word).then(|| &ty[open + 1..])
}

/// Whether the bounds name `Future`, outside of angle brackets.
fn is_future(bounds: &[TokenTree]) -> bool {
    let mut depth = Depth::default();
    bounds.iter().any(|token| {
        let outside = depth.outside();
        depth.pass(token);
        outside && is_ident(token, "Future")
    })
}

/// The type after `Output =`.
fn future_output(bounds: &[TokenTree]) -> Option<TokenStream> {
    let at = bounds
        .windows(2)
        .position(|pair| is_ident(&pair[0], "Output") && is_punct(&pair[1], '='))?;
    let mut depth = Depth::default();
    let ty = &bounds[at + 2..];
    let end = ty.iter().position(|token| {
        let closes = depth.closes(token);
        depth.pass(token);
        closes
    });
    Some(without_impl(&stream(&ty[..end.unwrap_or(ty.len())])))
}
