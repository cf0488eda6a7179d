//! Merges readings of backends into the store.

use std::sync::Arc;

use super::{Backend, Store};
use crate::series::collect::Scratch;
use crate::series::readings::Readings;

/// A reading of all backends that has begun and has not been merged yet.
pub(in crate::registry) struct Reading {
    pub(in crate::registry) backends: Arc<Vec<Backend>>,
    /// The value of the store's clock when the reading began.
    pub(super) began: u64,
}

/// The result of merging a reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::registry) enum Merge {
    Applied,
    /// Another reading that began later was already merged. It includes everything that this reading includes.
    Superseded,
    /// Another reading that may have begun earlier was merged in the meantime, or a repeated reading began later. This
    /// reading has to be repeated.
    Conflict,
}

impl Store {
    /// Begins a reading of all backends.
    pub(in crate::registry) fn begin(&mut self, is_repeated: bool) -> Reading {
        self.compact();
        Reading { backends: Arc::clone(&self.backends), began: self.begin_at(is_repeated) }
    }

    /// Returns the time at which a new reading begins: the value of the store's clock. If the new reading repeats an
    /// earlier reading, readings that began before the new reading are no longer merged. Otherwise, they could force
    /// the new reading to be repeated again and again while other threads read all the time.
    pub(in crate::registry) fn begin_at(&mut self, is_repeated: bool) -> u64 {
        if is_repeated {
            self.repeated_at.get_or_insert(self.clock);
        }
        self.clock
    }

    /// Decides whether a reading that began at the time `began` may be merged now. The reading may be of all backends
    /// or of one backend. If the result is [`Merge::Applied`], the caller must merge the reading.
    pub(in crate::registry) fn admit(&mut self, began: u64) -> Merge {
        if self.last_merge > began {
            let is_newer = self.last_begin > began;
            return if is_newer { Merge::Superseded } else { Merge::Conflict };
        }
        if self.repeated_at.is_some_and(|repeated| began < repeated) {
            return Merge::Conflict;
        }
        if self.repeated_at == Some(began) {
            self.repeated_at = None;
        }
        Merge::Applied
    }

    /// Merges a reading of all backends into the store, unless another reading was merged since this one began. The
    /// other reading may contain newer or older totals, so the two readings cannot be combined.
    ///
    /// If the reading is merged, the exported values replace the values that were read.
    pub(in crate::registry) fn merge(&mut self, reading: &Reading, scratch: &mut Scratch) -> Merge {
        let admitted = self.admit(reading.began);
        if admitted != Merge::Applied {
            return admitted;
        }
        (self.last_begin, self.last_merge) = (reading.began, self.clock);
        // If a repeated reading is under way, this reading supersedes it, because this reading did not begin earlier.
        self.repeated_at = None;
        // The lists differ if backends were added or closed during the reading.
        let is_new = if Arc::ptr_eq(&self.backends, &reading.backends) {
            self.values.apply_all(&mut scratch.readings)
        } else {
            self.merge_each(&reading.backends, &mut scratch.readings)
        };
        self.epoch += u64::from(is_new);
        if !(self.problems.is_empty() && scratch.problems.is_empty()) {
            self.set_problems(&reading.backends, scratch);
        }
        Merge::Applied
    }

    /// Merges the readings of those backends that are still open. Returns whether the form of a series has changed.
    #[cold]
    fn merge_each(&mut self, backends: &[Backend], readings: &mut Readings) -> bool {
        let (mut is_new, mut next) = (false, 0);
        for backend in backends {
            let from = next;
            next += backend.len();
            let Some(position) = self.open_position(backend.id) else { continue };
            let first = self.backends[position].first;
            is_new |= self.values.apply(first, readings, from, backend.len());
        }
        is_new
    }

    /// Replaces the problems of the backends that are still open. If a backend was closed during the reading, the
    /// problems of its last reading are kept.
    #[cold]
    fn set_problems(&mut self, backends: &[Backend], scratch: &mut Scratch) {
        self.problems.values_mut().for_each(Vec::clear);
        for (position, problem) in scratch.problems.drain(..) {
            let id = backends[position].id;
            if self.open_position(id).is_some() {
                self.problems.entry(id).or_default().push(problem);
            }
        }
    }
}
