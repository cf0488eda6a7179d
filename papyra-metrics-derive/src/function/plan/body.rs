//! Plans how a body runs, and how the body and the code around it share `self` and the arguments.
//!
//! If a body may return early, and generated code runs after the body, the body runs in a closure, or in an `async`
//! block if the body may await. `return` and `?` then end only the closure or block. A body whose cancellation is
//! counted always runs in an `async` block. Any other body is not wrapped.
//!
//! Generated code accesses instruments as follows:
//!
//! - By default, an instrument is looked up when it is updated, so that the body can use `self` without restriction.
//! - With `&self`, metrics that are needed more than once are looked up once, before the body.
//! - With `self: Arc<Self>` or `Rc<Self>`, instruments are accessed through a clone of `self`.
//! - Instruments are accessed through handles if `self` is owned, if the returned value borrows a mutable `self`, or if
//!   a macro in the body contains a mutable `self` that can be neither renamed nor reborrowed. A handle is a borrow, or
//!   a clone of a shared pointer. It is created before the body.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

use crate::function::body::usage::{BodyUsage, ends_in_return};
use crate::function::captures::{Capture, captures, captures_of_future, lent_arguments};
use crate::function::input::{Argument, ArgumentKind, Receiver, ReceiverKind};
use crate::function::model::{InstrumentedFn, Output, Target, Targets};
use crate::function::output::{borrows_self, cannot_be_annotated, outlives_self};
use crate::raw_tokens::is_punct;

/// How a body runs, and how the code around it accesses the instruments.
#[allow(clippy::struct_excessive_bools)] // independent decisions
pub(crate) struct BodyPlan<'a> {
    pub(crate) model: &'a InstrumentedFn<'a>,
    pub(crate) block: Group,
    /// The type of the body's value, if the signature contains it.
    pub(crate) output: Option<&'a TokenStream>,
    pub(crate) usage: BodyUsage,
    pub(crate) access: Access,
    pub(crate) body_self: BodySelf,
    pub(crate) scope: Scope,
    /// Whether the closure or `async` block borrows the variables that it names, so that `self` remains usable.
    pub(crate) only_borrows: bool,
    /// The fields of `self` that an `async` block captures by `&mut`. A `&` would be `Send` only if the field were
    /// `Sync`.
    pub(crate) captured_fields: Vec<TokenTree>,
    /// The arguments that the closure or `async` block has to capture explicitly, in the order in which it drops them.
    pub(crate) captures: Vec<Capture<'a>>,
    /// Whether the body has to use `self` itself and not a reborrow of it, because a macro in the body contains `self`.
    macros_need_self: bool,
    /// Whether a guard records that the body is waiting, so that a cancellation of the future can be counted.
    pub(crate) is_watched: bool,
    /// Whether a guard times the call, because the body cannot run in a closure: the return type contains `impl Trait`,
    /// which cannot be written on a closure, or the function has `#[track_caller]`, which has no effect in a closure.
    pub(crate) is_timed_by_guard: bool,
    /// Whether a guard holds `&mut self` while the body runs.
    pub(crate) guard_holds_self: bool,
    /// The arguments of type `&mut` that occur in the values of keys, such as `log` in `errors = log.errors`. The body
    /// uses reborrows of these arguments, so that generated code can use the arguments after the body.
    pub(crate) lent_arguments: Vec<&'a Ident>,
}

/// How generated code accesses an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Through `self` and the arguments, before the body and after it.
    Direct,
    /// Through the metrics that were looked up before the body: `__metrics`.
    Cached,
    /// Through `__this`, another name for `self`.
    SelfAlias,
    /// Through handles that were created before the body.
    Handle,
    /// Through handles that were created for a future that outlives the function.
    FutureHandle,
}

/// How the body uses `self`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BodySelf {
    AsWritten,
    /// Through a reborrow with another name, which is possible only if no macro in the body contains `self`.
    Alias,
    /// As `self`, with `&mut *self` where the body would move it.
    Reborrowed,
    /// As `self`, with `Pin::as_mut(&mut self)` where the body would move it.
    ReborrowedPin,
}

/// The construct that a body runs in, if generated code runs after the body. `return` and `?` in the body end this
/// construct.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    InPlace,
    Closure,
    AsyncBlock,
}

