//! The keys `crate`, `errors`, `flatten`, `help`, `name`, `prefix`, `skip` and `unit` of `#[derive(Metrics)]`, alone
//! and together, on every form of a struct of instruments.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use papyra_metrics::{Counter, Descriptor, Gauge, Kind, Metrics};

fn names(metrics: &dyn Metrics) -> Vec<String> {
    let names: Vec<String> =
        metrics.descriptors().iter().map(|metric| metric.name().to_owned()).collect();
    let read: Vec<String> = metrics.snapshot().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, read, "a snapshot has the names of the descriptors");
    names
}

fn described<'a>(metrics: &'a dyn Metrics, name: &str) -> &'a Descriptor {
    metrics.descriptors().iter().find(|metric| metric.name() == name).unwrap()
}

#[derive(Debug, Default, Metrics)]
struct CacheMetrics {
    /// Hits.
    hits: Counter,
    misses: Counter,
}

#[derive(Debug, Default, Metrics)]
#[metrics(prefix = "log_")]
struct LogMetrics {
    /// Records appended,
    /// one for each call.
    ///
    /// Not part of the help.
    records_written: Counter,
    /// Overridden.
    #[metrics(name = "payload", help = "Payload appended.", unit = "bytes")]
    bytes_written: Counter,
    /// Silenced.
    #[metrics(errors, help = "")]
    write_errors: Counter,
    #[metrics(flatten, prefix = "cache_")]
    cache: CacheMetrics,
    r#type: Gauge,
    /** A block
     *  comment. */
    block: Gauge,
    #[metrics(skip)]
    _path: PathBuf,
}

#[test]
fn names_are_in_declaration_order_with_all_their_prefixes() {
    assert_eq!(
        names(&LogMetrics::default()),
        [
            "log_records_written",
            "log_payload",
            "log_write_errors",
            "log_cache_hits",
            "log_cache_misses",
            "log_type",
            "log_block"
        ]
    );
}

#[test]
fn descriptors_have_kind_help_and_unit() {
    let metrics = LogMetrics::default();
    let records = described(&metrics, "log_records_written");
    assert_eq!(records.help(), "Records appended, one for each call.");
    assert_eq!((records.kind(), records.unit()), (Kind::Counter, None));
    assert_eq!(records.labels().len(), 0);
    let payload = described(&metrics, "log_payload");
    assert_eq!((payload.help(), payload.unit()), ("Payload appended.", Some("bytes")));
    assert_eq!(described(&metrics, "log_write_errors").help(), "");
    assert_eq!(described(&metrics, "log_cache_hits").help(), "Hits.");
    assert_eq!(described(&metrics, "log_type").kind(), Kind::Gauge);
    assert_eq!(described(&metrics, "log_block").help(), "A block comment.");
}

#[test]
fn each_name_has_the_value_of_its_field() {
    let metrics = LogMetrics::default();
    metrics.records_written.add(1);
    metrics.bytes_written.add(2);
    metrics.write_errors.add(3);
    metrics.cache.hits.add(4);
    metrics.cache.misses.add(5);
    metrics.r#type.set(-6);
    metrics.block.set(7);
    let values: Vec<i64> =
        metrics.snapshot().iter().map(|(_, value)| value.as_i64().unwrap()).collect();
    assert_eq!(values, [1, 2, 3, 4, 5, -6, 7]);
}

#[test]
fn a_reset_zeroes_counters_at_all_depths_and_keeps_gauges_and_totals() {
    let metrics = LogMetrics::default();
    metrics.records_written.add(3);
    metrics.cache.hits.add(4);
    metrics.r#type.set(5);
    let totals = metrics.totals();
    metrics.reset();
    assert_eq!(metrics.snapshot()["log_records_written"], 0);
    assert_eq!(metrics.snapshot()["log_cache_hits"], 0);
    assert_eq!(metrics.snapshot()["log_type"], 5);
    assert_eq!(metrics.totals(), totals);
    assert_eq!(totals["log_cache_hits"], 4);
}

const SIZE: usize = 3;

/// A type that implements no trait, like the types of most fields of a backend.
struct Opaque;

