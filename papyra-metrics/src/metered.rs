//! A backend that may have metrics.

use crate::Metrics;

/// A backend that may have metrics. A backend without metrics has an empty impl.
///
/// ```
/// use papyra_metrics::{Metered, Metrics};
///
/// struct NullStore;
/// impl Metered for NullStore {}
///
/// fn report(backend: &dyn Metered) -> String {
///     match backend.metrics() {
///         Some(metrics) => metrics.snapshot().to_string(),
///         None => "metrics: <unavailable>".to_owned(),
///     }
/// }
/// assert_eq!(report(&NullStore), "metrics: <unavailable>");
/// ```
pub trait Metered {
    /// Returns the backend's metrics, or `None` if the backend has no metrics.
    fn metrics(&self) -> Option<&dyn Metrics> {
        None
    }
}
