//! The guard of metrics that only the registry holds.

use std::ops::Deref;
use std::sync::Arc;

/// Keeps metrics registered that nobody else holds. They leave the registry when this is dropped, after each reader
/// has got their last values.
#[derive(Debug)]
#[must_use = "the metrics leave the registry when this is dropped"]
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
