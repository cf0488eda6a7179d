//! Static properties of a metric.

#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, string::ToString};
use core::fmt;

use crate::Objective;
use crate::label_set::{self, DescriptorLabels, LabelSet};
use crate::naming::{self, ExpositionName};
use crate::series::Series;

/// The kind of a metric, which tells monitoring systems how to interpret its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A number of events that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// A distribution of values over buckets: the count and the sum of the values in each bucket.
    Histogram,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Counter, Self::Gauge, Self::Histogram];

    /// Returns `counter`, `gauge` or `histogram`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    /// Returns the suffixes that the sample names of a family can have in OpenMetrics 1.0. The first suffix is empty, for
    /// the name of the family itself.
    ///
    /// No two families may have a sample of the same name, so a family reserves its name with each of these suffixes.
    ///
    /// ```
    /// use papyra_metrics::Kind;
    ///
    /// assert_eq!(Kind::Counter.sample_suffixes(), ["", "_total", "_created"]);
    /// ```
    pub const fn sample_suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["", "_total", "_created"],
            Self::Gauge => &[""],
            Self::Histogram => &["", "_bucket", "_count", "_sum", "_created"],
        }
    }
}

impl fmt::Display for Kind {
    /// Writes `counter`, `gauge` or `histogram`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The declaration of a metric: its name, kind, help, unit and fixed labels.
///
/// The derive generates descriptors. A hand-written [`Metrics`](crate::Metrics) builds its own descriptors:
///
/// ```
/// use papyra_metrics::Descriptor;
///
/// const DEPTH: Descriptor = Descriptor::gauge("queue_bytes").with_help("Bytes waiting.").with_unit("bytes");
/// assert_eq!((DEPTH.name(), DEPTH.unit()), ("queue_bytes", Some("bytes")));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Descriptor {
    pub(crate) name: &'static str,
    /// The length of the prefixes at the beginning of the name, in bytes. The exported name begins with the prefixes too.
    pub(crate) prefix_len: usize,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) unit: Option<&'static str>,
    pub(crate) labels: LabelSet,
    /// The precomputed series key: the name of a metric without labels, or the key that the derive has computed. `None`
    /// if the metric has labels and the derive has not computed the key.
    pub(crate) key: Option<&'static str>,
    pub(crate) objective: Option<Objective>,
    pub(crate) is_error_counter: bool,
}

impl Descriptor {
    /// Creates a descriptor with this name and kind, without help, unit or labels.
    ///
    /// # Panics
    ///
    /// Panics if the name does not match `[a-zA-Z_][a-zA-Z0-9_]*`. In a `const`, this is a compile error.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        assert!(naming::is_name(name), "a metric's name must match [a-zA-Z_][a-zA-Z0-9_]*");
        Self {
            name,
            prefix_len: 0,
            kind,
            help: "",
            unit: None,
            labels: LabelSet::NONE,
            key: Some(name),
            objective: None,
            is_error_counter: false,
        }
    }

    /// Creates the descriptor of a counter.
    ///
    /// # Panics
    ///
    /// Panics if the name is not valid; see [`new`](Self::new).
    pub const fn counter(name: &'static str) -> Self {
        Self::new(name, Kind::Counter)
    }

    /// Creates the descriptor of a gauge.
    ///
    /// # Panics
    ///
    /// Panics if the name is not valid; see [`new`](Self::new).
    pub const fn gauge(name: &'static str) -> Self {
        Self::new(name, Kind::Gauge)
    }

    /// Creates the descriptor of a histogram.
    ///
    /// # Panics
    ///
    /// Panics if the name is not valid; see [`new`](Self::new).
    pub const fn histogram(name: &'static str) -> Self {
        Self::new(name, Kind::Histogram)
    }

    /// For generated code: adds the unit of the instrument's buckets.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn __with_unit_of_buckets(mut self, unit: Option<&'static str>) -> Self {
        if unit.is_some() {
            assert!(
                self.unit.is_none(),
                "the unit of a histogram is that of its buckets; remove `unit`, or declare other buckets with `buckets!`"
            );
            self.unit = unit;
        }
        self
    }

    /// Sets the help text, which should be a single paragraph.
    #[must_use]
    pub const fn with_help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// Sets the unit: an OpenMetrics base unit, such as `bytes` or `seconds`.
    ///
    /// # Panics
    ///
    /// Panics if the unit does not match `[a-z0-9_]+`. In a `const`, this is a compile error.
    #[must_use]
    pub const fn with_unit(mut self, unit: &'static str) -> Self {
        assert!(naming::is_unit(unit), "a metric's unit must match [a-z0-9_]+");
        self.unit = Some(unit);
        self
    }

    /// Sets the fixed labels, as pairs of name and value. Metrics with the same name and different label values are one
    /// family.
    ///
    /// # Panics
    ///
    /// Panics if a label's name does not match `[a-zA-Z_][a-zA-Z0-9_]*`, is reserved (`le`, `quantile`, `instance`,
    /// `job`, or beginning with `__`) or occurs twice, or if a value does not match `[a-z0-9_]+`. In a `const`, this is
    /// a compile error.
    #[must_use]
    pub const fn with_labels(mut self, labels: &'static [(&'static str, &'static str)]) -> Self {
        label_set::assert_labels(labels);
        self.labels.own = labels;
        self.key = if labels.is_empty() { Some(self.name) } else { None };
        self
    }

    /// Sets the service level objective of a histogram, for alerts.
    #[must_use]
    pub const fn with_objective(mut self, objective: Objective) -> Self {
        self.objective = Some(objective);
        self
    }

    /// Marks a counter as an error counter, for dashboards and alerts.
    #[must_use]
    pub const fn into_error_counter(mut self) -> Self {
        self.is_error_counter = true;
        self
    }

    /// Returns the name, including prefixes.
    pub const fn name(&self) -> &str {
        self.name
    }

    /// Returns the length of the prefixes at the beginning of the name, in bytes.
    ///
    /// The exported name begins with the prefixes too. In the exported name, a unit moves to the end, but only if it directly
    /// follows the prefixes.
    pub const fn prefix_len(&self) -> usize {
        self.prefix_len
    }

    /// Returns the kind: counter, gauge or histogram.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the help text, or an empty string if there is none.
    pub const fn help(&self) -> &str {
        self.help
    }

    /// Returns the unit of the exported values, or `None` if the metric has no unit.
    pub const fn unit(&self) -> Option<&str> {
        self.unit
    }

    /// Returns the fixed labels, as pairs of name and value, in declaration order: labels of enclosing structs first,
    /// labels of a family last.
    ///
    /// ```
    /// use papyra_metrics::Descriptor;
    ///
    /// const GETS: Descriptor = Descriptor::counter("requests").with_labels(&[("op", "get"), ("tier", "hot")]);
    /// assert!(GETS.labels().eq([("op", "get"), ("tier", "hot")]));
    /// assert_eq!(Descriptor::gauge("depth").labels().len(), 0);
    /// ```
    pub const fn labels(&self) -> DescriptorLabels<'_> {
        DescriptorLabels::new(&self.labels)
    }

    /// Returns the service level objective, or `None` if the metric has no objective. Only histograms can have one.
    pub const fn objective(&self) -> Option<Objective> {
        self.objective
    }

    /// Returns whether this counter is marked as an error counter, by `#[metrics(errors)]` on its field or by
    /// [`into_error_counter`](Self::into_error_counter).
    pub const fn is_error_counter(&self) -> bool {
        self.is_error_counter
    }

    /// Returns the key of the metric in a snapshot: the name, followed by the labels in braces if the metric has labels.
    ///
    /// ```
    /// use papyra_metrics::Descriptor;
    ///
    /// const DEPTH: Descriptor = Descriptor::gauge("depth");
    /// assert_eq!(DEPTH.series().to_string(), "depth");
    /// assert_eq!(DEPTH.with_labels(&[("queue", "flush")]).series().to_string(), "depth{queue=flush}");
    /// ```
    pub fn series(&self) -> Series<'_, DescriptorLabels<'_>> {
        Series::new(self.name, self.labels())
    }

    /// Returns the text of [`series`](Self::series). The text is borrowed if the key is precomputed.
    #[cfg(feature = "alloc")]
    pub(crate) fn key(&self) -> Cow<'static, str> {
        self.key.map_or_else(|| Cow::Owned(self.series().to_string()), Cow::Borrowed)
    }

    /// Returns the name under which the metric is exported, without the suffixes that some formats add, such as `_total`.
    pub const fn exposition_name(&self) -> ExpositionName<'_> {
        ExpositionName::of(self)
    }
}

