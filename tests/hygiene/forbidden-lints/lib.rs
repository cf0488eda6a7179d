//! The derive where every lint that warns is forbidden, so that generated code cannot allow one.

#![forbid(warnings, deprecated, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code, missing_docs, missing_debug_implementations)]

use std::marker::PhantomData;

use papyra_metrics::{Counter, Gauge, Metrics};

/// Instruments.
#[derive(Debug, Default, Metrics)]
pub struct Log {
    /// Failures.
    #[metrics(errors)]
    pub errors: Counter,
    /// Open files.
    pub open: Gauge,
}

/// An old struct, with an old field.
#[deprecated]
#[derive(Debug, Default, Metrics)]
pub struct Old {
    /// Failures.
    #[deprecated]
    #[metrics(errors)]
    pub errors: Counter,
    /// Nested.
    #[deprecated]
    #[metrics(flatten, prefix = "log_")]
    pub log: Log,
}

/// An old struct of numbers, with an old field.
#[deprecated]
#[derive(Clone, Debug, Default, PartialEq, Eq, Metrics)]
#[metrics(storage = OldStorage)]
pub struct OldCounts {
    /// Failures.
    #[deprecated]
    #[metrics(errors)]
    pub errors: u64,
    #[deprecated]
    #[metrics(flatten)]
    nested: Nested,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Metrics)]
#[metrics(storage = NestedStorage)]
struct Nested {
    reads: u64,
}

/// Numbers of any kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Metrics)]
#[metrics(storage = GenericStorage)]
pub struct GenericCounts<T> {
    writes: u64,
    #[metrics(skip)]
    of: PhantomData<T>,
}

/// Names of metrics, through every form.
///
/// # Panics
/// Panics if a storage that counted nothing does not read as zero.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let log = Log::default();
    let nested = NestedStorage::default();
    let generic = GenericStorage::<u8>::default();
    assert_eq!(nested.read(), Nested::default());
    assert_eq!(generic.read(), GenericCounts::default());
    [log.descriptors(), nested.descriptors(), generic.descriptors()]
        .into_iter()
        .flatten()
        .map(|descriptor| descriptor.name().to_owned().leak() as &str)
        .collect()
}
