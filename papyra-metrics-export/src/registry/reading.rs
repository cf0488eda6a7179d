//! Reads the backends of a registry. No lock of the registry is held while the code of a backend runs.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::Registry;
use super::store::Backend;
use super::store::merge::{Merge, Reading};
use super::store::view::View;
use crate::panics;
use crate::series::collect::Scratch;

impl Registry {
    /// Reads a backend for the last time and closes it. Returns false if the backend was already closed.
    pub(super) fn close(&self, id: u64) -> bool {
        self.close_if(id, |_| true)
    }

    /// Reads a backend for the last time and closes it, unless the application holds its metrics again. The application
    /// can get an `Arc` of them from a `Weak`.
    pub(super) fn close_orphan(&self, id: u64) {
        self.close_if(id, Backend::is_orphaned);
    }

    /// Reads a backend for the last time, and closes it if `may_close` returns true. `may_close` is called under the
    /// lock. Returns whether the backend was closed.
    fn close_if(&self, id: u64, may_close: impl Fn(&Backend) -> bool) -> bool {
        let mut scratch = Scratch::default();
        let mut is_repeated = false;
        loop {
            let mut store = self.store();
            let Some(backend) = store.backend(id) else { return false };
            let began = store.begin_at(is_repeated);
            drop(store);
            scratch.clear();
            backend.read(0, &mut scratch);
            let mut store = self.store();
            if !may_close(&backend) {
                drop(store);
                drop_user_code(backend);
                return false;
            }
            let merge = store.admit(began);
            let closed = match merge {
                Merge::Applied => store.close(id, Some(&mut scratch)),
                Merge::Superseded => store.close(id, None),
                Merge::Conflict => None,
            };
            drop(store);
            let is_closed = closed.is_some();
            drop_user_code(closed);
            drop_user_code(backend);
            if merge != Merge::Conflict {
                return is_closed;
            }
            is_repeated = true;
        }
    }

    /// Closes the backends whose metrics only the registry still holds. Otherwise, such backends would accumulate while
    /// nobody reads the registry.
    pub(super) fn close_orphans(&self) {
        let orphans = self.store().orphans();
        for id in orphans {
            self.close_orphan(id);
        }
    }

    /// Reads all backends, and updates a view. `scratch` then contains the values of the view. Returns whether the series
    /// of the view or their indices have changed.
    pub(crate) fn read(&self, view: &mut View, scratch: &mut Scratch) -> bool {
        let mut reading = self.begin(view);
        loop {
            if let Some(is_changed) = self.finish(reading, view, scratch) {
                return is_changed;
            }
            reading = self.begin_anew(true);
        }
    }

    /// Completes a reading that has begun: reads its backends, and updates the view. Returns what [`read`](Self::read)
    /// returns, or `None` if the reading has to be repeated.
    fn finish(&self, reading: Reading, view: &mut View, scratch: &mut Scratch) -> Option<bool> {
        scratch.clear();
        for (position, backend) in reading.backends.iter().enumerate() {
            // Checked before the reading, so that the reading of an orphaned backend includes everything that was
            // counted before the last other `Arc` was dropped.
            if backend.is_orphaned() {
                scratch.orphans.push(backend.id());
            }
            backend.read(position, scratch);
        }
        let mut store = self.store();
        let merge = store.merge(&reading, scratch);
        let has_orphans = merge == Merge::Applied && !scratch.orphans.is_empty();
        let closed = has_orphans.then(|| store.close_orphans(&scratch.orphans));
        let values = &mut scratch.readings.values;
        let is_changed =
            (merge != Merge::Conflict).then(|| store.update_view(view, &reading, merge, values));
        drop(store);
        if let Some(closed) = closed {
            drop_each(closed);
        }
        drop_backends(reading.backends);
        is_changed
    }

    /// Begins a reading of all backends. Takes no lock if the store has not been locked since the last reading for this
    /// view.
    fn begin(&self, view: &View) -> Reading {
        // SeqCst, paired with the fence in `begin_anew`: another reading that begins after the load of the clock below
        // may be merged first and supersede this one. The other reading then includes everything that this thread
        // counted before this fence.
        fence(Ordering::SeqCst);
        // Acquire: a reading that begins after this check finds no total lower than a reading that was merged before.
        let is_unchanged = self.shared.clock.load(Ordering::Acquire) == view.clock;
        let reading = if is_unchanged { view.next_reading() } else { None };
        reading.unwrap_or_else(|| self.begin_anew(false))
    }

    #[cold]
    fn begin_anew(&self, is_repeated: bool) -> Reading {
        let reading = self.store().begin(is_repeated);
        // SeqCst: if a thread does not see the new clock value in `begin`, this reading sees everything that the
        // thread has counted before.
        fence(Ordering::SeqCst);
        reading
    }
}

/// Drops a value that may contain the last `Arc` of a backend's metrics, and catches a panic of their `Drop`.
fn drop_user_code<T>(value: T) {
    let _ = panics::catch(|| drop(value));
}

#[cold]
fn drop_each<T>(values: Vec<T>) {
    values.into_iter().for_each(drop_user_code);
}

/// Drops a reference to a list of backends. If it was the last reference, the metrics of the backends may be dropped
/// too.
pub(super) fn drop_backends(backends: Arc<Vec<Backend>>) {
    if let Some(backends) = Arc::into_inner(backends) {
        drop_each(backends);
    }
}
