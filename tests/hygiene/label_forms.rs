// Every form of the derive `Label`, of families, of `labels(…)` and of errors by kind. Files that include `forms.rs` include this
// file after it.

/// The kinds of errors.
#[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::marker::Copy)]
#[derive(::papyra_metrics::Label)]
pub enum ErrorKind {
    /// The log is broken.
    LogBroken,
    /// Another error.
    #[metrics(name = "others")]
    Other,
}

/// An enum with raw identifiers, whose label and values are renamed.
#[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::marker::Copy)]
#[derive(::papyra_metrics::Label)]
#[metrics(label = "type", rename_all = "lowercase")]
pub enum r#Tier {
    /// The memory tier.
    r#InMemory,
    /// The disk tier.
    OnDisk,
}

/// An enum whose discriminants are not the positions of its variants.
#[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::marker::Copy)]
#[derive(::papyra_metrics::Label)]
#[repr(u8)]
pub enum Level {
    /// The last level.
    Last = 9,
    /// The first level.
    First = 3,
}

/// A label that is a struct, so that `Label` is implemented by hand.
#[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::marker::Copy)]
pub struct Shard;

impl ::papyra_metrics::Label for Shard {
    const LABELS: &'static [::papyra_metrics::LabelValues] = &[::papyra_metrics::LabelValues::new("shard", &["0"])];
    type Members<T> = [T; 1];

    fn index(self) -> ::core::primitive::usize {
        0
    }

    fn from_index(position: ::core::primitive::usize) -> ::core::option::Option<Self> {
        if position == 0 { ::core::option::Option::Some(Self) } else { ::core::option::Option::None }
    }
}

/// Declares an enum, a struct and a function from macro fragments.
macro_rules! declare {
    (
        enum $label:ident as $name:literal { $($variant:ident = $value:literal),* }
        struct $metrics:ident, labels($key:ident = $of:literal), $field:ident: $family:ty;
        fn $function:ident: $errors:expr, $by:path
    ) => {
        /// An item that a macro declares.
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::marker::Copy)]
        #[derive(::papyra_metrics::Label)]
        #[metrics(label = $name)]
        pub enum $label {
            $(
                /// An item that a macro declares.
                #[metrics(name = $value)]
                $variant,
            )*
        }

        /// An item that a macro declares.
        #[derive(::core::fmt::Debug)]
        #[derive(::papyra_metrics::Metrics)]
        #[metrics(labels($key = $of))]
        pub struct $metrics {
            /// An item that a macro declares.
            #[metrics(errors)]
            pub $field: $family,
        }

        /// An item that a macro declares.
        ///
        /// # Errors
        /// Returns `Broken` if the log is broken.
        #[::papyra_metrics::metrics(errors = $errors, errors_by = $by)]
        pub fn $function(log: &Log) -> Outcome<()> {
            log.check()?;
            ::core::result::Result::Ok(())
        }
    };
}

declare! {
    enum Cause as "cause" { Hardware = "hw", Software = "sw" }
    struct CauseMetrics, labels(r#in = "macro"), causes: ::papyra_metrics::Family<Cause, ::papyra_metrics::Counter>;
    fn check_by_cause: &CAUSES.causes, Cause::of
}

static CAUSES: CauseMetrics = CauseMetrics { causes: ::papyra_metrics::Family::new() };

impl Cause {
    /// Returns the cause of an error, which is always software.
    #[must_use]
    pub const fn of(_: &Broken) -> Self {
        Self::Software
    }
}

impl ::core::convert::From<&Broken> for ErrorKind {
    fn from(_: &Broken) -> Self {
        Self::LogBroken
    }
}

/// Returns `Other` for every error.
#[must_use]
pub const fn other(_: &Broken) -> ErrorKind {
    ErrorKind::Other
}

/// Families whose label type and instrument type are type parameters.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(prefix = "by_")]
pub struct ByLabel<L: ::papyra_metrics::Label, T: ::papyra_metrics::Member> {
    /// Failures.
    #[metrics(errors)]
    pub errors: ::papyra_metrics::Family<L, ::papyra_metrics::Counter>,
    /// Instruments whose type is a type parameter.
    #[metrics(labels(of = "any"))]
    pub any: ::papyra_metrics::Family<L, T>,
}

/// The metrics of a store.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(labels(component = "store"))]
pub struct StoreMetrics<'a> {
    /// Failures.
    #[metrics(errors)]
    pub errors: ::papyra_metrics::Family<ErrorKind, ::papyra_metrics::Counter>,
    /// Requests by tier, level and shard.
    pub requests: ::papyra_metrics::Family<(Tier, (Level, Shard)), ::papyra_metrics::ShardedCounter>,
    /// How long requests take.
    pub time: ::papyra_metrics::CachePadded<::papyra_metrics::Family<Tier, ::papyra_metrics::Histogram>>,
    /// Calls in flight.
    pub in_flight: ::papyra_metrics::Family<Tier, ::papyra_metrics::Gauge>,
    /// Hits.
    #[metrics(name = "lookups", labels(r#type = "hit"))]
    pub hits: ::papyra_metrics::Counter,
    /// Misses.
    #[metrics(name = "lookups", labels(r#type = "miss"))]
    pub misses: ::papyra_metrics::Counter,
    /// A family that another struct owns.
    pub shared: &'a ::papyra_metrics::Family<Cause, ::papyra_metrics::Counter>,
    /// The metrics of a generic struct.
    #[metrics(flatten, prefix = "wal_", labels(file = "wal"))]
    pub wal: ByLabel<Shard, ::papyra_metrics::Gauge>,
}

