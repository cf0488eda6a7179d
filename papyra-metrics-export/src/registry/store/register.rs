//! Registers backends in the store: continues the series of closed backends, or adds new series.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;

use super::{Backend, SeriesKey, SeriesOwner, Store};
use crate::registry::closed::{ClosedValue, Departed, SourceTotal};
use crate::registry::registration::Registration;
use crate::registry::schema::{MetricLabels, Schema};
use crate::series::SeriesId;
use crate::series::histogram::HistogramValues;
use crate::series::number::Form;
use crate::series::values::Start;
use crate::{Labels, RegisterError};

/// The result of an attempt to register a backend.
pub(in crate::registry) enum Outcome {
    Registered {
        has_new_families: bool,
        /// Whether the number of backends has grown so much that the registry should search for orphaned backends and
        /// close them.
        needs_sweep: bool,
    },
    /// The ids of backends that have a series with the same name and labels as a series of the new backend, but whose
    /// metrics are held only by the registry. These backends must be closed before the registration is tried again.
    Orphans(Vec<u64>),
}

impl Store {
    /// Registers a backend. If closed backends had the same series, the series continue from their last values.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend is refused; the store is then unchanged.
    pub(in crate::registry) fn register(
        &mut self,
        new: &Registration<'_>,
    ) -> Result<Outcome, RegisterError> {
        let families = self.families.len();
        let outcome = self.try_register(new);
        if !matches!(outcome, Ok(Outcome::Registered { .. })) {
            self.families.truncate(families);
        }
        outcome
    }

    fn try_register(&mut self, new: &Registration<'_>) -> Result<Outcome, RegisterError> {
        let address = new.source.address();
        if let Some(id) = address.and_then(|address| self.registered.get(&address)) {
            let labels =
                self.position(*id).map(|position| self.backends[position].labels.to_string());
            return Err(RegisterError::AlreadyRegistered { labels: labels.unwrap_or_default() });
        }
        let known_families = self.families.len();
        let found = self.schemas.iter().find(|it| it.is_for(new));
        let schema = match found {
            Some(schema) => Arc::clone(schema),
            None => Arc::new(Schema::new(new, &mut self.families)?),
        };
        schema.check_buckets(new.buckets, new.labels)?;
        let metric_labels = self.canonical(schema.labels(new.labels)?);
        let has_new_families = self.families.len() > known_families;
        let orphans = self.check_free(&schema, &metric_labels)?;
        if !orphans.is_empty() {
            return Ok(Outcome::Orphans(orphans));
        }
        self.add(new, schema, metric_labels);
        let needs_sweep = self.backends.len() >= self.sweep_at.max(64);
        Ok(Outcome::Registered { has_new_families, needs_sweep })
    }

    /// Replaces labels by the equal labels that are already stored, so that equal labels have one address.
    fn canonical(&self, labels: MetricLabels) -> MetricLabels {
        let canonical = |labels: Arc<Labels>| match self.labels.get_key_value(&labels) {
            Some((known, _)) => Arc::clone(known),
            None => labels,
        };
        match labels {
            MetricLabels::OfBackend(labels) => MetricLabels::OfBackend(canonical(labels)),
            MetricLabels::Own(labels) => {
                // Equal labels within the new backend also have to share one address.
                let mut distinct = HashSet::new();
                let labels = labels.into_iter().map(|labels| {
                    let labels = canonical(labels);
                    let known = distinct.get(&labels).map(Arc::clone);
                    known.unwrap_or_else(|| {
                        distinct.insert(Arc::clone(&labels));
                        labels
                    })
                });
                MetricLabels::Own(labels.collect())
            }
        }
    }

    /// Returns the ids of the backends that have one of these series and whose metrics only the registry still holds.
    /// Returns an error if any other open backend has one of the series.
    fn check_free(
        &self,
        schema: &Schema,
        labels: &MetricLabels,
    ) -> Result<Vec<u64>, RegisterError> {
        let mut orphans = Vec::new();
        if let MetricLabels::OfBackend(labels) = labels {
            if !self.labels.contains_key(labels) {
                return Ok(orphans);
            }
        }
        for (i, family) in schema.listed.families.iter().enumerate() {
            let Some(family) = family else { continue };
            let owner = self.index.get(&SeriesKey::new(family, labels.of(i)));
            let Some(SeriesOwner::Open(id)) = owner else { continue };
            if orphans.contains(id) {
                continue;
            }
            if self.position(*id).is_some_and(|position| self.backends[position].is_open()) {
                let (family, labels) = (family.clone(), Arc::clone(labels.of(i)));
                return Err(SeriesId { family, labels }.duplicate_error());
            }
            orphans.push(*id);
        }
        Ok(orphans)
    }

