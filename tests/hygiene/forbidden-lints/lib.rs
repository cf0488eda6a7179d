//! The derive and the attribute where every lint that warns is forbidden, so that generated code cannot allow one.

#![forbid(warnings, deprecated, unreachable_code, unused, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code, missing_docs, missing_debug_implementations)]

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use papyra_metrics::{Counter, Gauge, Histogram, Metrics, metrics};

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

/// What functions count in.
#[derive(Debug, Default, Metrics)]
pub struct FunctionMetrics {
    /// Failures.
    #[metrics(errors)]
    pub errors: Counter,
    /// Dropped futures.
    pub cancelled: Counter,
    /// Open calls.
    pub in_flight: Gauge,
    /// Times.
    pub time: Histogram,
}

/// Functions of each plan.
#[derive(Debug, Default)]
pub struct Functions {
    /// How often something was done.
    pub done: u64,
    /// What is counted.
    pub metrics: FunctionMetrics,
}

impl Functions {
    /// A body in place.
    ///
    /// # Errors
    /// On overflow.
    #[metrics(errors)]
    pub fn in_place(&self) -> Result<u64, &'static str> {
        self.done.checked_add(1).ok_or("overflow")
    }

    /// A body in place that never ends.
    ///
    /// # Errors
    /// Never.
    #[metrics(errors, time = time)]
    pub fn exit(&self) -> Result<u64, &'static str> {
        std::process::exit(i32::from(self.done == 0))
    }

    /// A closure.
    ///
    /// # Errors
    /// If the text is no number.
    #[metrics(errors, time = time, in_flight = in_flight)]
    pub fn closure(&mut self, text: &str) -> Result<u64, std::num::ParseIntError> {
        self.done += text.parse::<u64>()?;
        Ok(self.done)
    }

    /// A future.
    ///
    /// # Errors
    /// If the text is no number.
    #[metrics(errors, time = time, in_flight = in_flight, cancelled = cancelled)]
    pub async fn block(&mut self, text: &str) -> Result<u64, std::num::ParseIntError> {
        self.done += std::future::ready(text.parse::<u64>()).await?;
        Ok(self.done)
    }

    /// A future in a box.
    #[metrics(time = time, in_flight = in_flight)]
    pub fn boxed(&self) -> Pin<Box<dyn Future<Output = u64> + '_>> {
        let done = self.done;
        Box::pin(std::future::ready(done))
    }

    /// A value, whose type may be an alias.
    #[metrics(time = time, in_flight = in_flight)]
    pub fn named(&self) -> String {
        self.done.to_string()
    }
}

/// Functions without a value, where every return has to be written.
pub mod returns {
    #![forbid(clippy::implicit_return)]

    use papyra_metrics::metrics;

    impl super::Functions {
        /// Once more.
        #[metrics(time = time, in_flight = in_flight)]
        pub fn once_more(&mut self) {
            self.done += 1;
        }
    }
}
