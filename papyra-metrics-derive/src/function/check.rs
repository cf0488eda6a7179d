//! Checks a function and its keys, and builds the model. The compiler reports wrong types later.

use std::rc::Rc;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::body::usage::BodyUsage;
use super::input::{Function, NotAFunction};
use super::model::{
    InstrumentedFn, MetricsRoot, Output, RootKind, Target, TargetKind, Targets, Timing,
};
use super::output::classify;
use crate::attr;
use crate::diag::Diagnostics;
use crate::keys::{FunctionKeys, Key};
use crate::krate::CratePath;
use crate::raw_tokens::{flat, is_one_of, is_punct, text};
use crate::template::quote;

pub(crate) fn check<'a>(
    diag: &mut Diagnostics,
    keys: TokenStream,
    parsed: Result<&'a Function, &NotAFunction>,
) -> Option<InstrumentedFn<'a>> {
    let function = match parsed {
        Ok(function) => function,
        Err(not_a_function) => {
            report_not_a_function(diag, not_a_function);
            return None;
        }
    };
    let keys = attr::parse_function_keys(diag, keys);
    check_shape(diag, function, &keys);
    let output = classify(function);
    check_cancelled(diag, function, &output, keys.cancelled.as_ref());
    let sample = check_sample(diag, &keys);
    let errors_by = check_errors_by(diag, &keys);
    let FunctionKeys { at, calls, cancelled, errors, in_flight, krate, ok, time, .. } = keys;
    let resolver = TargetResolver::new(diag, function, at.as_ref());
    let errors = errors.and_then(|Key { key, value }| resolver.errors(diag, key, value));
    let mut find = |target: Option<Key<TokenStream>>| {
        target.and_then(|Key { key, value }| resolver.target(diag, key, &value))
    };
    let (ok, calls, in_flight) = (find(ok), find(calls), find(in_flight));
    let (cancelled, histogram) = (find(cancelled), find(time));
    let time = histogram.map(|histogram| Timing { histogram, sample });
    let targets = Targets { calls, cancelled, errors, errors_by, in_flight, ok, time };
    check_targets(diag, &targets, at.as_ref(), krate.as_ref().map(|krate| &krate.key));
    Some(InstrumentedFn { krate: CratePath::new(krate.as_ref()), function, output, targets })
}

