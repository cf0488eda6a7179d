// Every form of the derive and the attribute that needs no prelude, no std and no allocator. The crates in this directory and the
// crate in `no-std/` include this file. `hostile.rs` includes a copy of this file among items with the names that generated code
// might use, so all paths here are absolute. In the copy, `build.rs` replaces `::papyra_metrics` with other paths.

/// The metrics of a cache. The type of one instrument is a type parameter.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
pub struct Cache<T> {
    /// Hits.
    pub hits: ::papyra_metrics::Counter,
    /// The level.
    #[metrics(name = "level", help = "How full it is.", unit = "bytes")]
    pub level: T,
    /// A field whose name is a keyword.
    pub r#type: ::core::sync::atomic::AtomicU64,
    /// A field that is not a metric.
    #[metrics(skip)]
    pub name: &'static ::core::primitive::str,
}

/// The metrics of the log.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(prefix = "log_")]
pub struct LogMetrics {
    /// Failures.
    #[metrics(errors)]
    pub write_errors: ::papyra_metrics::Counter,
    /// Successes.
    pub records_written: ::papyra_metrics::Counter,
    /// Calls.
    pub runs: ::papyra_metrics::Counter,
    /// Futures that were dropped before they finished.
    pub cancelled: ::papyra_metrics::Counter,
    /// Calls in flight.
    pub in_flight: ::papyra_metrics::Gauge,
    /// The metrics of a cache.
    #[metrics(flatten, prefix = "cache_")]
    pub cache: Cache<::papyra_metrics::Gauge>,
}

/// A struct whose lifetime, bound and const parameter have to be repeated in generated impls.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
pub struct Borrowed<'a, T, const N: ::core::primitive::usize>
where
    T: ::core::marker::Copy,
{
    /// The metrics of a cache.
    #[metrics(flatten)]
    pub inner: &'a Cache<::papyra_metrics::Counter>,
    /// A field that is not a metric.
    #[metrics(skip)]
    pub values: [T; N],
}

/// A struct with `storage`, for which the derive generates a struct of atomics.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(storage = Storage)]
pub struct Plain<T> {
    /// Writes.
    #[metrics(errors)]
    pub writes: ::core::primitive::u64,
    /// Open files.
    #[metrics(padded)]
    pub open: ::core::primitive::i64,
    /// The metrics of another struct with `storage`.
    #[metrics(flatten, prefix = "nested_")]
    pub nested: Nested,
    /// A field that is not a metric.
    #[metrics(skip)]
    pub kind: ::core::marker::PhantomData<T>,
}

/// A struct with `storage` that flattens a type parameter and a private struct.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(storage = BothStorage)]
pub struct Both<N> {
    /// The metrics of the type parameter.
    #[metrics(flatten)]
    pub some: N,
    #[metrics(flatten, prefix = "others_")]
    others: Others<N>,
}

#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(storage = OthersStorage)]
struct Others<N> {
    writes: ::core::primitive::u64,
    #[metrics(skip)]
    kind: ::core::marker::PhantomData<N>,
}

/// A struct with `storage` that another struct flattens.
#[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::marker::Copy)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(storage = NestedStorage)]
pub struct Nested {
    /// Reads.
    #[metrics(sharded)]
    pub reads: ::core::primitive::u64,
}

/// A backend whose functions have the attribute.
#[derive(::core::fmt::Debug)]
pub struct Log {
    /// The metrics in which the functions count.
    pub metrics: LogMetrics,
    /// Whether the functions fail.
    pub broken: ::core::primitive::bool,
    /// Whether the log was read.
    pub read: ::core::cell::RefCell<::core::primitive::bool>,
}

/// The error that the functions return.
#[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::marker::Copy)]
pub struct Broken;

/// The return type of the functions.
pub type Outcome<T> = ::core::result::Result<T, Broken>;

static METRICS: LogMetrics = new_metrics();

/// Returns metrics whose values are all zero.
#[must_use]
pub const fn new_metrics() -> LogMetrics {
    LogMetrics {
        write_errors: ::papyra_metrics::Counter::new(),
        records_written: ::papyra_metrics::Counter::new(),
        runs: ::papyra_metrics::Counter::new(),
        cancelled: ::papyra_metrics::Counter::new(),
        in_flight: ::papyra_metrics::Gauge::new(),
        cache: Cache {
            hits: ::papyra_metrics::Counter::new(),
            level: ::papyra_metrics::Gauge::new(),
            r#type: ::core::sync::atomic::AtomicU64::new(0),
            name: "cache",
        },
    }
}

