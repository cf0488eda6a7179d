//! The guard that `Registry::register_owned` returns.

use std::ops::Deref;
use std::sync::Arc;

/// A guard that owns metrics and keeps them registered. After the guard is dropped, the next reading removes the
/// metrics from the registry, and each reader gets their last values once.
#[derive(Debug)]
#[must_use = "the metrics are removed from the registry when this is dropped"]
pub struct Registered<M>(Arc<M>);

impl<M> Registered<M> {
    pub(super) fn new(metrics: Arc<M>) -> Self {
        Self(metrics)
    }
}

impl<M> Deref for Registered<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}
