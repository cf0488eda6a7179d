//! The naive model of an application.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use papyra_metrics_export::Registry;

use crate::backends::{Backend, LABELS, METRICS, Part, SIZES, SUM, with_metrics};

/// A backend in the model.
pub(crate) struct Object {
    pub(crate) backend: Backend,
    /// The current total or gauge value of each metric of the backend. A reset sets the total of a plain atomic to zero.
    pub(crate) raw: BTreeMap<usize, i128>,
    /// The index of the labels under which the object is registered. `None` if it is not registered.
    pub(crate) labels: Option<usize>,
}

#[derive(Clone, Default)]
pub(crate) struct Series {
    /// A counter's total or a gauge's value. `None` if it has not been read yet. A registration resets a
    /// gauge to `None`.
    pub(crate) value: Option<i128>,
    /// The registered object whose values the series has, if any.
    pub(crate) open: Option<u64>,
    /// The value of [`Model::closings`] when the last object of the series was closed.
    pub(crate) closed: u64,
    /// The number of the registration that began the series. If the series begins again after it was forgotten, this is
    /// another number.
    pub(crate) registration: u64,
}

/// The indices of the labels and of the metric.
pub(crate) type Key = (usize, usize);

/// Everything that the application did, as sums, maps and lists.
#[derive(Default)]
pub(crate) struct Model {
    /// The objects that the application holds.
    pub(crate) objects: BTreeMap<u64, Object>,
    pub(crate) next_object: u64,
    pub(crate) series: BTreeMap<Key, Series>,
    /// How much of an object's metric is already part of a series.
    pub(crate) exported: BTreeMap<(u64, Key), i128>,
    /// How many times an object was unregistered or dropped, even if it was not registered.
    pub(crate) closings: u64,
    pub(crate) registrations: u64,
    /// The closed objects that are remembered, in the order of closing. The set of an object contains its series,
    /// except those that a later registration has continued.
    pub(crate) remembered: VecDeque<BTreeSet<Key>>,
    /// The maximum number of closed objects that are remembered. `None` until a limit is set.
    pub(crate) limit: Option<usize>,
    /// The sum of everything counted, which never exceeds `i64::MAX`.
    pub(crate) counted: i128,
}

impl Model {
    /// Returns the id of an object, or `None` if there are no objects. `backend` is a random number, taken modulo the
    /// number of objects.
    pub(crate) fn id(&self, backend: usize) -> Option<u64> {
        self.objects.keys().nth(backend % self.objects.len().max(1)).copied()
    }

    /// Returns the index in [`METRICS`] of one of the object's counters, or of its gauges if `is_counter` is false.
    /// `None` if it has none. `index` is a random number, taken modulo the number of candidates.
    pub(crate) fn metric(&self, id: u64, index: usize, is_counter: bool) -> Option<usize> {
        let backend = &self.objects[&id].backend;
        let metrics = backend.metrics().iter().map(|&(metric, _)| metric);
        let metrics: Vec<_> = metrics
            .filter(|&it| METRICS[it].is_counter == is_counter && !backend.is_absent(it))
            .filter(|&it| METRICS[it].part != Some(Part::Sum))
            .collect();
        metrics.get(index % metrics.len().max(1)).copied()
    }

    pub(crate) fn add(&mut self, backend: usize, metric: usize, n: u64) {
        let Some(id) = self.id(backend) else { return };
        let Some(metric) = self.metric(id, metric, true) else { return };
        // Some receivers get the values of a histogram one by one, so their number is kept small.
        let n = if METRICS[metric].part.is_some() { n % 50 } else { n };
        if self.counted + i128::from(n) > i128::from(i64::MAX) {
            return;
        }
        self.counted += i128::from(n);
        let object = self.objects.get_mut(&id).unwrap();
        object.backend.add(metric, n);
        *object.raw.get_mut(&metric).unwrap() += i128::from(n);
        if let Some(Part::Bucket(bucket)) = METRICS[metric].part {
            *object.raw.get_mut(&SUM).unwrap() += i128::from(n * SIZES[bucket]);
        }
    }

    pub(crate) fn set(&mut self, backend: usize, metric: usize, value: i64) {
        let Some(id) = self.id(backend) else { return };
        let Some(metric) = self.metric(id, metric, false) else { return };
        let object = self.objects.get_mut(&id).unwrap();
        object.backend.set(metric, value);
        object.raw.insert(metric, i128::from(value));
    }

    pub(crate) fn reset(&mut self, backend: usize, reset: impl Fn(&Backend)) {
        let Some(id) = self.id(backend) else { return };
        let object = self.objects.get_mut(&id).unwrap();
        reset(&object.backend);
        for &(metric, resets) in object.backend.metrics() {
            if resets {
                object.raw.insert(metric, 0);
            }
        }
    }

    pub(crate) fn create(&mut self, kind: u8) -> u64 {
        let backend = Backend::new(kind);
        let raw = backend.metrics().iter().map(|&(metric, _)| (metric, 0)).collect();
        let id = self.next_object;
        self.next_object += 1;
        self.objects.insert(id, Object { backend, raw, labels: None });
        id
    }

