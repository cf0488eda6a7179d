//! Metric names as an interface: a committed lock file, compared with the declared metrics in a test.
//!
//! Dashboards and alerts depend on names, kinds, units, labels and bucket bounds. A lock file lists them, so that a
//! change is seen in review:
//!
//! ```
//! use papyra_metrics::{Counter, Histogram, Metrics};
//! use papyra_metrics_export::schema;
//!
//! #[derive(Default, Metrics)]
//! struct LogMetrics {
//!     /// Records written.
//!     records_written: Counter,
//!     /// How long an append takes.
//!     append: Histogram,
//! }
//!
//! # let dir = std::env::temp_dir().join(format!("schema-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! # let path = dir.join("metrics.lock");
//! // In a test, `schema::check::<LogMetrics>("metrics.lock")?` compares with the committed file. With UPDATE_METRICS=1,
//! // it creates the file, as `Schema::write` does here.
//! schema::Schema::of(&LogMetrics::default()).write(&path)?;
//! let report = schema::check::<LogMetrics>(&path)?;
//! assert!(report.changes().is_empty());
//! # std::fs::remove_dir_all(&dir)?;
//!
//! #[derive(Default, Metrics)]
//! struct Renamed {
//!     /// Records written.
//!     records: Counter,
//! }
//!
//! let [old, new] = [Schema::of(&LogMetrics::default()), Schema::of(&Renamed::default())];
//! let changes = new.changes_since(&old); // ordered by name
//! assert!(changes[0].is_breaking());
//! assert_eq!(changes[0].to_string(), "`append_seconds` is removed");
//! assert_eq!(changes[1].to_string(), "`records` is new");
//! assert_eq!(changes[2].to_string(), "`records_written` is removed");
//! # use schema::Schema;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The file
//!
//! A lock file is UTF-8 text, sorted by name and then by labels, so that it can be merged and compared line by line.
//! Each family of metrics has a block, which begins with the exported name of the family, without the suffixes of
//! samples such as `_total`:
//!
//! ```text
//! append_seconds
//!   kind histogram
//!   unit seconds
//!   help How long an append takes.
//!   bounds 1e-07 2e-07 5e-07 1e-06
//!
//! requests
//!   kind counter
//!   help Requests by operation.
//!   series op="get"
//!   series op="put"
//! ```
//!
//! Optional lines describe properties that dashboards and alert rules use. `component` is the prefix of the registry
//! followed by the prefix of the metric's struct. `role errors` marks a counter of errors. `objective 99.9% within 0.1`
//! is the [objective](papyra_metrics::Objective) of a histogram. If the series of the histogram have different
//! objectives, or only some series have an objective, each of these objectives has its own line, which ends with the
//! labels of the series.
//!
//! Lines that begin with `#` and empty lines are ignored. In `help` and in the values of labels, a line feed is `\n`, a
//! carriage return `\r`, a backslash `\\`, and a quote `\"`. Any other control character, and a character that changes
//! the direction of the text, is `\u{…}`.

mod changes;
mod combination;
#[cfg(feature = "dashboard")]
mod dashboard;
mod error;
mod escape;
mod file;
mod label_set;
mod model;
mod objective;
#[cfg(feature = "publish")]
mod published;
mod report;
mod roles;
mod rules;
mod text;

use std::path::Path;

use papyra_metrics::Metrics;

pub use changes::Change;
pub use combination::Combination;
#[cfg(feature = "dashboard")]
pub use dashboard::Dashboard;
pub use error::SchemaError;
pub use model::Schema;
pub use report::Report;
pub use rules::AlertRules;

/// Compares the metrics that `M` declares with the lock file at `path`. In a test, a relative path begins at the
/// package's directory.
///
/// Additions pass, and so do changed help texts and components. The [`Report`] lists these differences. A changed or
/// removed objective is an error.
///
/// If the environment variable `UPDATE_METRICS` is set to a value other than `0` and the empty string, the file is
/// written instead.
///
/// A value of `M` is created in order to read its bucket bounds. For metrics with a prefix, for the metrics of a
/// registry, or for a type without `Default`, see [`Schema`].
///
/// # Errors
///
/// Returns an error if the file is missing, cannot be read, or is not a lock file, or if a change is
/// [breaking](Change::is_breaking). The error's text, which `unwrap` prints too, names each change and says how to
/// accept it. If `UPDATE_METRICS` is set, returns an error only if the file cannot be read or written.
pub fn check<M: Metrics + Default>(path: impl AsRef<Path>) -> Result<Report, SchemaError> {
    Schema::of(&M::default()).check(path)
}