    fn add(&mut self, new: &Registration<'_>, schema: Arc<Schema>, metric_labels: MetricLabels) {
        let id = self.next_backend;
        self.next_backend += 1;
        self.epoch += 1;
        let address = new.source.address();
        let len = schema.len();
        self.values.reserve(len);
        self.serials.reserve(len);
        self.index.reserve(len);
        let first = self.values.len();
        let mut departed: Vec<Arc<Departed>> = Vec::new();
        let mut continued = Vec::new();
        // The labels of the last new series, and the number of new series in succession that have these labels. Usually
        // all series have the same labels, so `self.labels` is updated once.
        let mut run: Option<(&Arc<Labels>, usize)> = None;
        for (i, family) in schema.listed.families.iter().enumerate() {
            let (mut start, mut serial) = (Start::Unread, self.next_serial);
            if let Some(family) = family {
                let labels = metric_labels.of(i);
                let forgotten =
                    address.and_then(|address| self.forgotten.take(address, family, labels));
                let owner = self.index.entry(SeriesKey::new(family, labels));
                let is_known = matches!(owner, MapEntry::Occupied(_));
                let closed = match &owner {
                    MapEntry::Occupied(owner) => owner.get().closed(),
                    MapEntry::Vacant(_) => None,
                };
                let taken = closed.and_then(|(closing, index)| {
                    let backend = self.closed.get_mut(closing)?;
                    let series = backend.series[index].take()?;
                    if continued.last() != Some(&closing) {
                        continued.push(closing);
                        departed.extend(backend.departed.iter().cloned());
                    }
                    Some(series)
                });
                if let Some(series) = taken {
                    serial = series.serial;
                    let counted = counted_before(&departed, address, serial);
                    start = continued_value(series.value, counted.or(forgotten.as_ref()));
                } else if let Some(counted) = forgotten.filter(|counted| !counted.is_zero()) {
                    start = new_value(&counted);
                }
                owner.insert_entry(SeriesOwner::Open(id));
                if !is_known {
                    match &mut run {
                        Some((same, series)) if Arc::ptr_eq(same, labels) => *series += 1,
                        _ => {
                            if let Some((others, series)) = run.replace((labels, 1)) {
                                *self.labels.entry(Arc::clone(others)).or_default() += series;
                            }
                        }
                    }
                }
            }
            self.next_serial += u64::from(serial == self.next_serial);
            self.values.push(start);
            self.serials.push(serial);
        }
        if let Some((labels, series)) = run {
            *self.labels.entry(Arc::clone(labels)).or_default() += series;
        }
        for (index, buckets) in new.buckets {
            if let Some(Some(family)) = schema.listed.families.get(*index) {
                family.set_buckets(buckets);
            }
        }
        for closing in continued {
            self.closed.remove_if_empty(closing);
        }
        // If these metrics were registered before, a reading may still hold their earlier source. That source is used
        // again. A second source would hold a second `Arc` of the metrics, so the backend would not count as orphaned
        // before the reading ends, even if only the registry held the metrics.
        let mut earlier = departed.iter().filter(|departed| Some(departed.address) == address);
        let source = earlier.find_map(|departed| departed.source.upgrade());
        let source = source.unwrap_or_else(|| Arc::clone(new.source));
        departed
            .retain(|departed| departed.identity.is_alive() && Some(departed.address) != address);
        if !departed.is_empty() {
            keep_newest(&mut departed, &self.serials[first..]);
        }
        if !schema.problems.is_empty() {
            self.problems.insert(id, Vec::new());
        }
        if let Some(address) = address {
            self.registered.insert(address, id);
        }
        if !self.schemas.iter().any(|known| Arc::ptr_eq(known, &schema)) {
            self.schemas.retain(|known| Arc::strong_count(known) > 1);
            self.schemas.push(Arc::clone(&schema));
        }
        let backend = Backend {
            id,
            source: Some(source),
            schema,
            labels: Arc::clone(new.labels),
            metric_labels,
            listed_at: new.descriptors.as_ptr().addr(),
            first,
            departed,
        };
        Arc::make_mut(&mut self.backends).push(backend);
    }
}

/// Returns the part of a series' total that the metrics at this address had counted before they were unregistered.
fn counted_before(
    departed: &[Arc<Departed>],
    address: Option<usize>,
    serial: u64,
) -> Option<&SourceTotal> {
    let same = departed.iter().filter(|departed| Some(departed.address) == address);
    let totals = same.filter_map(|it| Some((it.closing, it.total_of(serial)?)));
    totals.max_by_key(|(closing, _)| *closing).map(|(_, total)| total)
}

/// Keeps only the newest total of each of these metrics in each of these series, and sorts the metrics by the time at
/// which they were unregistered. Series that are continued together may come from several closed backends, which have
/// remembered the same metrics, at different times.
#[cold]
fn keep_newest(departed: &mut Vec<Arc<Departed>>, serials: &[u64]) {
    let serials: HashSet<u64> = serials.iter().copied().collect();
    departed.sort_by_key(|departed| Reverse(departed.closing));
    let mut known = HashSet::new();
    departed.retain(|departed| {
        let series = departed.totals.iter().map(|(serial, _)| *serial);
        let series = series.filter(|serial| serials.contains(serial));
        series.filter(|serial| known.insert((departed.address, *serial))).count() > 0
    });
    departed.reverse();
}

/// Returns the initial state of a new series whose source had already counted `counted`. The series begins at zero.
fn new_value(counted: &SourceTotal) -> Start {
    match counted {
        SourceTotal::Counter(total) => {
            Start::Total { exported: 0, base: 0_u64.wrapping_sub(*total) }
        }
        SourceTotal::Histogram(totals) => {
            let mut values = HistogramValues::new(totals.len());
            values.change_source(Some(totals));
            Start::Histogram(values)
        }
    }
}

/// Returns the initial state of a series that continues from its last value with a new source. `counted` is the earlier
/// total of the new source, which must not be added again. A gauge starts without a value, because its earlier value
/// says nothing about its new source.
fn continued_value(last: ClosedValue, counted: Option<&SourceTotal>) -> Start {
    match last {
        ClosedValue::Number(Form::Total, number) => {
            let counted = match counted {
                Some(SourceTotal::Counter(total)) => *total,
                _ => 0,
            };
            let exported = number.total();
            Start::Total { exported, base: exported.wrapping_sub(counted) }
        }
        ClosedValue::Number(..) => Start::Unread,
        ClosedValue::Histogram(mut values) => {
            values.change_source(match counted {
                Some(SourceTotal::Histogram(totals)) => Some(totals),
                _ => None,
            });
            Start::Histogram(values)
        }
    }
}
