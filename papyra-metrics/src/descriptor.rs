//! What is known of a metric before the program runs.

use crate::{ExpositionName, Kind, exposition};

/// What is known of a metric without a value: its name, kind, help and unit.
///
/// The derive writes these. A [`Metrics`](crate::Metrics) implemented by hand builds its own:
///
/// ```
/// use papyra_metrics::Descriptor;
///
/// const DEPTH: Descriptor = Descriptor::gauge("queue_bytes").with_help("Bytes waiting.").with_unit("bytes");
/// assert_eq!((DEPTH.name(), DEPTH.unit()), ("queue_bytes", Some("bytes")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor {
    pub(crate) name: &'static str,
    /// How many bytes of the name are prefixes: where a unit moves to the end, it passes over the rest only.
    pub(crate) prefix_len: usize,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) unit: Option<&'static str>,
    pub(crate) labels: &'static [(&'static str, &'static str)],
}

impl Descriptor {
    /// A metric of that name and kind, with neither help nor unit.
    ///
    /// # Panics
    ///
    /// Where the name does not match `[a-zA-Z_][a-zA-Z0-9_]*`; in a `const`, that is a compile error.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        assert!(
            exposition::is_name(name.as_bytes()),
            "a metric's name must match [a-zA-Z_][a-zA-Z0-9_]*"
        );
        Self { name, prefix_len: 0, kind, help: "", unit: None, labels: &[] }
    }

    /// A counter of that name.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new) does.
    pub const fn counter(name: &'static str) -> Self {
        Self::new(name, Kind::Counter)
    }

    /// A gauge of that name.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new) does.
    pub const fn gauge(name: &'static str) -> Self {
        Self::new(name, Kind::Gauge)
    }

    /// A histogram of that name.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new) does.
    pub const fn histogram(name: &'static str) -> Self {
        Self::new(name, Kind::Histogram)
    }

    /// Adds the unit of the instrument's buckets, for generated code.
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

    /// The same metric, described by one paragraph.
    #[must_use]
    pub const fn with_help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// The same metric in this unit: an OpenMetrics base unit, such as `bytes` or `seconds`.
    ///
    /// # Panics
    ///
    /// Where the unit does not match `[a-z0-9_]+`; in a `const`, that is a compile error.
    #[must_use]
    pub const fn with_unit(mut self, unit: &'static str) -> Self {
        assert!(exposition::is_unit(unit.as_bytes()), "a metric's unit must match [a-z0-9_]+");
        self.unit = Some(unit);
        self
    }

    /// The name, prefixes included.
    pub const fn name(&self) -> &str {
        self.name
    }

    /// How many bytes of the name are prefixes, over which a unit does not move to the end.
    pub const fn prefix_len(&self) -> usize {
        self.prefix_len
    }

    /// Whether it is a counter or a gauge.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What it measures, in one paragraph; empty where nothing was said.
    pub const fn help(&self) -> &str {
        self.help
    }

    /// The base unit of its values.
    pub const fn unit(&self) -> Option<&str> {
        self.unit
    }

    /// Fixed labels, as name and value.
    pub const fn labels(&self) -> &[(&str, &str)] {
        self.labels
    }

    /// The name under which it is exported, the same in every format but for what a format adds itself.
    pub const fn exposition_name(&self) -> ExpositionName<'_> {
        ExpositionName::of(self)
    }

    /// `clone`, at compile time.
    pub(crate) const fn copy(&self) -> Self {
        Self {
            name: self.name,
            prefix_len: self.prefix_len,
            kind: self.kind,
            help: self.help,
            unit: self.unit,
            labels: self.labels,
        }
    }
}
