//! Reads the backends of a registry. Their code runs under no lock.

use std::sync::Arc;

use super::Registry;
use super::store::view::View;
use super::store::{Backend, Merge};
use crate::panics;
use crate::series::collect::{Scratch, collect};
use crate::series::shown::ShownValues;

impl Registry {
    /// Reads a backend for the last time and closes it. Returns false if it was closed already.
    pub(super) fn close(&self, id: u64) -> bool {
        let mut scratch = Scratch::default();
        loop {
            let mut store = self.store();
            let Some(backend) = store.backend(id) else { return false };
            let ticket = store.ticket();
            drop(store);
            scratch.clear();
            if let Some(source) = backend.source() {
                collect(&**source, backend.listed(), 0, &mut scratch);
            }
            let mut store = self.store();
            // Otherwise a concurrent reader may have read a counter earlier or later than this.
            let is_current = store.is_current(&ticket);
            let closed = if is_current { store.close(id, Some(&mut scratch)) } else { None };
            drop(store);
            let is_closed = closed.is_some();
            drop_user_code(closed);
            drop_user_code(backend);
            if is_current {
                return is_closed;
            }
        }
    }

    /// Closes the backends that are gone, so that they do not accumulate while there are no readings.
    pub(super) fn close_orphans(&self) {
        let orphans = self.store().orphans();
        for id in orphans {
            self.close(id);
        }
    }

    /// Reads all backends, and brings a view and its values up to date. Returns whether the view shows other series
    /// than before, or at other places.
    pub(crate) fn read(
        &self,
        view: &mut View,
        scratch: &mut Scratch,
        values: &mut ShownValues,
    ) -> bool {
        loop {
            if let Some(is_changed) = self.try_read(view, scratch, values) {
                return is_changed;
            }
        }
    }

    /// Does the same unless another reading that began earlier was completed in the meantime.
    fn try_read(
        &self,
        view: &mut View,
        scratch: &mut Scratch,
        values: &mut ShownValues,
    ) -> Option<bool> {
        let (ticket, backends) = self.store().begin();
        scratch.clear();
        let mut orphans = Vec::new();
        for (position, backend) in backends.iter().enumerate() {
            let Some(source) = backend.source() else {
                scratch.readings.fill(scratch.readings.len() + backend.len());
                continue;
            };
            // Asked before the reading, so that everything that was counted is read.
            if source.is_orphaned() {
                orphans.push(backend.id());
            }
            collect(&**source, backend.listed(), position, scratch);
        }
        let mut store = self.store();
        let merge = store.merge(&ticket, &backends, scratch);
        let closed = if merge == Merge::Applied { store.close_all(&orphans) } else { Vec::new() };
        let is_changed = (merge != Merge::Conflict).then(|| store.show(view, values));
        drop(store);
        if !closed.is_empty() {
            closed.into_iter().for_each(drop_user_code);
        }
        drop_backends(backends);
        is_changed
    }
}

/// Drops what may be the last owner of a backend, whose own `Drop` may panic.
fn drop_user_code<T>(value: T) {
    let _ = panics::catch(|| drop(value));
}

/// Drops a list of backends, which may be the last owner of some of them.
pub(super) fn drop_backends(backends: Arc<Vec<Backend>>) {
    if let Some(backends) = Arc::into_inner(backends) {
        backends.into_iter().for_each(drop_user_code);
    }
}
