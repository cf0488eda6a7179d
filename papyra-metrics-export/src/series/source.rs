//! Sources: registered backends with erased types, from which the values of series are read.

use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Weak};

use papyra_metrics::Metrics;

/// The metrics of one backend, from which the values of the backend's series are read.
pub(crate) trait Source: Send + Sync {
    fn metrics(&self) -> &dyn Metrics;

    /// Returns whether only the registry still holds an `Arc` of the metrics. If so, a reading that begins after this
    /// call includes everything that was counted before the last other `Arc` was dropped.
    fn is_orphaned(&self) -> bool;

    /// Returns the address of the metrics in their `Arc`, or `None` for metrics that are not in an `Arc`.
    fn address(&self) -> Option<usize>;

    /// Returns a handle that identifies the metrics after the registry has dropped its `Arc`. `None` if no other `Arc`
    /// and no `Weak` exists, or if the metrics are not in an `Arc`. A `Weak` can become an `Arc` for as long as a reading
    /// holds the metrics.
    fn identity(&self) -> Option<Box<dyn Identity>>;
}

/// Identifies metrics that the registry no longer holds. While this value exists, no other metrics have the same
/// address.
pub(crate) trait Identity: Send + Sync {
    /// Returns whether the metrics still exist, so that they may be registered again.
    fn is_alive(&self) -> bool;
}

impl<M: Metrics + Send + Sync + ?Sized + 'static> Source for Arc<M> {
    fn metrics(&self) -> &dyn Metrics {
        self
    }

    fn is_orphaned(&self) -> bool {
        let is_orphaned = Self::strong_count(self) == 1;
        // Pairs with the release of the last other `Arc`: everything that its owner counted is visible after this
        // fence.
        fence(Ordering::Acquire);
        is_orphaned
    }

    fn address(&self) -> Option<usize> {
        Some(Self::as_ptr(self).cast::<()>().addr())
    }

    fn identity(&self) -> Option<Box<dyn Identity>> {
        let is_reachable = !self.is_orphaned() || Self::weak_count(self) > 0;
        is_reachable.then(|| Box::new(Self::downgrade(self)) as Box<dyn Identity>)
    }
}

impl<M: Send + Sync + ?Sized> Identity for Weak<M> {
    fn is_alive(&self) -> bool {
        self.strong_count() > 0
    }
}

/// Metrics that stay registered for as long as the registry exists.
pub(crate) struct StaticSource<M>(pub(crate) M);

impl<M: Metrics + Send + Sync + 'static> Source for StaticSource<M> {
    fn metrics(&self) -> &dyn Metrics {
        &self.0
    }

    fn is_orphaned(&self) -> bool {
        false
    }

    fn address(&self) -> Option<usize> {
        None
    }

    fn identity(&self) -> Option<Box<dyn Identity>> {
        None
    }
}
