//! What can be wrong with a registration.

use std::fmt;

use papyra_metrics::Kind;

/// Why the metrics of a backend were not registered. Nothing of them was.
///
/// ```
/// use papyra_metrics::persistence::PersistenceMetrics;
/// use papyra_metrics_export::{RegisterError, Registry};
/// use std::sync::Arc;
///
/// let metrics = Arc::new(PersistenceMetrics::default());
/// let error = Registry::new().register(metrics.clone(), &[("back-end", "orders")]).unwrap_err();
/// assert_eq!(error, RegisterError::LabelName { name: "back-end".to_owned() });
/// assert_eq!(error.to_string(), "the label name \"back-end\" must match [a-zA-Z_][a-zA-Z0-9_]*");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The registry's prefix is no name.
    Prefix {
        /// The prefix that was asked for.
        prefix: String,
    },
    /// A metric's exported name has characters that monitoring systems refuse.
    MetricName {
        /// The exported name.
        name: String,
    },
    /// A label's name has characters that monitoring systems refuse.
    LabelName {
        /// The label's name.
        name: String,
    },
    /// A label's name means something else to a monitoring system.
    LabelReserved {
        /// The label's name.
        name: String,
    },
    /// One label was given twice.
    LabelTwice {
        /// The label's name.
        name: String,
    },
    /// Two backends mean different things by one name.
    Clash {
        /// What the new backend means by it.
        new: Box<MetricDefinition>,
        /// What an earlier backend means by it.
        earlier: Box<MetricDefinition>,
    },
    /// A living backend of the same labels has a metric of this name, or the backend itself has it twice.
    SameSeries {
        /// The metric's exported name.
        name: String,
        /// The labels of both.
        labels: String,
    },
    /// Nobody else holds the `Arc`, so that its metrics would be exported once and then be gone.
    NotHeld,
    /// These metrics are registered already.
    Registered {
        /// Under these labels.
        labels: String,
    },
}

/// What a backend means by a metric's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricDefinition {
    /// The metric's exported name.
    pub name: String,
    /// The metric's kind.
    pub kind: Kind,
    /// The metric's unit.
    pub unit: Option<String>,
    /// The labels of the backend.
    pub backend: String,
}

impl fmt::Display for MetricDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.kind)?;
        match &self.unit {
            Some(unit) => write!(f, " in {unit}")?,
            None => write!(f, " without unit")?,
        }
        write!(f, " of backend {}", self.backend)
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { prefix } => write!(
                f,
                "the prefix {prefix:?} is no name; write words of [a-zA-Z0-9_] that begin with a letter, \
                 joined by single dots"
            ),
            Self::MetricName { name } => {
                write!(f, "the metric name {name:?} must match [a-zA-Z_][a-zA-Z0-9_]*")
            }
            Self::LabelName { name } => {
                write!(f, "the label name {name:?} must match [a-zA-Z_][a-zA-Z0-9_]*")
            }
            Self::LabelReserved { name } => write!(
                f,
                "the label name {name:?} is reserved (`instance`, `job`, `le`, `quantile`, and names that begin \
                 with `__`); choose another"
            ),
            Self::LabelTwice { name } => {
                write!(
                    f,
                    "the label {name:?} is given twice; a backend or its metric has each once"
                )
            }
            Self::Clash { new, earlier } => {
                let (name, other) = (&new.name, &earlier.name);
                if name == other {
                    write!(f, "`{name}` is {new}, but {earlier}")?;
                } else {
                    write!(f, "`{name}`, {new}, would share samples with `{other}`, {earlier}")?;
                }
                f.write_str(
                    "; rename one of them, or export them through registries of different prefixes",
                )
            }
            Self::SameSeries { name, labels } => write!(
                f,
                "a backend {labels} with a metric `{name}` is registered already; give each backend labels \
                 of its own, such as `backend`"
            ),
            Self::NotHeld => f.write_str(
                "nobody else holds this `Arc`, so its metrics would leave the registry at once; keep a clone of it, \
                 or use `register_owned`, or `register_static` for metrics that never leave",
            ),
            Self::Registered { labels } => write!(
                f,
                "these metrics are registered already, as those of backend {labels}; register an `Arc` once"
            ),
        }
    }
}

impl std::error::Error for RegisterError {}
