//! A checked function and its counters. An `Option` in it is optional in the input too.

use std::rc::Rc;

use proc_macro2::{Ident, TokenStream};

use super::body::usage::BodyUsage;
use super::input::Function;
use crate::krate::CratePath;

/// A function and the targets that its calls are counted in.
pub(crate) struct InstrumentedFn<'a> {
    pub(crate) krate: CratePath,
    pub(crate) function: &'a Function,
    pub(crate) output: Output,
    pub(crate) targets: Targets,
}

/// The instruments of a function, at least one of them.
pub(crate) struct Targets {
    pub(crate) calls: Option<Target>,
    pub(crate) cancelled: Option<Target>,
    pub(crate) errors: Option<Target>,
    /// From an error to the label of the member that counts it: a path or closure.
    pub(crate) errors_by: Option<TokenStream>,
    pub(crate) in_flight: Option<Target>,
    pub(crate) ok: Option<Target>,
    pub(crate) time: Option<Timing>,
}

impl Targets {
    /// All of them, those that examine the outcome first.
    pub(crate) fn all(&self) -> Vec<&Target> {
        let Self { calls, cancelled, errors, in_flight, ok, time: _, errors_by: _ } = self;
        let mut all = Vec::new();
        for target in [errors, ok, calls, in_flight, cancelled] {
            push_some(&mut all, target.as_ref());
        }
        push_some(&mut all, self.histogram());
        all
    }

    /// Those that are counted or recorded after the body.
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

    /// Whether any of them is reached through the argument.
    pub(crate) fn name(&self, argument: &Ident) -> bool {
        self.all().iter().any(|target| target.usage.names(argument))
    }

    /// Whether something depends on how the body ends, so that it has to end within the function.
    pub(crate) fn observes_end(&self) -> bool {
        self.counts_outcome() || self.cancelled.is_some() || self.time.is_some()
    }

    /// Whether a target depends on the value that the function returns.
    pub(crate) fn counts_outcome(&self) -> bool {
        self.errors.is_some() || self.ok.is_some()
    }

    /// The metrics in which targets are looked up, if any are.
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

/// An instrument, and how it is found.
pub(crate) struct Target {
    /// The key, to point at in errors.
    pub(crate) key: Ident,
    pub(crate) kind: TargetKind,
    /// The uses of `self` and of arguments in the expressions that find it.
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
    /// A value to examine, or of no concern; `impl Trait` in it is `_`.
    Value(TokenStream),
    /// `impl Future`, or that of an `async fn`, or one in `Pin<Box<…>>`, with its output if that can be told.
    Future { output: Option<TokenStream>, is_boxed: bool },
    /// A path that may be an alias of either, or of a boxed future.
    Named(TokenStream),
}
