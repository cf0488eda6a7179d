//! Metrics of a storage backend: fields of a struct that the backend owns, declared with a derive and readable by any
//! monitoring system.
//!
//! ```
//! use papyra_metrics::{Counter, Gauge, Metrics};
//!
//! /// The metrics of the order log.
//! #[derive(Debug, Default, Metrics)]
//! struct LogMetrics {
//!     /// Records appended.
//!     records_written: Counter,
//!     /// Payload bytes appended.
//!     #[metrics(unit = "bytes")]
//!     bytes_written: Counter,
//!     /// Appends that returned an error.
//!     #[metrics(errors)]
//!     write_errors: Counter,
//!     /// Segment files open now.
//!     open_segments: Gauge,
//! }
//!
//! let metrics = LogMetrics::default();
//! metrics.records_written.inc();
//! metrics.bytes_written.add(118);
//!
//! let snapshot = metrics.snapshot();
//! assert_eq!(snapshot["records_written"], 1);
//! println!("{snapshot}");
//! ```
//!
//! Counting is one relaxed atomic instruction on a field that the backend owns, without a global registry, a lock, an
//! allocation or I/O. [`Metrics::snapshot`] returns a map of names to values, [`Metrics::visit`] passes the same values
//! to a closure, and [`Metrics::drain`] returns each increment exactly once. [`Metrics::reset`] sets counters to zero
//! and empties histograms, for people and tests. It does not change [`Metrics::totals`], which monitoring systems read.
//!
//! The guide in the repository (`docs/guide/README.md`) explains how to add metrics to a backend, chapter by chapter,
//! and how to port from other crates.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | none | all instruments, the derive, [`Metrics`] except `snapshot`, `totals` and `drain`; needs neither std nor an allocator |
//! | `alloc` | [`Snapshot`], and with it `snapshot`, `totals` and `drain`; `Box`, `Rc` and `Arc` of instruments and metrics |
//! | `std` (default) | implies `alloc`; [`Timer`] and `time`; conversion of an `io::Error` into an [`IoErrorKind`], and of a snapshot into a `HashMap` |
//! | `publish` | implies `std`; [`publish`], metrics in a file that other processes can read |
//! | `serde` | implies `alloc`; [`Snapshot`], [`Value`] and [`Distribution`] are serialized and deserialized, in text and binary formats |
//! | `portable-atomic` | support for targets without 64-bit atomics, through the crate `portable-atomic` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![deny(unsafe_code)] // allowed in `publish` and `sharded`, for the clock, for `sysfs`, and for text composed at compile time

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod assert_delta;
mod atomic;
mod atomic_layout;
mod cache_padded;
mod clock;
mod counter;
mod descriptor;
mod family;
mod float_gauge;
mod gauge;
mod gauge_hold;
mod gauge_integer;
mod hash;
#[allow(clippy::missing_panics_doc)] // the panics of `buckets!` are compile errors
mod histogram;
mod inc;
mod instrument;
mod io_error_kind;
mod label;
mod label_set;
mod metered;
mod metrics;
pub mod naming;
mod peak;
pub mod persistence;
#[cfg(feature = "publish")]
pub mod publish;
mod record_duration;
#[cfg(feature = "alloc")]
mod register;
mod series;
mod sharded;
mod shared_memory;
#[cfg(feature = "alloc")]
pub mod snapshot;
#[cfg(all(
    feature = "std",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri),
    not(all(loom, test))
))]
#[allow(unsafe_code)] // std does not say which file system a file is on
mod sysfs;
mod value;
pub mod walk;

pub use cache_padded::CachePadded;
pub use counter::Counter;
pub use descriptor::{Descriptor, Kind};
pub use family::{Family, FamilyRow, Member, MemberArray, MemberStorage, Zero};
pub use float_gauge::FloatGauge;
pub use gauge::Gauge;
pub use gauge_hold::GaugeHold;
pub use gauge_integer::GaugeInteger;
#[cfg(feature = "std")]
pub use histogram::Timer;
pub use histogram::{
    Amount, AnyBuckets, BoundsMismatch, Bucket, BucketSet, Buckets, Distribution, FineLatency,
    Histogram, Latency, Objective, ShardedHistogram, Sizes, Tally,
};
pub use inc::{Inc, IncDec};
pub use instrument::Instrument;
pub use io_error_kind::IoErrorKind;
pub use label::{Label, LabelValues};
pub use label_set::DescriptorLabels;
pub use metered::Metered;
pub use metrics::Metrics;
pub use naming::ExpositionName;
pub use peak::Peak;
pub use record_duration::RecordDuration;
pub use series::Series;
pub use sharded::ShardedCounter;