    pub(crate) fn register(&mut self, registry: &Registry, id: u64, labels: usize) {
        let Object { backend, labels: registered, .. } = &self.objects[&id];
        let result = with_metrics!(backend, it => registry.register(it.clone(), LABELS[labels]));
        let keys: Vec<Key> =
            backend.metrics().iter().map(|&(metric, _)| (labels, metric)).collect();
        let is_open = |key| self.series.get(key).is_some_and(|series| series.open.is_some());
        let is_free = registered.is_none() && !keys.iter().any(is_open);
        assert_eq!(result.is_ok(), is_free, "register: {result:?}");
        if !is_free {
            return;
        }
        self.registrations += 1;
        let new = Series { registration: self.registrations, ..Series::default() };
        for key in keys {
            for closed in &mut self.remembered {
                closed.remove(&key);
            }
            let series = self.series.entry(key).or_insert_with(|| new.clone());
            series.open = Some(id);
            if !METRICS[key.1].is_counter {
                series.value = None;
            }
        }
        self.remembered.retain(|closed| !closed.is_empty());
        self.objects.get_mut(&id).unwrap().labels = Some(labels);
    }

    /// Reads the metrics of one object into its series, as every reader of the registry does.
    pub(crate) fn observe(&mut self, id: u64) {
        let Object { backend, raw, labels } = &self.objects[&id];
        let Some(labels) = *labels else { return };
        for (&metric, &raw) in raw {
            if backend.is_absent(metric) {
                continue;
            }
            let key = (labels, metric);
            let series = self.series.get_mut(&key).unwrap();
            if METRICS[metric].is_counter {
                let before = self.exported.insert((id, key), raw).unwrap_or(0);
                let grown = if raw < before { raw } else { raw - before };
                series.value = Some(series.value.unwrap_or(0) + grown);
            } else {
                series.value = Some(raw);
            }
        }
    }

    pub(crate) fn observe_all(&mut self) {
        let ids: Vec<u64> = self.objects.keys().copied().collect();
        for id in ids {
            self.observe(id);
        }
    }

    /// Reads the object for the last time, and closes its series.
    pub(crate) fn close(&mut self, id: u64) {
        self.observe(id);
        self.closings += 1;
        let mut closed = BTreeSet::new();
        for (key, series) in self.series.iter_mut().filter(|(_, series)| series.open == Some(id)) {
            series.open = None;
            series.closed = self.closings;
            closed.extend(series.value.map(|_| *key));
        }
        self.objects.get_mut(&id).unwrap().labels = None;
        if !closed.is_empty() {
            self.remembered.push_back(closed);
        }
        self.forget();
    }

    /// Forgets the series of the objects that were closed first, until the limit is met.
    fn forget(&mut self) {
        while self.limit.is_some_and(|limit| self.remembered.len() > limit) {
            for key in self.remembered.pop_front().unwrap() {
                self.series.remove(&key);
            }
        }
    }

    pub(crate) fn set_limit(&mut self, registry: &Registry, limit: usize) {
        registry.set_closed_retention(Duration::from_secs(3600), limit);
        self.limit = Some(limit);
        self.forget();
    }

    pub(crate) fn unregister(&mut self, registry: &Registry, backend: usize) {
        let Some(id) = self.id(backend) else { return };
        let object = &self.objects[&id];
        let was_registered = with_metrics!(&object.backend, it => registry.unregister(it));
        assert_eq!(was_registered, object.labels.is_some(), "unregister");
        self.close(id);
    }

    pub(crate) fn drop(&mut self, backend: usize) {
        let Some(id) = self.id(backend) else { return };
        // The registry reads the object later, but the values cannot change until then.
        self.close(id);
        self.objects.remove(&id);
    }

    /// Returns the series that a reader should return, with their values. The reader has already returned the last values
    /// of the first `delivered` closed objects.
    pub(crate) fn shown(&self, delivered: u64) -> BTreeMap<Key, i128> {
        let shown = self.series.iter().filter_map(|(&key, series)| {
            let is_shown = series.open.is_some() || series.closed > delivered;
            series.value.filter(|_| is_shown).map(|value| (key, value))
        });
        shown.collect()
    }

    /// Returns the totals of all counters that are registered or remembered.
    pub(crate) fn totals(&self) -> BTreeMap<Key, i128> {
        let counters = self.series.iter().filter(|((_, metric), _)| METRICS[*metric].is_counter);
        counters.filter_map(|(&key, series)| Some((key, series.value?))).collect()
    }
}

/// The totals that a receiver of increments has added up. If a series is forgotten and begins again, the receiver adds
/// the new total to the earlier ones. So the last total of the series is kept for each registration that began it.
#[derive(Default)]
pub(crate) struct Received(BTreeMap<(Key, u64), i128>);

impl Received {
    /// Receives the current totals. Returns the sum of all increments, including those of series that were forgotten.
    pub(crate) fn totals(&mut self, model: &Model) -> BTreeMap<Key, i128> {
        for (key, total) in model.totals() {
            self.0.insert((key, model.series[&key].registration), total);
        }
        let mut totals = BTreeMap::new();
        for ((key, _), total) in &self.0 {
            *totals.entry(*key).or_default() += total;
        }
        totals
    }
}
