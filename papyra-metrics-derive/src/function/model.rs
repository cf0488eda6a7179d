//! A checked function and its counters. An `Option` in it is optional in the input too.

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

/// The instruments that a function updates, at least one.
pub(crate) struct Targets {
    pub(crate) calls: Option<Target>,
    pub(crate) cancelled: Option<Target>,
    pub(crate) errors: Option<Target>,
    /// A path or closure from an error to the label that it is counted under.
    pub(crate) errors_by: Option<TokenStream>,
    pub(crate) in_flight: Option<Target>,
    pub(crate) ok: Option<Target>,
    pub(crate) time: Option<Timing>,
}

impl Targets {
    /// All targets. Those that depend on the outcome come first.
    pub(crate) fn all(&self) -> Vec<&Target> {
        let Self { calls, cancelled, errors, in_flight, ok, time: _, errors_by: _ } = self;
        let mut all = Vec::new();
        for target in [errors, ok, calls, in_flight, cancelled] {
            push_some(&mut all, target.as_ref());
        }
        push_some(&mut all, self.histogram());
        all
    }

    /// The targets that are counted or recorded after the body.
    pub(crate) fn after_body(&self) -> Vec<&Target> {
        let mut after_body = Vec::new();
        for target in [self.errors.as_ref(), self.ok.as_ref(), self.histogram()] {
            push_some(&mut after_body, target);
        }
        after_body
    }

    /// The histogram of how long calls take.
    pub(crate) fn histogram(&self) -> Option<&Target> {
        self.time.as_ref().map(|timing| &timing.histogram)
    }

    /// Whether the expression of a target names the argument.
    pub(crate) fn name(&self, argument: &Ident) -> bool {
        self.all().iter().any(|target| target.usage.names(argument))
    }

    /// Whether a target depends on the end of the body. The body then has to end inside the generated code.
    pub(crate) fn observes_end(&self) -> bool {
        self.counts_outcome() || self.cancelled.is_some() || self.time.is_some()
    }

    /// Whether a target depends on the value that the function returns.
    pub(crate) fn counts_outcome(&self) -> bool {
        self.errors.is_some() || self.ok.is_some()
    }

    /// The metrics in which targets are looked up; `None` if all targets are expressions.
    pub(crate) fn root(&self) -> Option<&MetricsRoot> {
        self.all().iter().find_map(|target| target.kind.root())
    }
}

fn push_some<'a>(targets: &mut Vec<&'a Target>, target: Option<&'a Target>) {
    if let Some(target) = target {
        targets.push(target);
    }
}

/// A histogram of how long calls take.
pub(crate) struct Timing {
    pub(crate) histogram: Target,
    /// The sampling rate `n`: about one call in `n` is timed.
    pub(crate) sample: Option<u64>,
}

/// An instrument, and the expression that names it.
pub(crate) struct Target {
    /// The key, at which errors are reported.
    pub(crate) key: Ident,
    pub(crate) kind: TargetKind,
    /// How the expression of the target uses `self` and the arguments.
    pub(crate) usage: BodyUsage,
}

pub(crate) enum TargetKind {
    /// The field of the metrics that is marked `errors`.
    ErrorCounter(Rc<MetricsRoot>),
    /// A place in the metrics: `write_errors`, `compaction.errors`.
    InMetrics(Rc<MetricsRoot>, TokenStream),
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

/// The metrics in which targets are looked up.
pub(crate) struct MetricsRoot {
    pub(crate) kind: RootKind,
    pub(crate) usage: BodyUsage,
}

pub(crate) enum RootKind {
    /// `self.metrics`, with `self` as in the signature.
    OfSelf(Ident),
    /// The value of `at`.
    At(TokenStream),
}

/// The return type of a function.
pub(crate) enum Output {
    /// A type that is not a future. Each `impl Trait` in it is replaced by `_`.
    Value(TokenStream),
    /// `impl Future`, the future of an `async fn`, or `Pin<Box<dyn Future>>`, with its output if it is written.
    Future { output: Option<TokenStream>, is_boxed: bool },
    /// A path that may be an alias of a `Result` or of a boxed future.
    Named(TokenStream),
}
