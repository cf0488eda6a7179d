//! Listeners that are notified of new families.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A listener that is notified after families were added.
pub(crate) trait FamilyListener: Send + Sync {
    /// Handles new families. The caller holds no lock, and several threads may call this at the same time.
    fn families_added(self: Arc<Self>);
}

#[derive(Default)]
pub(super) struct Listeners(Mutex<Vec<Weak<dyn FamilyListener>>>);

impl Listeners {
    #[cfg(feature = "opentelemetry")]
    pub(super) fn add(&self, listener: &Arc<impl FamilyListener + 'static>) {
        let listener: Weak<dyn FamilyListener> = Arc::downgrade(listener) as _;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub(super) fn notify(&self) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        let listening: Vec<_> = listeners.iter().filter_map(Weak::upgrade).collect();
        drop(listeners);
        listening.into_iter().for_each(FamilyListener::families_added);
    }
}
