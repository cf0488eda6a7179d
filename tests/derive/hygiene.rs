//! Generated code compiles in hostile scopes, works there, and draws no warning.

#![deny(warnings)]
#![warn(clippy::pedantic, clippy::nursery, missing_debug_implementations, single_use_lifetimes)]
#![allow(clippy::redundant_pub_crate)] // it wants the opposite of what `unreachable_pub` wants
#![forbid(unsafe_code)]

/// The crates in `hygiene/`: each includes `forms.rs`, which has every form of the derive and the attribute. That
/// they compile is the most of it.
macro_rules! every_form_works {
    ($($test:ident: $package:ident,)*) => {$(
        #[test]
        fn $test() {
            let (errors, ok, calls, in_flight) = $package::count();
            assert_eq!((errors, ok, calls, in_flight), (16, 8, 12, 0));
            let names = [
                "log_write_errors", "log_records_written", "log_runs", "log_cancelled", "log_in_flight",
                "log_cache_hits", "log_cache_level", "log_cache_type",
                "hits", "level", "type",
                "writes", "open", "nested_reads",
            ];
            assert_eq!($package::names(), names.concat().len());
            assert_eq!($package::time(), 12);
        }
    )*};
}
every_form_works! {
    every_form_works_without_any_prelude: papyra_metrics_hygiene_no_prelude,
    every_form_works_among_items_that_have_the_names_of_everything_else: papyra_metrics_hygiene_shadowed,
    every_form_works_where_every_lint_is_denied: papyra_metrics_hygiene_strict_lints,
    every_form_works_under_another_name_of_the_dependency: papyra_metrics_hygiene_renamed,
    every_form_works_through_a_facade: papyra_metrics_hygiene_facade_user,
    every_form_works_in_edition_2018: papyra_metrics_hygiene_edition_2018,
    every_form_works_in_edition_2021: papyra_metrics_hygiene_edition_2021,
    every_form_works_in_edition_2024: papyra_metrics_hygiene_edition_2024,
}

/// Names that generated code uses itself, as names of the user's.
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

/// A backend's own methods of the same names stay in charge.
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
fn inherent_methods_of_the_same_name_stay_in_charge() {
    use papyra_metrics::Metrics;
    let backend = inherent::Backend::default();
    assert_eq!(backend.snapshot(), "the backend's own");
    assert_eq!(Metrics::snapshot(&backend)["writes"], backend.writes.get());
}

#[test]
fn derives_compile_where_no_lint_can_be_allowed() {
    let names = papyra_metrics_hygiene_forbidden_lints::names();
    assert_eq!(names, ["errors", "open", "reads", "writes"]);
}

/// Lints that the user allows on an item are allowed in generated code.
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

/// Deprecated things still count, without a warning in the derive.
mod deprecated {
    #[deprecated]
    #[derive(Debug, Default, papyra_metrics::Metrics)]
    pub(super) struct Old {
        #[deprecated]
        pub(super) writes: papyra_metrics::Counter,
    }

    #[allow(deprecated)] // the test's own use
    pub(super) fn names() -> usize {
        papyra_metrics::Metrics::descriptors(&Old::default()).len()
    }
}

#[test]
fn deprecated_structs_can_be_derived_on() {
    assert_eq!(deprecated::names(), 1);
}