#[derive(Metrics)]
struct Backend<'a, T, const N: usize, F = fn(u8) -> Vec<(u8, u8)>>
where
    F: Fn(u8) -> Vec<(u8, u8)>,
    T: ?Sized,
{
    appended: &'a Counter,
    #[metrics(skip)]
    _opaque: Opaque,
    #[metrics(skip)]
    _buffer: [u8; N],
    #[metrics(skip)]
    _wide: [u8; if SIZE > 2 { SIZE } else { 3 }],
    #[metrics(skip)]
    _call: Box<dyn Fn(u8) -> Vec<(u8, u8)> + 'a>,
    #[metrics(skip)]
    _f: F,
    open: Gauge,
    #[metrics(skip)]
    _t: PhantomData<T>,
}

#[test]
fn a_backend_with_generics_can_derive_metrics_itself() {
    let appended = Counter::new();
    let backend: Backend<'_, str, 3> = Backend {
        appended: &appended,
        _opaque: Opaque,
        _buffer: [0; 3],
        _wide: [0; 3],
        _call: Box::new(|_| Vec::new()),
        _f: |_| Vec::new(),
        open: Gauge::new(),
        _t: PhantomData,
    };
    backend.appended.inc();
    backend.open.inc();
    assert_eq!(names(&backend), ["appended", "open"]);
    assert_eq!(backend.snapshot()["appended"], 1);
}

#[derive(Default, Metrics)]
#[metrics(prefix = "outer_")]
struct Outer<T, I> {
    before: Counter,
    #[metrics(flatten, prefix = "a_")]
    a: T,
    between: I,
    #[metrics(flatten)]
    b: Option<Box<T>>,
    after: Counter,
}

#[test]
fn names_are_composed_through_generic_and_nested_structs() {
    type Nested = Outer<LogMetrics, AtomicI64>;
    let metrics = Outer::<LogMetrics, AtomicU64> { b: Some(Box::default()), ..Default::default() };
    let known = names(&metrics);
    assert_eq!(known.len(), 3 + 2 * 7);
    assert_eq!(known[..2], ["outer_before", "outer_a_log_records_written"]);
    assert_eq!(known[8..10], ["outer_between", "outer_log_records_written"]);
    assert_eq!(known[16], "outer_after");
    let nested = Nested { b: Some(Box::default()), ..Nested::default() };
    let twice = Outer::<Nested, Counter> {
        a: nested,
        b: Some(Box::new(Nested { b: Some(Box::default()), ..Nested::default() })),
        ..Default::default()
    };
    assert_eq!(names(&twice)[2], "outer_a_outer_a_log_records_written");
    twice.a.a.cache.hits.inc();
    assert_eq!(twice.snapshot()["outer_a_outer_a_log_cache_hits"], 1);
}

#[test]
fn a_snapshot_skips_a_flattened_none() {
    let metrics = Outer::<CacheMetrics, Counter>::default();
    metrics.after.add(2);
    metrics.between.inc();
    let read: Vec<_> = metrics.snapshot().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        read,
        ["outer_before", "outer_a_hits", "outer_a_misses", "outer_between", "outer_after"]
    );
    assert_eq!(metrics.snapshot()["outer_after"], 2);
    assert_eq!(metrics.descriptors().len(), 7);
}

#[test]
fn instruments_and_metrics_may_be_behind_pointers() {
    #[derive(Metrics)]
    struct Shared<'a> {
        boxed: Box<Counter>,
        arc: Arc<AtomicU64>,
        rc: Rc<Gauge>,
        #[metrics(flatten, prefix = "r_")]
        r: &'a CacheMetrics,
        #[metrics(flatten, prefix = "a_")]
        a: Arc<CacheMetrics>,
    }
    let cache = CacheMetrics::default();
    let shared = Shared {
        boxed: Box::default(),
        arc: Arc::default(),
        rc: Rc::default(),
        r: &cache,
        a: Arc::default(),
    };
    shared.arc.fetch_add(2, Ordering::Relaxed);
    shared.boxed.inc();
    shared.rc.dec();
    cache.hits.inc();
    shared.a.misses.inc();
    let snapshot = shared.snapshot();
    assert_eq!(
        snapshot.to_string(),
        "boxed: 1\narc: 2\nrc: -1\nr_hits: 1\nr_misses: 0\na_hits: 0\na_misses: 1"
    );
}

