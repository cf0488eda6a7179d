//! Closed backends: their last values, kept within limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papyra_metrics::Tally;

use crate::Labels;
use crate::series::SeriesId;
use crate::series::histogram::HistogramValues;
use crate::series::number::{Form, Number};
use crate::series::source::Identity;

/// A closed backend and its last values.
pub(super) struct ClosedBackend {
    pub(super) at: Instant,
    /// Its series; `None` once another backend continues one.
    pub(super) series: Vec<Option<ClosedSeries>>,
    /// Metrics that were read into these series and may be registered again.
    pub(super) departed: Vec<Arc<Departed>>,
    pub(super) labels: Arc<Labels>,
    /// The problems of its last reading.
    pub(super) problems: Vec<String>,
}

pub(super) struct ClosedSeries {
    pub(super) id: SeriesId,
    pub(super) serial: u64,
    pub(super) value: ClosedValue,
}

/// The last value of a series.
pub(super) enum ClosedValue {
    /// The value of a counter or a gauge.
    Number(Form, Number),
    Histogram(HistogramValues),
}

/// Metrics that were unregistered while the application still held an `Arc` of them, and how much of each total is part of
/// its series.
pub(super) struct Departed {
    pub(super) address: usize,
    pub(super) identity: Box<dyn Identity>,
    /// By the serial number of the series.
    pub(super) totals: Vec<(u64, SourceTotal)>,
}

/// The total of a source alone, without the totals of earlier sources of the series.
pub(super) enum SourceTotal {
    Counter(u64),
    /// The buckets of a histogram.
    Histogram(Box<[Tally]>),
}

/// The backends that are gone, by the number of their closing, within limits.
pub(super) struct ClosedBackends {
    backends: BTreeMap<u64, ClosedBackend>,
    pub(super) keep_for: Duration,
    pub(super) keep_at_most: usize,
    /// The number of closings.
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

    /// Removes the backend if none of its series is left.
    pub(super) fn remove_if_empty(&mut self, closing: u64) {
        let is_empty = |backend: &ClosedBackend| backend.series.iter().all(Option::is_none);
        if self.backends.get(&closing).is_some_and(is_empty) {
            self.backends.remove(&closing);
        }
    }

    /// Returns the backends that were closed after this closing, in order.
    pub(super) fn since(&self, closing: u64) -> impl Iterator<Item = (u64, &ClosedBackend)> {
        self.backends.range(closing + 1..).map(|(&closing, backend)| (closing, backend))
    }

    /// Removes the oldest one if it exceeds the limits.
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