/// The reason why the metrics must be held through a shared pointer, such as an `Arc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SharingReason {
    /// The body consumes `self`, and the metrics are used after it.
    AfterMove,
    /// The returned value borrows `self` while the metrics are used.
    WhileBorrowed,
    /// The body uses all of `self`. A reborrow with another name is impossible, because a macro in the body contains
    /// `self`.
    BesideMacros,
    /// The returned future is `'static`, so it cannot borrow the metrics.
    InStaticFuture,
}

impl<'a> BodyPlan<'a> {
    pub(super) fn new(
        model: &'a InstrumentedFn<'a>,
        block: &Group,
        output: Option<&'a TokenStream>,
        is_async: bool,
    ) -> Self {
        let usage = BodyUsage::of(&block.stream());
        let is_watched = is_async && model.targets.cancelled.is_some();
        let scope = match (usage.exits, is_async && usage.awaits) {
            _ if is_watched => Scope::AsyncBlock,
            (false, _) => Scope::InPlace,
            (true, false) => Scope::Closure,
            (true, true) => Scope::AsyncBlock,
        };
        let is_timed_by_guard = !is_async
            && model.targets.time.is_some()
            && !model.targets.counts_outcome()
            && (cannot_be_annotated(model.function) || model.function.tracks_caller());
        let mut plan = Self {
            model,
            block: block.clone(),
            output,
            usage,
            access: Access::Direct,
            body_self: BodySelf::AsWritten,
            scope,
            only_borrows: false,
            captured_fields: Vec::new(),
            captures: Vec::new(),
            macros_need_self: false,
            is_watched,
            is_timed_by_guard,
            guard_holds_self: false,
            lent_arguments: lent_arguments(model),
        };
        if let (Some(receiver), true) = (plan.receiver(), plan.touches_self()) {
            plan.share_self(receiver);
        }
        let captures =
            if is_async && !model.function.is_async { captures_of_future } else { captures };
        plan.captures = captures(model.function, &plan.usage, plan.only_borrows);
        plan.captured_fields = plan.find_captured_fields();
        plan
    }

    /// Sets how the body and the code around it share `self`.
    fn share_self(&mut self, receiver: &Receiver) {
        let observes_end = self.observes_end();
        let is_exclusive = matches!(receiver.kind, ReceiverKind::Exclusive | ReceiverKind::Pinned);
        self.guard_holds_self =
            is_exclusive && self.guarded().iter().any(|target| target.usage.names_self);
        if observes_end || !self.guarded().is_empty() {
            (self.access, self.body_self) = match receiver.kind {
                ReceiverKind::Shared if self.lookups() > 1 => (Access::Cached, BodySelf::AsWritten),
                ReceiverKind::Shared => (Access::Direct, BodySelf::AsWritten),
                ReceiverKind::RefCounted => (Access::SelfAlias, BodySelf::AsWritten),
                ReceiverKind::Owned => (Access::Handle, BodySelf::AsWritten),
                ReceiverKind::Exclusive | ReceiverKind::Pinned => self.share_exclusive(receiver),
            };
        }
        self.only_borrows = observes_end
            && self.usage.names_self
            && match self.access {
                Access::Direct => is_exclusive && self.body_self != BodySelf::Alias,
                Access::Handle => !self.takes_self(),
                Access::Cached | Access::SelfAlias | Access::FutureHandle => false,
            };
    }

    /// Returns how the body and the code around it share `&mut self` or `self: Pin<&mut Self>`.
    fn share_exclusive(&mut self, receiver: &Receiver) -> (Access, BodySelf) {
        let usage = &self.usage;
        let function = self.model.function;
        let output = match &self.model.output {
            Output::Future { .. } => self.output.or(function.output.as_ref()),
            _ => function.output.as_ref(),
        };
        if borrows_self(function, receiver, output) {
            return (Access::Handle, BodySelf::AsWritten);
        }
        let is_pinned = receiver.kind == ReceiverKind::Pinned;
        let needs_another = usage.names_self
            && (is_pinned
                || self.guard_holds_self
                || self.observes_end()
                    && (usage.uses_self_as_value
                        || usage.moves_self
                        || self.scope == Scope::AsyncBlock));
        if !needs_another {
            return (Access::Direct, BodySelf::AsWritten);
        }
        if !usage.shows_self_to_macros {
            return (Access::Direct, BodySelf::Alias);
        }
        // A macro must see the word `self` as the user wrote it, so `self` cannot be renamed.
        let takes_all = self.guard_holds_self || usage.moves_self;
        if takes_all || is_pinned && usage.consumes_self_in_macros {
            self.macros_need_self = true;
            return (Access::Handle, BodySelf::AsWritten);
        }
        let body_self = if is_pinned { BodySelf::ReborrowedPin } else { BodySelf::Reborrowed };
        (Access::Direct, body_self)
    }

