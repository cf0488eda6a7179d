//! Closes backends, and forgets closed backends that exceed the limits of age and number.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Backend, SeriesKey, SeriesOwner, Store};
use crate::Labels;
use crate::registry::closed::{ClosedBackend, ClosedSeries, ClosedValue, Departed, SourceTotal};
use crate::series::collect::Scratch;
use crate::series::number::Form;
use crate::series::source::Source;

impl Store {
    /// Returns the ids of the backends whose metrics only the registry still holds.
    pub(in crate::registry) fn orphans(&mut self) -> Vec<u64> {
        let orphans = self.backends.iter().filter(|backend| backend.is_orphaned());
        let orphans: Vec<u64> = orphans.map(|backend| backend.id).collect();
        self.sweep_at = 2 * (self.backends.len() - orphans.len());
        orphans
    }

    /// Closes backends whose readings have just been merged, unless the application holds their metrics again. Returns
    /// their sources, which the caller drops after it releases the lock.
    #[cold]
    pub(in crate::registry) fn close_orphans(&mut self, ids: &[u64]) -> Vec<Arc<dyn Source>> {
        let close = |&id: &u64| {
            let is_orphaned = self.backends[self.position(id)?].is_orphaned();
            is_orphaned.then(|| self.close(id, None)).flatten()
        };
        ids.iter().filter_map(close).collect()
    }

    /// Closes a backend. `last` contains the backend's last readings; `None` if they have just been merged. Returns the
    /// backend's source, which the caller drops after it releases the lock, or `None` if the backend is already closed.
    pub(in crate::registry) fn close(
        &mut self,
        id: u64,
        last: Option<&mut Scratch>,
    ) -> Option<Arc<dyn Source>> {
        let position = self.position(id)?;
        let source = Arc::make_mut(&mut self.backends)[position].source.take()?;
        let Backend { first, departed, labels, .. } = &self.backends[position];
        let (first, departed, labels) = (*first, departed.clone(), Arc::clone(labels));
        let mut problems = self.problems.remove(&id).unwrap_or_default();
        if let Some(last) = last {
            self.values.apply(first, &mut last.readings, 0, self.backends[position].len());
            problems = last.problems.drain(..).map(|(_, problem)| problem).collect();
        }
        self.epoch += 1;
        self.dead += self.backends[position].len();
        if let Some(address) = source.address() {
            self.registered.remove(&address);
        }
        let mut backend = ClosedBackend {
            at: Instant::now(),
            series: Vec::with_capacity(self.backends[position].len()),
            departed,
            labels,
            problems,
        };
        let closing = self.closed.closings + 1;
        let mut totals = Vec::new();
        for (i, id) in self.backends[position].series() {
            let key = SeriesKey::new(&id.family, &id.labels);
            let (index, serial) = (first + i, self.serials[first + i]);
            let Some(form) = self.values.form(index) else {
                self.index.remove(&key);
                release(&mut self.labels, &id.labels);
                continue;
            };
            let number = self.values.exported(index);
            let value = match form {
                Form::Histogram => self
                    .values
                    .take_histogram(index)
                    .map_or(ClosedValue::Number(form, number), ClosedValue::Histogram),
                _ => ClosedValue::Number(form, number),
            };
            match &value {
                ClosedValue::Histogram(values) => {
                    totals.push((serial, SourceTotal::Histogram(values.source_totals())));
                }
                ClosedValue::Number(Form::Total, _) => {
                    totals.push((serial, SourceTotal::Counter(self.values.source_total(index))));
                }
                ClosedValue::Number(..) => {}
            }
            self.index.insert(key, SeriesOwner::Closed(closing, backend.series.len()));
            backend.series.push(Some(ClosedSeries { id, serial, value }));
        }
        if let Some((address, identity)) = source.address().zip(source.identity()) {
            let source = Arc::downgrade(&source);
            totals.sort_unstable_by_key(|(serial, _)| *serial);
            let departed = Departed { closing, address, identity, source, totals };
            backend.departed.push(Arc::new(departed));
        }
        if !backend.series.is_empty() || !backend.problems.is_empty() {
            self.closed.add(backend);
        }
        self.forget_expired();
        if self.dead > 64 && 2 * self.dead > self.values.len() {
            self.compact();
        }
        Some(source)
    }

    /// Forgets the closed backends that exceed the limits of age and number.
    #[inline]
    pub(in crate::registry) fn forget_expired(&mut self) {
        if !self.closed.is_empty() {
            self.forget_closed();
        }
    }

    #[cold]
    fn forget_closed(&mut self) {
        let now = Instant::now();
        while let Some(expired) = self.closed.pop_expired(now) {
            let series: Vec<_> = expired.series.into_iter().flatten().collect();
            for ClosedSeries { id, .. } in &series {
                self.index.remove(&SeriesKey::new(&id.family, &id.labels));
                release(&mut self.labels, &id.labels);
            }
            self.forgotten.add(expired.departed, &series);
        }
    }

    pub(in crate::registry) fn set_retention(&mut self, keep_for: Duration, keep_at_most: usize) {
        (self.closed.keep_for, self.closed.keep_at_most) = (keep_for, keep_at_most);
        self.forget_expired();
    }

    /// Removes closed backends and their series from the lists.
    #[inline]
    pub(super) fn compact(&mut self) {
        if self.dead > 0 {
            self.remove_dead();
        }
    }

    #[cold]
    fn remove_dead(&mut self) {
        self.dead = 0;
        let mut to = 0;
        for backend in Arc::make_mut(&mut self.backends) {
            if backend.source.is_some() {
                let (first, len) = (mem::replace(&mut backend.first, to), backend.len());
                if first != to {
                    self.values.shift(first, to, len);
                    self.serials.copy_within(first..first + len, to);
                }
                to += len;
            }
        }
        self.values.truncate(to);
        self.serials.truncate(to);
        Arc::make_mut(&mut self.backends).retain(|backend| backend.source.is_some());
    }
}

/// Decrements the number of series that have these labels, and removes the labels if no series is left.
fn release(labels: &mut HashMap<Arc<Labels>, usize>, released: &Arc<Labels>) {
    if let Some(series) = labels.get_mut(released) {
        *series -= 1;
        if *series == 0 {
            labels.remove(released);
        }
    }
}
