//! The model of a function with `#[metrics(…)]`, as built by the checks. A value is an `Option` only if the user may
//! leave it out.

use std::rc::Rc;

use proc_macro2::{Ident, TokenStream};

use super::body::usage::BodyUsage;
use super::input::Function;
use crate::krate::CratePath;

/// A function and the instruments that its calls update.
pub(crate) struct InstrumentedFn<'a> {
    pub(crate) krate: CratePath,
    pub(crate) function: &'a Function,
    pub(crate) output: Output,
    pub(crate) targets: Targets,
}

/// The instruments that a function updates, by the keys that name them. There is at least one.
pub(crate) struct Targets {
    pub(crate) calls: Option<Target>,
    pub(crate) cancelled: Option<Target>,
    pub(crate) errors: Option<Target>,
    /// A path or closure that takes an error and returns the label under which the error is counted.
    pub(crate) errors_by: Option<TokenStream>,
    pub(crate) in_flight: Option<Target>,
    pub(crate) ok: Option<Target>,
    pub(crate) time: Option<Timing>,
}

impl Targets {
    /// Returns all targets. Those that depend on the returned value come first.
    pub(crate) fn all(&self) -> Vec<&Target> {
        let Self { calls, cancelled, errors, in_flight, ok, time: _, errors_by: _ } = self;
        let mut all = Vec::new();
        for target in [errors, ok, calls, in_flight, cancelled] {
            push_some(&mut all, target.as_ref());
        }
        push_some(&mut all, self.histogram());
        all
    }

    /// Returns the targets that are updated after the body.
    pub(crate) fn after_body(&self) -> Vec<&Target> {
        let mut after_body = Vec::new();
        for target in [self.errors.as_ref(), self.ok.as_ref(), self.histogram()] {
            push_some(&mut after_body, target);
        }
        after_body
    }

    /// Returns the histogram of the durations of calls, which the key `time` names.
    pub(crate) fn histogram(&self) -> Option<&Target> {
        self.time.as_ref().map(|timing| &timing.histogram)
    }

    /// Returns whether the expression of a target contains the name of the argument.
    pub(crate) fn mention(&self, argument: &Ident) -> bool {
        self.all().iter().any(|target| target.usage.names(argument))
    }

    /// Returns whether a target depends on the end of the body. Then `return` and `?` must end only the body, so that
    /// generated code runs after it.
    pub(crate) fn observes_end(&self) -> bool {
        self.counts_outcome() || self.cancelled.is_some() || self.time.is_some()
    }

    /// Returns whether a target depends on the returned value, which is `Ok` or an error.
    pub(crate) fn counts_outcome(&self) -> bool {
        self.errors.is_some() || self.ok.is_some()
    }

    /// Returns the metrics whose fields the keys name, or `None` if no key names a field of the metrics.
    pub(crate) fn root(&self) -> Option<&MetricsRoot> {
        self.all().iter().find_map(|target| target.kind.root())
    }
}

fn push_some<'a>(targets: &mut Vec<&'a Target>, target: Option<&'a Target>) {
    if let Some(target) = target {
        targets.push(target);
    }
}

/// A histogram of the durations of calls, and how often a call is timed.
pub(crate) struct Timing {
    pub(crate) histogram: Target,
    /// The sampling rate `n`: about one call in `n` is timed.
    pub(crate) sample: Option<u64>,
}

/// An instrument that a key of the attribute names, such as the field `write_errors` in `errors = write_errors`.
pub(crate) struct Target {
    /// The key: `errors` in `errors = write_errors`.
    pub(crate) key: Ident,
    pub(crate) kind: TargetKind,
    /// How the expression of the target uses `self` and the arguments.
    pub(crate) usage: BodyUsage,
}

pub(crate) enum TargetKind {
    /// The field of the metrics that is marked `errors`, for the key `errors` without a value.
    ErrorCounter(Rc<MetricsRoot>),
    /// A field of the metrics: `write_errors`, or `compaction.errors` for a nested one.
    InMetrics(Rc<MetricsRoot>, TokenStream),
    /// Any other expression, such as `METRICS.errors` or an argument.
    Expression(TokenStream),
}

impl TargetKind {
    pub(crate) fn root(&self) -> Option<&MetricsRoot> {
        match self {
            Self::ErrorCounter(root) | Self::InMetrics(root, _) => Some(root),
            Self::Expression(_) => None,
        }
    }
}

/// The metrics whose fields the keys name: `self.metrics`, or the value of the key `at`.
pub(crate) struct MetricsRoot {
    pub(crate) kind: RootKind,
    pub(crate) usage: BodyUsage,
}

pub(crate) enum RootKind {
    /// `self.metrics`. The identifier is the `self` of the signature.
    OfSelf(Ident),
    /// The expression that is the value of `at`.
    At(TokenStream),
}

/// The return type of a function.
pub(crate) enum Output {
    /// A type that is not a future. Each `impl Trait` in it is replaced by `_`.
    Value(TokenStream),
    /// `impl Future`, the future of an `async fn`, or `Pin<Box<dyn Future>>`. `output` is the type of the future's
    /// output, if the signature contains it.
    Future { output: Option<TokenStream>, is_boxed: bool },
    /// A path that may be an alias of a `Result` or of a boxed future.
    Named(TokenStream),
}
