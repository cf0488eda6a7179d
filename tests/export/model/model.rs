//! The model: the state of an application and of its registry. The expected values of all readers are computed from it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use papyra_metrics_export::Registry;

use crate::backends::{Backend, LABELS, METRICS, Part, SIZES, SUM, with_metrics};

/// A backend that the application holds.
pub(crate) struct Object {
    pub(crate) backend: Backend,
    /// The current total of each counter and the current value of each gauge, by its index in [`METRICS`]. A reset sets
    /// only the totals of plain atomics to zero.
    pub(crate) raw: BTreeMap<usize, i128>,
    /// The index in [`LABELS`] of the labels with which the object is registered. `None` if the object is not
    /// registered.
    pub(crate) labels: Option<usize>,
}

#[derive(Clone, Default)]
pub(crate) struct Series {
    /// The total of a counter, or the value of a gauge. `None` until the first reading. For a gauge, `None` again from
    /// a registration until the next reading.
    pub(crate) value: Option<i128>,
    /// The id of the registered object that provides the values of the series. `None` if no registered object does.
    pub(crate) open: Option<u64>,
    /// The value of [`Model::closings`] just after the series was closed for the last time.
    pub(crate) closed: u64,
    /// The number of the registration that began the series. If the series is forgotten and begins again, this number
    /// is higher than before.
    pub(crate) registration: u64,
}

/// The key of a series: the index of its labels in [`LABELS`], and the index of its metric in [`METRICS`].
pub(crate) type Key = (usize, usize);

/// The state of an application and of its registry, as sums, maps and lists.
#[derive(Default)]
pub(crate) struct Model {
    /// The objects that the application holds, by id.
    pub(crate) objects: BTreeMap<u64, Object>,
    pub(crate) next_object: u64,
    pub(crate) series: BTreeMap<Key, Series>,
    /// The total of each counter of each object at its last reading. The series of the counter already includes this
    /// amount.
    pub(crate) exported: BTreeMap<(u64, Key), i128>,
    /// The number of times that an object was unregistered or dropped. Objects that were not registered count too.
    pub(crate) closings: u64,
    pub(crate) registrations: u64,
    /// The closed objects that the registry remembers, in the order in which they were closed. Each set has the series
    /// of one object, except the series that a later registration has continued.
    pub(crate) remembered: VecDeque<BTreeSet<Key>>,
    /// The maximum number of closed objects that are remembered. `None` until a limit is set.
    pub(crate) limit: Option<usize>,
    /// The sum of all increments of all objects. It never exceeds `i64::MAX`.
    pub(crate) counted: i128,
}

impl Model {
    /// Selects an object by a random number, which is taken modulo the number of objects. Returns the id of the object,
    /// or `None` if there are no objects.
    pub(crate) fn id(&self, backend: usize) -> Option<u64> {
        self.objects.keys().nth(backend % self.objects.len().max(1)).copied()
    }

    /// Selects a counter of the object, or a gauge if `is_counter` is false, by a random number. Returns its index in
    /// [`METRICS`], or `None` if the object has no such metric.
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
        // Some receivers get each value of a histogram separately, so only a few values are recorded.
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

    /// Adds the current values of one object to its series, as every reading of the registry does.
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

    /// As long as more objects are remembered than the limit allows, forgets the series of the object that was closed
    /// first.
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
        // The registry reads a dropped object later than the model, but the values do not change until then.
        self.close(id);
        self.objects.remove(&id);
    }

    /// Returns the series that a reader should return now, with their values. At the previous reading of this reader,
    /// [`Model::closings`] was `delivered`. The last values of objects that were closed before that reading are left
    /// out, because it has returned them already.
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

/// The totals that a receiver of increments should have. If a series is forgotten and begins again at zero, the
/// receiver does not notice this, and adds the new increments to its old total. So the map has a separate total for
/// each registration that began a series, and the receiver's total of the series is the sum of these.
#[derive(Default)]
pub(crate) struct Received(BTreeMap<(Key, u64), i128>);

impl Received {
    /// Takes the current totals of the model. Returns the total of each series that the receiver should have.
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