/// The descriptors of a set of metrics, if they are static.
#[derive(Clone, Copy)]
pub struct StaticTable {
    pub(crate) descriptors: Option<&'static [Descriptor]>,
    /// Whether each descriptor has a precomputed series key.
    #[cfg_attr(not(feature = "alloc"), expect(dead_code, reason = "only snapshots need keys"))]
    have_keys: bool,
}

impl StaticTable {
    /// The table of a hand-written `Metrics`, for which the derive has computed nothing.
    pub(crate) const UNKNOWN: Self = Self { descriptors: None, have_keys: false };

    pub(crate) const fn new(descriptors: &'static [Descriptor]) -> Self {
        Self { descriptors: Some(descriptors), have_keys: all_have_keys(descriptors) }
    }

    /// Returns the static descriptors. For a derived struct, they are in this table. For a hand-written `Metrics`, they are the
    /// result of `hand_written`. Returns `None` if the descriptors are not static, or if one of them has no precomputed series
    /// key.
    #[cfg(feature = "alloc")]
    pub(crate) fn with_keys_or_else(
        self,
        hand_written: impl FnOnce() -> Option<&'static [Descriptor]>,
    ) -> Option<&'static [Descriptor]> {
        match self.descriptors {
            None => hand_written().filter(|it| all_have_keys(it)),
            descriptors => descriptors.filter(|_| self.have_keys),
        }
    }
}

/// Returns whether each descriptor has a precomputed series key.
const fn all_have_keys(metrics: &[Descriptor]) -> bool {
    let mut i = 0;
    while i < metrics.len() {
        if metrics[i].key.is_none() {
            return false;
        }
        i += 1;
    }
    true
}

#[allow(clippy::missing_fields_in_debug)] // the key follows from the name and the labels
impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor")
            .field("name", &self.name)
            .field("prefix_len", &self.prefix_len)
            .field("kind", &self.kind)
            .field("help", &self.help)
            .field("unit", &self.unit)
            .field("labels", &self.labels())
            .field("objective", &self.objective)
            .field("is_error_counter", &self.is_error_counter)
            .finish()
    }
}

impl PartialEq for Descriptor {
    /// Compares all properties that the methods return.
    fn eq(&self, other: &Self) -> bool {
        // The key is not compared, because it follows from the name and the labels.
        let Self {
            name,
            prefix_len,
            kind,
            help,
            unit,
            labels: _,
            key: _,
            objective,
            is_error_counter,
        } = self;
        (*name, *prefix_len, *kind) == (other.name, other.prefix_len, other.kind)
            && (*help, *unit) == (other.help, other.unit)
            && (*objective, *is_error_counter) == (other.objective, other.is_error_counter)
            && self.labels().eq(other.labels())
    }
}

impl Eq for Descriptor {}
