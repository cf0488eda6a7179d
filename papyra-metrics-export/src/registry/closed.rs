//! Remembers the last values of closed backends, for a limited time and for a limited number of backends.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use papyra_metrics::Tally;

use crate::Labels;
use crate::series::SeriesId;
use crate::series::histogram::HistogramValues;
use crate::series::number::{Form, Number};
use crate::series::source::{Identity, Source};

/// A backend that was closed, with the last values of its series.
pub(super) struct ClosedBackend {
    pub(super) at: Instant,
    /// The series of the backend. An entry is `None` if a later backend has continued the series.
    pub(super) series: Vec<Option<ClosedSeries>>,
    /// The unregistered metrics that have counted into these series and may be registered again, those that were
    /// unregistered first come first.
    pub(super) departed: Vec<Arc<Departed>>,
    pub(super) labels: Arc<Labels>,
    /// The problems of the backend's last reading.
    pub(super) problems: Vec<String>,
}

pub(super) struct ClosedSeries {
    pub(super) id: SeriesId,
    pub(super) serial: u64,
    pub(super) value: ClosedValue,
}

/// The last value of a closed series.
pub(super) enum ClosedValue {
    /// The value of a counter or a gauge.
    Number(Form, Number),
    Histogram(HistogramValues),
}

/// Metrics that were unregistered while the application still held an `Arc` of them. If these metrics are registered
/// again, what they had counted before must not be added to their series a second time.
pub(super) struct Departed {
    /// The number of the closed backend. If the same metrics were unregistered several times, the highest number belongs
    /// to their newest totals.
    pub(super) closing: u64,
    pub(super) address: usize,
    pub(super) identity: Box<dyn Identity>,
    /// The source under which the metrics were registered. A reading may still hold the source.
    pub(super) source: Weak<dyn Source>,
    /// The part of each series' total that these metrics have counted, with the serial number of the series, in the order
    /// of these numbers.
    pub(super) totals: Vec<(u64, SourceTotal)>,
}

impl Departed {
    /// Returns the part of a series' total that was counted by these metrics, or `None` if there is no such part.
    pub(super) fn total_of(&self, serial: u64) -> Option<&SourceTotal> {
        let index = self.totals.binary_search_by_key(&serial, |(of, _)| *of).ok()?;
        Some(&self.totals[index].1)
    }
}

/// The total of one source, without the totals of earlier sources of the same series.
#[derive(Clone)]
pub(super) enum SourceTotal {
    Counter(u64),
    /// The count and the sum of each bucket of a histogram.
    Histogram(Box<[Tally]>),
}

impl SourceTotal {
    /// Returns whether nothing was counted. This is also the case for a metric that was absent.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Counter(total) => *total == 0,
            Self::Histogram(totals) => totals.iter().all(|total| *total == Tally::default()),
        }
    }
}

/// The closed backends that are remembered: for a limited time, and a limited number of backends. Each closed backend
/// has a number, which is assigned in the order of closing.
pub(super) struct ClosedBackends {
    backends: BTreeMap<u64, ClosedBackend>,
    pub(super) keep_for: Duration,
    pub(super) keep_at_most: usize,
    /// How many backends were ever added. This is also the number of the newest closed backend.
    pub(super) closings: u64,
    /// Incremented whenever a closed backend is forgotten.
    pub(super) forgotten: u64,
}

impl Default for ClosedBackends {
    fn default() -> Self {
        Self {
            backends: BTreeMap::new(),
            keep_for: Duration::from_secs(600),
            keep_at_most: 10_000,
            closings: 0,
            forgotten: 0,
        }
    }
}

impl ClosedBackends {
    pub(super) fn add(&mut self, backend: ClosedBackend) -> u64 {
        self.closings += 1;
        self.backends.insert(self.closings, backend);
        self.closings
    }

    pub(super) fn get_mut(&mut self, closing: u64) -> Option<&mut ClosedBackend> {
        self.backends.get_mut(&closing)
    }

    /// Removes a closed backend if all of its series were continued by other backends.
    pub(super) fn remove_if_empty(&mut self, closing: u64) {
        let is_empty = |backend: &ClosedBackend| backend.series.iter().all(Option::is_none);
        if self.backends.get(&closing).is_some_and(is_empty) {
            self.backends.remove(&closing);
        }
    }

    /// Returns the closed backends with a number above `closing`, in order.
    pub(super) fn since(&self, closing: u64) -> impl Iterator<Item = (u64, &ClosedBackend)> {
        self.backends.range(closing + 1..).map(|(&closing, backend)| (closing, backend))
    }

    /// Removes and returns the oldest closed backend if it is too old, or if there are too many closed backends.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<ClosedBackend> {
        let oldest = self.backends.first_entry()?;
        let is_old = now.saturating_duration_since(oldest.get().at) > self.keep_for;
        let oldest = is_old.then(|| oldest.remove());
        let expired = oldest.or_else(|| {
            let exceeds = self.backends.len() > self.keep_at_most;
            exceeds.then(|| self.backends.pop_first()).flatten().map(|(_, backend)| backend)
        })?;
        self.forgotten += 1;
        Some(expired)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.backends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{ClosedBackend, ClosedBackends};

    fn add(closed: &mut ClosedBackends, at: Instant) {
        closed.add(ClosedBackend {
            at,
            series: Vec::new(),
            departed: Vec::new(),
            labels: Arc::default(),
            problems: Vec::new(),
        });
    }

    #[test]
    fn closed_backends_are_kept_for_ten_minutes_and_at_most_ten_thousand_of_them() {
        let (mut closed, start) = (ClosedBackends::default(), Instant::now());
        for millis in 0..10_010 {
            add(&mut closed, start + Duration::from_millis(millis));
        }
        for _ in 0..10 {
            assert!(closed.pop_expired(start).is_some(), "more than 10,000 are kept");
        }
        assert!(closed.pop_expired(start + Duration::from_secs(600)).is_none());
        // The oldest ten were removed.
        let later = start + Duration::from_secs(600) + Duration::from_millis(12);
        assert!(closed.pop_expired(later).is_some());
        assert!(closed.pop_expired(later).is_some());
        assert!(closed.pop_expired(later).is_none());
    }
}