    pub(crate) fn receiver(&self) -> Option<&'a Receiver> {
        self.model.function.receiver.as_ref()
    }

    pub(crate) fn receiver_kind(&self) -> Option<ReceiverKind> {
        self.receiver().map(|receiver| receiver.kind)
    }

    /// Returns whether the expression of a target names `self`.
    pub(crate) fn touches_self(&self) -> bool {
        self.model.targets.all().iter().any(|target| target.usage.names_self)
    }

    /// Returns whether the body captures all of `self`, including the metrics in it.
    fn takes_self(&self) -> bool {
        self.usage.names_self && self.usage.uses_self_beyond_fields
    }

    /// Returns how often generated code looks up the metrics: for calls, the clock and guards, and after the body.
    fn lookups(&self) -> usize {
        let targets = &self.model.targets;
        let is_looked_up = |target: &Target| target.kind.root().is_some();
        let mut lookups = usize::from(targets.after_body().into_iter().any(is_looked_up));
        let Targets { calls, cancelled, in_flight, .. } = targets;
        let before = [calls.as_ref(), cancelled.as_ref(), in_flight.as_ref(), targets.histogram()];
        for target in before {
            lookups += usize::from(target.is_some_and(is_looked_up));
        }
        lookups
    }

    /// Returns the targets whose instruments are updated by guards. The guards exist while the body runs.
    fn guarded(&self) -> Vec<&'a Target> {
        let targets = &self.model.targets;
        let Targets { cancelled, in_flight, .. } = targets;
        let mut guarded = Vec::new();
        if let Some(target) = in_flight {
            guarded.push(target);
        }
        if let (Some(target), true) = (cancelled, self.is_watched) {
            guarded.push(target);
        }
        if let (Some(histogram), true) = (targets.histogram(), self.is_timed_by_guard) {
            guarded.push(histogram);
        }
        guarded
    }

    /// Returns whether the code after the body uses the argument.
    pub(crate) fn reads_after_body(&self, argument: &Ident) -> bool {
        let mut targets = self.model.targets.after_body().into_iter();
        targets.any(|target| target.usage.names(argument))
    }

    /// Returns whether generated code runs after the body. Then `return` and `?` must end only the body.
    pub(crate) fn observes_end(&self) -> bool {
        self.model.targets.observes_end() && !self.is_timed_by_guard
    }

    pub(crate) fn needs_mut_self(&self) -> bool {
        let takes_fields =
            !self.captured_fields.is_empty() && self.receiver_kind() == Some(ReceiverKind::Owned);
        let is_mut = self.receiver().is_some_and(|receiver| receiver.is_mut);
        !is_mut && (takes_fields || self.body_self == BodySelf::ReborrowedPin)
    }

    /// Returns the reason why the metrics must be held through a shared pointer. Returns `None` if `access` needs no
    /// handle, or if a borrow of the metrics lives long enough.
    pub(crate) fn sharing_reason(&self, access: Access) -> Option<SharingReason> {
        let is_handle = matches!(access, Access::Handle | Access::FutureHandle);
        let receiver = self.receiver_kind().filter(|_| is_handle)?;
        let while_borrowed = if self.macros_need_self {
            SharingReason::BesideMacros
        } else {
            SharingReason::WhileBorrowed
        };
        match receiver {
            ReceiverKind::Owned => self.takes_self().then_some(SharingReason::AfterMove),
            _ if access == Access::FutureHandle
                && outlives_self(self.model.function, &self.model.output) =>
            {
                Some(SharingReason::InStaticFuture)
            }
            ReceiverKind::Exclusive | ReceiverKind::Pinned => {
                self.takes_self().then_some(while_borrowed)
            }
            ReceiverKind::Shared | ReceiverKind::RefCounted => None,
        }
    }

    /// Returns how generated code accesses an instrument in a future that the function returns.
    pub(crate) fn future_access(&self) -> Access {
        match self.receiver_kind() {
            Some(ReceiverKind::RefCounted) => Access::SelfAlias,
            _ => Access::FutureHandle,
        }
    }

    /// Returns whether an expression has to be evaluated early, to create a handle. This is necessary if the expression
    /// contains a variable that the body may move, that the returned value may borrow, or that the returned future
    /// outlives.
    pub(crate) fn shares(&self, expression: &BodyUsage, access: Access) -> bool {
        let arguments = &self.model.function.arguments;
        let names = |argument: &Argument| argument.names.iter().any(|name| expression.names(name));
        match access {
            Access::FutureHandle => expression.names_self || arguments.iter().any(names),
            Access::SelfAlias
                if expression.names_self
                    && self.receiver_kind() == Some(ReceiverKind::RefCounted) =>
            {
                false
            }
            _ => {
                expression.names_self && access == Access::Handle
                    || self.moves_argument_of(expression)
            }
        }
    }

    /// Returns whether the expression contains an argument that the body may move.
    fn moves_argument_of(&self, expression: &BodyUsage) -> bool {
        self.model.function.arguments.iter().any(|argument| {
            argument.kind == ArgumentKind::Value
                && argument.names.iter().any(|name| expression.names(name))
                && argument.names.iter().any(|name| self.usage.names(name))
        })
    }

    /// Returns whether the body may move a variable that the index of an instrument contains, so that the index has to be read
    /// before the body.
    pub(crate) fn may_move(&self, index: &BodyUsage) -> bool {
        let takes_self = matches!(
            self.receiver_kind(),
            Some(ReceiverKind::Owned | ReceiverKind::RefCounted | ReceiverKind::Pinned)
        );
        index.names_self && (takes_self || self.guard_holds_self) || self.moves_argument_of(index)
    }

    /// Returns whether the index contains a `&mut` argument, a borrow of which the body may return, and is not itself a borrow,
    /// which a variable would extend over the whole body.
    pub(crate) fn may_lend(&self, usage: &BodyUsage, index: &TokenStream) -> bool {
        !is_borrow(index) && self.lent_arguments.iter().any(|name| usage.names(name))
    }

    /// Returns whether the index of an instrument may have another value after the body. A path such as `Op::Get` never does.
    /// An index that is a borrow is assumed to be constant, for the reason given for `may_lend`.
    pub(crate) fn may_change(&self, usage: &BodyUsage, index: &TokenStream) -> bool {
        let has_group = index.clone().into_iter().any(|token| matches!(token, TokenTree::Group(_)));
        let mut names = self.model.function.arguments.iter().flat_map(|argument| &argument.names);
        let is_variable = usage.names_self || names.any(|name| usage.names(name));
        !is_borrow(index) && (has_group || is_variable)
    }

    /// Returns whether the body has to be the last expression of the generated function, instead of the initializer of
    /// `__result`. There are two such cases. If the return type is `!` or contains `impl Trait`, it cannot be the type
    /// annotation of `__result`. If the body ends in a `return`, lints still have to report the `return` as needless.
    pub(crate) fn has_to_be_last(&self) -> bool {
        ends_in_return(&self.block.stream()) || cannot_be_annotated(self.model.function)
    }

    fn find_captured_fields(&self) -> Vec<TokenTree> {
        let Some(receiver) = self.receiver() else { return Vec::new() };
        let is_needed = self.only_borrows
            && self.scope == Scope::AsyncBlock
            && self.access == Access::Handle
            && receiver.has_disjoint_fields;
        if !is_needed {
            return Vec::new();
        }
        let targets = self.model.targets.all();
        let mut fields = self.usage.fields_of_self.clone();
        fields
            .retain(|field| !targets.iter().any(|target| target.usage.names_field_of_self(field)));
        fields
    }
}

fn is_borrow(index: &TokenStream) -> bool {
    index.clone().into_iter().next().is_some_and(|first| is_punct(&first, '&'))
}