#[test]
fn a_struct_of_atomics_can_derive_metrics() {
    #[derive(Default, Metrics)]
    struct ExistingStats {
        writes: AtomicU64,
        open: AtomicI64,
    }
    let stats = ExistingStats::default();
    stats.writes.fetch_add(3, Ordering::Relaxed);
    stats.open.store(-2, Ordering::Relaxed);
    assert_eq!(described(&stats, "writes").kind(), Kind::Counter);
    assert_eq!(stats.drain().to_string(), "writes: 3\nopen: -2");
    // An `AtomicU64` has no baseline, so a reset also sets the total to zero.
    assert_eq!(stats.totals().to_string(), "writes: 0\nopen: -2");
}

mod facade {
    pub(crate) use papyra_metrics as hidden;
}

macro_rules! metrics {
    ($(#[$meta:meta])* $vis:vis $name:ident { $($field:ident: $ty:ty = $exported:literal in $unit:expr),* } at $krate:path) => {
        $(#[$meta])*
        #[derive(Default, Metrics)]
        #[metrics(crate = $krate, prefix = "m_")]
        $vis struct $name { $(#[metrics(name = $exported, unit = $unit)] $field: $ty),* }
    };
}

metrics!(#[derive(Debug)] pub(crate) FromMacro { first: Counter = "a" in "bytes", second: Box<Counter> = "b" in "seconds" } at self::facade::hidden);

#[test]
fn structs_made_by_macro_rules_work_with_fragments_of_every_kind() {
    assert_eq!(names(&FromMacro::default()), ["m_a", "m_b"]);
}

macro_rules! generic_metrics {
    ($(#[$meta:meta])* $vis:vis $name:ident<$life:lifetime, $param:ident: $bound:path = $default:ty, const $size:ident: $of:ty = $value:literal>
        where $bounded:ty: $by:path { $($doc:expr, $keys:meta => $field_vis:vis $field:ident: $ty:ty),* }
    ) => {
        #[derive(Metrics)]
        $(#[$meta])*
        $vis struct $name<$life, $param: $bound = $default, const $size: $of = $value> where $bounded: $by {
            $(#[doc = $doc] #[metrics($keys)] $field_vis $field: $ty,)*
            #[metrics(skip)]
            marker: PhantomData<&$life $param>,
        }
    };
}

macro_rules! any_metrics {
    ($item:item) => {
        #[derive(Metrics)]
        $item
    };
}

generic_metrics! {
    #[metrics(prefix = "g_")]
    GenericFromMacro<'a, T: papyra_metrics::Instrument = Counter, const N: usize = 3> where [T; N]: Sized {
        "Read.", name = r"read" => pub(crate) first: T,
        "In.\u{20}\x66light.", unit = "bytes" => second: std::boxed::Box<Gauge>,
        "Not seen.", skip => pub(self) _array: [T; N]
    }
}

any_metrics! {
    #[metrics(prefix = "any_")]
    pub(crate) struct AnyFromMacro<T>
    where
        T: Fn() -> u8,
    {
        /// Of this.
        #[metrics(name = "one")]
        pub(crate) first: Counter,
        #[metrics(skip)]
        _second: T,
    }
}

#[test]
fn generic_structs_made_by_macro_rules_keep_their_parameters_keys_and_docs() {
    let metrics = GenericFromMacro::<Counter, 2> {
        first: Counter::new(),
        second: Box::new(Gauge::new()),
        _array: [Counter::new(), Counter::new()],
        marker: PhantomData,
    };
    assert_eq!(names(&metrics), ["g_read", "g_second"]);
    let help: Vec<_> = metrics.descriptors().iter().map(Descriptor::help).collect();
    assert_eq!(help, ["Read.", "In. flight."]);
    let any = AnyFromMacro { first: Counter::new(), _second: || 1 };
    assert_eq!(names(&any), ["any_one"]);
    assert_eq!(any.descriptors()[0].help(), "Of this.");
}

#[test]
fn cfg_attributes_on_fields_are_respected() {
    #[derive(Default, Metrics)]
    struct Conditional {
        always: Counter,
        #[cfg(any())]
        never: Nonsense,
        #[cfg(not(any()))]
        #[metrics(name = "sometimes_named")]
        sometimes: Counter,
        #[cfg_attr(not(any()), metrics(name = "attributed"))]
        attribute: Counter,
    }
    assert_eq!(names(&Conditional::default()), ["always", "sometimes_named", "attributed"]);
}

#[test]
fn a_struct_without_fields_has_no_metrics() {
    #[derive(Metrics)]
    struct Empty {}
    assert!(Empty {}.snapshot().is_empty());
    assert!(Empty {}.descriptors().is_empty());
}
