//! The error of a registration, and the conflicting definitions that it names.

use std::fmt;

use papyra_metrics::Kind;

/// The error of a registration, and of other functions that check names, labels or samples. A registration that returns
/// an error has registered none of the backend's metrics.
///
/// ```
/// use papyra_metrics::persistence::PersistenceMetrics;
/// use papyra_metrics_export::{RegisterError, Registry};
/// use std::sync::Arc;
///
/// let metrics = Arc::new(PersistenceMetrics::default());
/// let error = Registry::new().register(metrics.clone(), &[("back-end", "orders")]).unwrap_err();
/// assert_eq!(error, RegisterError::InvalidLabelName { name: "back-end".to_owned() });
/// assert_eq!(error.to_string(), "`back-end` is not a label name; it must match `[a-zA-Z_][a-zA-Z0-9_]*`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The prefix given to the registry does not consist of words that match `[a-zA-Z][a-zA-Z0-9_]*`, joined by dots.
    InvalidPrefix {
        /// The prefix.
        prefix: String,
    },
    /// The exported name of a metric does not match `[a-zA-Z_][a-zA-Z0-9_]*`, so monitoring systems refuse it.
    InvalidMetricName {
        /// The exported name.
        name: String,
    },
    /// The name of a label does not match `[a-zA-Z_][a-zA-Z0-9_]*`, so monitoring systems refuse it.
    InvalidLabelName {
        /// The label's name.
        name: String,
    },
    /// The name of a label has a special meaning in a monitoring system.
    ReservedLabel {
        /// The label's name.
        name: String,
    },
    /// A label was given twice.
    DuplicateLabel {
        /// The label's name.
        name: String,
    },
    /// Two metrics with the same name differ in kind, unit, buckets or the names of their own labels, or two metrics
    /// with different names would export samples of the same name.
    ConflictingDefinition {
        /// The definition in the new backend.
        new: Box<MetricDefinition>,
        /// The earlier definition, in another backend or in the new backend itself.
        earlier: Box<MetricDefinition>,
    },
    /// An open backend already has a series with this name and these labels, or the new backend has two such series.
    DuplicateSeries {
        /// The metric's exported name.
        name: String,
        /// The labels that the two series share.
        labels: String,
    },
    /// The `Arc` given to `register` has no other clone, so its metrics would be exported once and then removed.
    NotHeld,
    /// These metrics are already registered.
    AlreadyRegistered {
        /// The labels under which they are registered.
        labels: String,
    },
}

/// The definition of a metric in one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricDefinition {
    /// The metric's exported name.
    pub name: String,
    /// The metric's kind.
    pub kind: Kind,
    /// The metric's unit.
    pub unit: Option<String>,
    /// The names of the metric's own labels, without those of the backend, in alphabetical order.
    pub labels: Vec<String>,
    /// The upper bounds of a histogram's buckets in the exported unit, as Prometheus writes them. Empty for other
    /// kinds. May also be empty for a histogram if the conflict does not concern the buckets.
    pub bounds: Vec<String>,
    /// The labels of the backend, such as `{backend="orders"}`.
    pub backend: String,
}

impl fmt::Display for MetricDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.kind)?;
        match &self.unit {
            Some(unit) => write!(f, " in {unit}")?,
            None => write!(f, " without a unit")?,
        }
        write!(f, " in backend `{}`", self.backend)
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidPrefix { prefix } => write!(
                f,
                "`{}` is not a prefix; it must consist of words that match `[a-zA-Z][a-zA-Z0-9_]*`, joined by dots",
                prefix.escape_debug()
            ),
            Self::InvalidMetricName { name } => write!(
                f,
                "`{}` is not a metric name; it must match `[a-zA-Z_][a-zA-Z0-9_]*`",
                name.escape_debug()
            ),
            Self::InvalidLabelName { name } => write!(
                f,
                "`{}` is not a label name; it must match `[a-zA-Z_][a-zA-Z0-9_]*`",
                name.escape_debug()
            ),
            Self::ReservedLabel { name } => write!(
                f,
                "the label name `{name}` is reserved; choose one other than `instance`, `job`, `le` and `quantile` \
                 that does not begin with `__`"
            ),
            Self::DuplicateLabel { name } => write!(
                f,
                "the label `{}` is given twice; remove it from the handle, the backend or the metric",
                name.escape_debug()
            ),
            Self::ConflictingDefinition { new, earlier } => {
                let (name, other) = (&new.name, &earlier.name);
                if name == other
                    && (new.kind, &new.unit) == (earlier.kind, &earlier.unit)
                    && new.labels != earlier.labels
                {
                    let labels = |labels: &[String]| match labels {
                        [] => "no labels".to_owned(),
                        [label] => format!("the label `{label}`"),
                        labels => format!("the labels `{}`", labels.join("`, `")),
                    };
                    return write!(
                        f,
                        "`{name}` has {} in backend `{}`, but {} in backend `{}`; metrics with the same name must have \
                         the same label names",
                        labels(&new.labels),
                        new.backend,
                        labels(&earlier.labels),
                        earlier.backend
                    );
                }
                if name == other && (new.kind, &new.unit) == (earlier.kind, &earlier.unit) {
                    let [new, earlier] =
                        [new, earlier].map(|it| (it.bounds.join(", "), &it.backend));
                    return write!(
                        f,
                        "the buckets of `{name}` end at {} in backend `{}`, but at {} in backend `{}`; declare both \
                         with the same buckets, or rename one of them",
                        new.0, new.1, earlier.0, earlier.1
                    );
                }
                if name == other {
                    write!(f, "`{name}` is {new}, but {earlier}")?;
                } else {
                    write!(f, "`{name}`, {new}, shares sample names with `{other}`, {earlier}")?;
                }
                f.write_str("; rename one of them, or use registries with different prefixes")
            }
            Self::DuplicateSeries { name, labels } => write!(
                f,
                "`{name}` with the labels `{labels}` exists already; add a label that differs, such as `backend`"
            ),
            Self::NotHeld => f.write_str(
                "no other clone of this `Arc` exists, so its metrics would be removed at once; keep a clone of it, or use \
                 `register_owned` or `register_static`",
            ),
            Self::AlreadyRegistered { labels } => write!(
                f,
                "these metrics are already registered with the labels `{labels}`; register an `Arc` only once"
            ),
        }
    }
}

impl std::error::Error for RegisterError {}