/// A struct with `storage` that contains families.
#[derive(::core::fmt::Debug)]
#[derive(::papyra_metrics::Metrics)]
#[metrics(storage = CountsStorage, labels(component = "counts"))]
pub struct Counts<L: ::papyra_metrics::Label> {
    /// Failures.
    #[metrics(errors)]
    pub errors: ::papyra_metrics::Family<ErrorKind, ::core::primitive::u64>,
    /// Requests.
    #[metrics(sharded)]
    pub requests: ::papyra_metrics::Family<Tier, ::core::primitive::u64>,
    /// Open files.
    #[metrics(padded, labels(of = "any"))]
    pub open: ::papyra_metrics::Family<L, ::core::primitive::i64>,
    /// How long requests take.
    pub time: ::papyra_metrics::Family<Level, ::papyra_metrics::Distribution<::papyra_metrics::Latency>>,
}

/// A store whose errors are counted by kind.
#[derive(::core::fmt::Debug)]
pub struct Store<'a> {
    /// The metrics in which the functions count.
    pub metrics: StoreMetrics<'a>,
    /// The log, which returns errors if it is broken.
    pub log: Log,
}

/// An argument that is not `Copy`.
#[derive(::core::fmt::Debug)]
pub struct Item {
    /// The index of the members.
    pub tier: Tier,
    /// A value that is not `Copy`.
    pub value: ::core::cell::Cell<::core::primitive::u8>,
}

static STORE: StoreMetrics<'static> = new_store_metrics();

/// Returns metrics whose values are all zero.
#[must_use]
pub const fn new_store_metrics() -> StoreMetrics<'static> {
    StoreMetrics {
        errors: ::papyra_metrics::Family::new(),
        requests: ::papyra_metrics::Family::new(),
        time: ::papyra_metrics::CachePadded::new(::papyra_metrics::Family::new()),
        in_flight: ::papyra_metrics::Family::new(),
        hits: ::papyra_metrics::Counter::new(),
        misses: ::papyra_metrics::Counter::new(),
        shared: &CAUSES.causes,
        wal: ByLabel { errors: ::papyra_metrics::Family::new(), any: ::papyra_metrics::Family::new() },
    }
}

impl Store<'_> {
    /// Counts errors in the family that is marked `errors`.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors)]
    pub fn check(&self) -> Outcome<()> {
        self.log.check()
    }

    /// Counts errors in the family that is marked `errors`. The function `other` returns the label of each error.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors, errors_by = other, ok = hits, in_flight = in_flight[Tier::OnDisk])]
    pub fn append(&mut self, byte: ::core::primitive::u8) -> Outcome<::core::primitive::u8> {
        self.log.check()?;
        ::core::result::Result::Ok(byte)
    }

    /// Counts errors in the family that the key `errors` names. A closure returns the label of each error. The key `calls` counts
    /// calls in a member of another family.
    ///
    /// # Errors
    /// Returns the errors of the closure.
    #[::papyra_metrics::metrics(
        errors = errors, errors_by = |_| ErrorKind::Other, calls = requests[(Tier::OnDisk, (Level::First, Shard))]
    )]
    pub fn scan<T, F>(&self, what: F) -> Outcome<T>
    where
        F: ::core::ops::FnOnce() -> Outcome<T>,
    {
        let found = what()?;
        ::core::result::Result::Ok(found)
    }

    /// Counts errors of any type that can be converted to the label.
    ///
    /// # Errors
    /// Returns the given error.
    #[::papyra_metrics::metrics(errors, ok = misses)]
    pub fn attempt<E>(&self, what: ::core::result::Result<(), E>) -> ::core::result::Result<(), E>
    where
        ErrorKind: for<'e> ::core::convert::From<&'e E>,
    {
        what?;
        ::core::result::Result::Ok(())
    }

    /// Counts errors by kind in a function that consumes `self`.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(at = STORE, errors, errors_by = other)]
    pub fn close(self) -> Outcome<()> {
        self.log.check()?;
        ::core::result::Result::Ok(())
    }

    /// Counts errors by kind in a `Result` that is nested in an `Option` and a `Poll`.
    #[::papyra_metrics::metrics(errors = self.metrics.errors, errors_by = other)]
    pub fn poll(&self) -> ::core::task::Poll<::core::option::Option<Outcome<()>>> {
        ::core::task::Poll::Ready(::core::option::Option::Some(self.log.check()))
    }

    /// Counts errors by kind in an `async fn`.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors, ok = hits, in_flight = in_flight[Tier::InMemory])]
    pub async fn append_later(&mut self, byte: ::core::primitive::u8) -> Outcome<::core::primitive::u8> {
        ::core::future::ready(self.log.check()).await?;
        self.log.append(byte)
    }

    /// Counts errors by kind when the returned `impl Future` is polled.
    ///
    /// # Errors
    /// Returns `Broken` if the log is broken.
    #[::papyra_metrics::metrics(errors, errors_by = |&Broken| ErrorKind::Other)]
    pub fn check_later(&self) -> impl ::core::future::Future<Output = Outcome<()>> + '_ {
        let broken = self.log.broken;
        async move { if broken { ::core::result::Result::Err(Broken) } else { ::core::result::Result::Ok(()) } }
    }
}