/// Implements [`Metrics`](trait@Metrics) for a struct with named fields.
///
/// Every field is a metric: an [`Instrument`], or a [`Family`] of instruments. The metric has the name of the field, and
/// is described by the first paragraph of the field's doc comment. Keys of `#[metrics(…)]`, which is written below the
/// derive, change these defaults:
///
/// | where | key | meaning |
/// |---|---|---|
/// | field | `name = "…"` | the name of the metric, instead of the field's; must match `[a-zA-Z_][a-zA-Z0-9_]*` |
/// | field | `help = "…"` | the description, instead of the doc comment; `""` for none |
/// | field | `unit = "bytes"` | the OpenMetrics base unit; must match `[a-z0-9_]+` |
/// | field | `labels(op = "get")` | fixed labels of the metric; see [`is_label_name`](naming::is_label_name) and [`is_label_value`](naming::is_label_value) for the valid characters |
/// | field | `gauge = …`, `counter = …` | the metric is [computed](#computed-values) from the field, by a path or a closure |
/// | field | `errors` | marks the error counter of the struct; at most one field |
/// | field | `objective(within = "100ms", of = 99.9)` | a service level [objective](#objectives) of a histogram: 99.9 % of its values are within 100 ms |
/// | field | `flatten`, with or without `prefix = "…"` | adds the metrics of the field's type, which derives `Metrics`; `labels(…)` adds labels before the labels of these metrics |
/// | field | `skip` | not a metric |
/// | field | `padded` | with `storage`: the metric is a [`CachePadded`], which shares no cache line with other data |
/// | field | `sharded` | with `storage`: the counter is a [`ShardedCounter`]; use it if all cores increment the counter |
/// | struct | `prefix = "…"` | a prefix of every name |
/// | struct | `labels(component = "wal")` | fixed labels of every metric, before the metric's own labels |
/// | struct | `storage = Name` | the struct is [plain](#plain-structs), and the derive writes the struct `Name` of its instruments |
/// | struct | `padded` | with `storage`: every metric of the struct itself is a [`CachePadded`] |
/// | struct | `crate = path` | the path of this crate, if it is renamed or re-exported |
///
/// Names are composed at compile time. Two metrics with the same name and labels are a compile error, even if one of
/// them is in a flattened struct. Two metrics that would export samples of the same name (`writes` and `writes_total`)
/// are a compile error too. In a generic struct, the error appears where the struct is first used. Metrics that share a
/// name and differ in label values are one family; their kinds, units and label names must be the same.
///
/// ```
/// use papyra_metrics::{Counter, Gauge, Metrics};
/// use std::path::PathBuf;
///
/// #[derive(Default, Metrics)]
/// struct CacheMetrics { hits: Counter, misses: Counter }
///
/// #[derive(Default, Metrics)]
/// #[metrics(prefix = "log_")]
/// struct LogMetrics {
///     /// Payload bytes appended.
///     #[metrics(unit = "bytes")]
///     bytes_written: Counter,
///     #[metrics(errors)]
///     write_errors: Counter,
///     open_segments: Gauge,
///     #[metrics(flatten, prefix = "cache_")]
///     cache: CacheMetrics,
///     #[metrics(skip)]
///     path: PathBuf,
/// }
///
/// let metrics = LogMetrics::default();
/// metrics.cache.hits.inc();
/// assert_eq!(metrics.snapshot()["log_cache_hits"], 1);
/// ```
///
/// # Computed values
///
/// A value that the backend already keeps becomes a metric without a second counter: a queue's length, an
/// `AtomicUsize`, the statistics of an embedded database. Whenever the metrics are read, the path or closure is called
/// with a reference to the field. The field can have any type. For a gauge, the path or closure returns an integer or a
/// float. For a counter, it returns an integer: the lifetime total, which a reset does not change. Numbers outside the
/// range of the metric are clamped. A field can have several such attributes. Each attribute declares a metric, whose
/// help is the doc comment above the attribute. A struct with computed values cannot be [published](crate::publish), and
/// a plain struct cannot contain computed values.
///
/// ```
/// use papyra_metrics::{Counter, Metrics};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// #[derive(Default, Metrics)]
/// struct QueueMetrics {
///     pushed: Counter,
///     #[metrics(gauge = |in_use| in_use.load(Ordering::Relaxed))]
///     slots_in_use: AtomicUsize,
/// }
///
/// let metrics = QueueMetrics::default();
/// metrics.slots_in_use.store(3, Ordering::Relaxed);
/// assert_eq!(metrics.snapshot()["slots_in_use"], 3);
/// ```
///
/// # Objectives
///
/// A histogram may have an [`Objective`], from which `papyra-metrics rules` writes alerts. `within` is a bucket bound,
/// written as in [`buckets!`]: `"100ms"` for durations, `"64KiB"` or `"512"` for other values. Any other threshold is a
/// compile error that names the nearest bounds, because a histogram can count the values within a threshold only at its
/// bounds. `of` is a percentage above 0 and below 100, with at most 7 decimals. Every series of a family has the
/// objective of its field.
///
/// ```
/// use papyra_metrics::{Histogram, Metrics, Sizes};
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics {
///     #[metrics(objective(within = "100ms", of = 99.9))]
///     append: Histogram,
///     #[metrics(objective(within = "64KiB", of = 50))]
///     record_size: Histogram<Sizes>,
/// }
///
/// let metrics = LogMetrics::default();
/// let objectives = metrics.descriptors().iter().filter_map(|metric| metric.objective());
/// let objectives: Vec<String> = objectives.map(|objective| objective.to_string()).collect();
/// assert_eq!(objectives, ["99.9% within 0.1", "50% within 65536"]); // in the exported units
/// ```
///
/// # Plain structs
///
/// With `storage = Name`, the struct declares its metrics as plain values: `u64` for counters, `i64` and `f64` for
/// gauges, [`Distribution`]s of declared buckets for histograms, and [`Family`] of these. The derive generates the
/// struct `Name` with the same visibility, generics and docs. Its fields are the instruments: [`Counter`], [`Gauge`],
/// [`FloatGauge`], [`Histogram`] and families of these. `Name` implements `Default`, `Debug` and `Metrics`. It has a
/// `const fn new()`, and a method `read()` that returns the plain struct with the values since the last reset.
///
/// ```
/// use papyra_metrics::Metrics;
///
/// #[derive(Clone, Debug, Default, PartialEq, Metrics)]
/// #[metrics(storage = LogMetrics)]
/// pub struct LogCounts {
///     /// Records appended.
///     pub records_written: u64,
///     pub open_segments: i64,
/// }
///
/// static METRICS: LogMetrics = LogMetrics::new();
///
/// METRICS.records_written.inc();
/// assert_eq!(METRICS.read(), LogCounts { records_written: 1, ..LogCounts::default() });
/// ```
pub use papyra_metrics_derive::Metrics;

/// Implements [`Label`](trait@Label) for an enum without fields. Derive `Clone` and `Copy` too, which a label requires.
///
/// The label is named after the enum, and each value after its variant, in snake case. Keys of `#[metrics(…)]`, which
/// is written below the derive, change these defaults:
///
/// | where | key | meaning |
/// |---|---|---|
/// | enum | `label = "…"` | the label's name; see [`is_label_name`](naming::is_label_name) for the valid characters |
/// | enum | `rename_all = "lowercase"` | values without underscores between words: `notfound`; the default is `"snake_case"` |
/// | enum | `crate = path` | the path of this crate, if it is renamed or re-exported |
/// | variant | `name = "…"` | the value; must match `[a-z0-9_]+` |
///
/// Two equal values, or more than 256 values, are a compile error.
///
/// ```
/// use papyra_metrics::{Counter, Family, Label, Metrics};
///
/// #[derive(Clone, Copy, Label)]
/// #[metrics(label = "kind")]
/// enum ErrorKind {
///     NotFound,
///     #[metrics(name = "full")]
///     StorageFull,
/// }
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics {
///     write_errors: Family<ErrorKind, Counter>,
/// }
///
/// let metrics = LogMetrics::default();
/// metrics.write_errors[ErrorKind::StorageFull].inc();
/// assert_eq!(
///     metrics.snapshot().to_string(),
///     "write_errors{kind=not_found}: 0\nwrite_errors{kind=full}: 1"
/// );
/// ```
pub use papyra_metrics_derive::Label;

/// Measures a function: counts errors, successes, calls and cancellations, tracks the calls in flight, and records how
/// long calls take.
///
/// The signature and the return value are unchanged. Instruments are fields of `self.metrics`, unless `at` or an
/// expression names another location.
///
/// ```
/// use papyra_metrics::{Counter, Gauge, Histogram, Metrics, metrics};
/// use std::io::{self, Write};
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics {
///     records_written: Counter,
///     #[metrics(errors)]
///     write_errors: Counter,
///     appends_in_flight: Gauge,
///     append: Histogram,
/// }
///
/// struct OrderLog<W> {
///     out: W,
///     metrics: LogMetrics,
/// }
///
/// impl<W: Write> OrderLog<W> {
///     #[metrics(errors, ok = records_written, in_flight = appends_in_flight, time = append)]
///     fn append(&mut self, record: &[u8]) -> io::Result<()> {
///         let len = u32::try_from(record.len()).map_err(io::Error::other)?;
///         self.out.write_all(&len.to_le_bytes())?;
///         self.out.write_all(record)
///     }
/// }
///
/// let mut buffer = [0; 10];
/// let mut log = OrderLog { out: &mut buffer[..], metrics: LogMetrics::default() };
/// assert!(log.append(b"first").is_ok());
/// assert!(log.append(b"second").is_err()); // the buffer is full
/// let snapshot = log.metrics.snapshot();
/// assert_eq!(snapshot["records_written"], 1);
/// assert_eq!(snapshot["write_errors"], 1);
/// assert_eq!(log.metrics.append.get().count(), 2); // both calls returned
/// ```
///
/// # Keys
///
/// | key | meaning |
/// |---|---|
/// | `errors`, `errors = …` | counts each `Err`; without a value, in the counter that the struct marks with `errors` |
/// | `errors_by = …` | a path or closure that converts an error to the label under which a [family](#errors-by-kind) counts the error |
/// | `ok = …` | counts each `Ok` |
/// | `calls = …` | counts each call |
/// | `in_flight = …` | a gauge of the calls that have begun and not ended |
/// | `cancelled = …` | counts each future that has begun and is dropped before it finishes |
/// | `time = …` | a histogram of the [durations](#time) of the calls that return |
/// | `sample = 16` | with `time`: records one call in 16 on average |
/// | `at = …` | the metrics in which [fields](#where-to-count) are looked up, instead of `self.metrics` |
/// | `crate = path` | the path of this crate, if it is renamed or re-exported |
///
/// The metrics change at these moments:
///
/// | a call … | `calls` | `in_flight` | `ok` | `errors` | `cancelled` | `time` |
/// |---|---|---|---|---|---|---|
/// | begins: a function when called, a future when first polled | +1 | +1 | | | | starts |
/// | returns `Ok`, or a value not listed below | | −1 | +1 if `Ok` | | | records |
/// | returns `Err`, by `?`, `return` or the last expression | | −1 | | +1 | | records |
/// | returns `None` or `Pending` instead of a result | | −1 | | | | records |
/// | panics | | −1 | | | | |
/// | is a future that has begun and is dropped before it finishes | | −1 | | | +1 | |
/// | is a future that is never polled | | | | | | |
///
/// A future that is dropped because its owner panics counts as cancelled. A future that panics itself does not count as
/// cancelled.
///
/// # Errors by kind
///
/// `errors` may count in a [`Family`] with a label type `L`: an error of type `E` is counted in the member with the label
/// `L::from(&error)`. If `L` does not implement `From<&E>`, set `errors_by` to a path or a closure that converts `&E` to
/// `L`. If the family has several labels, the attribute may fix the first label: `errors = errors[Op::Get]` counts in a
/// [`FamilyRow`].
///
/// ```
/// use papyra_metrics::{Counter, Family, IoErrorKind, Label, Metrics, metrics};
/// use std::io;
///
/// #[derive(Clone, Copy, Label)]
/// enum Cause { Full, Other }
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics {
///     #[metrics(errors)]
///     write_errors: Family<IoErrorKind, Counter>,
///     flush_errors: Family<Cause, Counter>,
/// }
///
/// #[derive(Default)]
/// struct OrderLog {
///     metrics: LogMetrics,
/// }
///
/// impl OrderLog {
///     #[metrics(errors)]
///     fn append(&self, record: &[u8]) -> io::Result<usize> {
///         if record.is_empty() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(record.len()) }
///     }
///
///     #[metrics(errors = flush_errors, errors_by = |error| match error.kind() {
///         io::ErrorKind::StorageFull => Cause::Full,
///         _ => Cause::Other,
///     })]
///     fn flush(&self) -> io::Result<()> {
///         Err(io::ErrorKind::StorageFull.into())
///     }
/// }
///
/// let log = OrderLog::default();
/// assert!(log.append(b"").is_err() && log.flush().is_err());
/// assert_eq!(log.metrics.write_errors[IoErrorKind::StorageFull].get(), 1);
/// assert_eq!(log.metrics.flush_errors[Cause::Full].get(), 1);
/// ```
///
/// # Time
///
/// `time` takes a [`Histogram`] or [`ShardedHistogram`] of durations, and needs the feature `std` for its clock. An
/// async function is timed from its first poll to its end, including the time that it waits. If the metrics are `None`,
/// the clock is not read.
///
/// If a function's return type is a named future, such as `-> Append` for a struct that implements `Future`, only the call
/// that creates the future is timed, not the future: the function has to return an `Append`, so the attribute cannot wrap
/// it in a future that reads the clock. `in_flight` ends with the call too. Return `impl Future<Output = …>` instead, or
/// put the attribute on the `async fn` that awaits the future. A boxed future is timed to its end even if the return type
/// is an alias of `Pin<Box<dyn Future>>`. For `in_flight` without `time`, `errors`, `ok` or `cancelled`, the name of the
/// alias has to end in `Future`, or the body in `Box::pin(…)`.
///
/// Reading the [clock](Timer#clock) twice costs five to ten times as much as recording. With `sample = n`, only about one
/// call in `n` is timed, and is recorded with a weight of `n`: counts, sums and quantiles stay right on average. Each
/// thread chooses calls by a quasi-random sequence, so that calls in a fixed pattern and threads that call only once are
/// represented correctly.
///
/// ```
/// use papyra_metrics::{Histogram, Metrics, metrics};
///
/// #[derive(Default, Metrics)]
/// struct CacheMetrics {
///     lookup: Histogram,
/// }
///
/// #[derive(Default)]
/// struct Cache {
///     metrics: CacheMetrics,
/// }
///
/// impl Cache {
///     #[metrics(time = lookup, sample = 16)]
///     fn lookup(&self, key: &str) -> Option<usize> {
///         key.parse().ok()
///     }
/// }
///
/// let cache = Cache::default();
/// for _ in 0..160_000 {
///     cache.lookup("1");
/// }
/// let count = cache.metrics.lookup.get().count();
/// assert!((159_000..161_000).contains(&count));
/// ```
///
/// # Where to count
///
/// In a method, a value that begins with a bare name is a field of `self.metrics`: `write_errors`, `compaction.errors`,
/// `requests[Op::Get]`. Argument names, upper-case names, paths with `::` and values that begin with `self` are
/// expressions, which are evaluated when an event is counted: `errors = self.stats.write_errors`,
/// `errors = log.metrics.write_errors`. `at` names other metrics, in which fields and `errors` without a value are looked
/// up. A function without `self` can use `at` too. With neither `self` nor `at`, every value is an expression.
///
/// The metrics may be a struct, a reference, `Box`, `Rc` or `Arc` to a struct, or an `Option` of any of these; `None`
/// counts nothing. In the same way, an instrument may be behind a pointer or in an `Option`. The instrument must implement
/// [`Inc`] to count events, [`IncDec`] for `in_flight`, or [`RecordDuration`] for `time`.
///
/// ```
/// use papyra_metrics::{Counter, Metrics, metrics};
/// use std::sync::Arc;
///
/// #[derive(Default, Metrics)]
/// struct StoreMetrics {
///     gets: Counter,
///     #[metrics(errors)]
///     errors: Counter,
/// }
///
/// #[derive(Default)]
/// struct Inner {
///     stats: StoreMetrics,
/// }
///
/// struct Store {
///     inner: Arc<Inner>,
/// }
///
/// impl Store {
///     #[metrics(at = self.inner.stats, errors, ok = gets)]
///     fn get(&self, key: &str) -> Result<usize, String> {
///         key.parse().map_err(|_| format!("no such key: {key}"))
///     }
/// }
///
/// let store = Store { inner: Arc::default() };
/// assert!(store.get("1").is_ok() && store.get("x").is_err());
/// assert_eq!((store.inner.stats.gets.get(), store.inner.stats.errors.get()), (1, 1));
/// ```
///
/// # Supported functions
///
/// - `calls` and `in_flight`: any function that has a body and is not a `const fn`.
/// - `time`: any such function whose return type is not `!`.
/// - `cancelled`: any function that returns a future: `async fn`, `impl Future`, or a boxed future.
/// - `errors` and `ok`: any function that returns a `Result`, `Option<Result>`, `Poll<Result>` or
///   `Poll<Option<Result>>`, under any alias, or a future of one of these: `async fn`, `impl Future`,
///   `Pin<Box<dyn Future>>` or an alias of this type. `None` and `Pending` count neither as `errors` nor as `ok`. Of nested
///   results, the outer result counts.
///
/// Futures that were `Send` stay `Send`.
///
/// A method that takes `self` by value, or that takes `&mut self` and returns a borrow of it, leaves no metrics to
/// count in when it returns. Share the metrics, as in `metrics: Arc<LogMetrics>`; the compiler reports the methods that
/// need this. The attribute recognizes a borrow by its `&` or its lifetime, so write an elided lifetime out: `Iter<'_>`,
/// not `Iter`. A boxed future behind a name such as `Self::Future` is wrapped in another future that counts. Therefore the
/// output type must be valid for as long as the boxed future is. A bound such as `R: 'static` on the impl ensures this.
///
/// A function with `calls` alone needs none of this, because `calls` counts when the function is called. The exceptions
/// are functions whose return type is `impl Future`, `Pin<Box<dyn Future>>`, or a name that ends in `BoxFuture`: for
/// these functions, `calls` counts when the future is first polled.
///
/// Macros in the body can use `self`. However, in a `&mut self` method whose metrics are not shared, a body that names
/// `self` in a macro cannot also use all of `self`, as in `self.clear()`, in these cases: with `in_flight`; with
/// `cancelled` on an `async fn`; with `time` alone on a `#[track_caller]` function; with a `move` closure or block that
/// names `self`; and if a macro consumes a pinned `self`. The compiler reports these cases. Bind `self` to another name
/// first, as in `let this = self;`, or share the metrics.
///
/// # Closures
///
/// A body that may return early, by `return`, `?` or any macro, runs in a closure, or in an `async` block if it may
/// await. `#[track_caller]` has no effect through a closure, so `errors` and `ok` reject a `#[track_caller]` function with
/// such a body; move the body to a `#[track_caller]` helper. Inside the closure, a macro that returns the name of the
/// enclosing function, such as `function_name!` of the crate `stdext`, appends `{{closure}}`.
///
/// # Costs
///
/// The attribute adds no trait bound or lock. It allocates in one case: a boxed future is boxed again, unless the only
/// expression that returns it is a `Box::pin` at the end of the body. With `errors` alone, the `Ok` path of a `&self`
/// method executes the same instructions as without the attribute, or one more instruction if the code that builds the
/// error calls functions. The `Ok` path of a `&mut self` method executes at most three more instructions. The future of
/// an async function grows by at most 40 bytes with `errors`, and by at most 80 bytes with `errors` and `cancelled`.
/// `cargo bench -p papyra-metrics-benches --bench function_costs` counts and prints these costs.
pub use papyra_metrics_derive::metrics;

#[cfg(feature = "publish")]
pub use publish::Published;
#[cfg(feature = "alloc")]
pub use register::Register;
#[cfg(feature = "alloc")]
pub use snapshot::Snapshot;
pub use value::Value;
pub use walk::Walker;

// Exported at the root, so that compiler messages print short paths.
#[doc(hidden)]
pub use __private::{ComputedValue, SkippedField};

#[doc(hidden)]
#[allow(missing_docs, clippy::missing_panics_doc)] // only generated code uses it
#[path = "private/mod.rs"]
pub mod __private;
