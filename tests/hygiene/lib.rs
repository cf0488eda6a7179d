//! Compiles every form of the derive and the attribute, and also forms with deprecated items and with bodies that never return.
//!
//! The lints that a user may enable are forbidden here, so `#[allow(…)]` in generated code would be an error.

#![forbid(warnings, unsafe_code, deprecated, unreachable_code, unused)]
#![forbid(clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility
)]
#![forbid(rust_2024_compatibility)]
#![forbid(
    absolute_paths_not_starting_with_crate,
    ambiguous_negative_literals,
    closure_returning_async_block,
    explicit_outlives_requirements,
    ffi_unwind_calls,
    impl_trait_redundant_captures,
    let_underscore_drop,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_abi,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unstable_features,
    unused_crate_dependencies,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

/// Re-exports papyra-metrics, as a framework does.
pub mod telemetry {
    #[doc(no_inline)]
    pub use papyra_metrics as metrics;
}

/// The forms that other crates compile in other scopes too.
pub mod forms {
    include!("forms.rs");
    include!("timed_forms.rs");
    include!("label_forms.rs");
    #[cfg(test)]
    include!("check.rs");

    #[test]
    fn every_form_compiles_if_no_lint_can_be_allowed() {
        check();
    }
}

use std::marker::PhantomData;
use std::pin::Pin;

use papyra_metrics::{Counter, Family, Gauge, Histogram, IoErrorKind, Label, Metrics, metrics};

/// Instruments that another struct flattens.
#[derive(Debug, Default, Metrics)]
pub struct Log {
    /// Failures.
    #[metrics(errors)]
    pub errors: Counter,
    /// Open files.
    pub open: Gauge,
}

/// A deprecated struct with a deprecated field.
#[deprecated]
#[derive(Debug, Default, Metrics)]
pub struct Old {
    /// Failures.
    #[deprecated]
    #[metrics(errors)]
    pub errors: Counter,
    /// The metrics of another struct.
    #[deprecated]
    #[metrics(flatten, prefix = "log_")]
    pub log: Log,
}

/// A deprecated label with a deprecated value.
#[deprecated]
#[derive(Clone, Copy, Debug, Label)]
pub enum OldKind {
    /// A deprecated value.
    #[deprecated]
    Gone,
    /// A value that is not deprecated.
    Other,
}

/// A label with discriminants and a deprecated value.
#[derive(Clone, Copy, Debug, Label)]
pub enum Step {
    /// The first value.
    First = 4,
    /// A deprecated value.
    #[deprecated]
    Second = 2,
}

/// A deprecated struct with families.
#[deprecated]
#[derive(Debug, Default, Metrics)]
#[metrics(labels(age = "old"))]
pub struct OldFamilies {
    /// Failures.
    #[deprecated]
    #[metrics(errors)]
    pub errors: Family<Step, Counter>,
}

/// A deprecated struct with `storage` and a deprecated field.
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

/// A generic struct with `storage`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Metrics)]
#[metrics(storage = GenericStorage)]
pub struct GenericCounts<T> {
    writes: u64,
    #[metrics(skip)]
    of: PhantomData<T>,
}

/// The metrics of `Functions`.
#[derive(Debug, Default, Metrics)]
pub struct FunctionMetrics {
    /// Failures.
    #[metrics(errors)]
    pub errors: Counter,
    /// Dropped futures.
    pub cancelled: Counter,
    /// Calls in flight.
    pub in_flight: Gauge,
    /// How long calls take.
    pub time: Histogram,
    /// I/O errors by kind.
    pub io_errors: Family<IoErrorKind, Counter>,
}

/// A backend with a function for each form of expansion.
#[derive(Debug, Default)]
pub struct Functions {
    /// The state that the functions read and change.
    pub done: u64,
    /// The metrics.
    pub metrics: FunctionMetrics,
}

impl Functions {
    /// Has no `?` or `return`, so the body is expanded inline.
    ///
    /// # Errors
    /// Returns an error on overflow.
    #[metrics(errors)]
    pub fn in_place(&self) -> Result<u64, &'static str> {
        self.done.checked_add(1).ok_or("overflow")
    }

    /// Never returns, so the end of the body is unreachable.
    ///
    /// # Errors
    /// Never returns an error.
    #[metrics(errors, time = time)]
    pub fn exit(&self) -> Result<u64, &'static str> {
        std::process::exit(i32::from(self.done == 0))
    }

    /// Never returns, although `errors` names a family of errors by kind.
    ///
    /// # Errors
    /// Never returns an error.
    #[metrics(errors = io_errors, time = time)]
    pub fn exit_by_kind(&self) -> std::io::Result<u64> {
        std::process::exit(i32::from(self.done == 0))
    }

    /// Counts errors by kind. A closure returns the kind.
    ///
    /// # Errors
    /// Returns the errors of the file system.
    #[metrics(errors = io_errors, errors_by = |error| match error.kind() {
        std::io::ErrorKind::NotFound => IoErrorKind::NotFound,
        _ => IoErrorKind::Other,
    })]
    pub async fn open(&mut self, path: &str) -> std::io::Result<std::fs::File> {
        let file = std::future::ready(std::fs::File::open(path)).await?;
        self.done += 1;
        Ok(file)
    }

    /// May return early, so the body is expanded in a closure.
    ///
    /// # Errors
    /// Returns an error if the text is not a number.
    #[metrics(errors, time = time, in_flight = in_flight)]
    pub fn closure(&mut self, text: &str) -> Result<u64, std::num::ParseIntError> {
        self.done += text.parse::<u64>()?;
        Ok(self.done)
    }

    /// Is an `async fn`, so the body is expanded in a future.
    ///
    /// # Errors
    /// Returns an error if the text is not a number.
    #[metrics(errors, time = time, in_flight = in_flight, cancelled = cancelled)]
    pub async fn block(&mut self, text: &str) -> Result<u64, std::num::ParseIntError> {
        self.done += std::future::ready(text.parse::<u64>()).await?;
        Ok(self.done)
    }

    /// Returns a boxed future, which is measured when it is polled.
    #[metrics(time = time, in_flight = in_flight)]
    pub fn boxed(&self) -> Pin<Box<dyn Future<Output = u64> + '_>> {
        let done = self.done;
        Box::pin(std::future::ready(done))
    }

    /// Returns a type whose name could be an alias of a future. Only the compiler knows that the type is not a future.
    #[metrics(time = time, in_flight = in_flight)]
    pub fn named(&self) -> String {
        self.done.to_string()
    }
}

/// Contains a function that returns no value. A lint of this module requires an explicit `return` for every returned value.
pub mod returns {
    #![forbid(clippy::implicit_return)]

    use papyra_metrics::metrics;

    impl super::Functions {
        /// Changes the state and returns nothing.
        #[metrics(time = time, in_flight = in_flight)]
        pub fn once_more(&mut self) {
            self.done += 1;
        }
    }
}

#[test]
fn deprecated_and_diverging_items_compile_if_no_lint_can_be_allowed() {
    let (log, nested, generic) =
        (Log::default(), NestedStorage::default(), GenericStorage::<u8>::default());
    assert_eq!(nested.read(), Nested::default());
    assert_eq!(generic.read(), GenericCounts::default());
    let names = [log.descriptors(), nested.descriptors(), generic.descriptors()].concat();
    let names: Vec<_> = names.iter().map(papyra_metrics::Descriptor::name).collect();
    assert_eq!(names, ["errors", "open", "reads", "writes"]);
}
