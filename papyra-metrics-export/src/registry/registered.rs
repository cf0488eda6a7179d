//! The guard that `Registry::register_owned` returns.

use std::ops::Deref;
use std::sync::Arc;

/// A guard that owns metrics and keeps them registered. When it is dropped, each reader gets the last values of the
/// metrics once, and the registry then removes them.
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
