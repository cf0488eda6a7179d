//! Generated code does not clash with the user's names, and causes no warnings. `tests/hygiene/` tests every form of
//! struct and function, in scopes that redefine the names that generated code might use.

#![deny(warnings)]
#![warn(clippy::pedantic, clippy::nursery, missing_debug_implementations, single_use_lifetimes)]
#![allow(clippy::redundant_pub_crate)] // this lint contradicts `unreachable_pub`
#![forbid(unsafe_code)]

/// A struct whose fields are named like the variables of generated code, without the leading `__`.
mod clashing {
    #[derive(Debug, Default, papyra_metrics::Metrics)]
    pub(super) struct Clashing {
        pub(super) visitor: papyra_metrics::Counter,
        pub(super) walker: papyra_metrics::Counter,
        pub(super) metrics: papyra_metrics::Counter,
        #[metrics(name = "self")]
        pub(super) storage: papyra_metrics::Counter,
    }
}

#[test]
fn fields_may_have_the_names_that_generated_code_uses() {
    use papyra_metrics::Metrics;
    let clashing = clashing::Clashing::default();
    clashing.visitor.inc();
    clashing.storage.inc();
    assert_eq!(clashing.snapshot().to_string(), "visitor: 1\nwalker: 0\nmetrics: 0\nself: 1");
}

/// A struct with an inherent method `snapshot`. The trait `Metrics` has a method with the same name.
mod inherent {
    use papyra_metrics::{Counter, Metrics};

    #[derive(Debug, Default, Metrics)]
    pub(super) struct Backend {
        pub(super) writes: Counter,
    }

    impl Backend {
        #[allow(clippy::unused_self)]
        pub(super) const fn snapshot(&self) -> &'static str {
            "the backend's own"
        }
    }
}

#[test]
fn inherent_methods_of_the_same_name_are_still_called() {
    use papyra_metrics::Metrics;
    let backend = inherent::Backend::default();
    assert_eq!(backend.snapshot(), "the backend's own");
    assert_eq!(Metrics::snapshot(&backend)["writes"], backend.writes.get());
}

/// Items with `#[allow]` or `#[expect]`. These attributes must apply to the generated code too.
mod allowed {
    #[allow(non_upper_case_globals)]
    #[derive(Debug, Default, papyra_metrics::Metrics)]
    pub(super) struct Ring<const shards: usize> {
        pub(super) writes: papyra_metrics::Counter,
    }

    #[expect(non_upper_case_globals, reason = "as in a C library")]
    #[derive(papyra_metrics::Metrics)]
    #[metrics(storage = SlotsStorage)]
    pub(super) struct Slots<const shards: usize> {
        pub(super) writes: u64,
    }

    #[deprecated]
    pub(super) type OldCounter = papyra_metrics::Counter;

    #[derive(Debug, Default, papyra_metrics::Metrics)]
    pub(super) struct Log {
        #[allow(deprecated)]
        pub(super) writes: OldCounter,
    }
}

#[test]
fn lints_that_are_allowed_on_an_item_are_allowed_in_its_impls() {
    use papyra_metrics::Metrics;
    let ring = allowed::Ring::<4>::default();
    let slots = allowed::SlotsStorage::<4>::default();
    let log = allowed::Log::default();
    assert_eq!(slots.read().writes, ring.writes.get() + log.writes.get());
    assert_eq!([ring.snapshot().len(), slots.snapshot().len(), log.snapshot().len()], [1, 1, 1]);
}

/// A deprecated struct with a deprecated field. Generated code must use both without a warning.
mod deprecated {
    #[deprecated]
    #[derive(Debug, Default, papyra_metrics::Metrics)]
    pub(super) struct Old {
        #[deprecated]
        pub(super) writes: papyra_metrics::Counter,
    }

    #[allow(deprecated)] // the test uses the struct
    pub(super) fn names() -> usize {
        papyra_metrics::Metrics::descriptors(&Old::default()).len()
    }
}

#[test]
fn deprecated_structs_can_derive_metrics() {
    assert_eq!(deprecated::names(), 1);
}
