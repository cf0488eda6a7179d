//! Generated code compiles in hostile scopes, and draws no warning there.

#![deny(warnings)]
#![warn(clippy::pedantic, clippy::nursery, missing_debug_implementations, single_use_lifetimes)]
#![allow(clippy::redundant_pub_crate)] // it wants the opposite of what `unreachable_pub` wants
#![forbid(unsafe_code)]

/// No prelude, and the user's own items under every name that generated code might want.
#[no_implicit_prelude]
mod hostile {
    #![allow(non_camel_case_types, dead_code)]

    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod alloc {}
    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct Some;
    pub(super) struct String;
    pub(super) struct Counter;
    pub(super) struct Gauge;
    pub(super) struct Padded;
    pub(super) struct ShardedCounter;
    pub(super) struct Value;
    pub(super) struct Descriptor;
    pub(super) struct Metrics;
    pub(super) struct Default;
    pub(super) struct Self_;
    pub(super) type u64 = ();
    pub(super) type str = ();
    pub(super) type usize = ();
    pub(super) type bool = ();
    // A binding of the same name would be a pattern.
    pub(super) struct visitor;
    pub(super) struct walker;
    pub(super) struct metrics;
    pub(super) struct storage;
    pub(super) struct f;
    pub(super) trait Instrument {}
    pub(super) trait FnMut {}

    #[derive(::papyra_metrics::Metrics)]
    pub(super) struct Inner<T> {
        pub(super) r#type: ::papyra_metrics::Counter,
        pub(super) level: T,
        #[metrics(skip)]
        pub(super) string: String,
    }

    #[derive(::papyra_metrics::Metrics)]
    #[metrics(prefix = "log_")]
    pub(super) struct Log {
        /// Hits.
        #[metrics(errors, unit = "bytes")]
        pub(super) hits: ::papyra_metrics::Counter,
        #[metrics(flatten, prefix = "inner_")]
        pub(super) inner: Inner<::papyra_metrics::Gauge>,
    }

    #[derive(::papyra_metrics::Metrics)]
    pub(super) struct Generic<T> {
        #[metrics(flatten)]
        pub(super) inner: T,
    }

    #[derive(::papyra_metrics::Metrics)]
    #[metrics(storage = Storage, pad)]
    pub(super) struct Plain {
        pub(super) hits: ::core::primitive::u64,
        #[metrics(sharded)]
        pub(super) lookups: ::core::primitive::u64,
        pub(super) level: ::core::primitive::i64,
    }
}

#[test]
fn the_derive_works_where_no_prelude_is_and_every_name_is_taken() {
    use papyra_metrics::Metrics;
    let log = hostile::Log {
        hits: papyra_metrics::Counter::new(),
        inner: hostile::Inner {
            r#type: papyra_metrics::Counter::new(),
            level: papyra_metrics::Gauge::new(),
            string: hostile::String,
        },
    };
    log.inner.r#type.inc();
    assert_eq!(log.snapshot()["log_inner_type"], 1);
    assert_eq!(hostile::Generic { inner: log }.snapshot()["log_inner_type"], 1);
    let storage = hostile::Storage::new();
    storage.hits.inc();
    assert_eq!(storage.read().hits, 1);
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