/// A store whose metrics may be absent.
#[derive(::core::fmt::Debug)]
pub struct OptionalStore<'a> {
    /// Metrics that may be absent.
    pub metrics: ::core::option::Option<&'a StoreMetrics<'a>>,
}

impl OptionalStore<'_> {
    /// Counts an error in a family that may be absent.
    ///
    /// # Errors
    /// Always returns `Broken`.
    #[::papyra_metrics::metrics(errors)]
    pub fn fail(&self) -> Outcome<()> {
        ::core::result::Result::Err(Broken)
    }
}

/// Counts in a static family, because there is no `self`.
///
/// # Errors
/// Returns `Broken` if the log is broken.
#[::papyra_metrics::metrics(errors = &STORE.errors)]
pub fn recover_store(store: &Store<'_>) -> Outcome<()> {
    store.log.check()?;
    ::core::result::Result::Ok(())
}

/// Uses every form once with a store that works and once with a broken store.
///
/// Returns five counts: the errors of the store by kind; its hits, misses and calls; its calls in flight; the errors in `STORE` by
/// kind; and the errors in `CAUSES` whose cause is software.
#[must_use]
pub fn count_by_kind() -> (
    [::core::primitive::u64; 2],
    [::core::primitive::u64; 3],
    ::core::primitive::i64,
    [::core::primitive::u64; 2],
    ::core::primitive::u64,
) {
    let log = Log { metrics: new_metrics(), broken: false, read: ::core::cell::RefCell::new(false) };
    let mut store = Store { metrics: new_store_metrics(), log };
    let (of_static, causes) = (kinds_of(&STORE), CAUSES.causes[Cause::Software].get());
    use_store(&mut store);
    store.log.broken = true;
    use_store(&mut store);
    let all = &store.metrics;
    let calls = &all.requests[(Tier::OnDisk, (Level::First, Shard))];
    let successes = [all.hits.get(), all.misses.get(), calls.get()];
    let held = all.in_flight[Tier::InMemory].get() + all.in_flight[Tier::OnDisk].get();
    let kinds = kinds_of(all);
    drop_result(store.close());
    let after = kinds_of(&STORE);
    let of_static = [after[0] - of_static[0], after[1] - of_static[1]];
    (kinds, successes, held, of_static, CAUSES.causes[Cause::Software].get() - causes)
}

fn kinds_of(of: &StoreMetrics<'_>) -> [::core::primitive::u64; 2] {
    let errors = &of.errors;
    [errors[ErrorKind::LogBroken].get(), errors[ErrorKind::Other].get()]
}

fn use_store(store: &mut Store<'_>) {
    drop_result(store.check());
    drop_result(store.append(1));
    drop_result(store.scan(|| store.log.check()));
    drop_result(store.attempt(store.log.check()));
    drop_result(store.poll());
    let broken = store.log.broken;
    drop_result(poll_once(store.append_later(1)));
    store.log.broken = broken;
    drop_result(poll_once(store.check_later()));
    drop_result(recover_store(store));
    drop_result(check_by_cause(&store.log));
    drop_result(OptionalStore { metrics: ::core::option::Option::Some(&store.metrics) }.fail());
    drop_result(OptionalStore { metrics: ::core::option::Option::None }.fail());
}

/// Visits three structs. Passes each label of each series to `show_label`, in order.
pub fn visit_labels(show_label: &mut dyn ::core::ops::FnMut(&::core::primitive::str, &::core::primitive::str)) {
    let counts = CountsStorage::<Shard>::new();
    counts.errors[ErrorKind::Other].inc();
    let read: Counts<Shard> = counts.read();
    let mut show = |metric: &::papyra_metrics::Descriptor, _: ::papyra_metrics::Value| {
        for (name, value) in metric.labels() {
            show_label(name, value);
        }
    };
    ::papyra_metrics::Metrics::visit(&CAUSES, &mut show);
    ::papyra_metrics::Metrics::visit_totals(&STORE, &mut show);
    if read.errors[ErrorKind::Other] == 1 {
        ::papyra_metrics::Metrics::visit_drain(&counts, &mut show);
    }
}