impl Log {
    /// Counts errors in the field that is marked `errors`.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors)]
    pub fn check(&self) -> Outcome<()> {
        if self.broken {
            return ::core::result::Result::Err(Broken);
        }
        ::core::result::Result::Ok(())
    }

    /// Takes `&mut self` and may return early with `?`. An early return must be counted too.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors = write_errors, ok = records_written)]
    pub fn append(&mut self, byte: ::core::primitive::u8) -> Outcome<::core::primitive::u8> {
        self.check()?;
        self.broken = byte == 0;
        ::core::result::Result::Ok(byte)
    }

    /// Combines all keys that need no clock, future or label. The body may return early.
    ///
    /// # Errors
    /// Returns the errors of the closure.
    #[::papyra_metrics::metrics(errors = write_errors, ok = records_written, calls = runs, in_flight = in_flight)]
    pub fn scan<T, F>(&self, what: F) -> Outcome<T>
    where
        F: ::core::ops::FnOnce() -> Outcome<T>,
    {
        let found = what()?;
        ::core::result::Result::Ok(found)
    }

    /// Has the same keys as `scan`, but takes `&mut self`.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors = write_errors, ok = records_written, calls = runs, in_flight = in_flight)]
    pub fn compact(&mut self) -> Outcome<()> {
        self.append(1)?;
        self.broken = false;
        ::core::result::Result::Ok(())
    }

    /// Has a return type that is not a `Result`, so that neither `errors` nor `ok` applies.
    #[::papyra_metrics::metrics(calls = runs, in_flight = in_flight)]
    pub fn size(&self) -> ::core::primitive::usize {
        ::core::mem::size_of_val(&self.broken)
    }

    /// Takes `&mut self`, and has a temporary value in its last expression.
    #[::papyra_metrics::metrics(in_flight = in_flight)]
    pub fn was_read(&mut self) -> ::core::primitive::bool {
        *self.read.get_mut() = true;
        *self.read.borrow()
    }

    /// Returns a reference with the lifetime of `self`. So `self` is still borrowed when the outcome is counted.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors = METRICS.write_errors)]
    pub fn state<'a>(&'a mut self, first: &'a ::core::primitive::u8) -> Outcome<&'a ::core::primitive::u8> {
        self.check()?;
        ::core::result::Result::Ok(first)
    }

    /// Consumes `self`.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors = METRICS.write_errors, in_flight = METRICS.in_flight)]
    pub fn close(self) -> Outcome<()> {
        self.check()?;
        ::core::result::Result::Ok(())
    }

    /// Counts errors in a `Result` that is nested in an `Option` and a `Poll`.
    #[::papyra_metrics::metrics(errors = write_errors)]
    pub fn poll(&self) -> ::core::task::Poll<::core::option::Option<Outcome<()>>> {
        ::core::task::Poll::Ready(::core::option::Option::Some(self.check()))
    }

    /// Combines all keys that need no clock or label, on an `async fn`.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(
        errors = write_errors, ok = records_written, calls = runs, cancelled = cancelled, in_flight = in_flight
    )]
    pub async fn append_later(&mut self, byte: ::core::primitive::u8) -> Outcome<::core::primitive::u8> {
        ::core::future::ready(self.check()).await?;
        self.append(byte)
    }

    /// Counts when the returned `impl Future` is polled.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors = write_errors, calls = runs, cancelled = cancelled)]
    pub fn check_later(&self) -> impl ::core::future::Future<Output = Outcome<()>> + '_ {
        let broken = self.broken;
        async move { if broken { ::core::result::Result::Err(Broken) } else { ::core::result::Result::Ok(()) } }
    }
}

/// A backend with an optional reference to metrics.
#[derive(::core::fmt::Debug)]
pub struct Optional<'a> {
    /// Metrics that may be absent.
    pub metrics: ::core::option::Option<&'a LogMetrics>,
}