fn report_not_a_function(diag: &mut Diagnostics, not_a_function: &NotAFunction) {
    match not_a_function {
        NotAFunction::Bodiless(ident) => diag.error(
            ident,
            format!("`#[metrics]` needs a function body to measure, and `{ident}` has none here; put the attribute on the methods of the impl blocks"),
        ),
        NotAFunction::Other(word) if matches!(word, TokenTree::Ident(word) if is_one_of(word, &["struct", "enum", "union"])) => diag.error(
            word,
            "`#[metrics(…)]` without `#[derive(Metrics)]` goes on a function or a method; on a struct, put it below the derive",
        ),
        NotAFunction::Other(word) => diag.error(
            word,
            "`#[metrics(errors = …)]` goes on a function or a method",
        ),
        NotAFunction::Empty => diag.error(
            &TokenStream::new(),
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
    let mut outcomes: Vec<&Ident> = Vec::new();
    if let Some(errors) = &keys.errors {
        outcomes.push(&errors.key);
    }
    if let Some(ok) = &keys.ok {
        outcomes.push(&ok.key);
    }
    let cancelled = keys.cancelled.as_ref().filter(|_| function.is_async);
    let ends = keys.time.as_ref().or(cancelled).map(|key| &key.key);
    let output = function.output.as_ref().map(flat).unwrap_or_default();
    match (output.as_slice(), outcomes.first(), ends) {
        ([], Some(first), _) => diag.error(first, returns_nothing(ident, &outcomes)),
        ([TokenTree::Group(unit)], Some(first), _) if unit.stream().is_empty() => {
            diag.error(first, returns_nothing(ident, &outcomes));
        }
        ([never], Some(first), _) if is_punct(never, '!') => diag.error(
            first,
            format!("{} a function that returns a `Result`, and `{ident}` never returns; for a function that cannot fail use `calls = …`", subject_needs(&outcomes)),
        ),
        ([never], None, Some(key)) if is_punct(never, '!') => diag.error(
            key,
            format!("`{key}` needs a function that returns, and `{ident}` never returns; change its return type, or use `calls = …`"),
        ),
        _ => {}
    }
    let Some(first) = outcomes.first() else { return };
    if function.tracks_caller() && BodyUsage::of(&function.body.stream()).exits {
        diag.error(
            first,
            format!("the body of `{ident}` may return early by `return`, `?` or a macro, so it runs in a closure, and `#[track_caller]` has no effect there; move the body to a function with `#[track_caller]`, and call it here"),
        );
    }
}

/// Reports `cancelled` on a function that cannot return a future.
fn check_cancelled(
    diag: &mut Diagnostics,
    function: &Function,
    output: &Output,
    cancelled: Option<&Key<TokenStream>>,
) {
    let ident = &function.ident;
    if let (Some(Key { key, .. }), Output::Value(_)) = (cancelled, output) {
        diag.error(key, format!("`cancelled` needs a function that returns a future, and `{ident}` does not return one; remove `cancelled`"));
    }
}

/// Checks the key `errors_by`, and returns its value if it is valid.
fn check_errors_by(diag: &mut Diagnostics, keys: &FunctionKeys) -> Option<TokenStream> {
    let Key { key, value } = keys.errors_by.as_ref()?;
    if !keys.is_given("errors") {
        diag.error(key, "`errors_by` needs `errors`; add the family to count in, such as `errors = write_errors`");
    }
    if BodyUsage::of(value).names_self {
        diag.error(value, "`errors_by` cannot use `self`, because its function gets only the error; give a function or closure that takes the error and returns the label");
        return None;
    }
    Some(value.clone())
}

/// Checks the key `sample`, and returns its value if it is valid.
fn check_sample(diag: &mut Diagnostics, keys: &FunctionKeys) -> Option<u64> {
    let Key { key, value } = keys.sample.as_ref()?;
    if !keys.is_given("time") {
        diag.error(
            key,
            "`sample` needs `time`; add the histogram to record in, such as `time = append`",
        );
    }
    let sample =
        value.base10_parse().ok().filter(|sample| *sample > 0 && value.suffix().is_empty());
    if sample.is_none() {
        diag.error(value, "`sample = n` times one call in `n`, a number of at least 1 without a suffix; remove `sample` to time every call");
    }
    sample
}

/// Returns the beginning of an error message about the keys: "`errors` needs" or "`errors` and `ok` need".
fn subject_needs(outcomes: &[&Ident]) -> String {
    match outcomes {
        [one] => format!("`{one}` needs"),
        _ => "`errors` and `ok` need".to_owned(),
    }
}

fn returns_nothing(ident: &Ident, outcomes: &[&Ident]) -> String {
    format!(
        "{} a function that returns a `Result`, and `{ident}` returns nothing; for a function that cannot fail use `calls = …`",
        subject_needs(outcomes)
    )
}

/// Reports an attribute that names no metric, and an `at` that no key uses.
fn check_targets(
    diag: &mut Diagnostics,
    targets: &Targets,
    at: Option<&Key<TokenStream>>,
    krate: Option<&Ident>,
) {
    if diag.is_empty() && targets.all().is_empty() {
        if let Some(key) = at.map(|at| &at.key).or(krate) {
            diag.error(
                key,
                format!("`{key}` alone counts nothing; add what to count, such as `errors`"),
            );
        }
    } else if let (Some(at), None, true) = (at, targets.root(), diag.is_empty()) {
        diag.error(&at.key, "`at` has no effect, because no key names a metric in it; remove `at`, or add such a key, for example `errors`");
    }
}

/// Resolves the value of a key to an instrument: `write_errors` in `errors = write_errors` is a field of the metrics,
/// and `METRICS.errors` is an expression.
struct TargetResolver<'a> {
    function: &'a Function,
    root: Option<Rc<MetricsRoot>>,
}

impl<'a> TargetResolver<'a> {
    fn new(diag: &mut Diagnostics, function: &'a Function, at: Option<&Key<TokenStream>>) -> Self {
        let root = match at {
            Some(Key { value, .. }) => {
                check_at(diag, function, value);
                let usage = BodyUsage::of(value);
                Some(MetricsRoot { kind: RootKind::At(value.clone()), usage })
            }
            None => function.receiver.as_ref().map(|receiver| MetricsRoot {
                kind: RootKind::OfSelf(receiver.token.clone()),
                usage: BodyUsage::of(&quote!(self.metrics)),
            }),
        };
        Self { function, root: root.map(Rc::new) }
    }

    /// Returns the target of the key `errors`, which can be used with or without a value.
    fn errors(
        &self,
        diag: &mut Diagnostics,
        key: Ident,
        value: Option<TokenStream>,
    ) -> Option<Target> {
        if let Some(value) = value {
            return self.target(diag, key, &value);
        }
        if self.root.is_none() {
            diag.error(
                &key,
                format!("`errors` without a value looks up the error counter in `self.metrics`, but `{}` has no `self`; write the full path, such as `errors = METRICS.write_errors`, or name the metrics, such as `at = METRICS`", self.function.ident),
            );
        }
        let root = self.root.clone()?;
        Some(target(key, TargetKind::ErrorCounter(root)))
    }

    fn target(&self, diag: &mut Diagnostics, key: Ident, value: &TokenStream) -> Option<Target> {
        let name = field_name(value).filter(|name| !self.is_argument(name));
        let kind = match (&self.root, name) {
            (Some(root), Some(_)) => TargetKind::InMetrics(root.clone(), value.clone()),
            (None, Some(name)) if flat(value).len() == 1 => {
                diag.error(
                    &name,
                    format!("`{name}` is looked up in `self.metrics`, but `{}` has no `self`; write the full path, such as `METRICS.{name}`", self.function.ident),
                );
                return None;
            }
            _ => TargetKind::Expression(value.clone()),
        };
        Some(target(key, kind))
    }

    fn is_argument(&self, name: &Ident) -> bool {
        is_argument(self.function, name)
    }
}

fn is_argument(function: &Function, name: &Ident) -> bool {
    function.arguments.iter().any(|argument| argument.names.contains(name))
}

fn target(key: Ident, kind: TargetKind) -> Target {
    let mut usage = match &kind {
        TargetKind::ErrorCounter(_) => BodyUsage::default(),
        TargetKind::InMetrics(_, place) | TargetKind::Expression(place) => BodyUsage::of(place),
    };
    if let Some(root) = kind.root() {
        usage.add(&root.usage);
    }
    Target { key, kind, usage }
}

/// Reports an `at` that begins with the name of a field, such as `at = stats`. `at` takes an expression, such as
/// `self.stats`.
fn check_at(diag: &mut Diagnostics, function: &Function, value: &TokenStream) {
    let Some(name) = field_name(value).filter(|name| !is_argument(function, name)) else { return };
    let ident = &function.ident;
    let message = match &function.receiver {
        Some(_) => format!(
            "`at` takes an expression, and `{name}` is not an argument of `{ident}`; write `at = self.{}`",
            text(value)
        ),
        None => format!(
            "`at` takes an expression, and `{name}` is not an argument of `{ident}`; write the full path, such as `at = METRICS`"
        ),
    };
    diag.error(&name, message);
}

/// Returns the first identifier of a value that may name a field of the metrics, such as `reads` in `reads[op]`. The
/// identifier is in lower case, and is alone or before a `.` or `[…]`.
fn field_name(value: &TokenStream) -> Option<Ident> {
    let tokens = flat(value);
    let [TokenTree::Ident(name), rest @ ..] = tokens.as_slice() else { return None };
    let word = name.to_string();
    let first = word.trim_start_matches("r#").trim_start_matches('_').chars().next();
    let is_name = !first.is_some_and(char::is_uppercase)
        && !["self", "crate", "super"].contains(&word.as_str());
    let is_place = match rest {
        [] => true,
        [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Bracket,
        [next, ..] => is_punct(next, '.'),
    };
    (is_name && is_place).then(|| name.clone())
}