impl Optional<'_> {
    /// Counts an error in metrics that may be absent.
    ///
    /// # Errors
    /// Always returns `Broken`.
    #[::papyra_metrics::metrics(errors, calls = runs)]
    pub fn fail(&self) -> Outcome<()> {
        ::core::result::Result::Err(Broken)
    }
}

/// Counts in the metrics of an argument, because there is no `self`.
///
/// # Errors
/// Returns `Broken` if the log is broken.
#[::papyra_metrics::metrics(errors = log.metrics.write_errors, ok = &log.metrics.records_written)]
pub fn recover(log: &Log) -> Outcome<()> {
    log.check()?;
    ::core::result::Result::Ok(())
}

/// Uses every form once with a log that works and once with a broken log. Returns the failures, successes and calls that the log
/// has counted, and the calls that are still in flight.
#[must_use]
pub fn count() -> (
    ::core::primitive::u64,
    ::core::primitive::u64,
    ::core::primitive::u64,
    ::core::primitive::i64,
) {
    let mut log = Log { metrics: new_metrics(), broken: false, read: ::core::cell::RefCell::new(false) };
    use_all(&mut log);
    log.broken = true;
    use_all(&mut log);
    let all = &log.metrics;
    let counts = (
        all.write_errors.get(),
        all.records_written.get(),
        all.runs.get(),
        all.in_flight.get(),
    );
    drop_result(log.close());
    counts
}

fn use_all(log: &mut Log) {
    let broken = log.broken;
    drop_result(log.check());
    drop_result(log.append(1));
    log.broken = broken;
    drop_result(log.scan(|| ::core::result::Result::Ok(1_u8)));
    drop_result(log.compact());
    log.broken = broken;
    let _: ::core::primitive::usize = log.size();
    let _: ::core::primitive::bool = log.was_read();
    drop_result(log.state(&1));
    drop_result(log.poll());
    drop_result(poll_once(log.append_later(1)));
    drop_result(poll_once(log.check_later()));
    drop_result(recover(log));
    drop_result(Optional { metrics: ::core::option::Option::Some(&log.metrics) }.fail());
    drop_result(Optional { metrics: ::core::option::Option::None }.fail());
}

fn drop_result<T>(_: T) {}

/// Polls a future once.
fn poll_once<F: ::core::future::Future>(awaited: F) -> ::core::task::Poll<F::Output> {
    let mut pinned = ::core::pin::pin!(awaited);
    let mut context = ::core::task::Context::from_waker(::core::task::Waker::noop());
    ::core::future::Future::poll(::core::pin::Pin::as_mut(&mut pinned), &mut context)
}

/// Visits an ordinary struct, a borrowing struct and two generated structs. Returns the total length of the metric names in
/// bytes, or 0 if a generated struct was not read or reset correctly.
#[must_use]
pub fn names() -> ::core::primitive::usize {
    let log = Log { metrics: new_metrics(), broken: false, read: ::core::cell::RefCell::new(false) };
    let borrowed = Borrowed { inner: &counters(), values: [0_u8; 2] };
    let atomics = Storage::<()>::new();
    atomics.writes.inc();
    let read: Plain<()> = atomics.read();
    let both = BothStorage::<Nested>::new();
    both.some.reads.inc();
    let read_both: Both<Nested> = both.read();
    let mut len = 0;
    let mut add = |metric: &::papyra_metrics::Descriptor, _: ::papyra_metrics::Value| {
        len += metric.name().len();
    };
    ::papyra_metrics::Metrics::visit(&log.metrics, &mut add);
    ::papyra_metrics::Metrics::visit_totals(&borrowed, &mut add);
    ::papyra_metrics::Metrics::visit(&atomics, &mut add);
    ::papyra_metrics::Metrics::visit(&both, &mut add);
    ::papyra_metrics::Metrics::reset(&atomics);
    let reads = read_both.some.reads + read_both.others.writes;
    if read.writes == 1 && reads == 1 && atomics.writes.get() == 0 { len } else { 0 }
}

/// Returns metrics whose values are all zero.
#[must_use]
pub const fn counters() -> Cache<::papyra_metrics::Counter> {
    Cache {
        hits: ::papyra_metrics::Counter::new(),
        level: ::papyra_metrics::Counter::new(),
        r#type: ::core::sync::atomic::AtomicU64::new(0),
        name: "cache",
    }
}
