//! The readings that collections observe.
//!
//! Each instrument has a callback, and the SDK runs all of them for each collection of each of its readers. One reading
//! serves all callbacks of a collection. The SDK does not say which callbacks belong together, but runs those of one
//! collection in the order in which the instruments were built. So a callback takes a new reading unless its instrument
//! is behind that of the last callback. Whatever collections overlap, each takes a reading in its first callback, and
//! after that readings are only replaced by newer ones: it never observes a value from before it began.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::opentelemetry::KeyValue;
use papyra_metrics::Kind;

use crate::family::Family;
use crate::registry::{Problem, ProblemReport};
use crate::series::values::{Form, Number, ShownValues};
use crate::{Labels, Registry, RegistryReader};

pub(super) struct Collections {
    registry: Registry,
    current: Mutex<Current>,
    panics: ProblemReport,
}

#[derive(Default)]
struct Current {
    /// The instrument of the last callback.
    last: Option<usize>,
    /// The newest reading that was taken, the series that it shows, and its values.
    reading: u64,
    shape: Option<(u64, u64)>,
    observed: HashMap<usize, Vec<Observed>>,
    values: ShownValues,
    /// Readers that no collection uses now; usually one.
    readers: Vec<RegistryReader>,
}

/// A series of an instrument.
struct Observed {
    serial: u64,
    labels: Arc<Labels>,
    /// The index of its value.
    place: usize,
    /// What the SDK has seen of a counter of these labels that was forgotten since the last reading.
    forgotten: u64,
    attributes: Vec<KeyValue>,
}

impl Observed {
    fn number(&self, kind: Kind, values: &ShownValues) -> Number {
        let number = values.numbers[self.place];
        match kind {
            Kind::Counter => Number::of_total(number.total().wrapping_add(self.forgotten)),
            _ => number,
        }
    }
}

impl Collections {
    pub(super) fn new(registry: &Registry) -> Self {
        let (current, panics) = (Mutex::default(), registry.report());
        Self { registry: registry.clone(), current, panics }
    }

    /// Calls `observe` with each value of this family. Reads the backends first, under no lock, unless the collection
    /// has a reading already.
    pub(super) fn observe(
        &self,
        index: usize,
        family: &Family,
        mut observe: impl FnMut(Number, &[KeyValue]),
    ) {
        let mut current = self.current();
        let is_behind = current.last.is_some_and(|last| index > last);
        current.last = Some(index);
        if !is_behind {
            let reader = current.readers.pop();
            drop(current);
            let mut reader = reader.unwrap_or_else(|| RegistryReader::with_closed(&self.registry));
            reader.refresh();
            reader.delivered();
            current = self.current();
            current.take(reader);
        }
        // Under the lock, so that no older value is observed after a newer one.
        let Current { observed, values, .. } = &*current;
        for series in observed.get(&family.address()).into_iter().flatten() {
            observe(series.number(family.kind, values), &series.attributes);
        }
    }

    pub(super) fn report_panic(&self, family: &Family, message: &str) {
        let message =
            format!("observing `{}` for OpenTelemetry panicked: {message}", family.name());
        self.panics.set(vec![Problem::new(String::new(), message)]);
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    /// Makes the reading of this reader the current one, unless there is a newer one.
    fn take(&mut self, reader: RegistryReader) {
        if reader.number() > self.reading {
            self.reading = reader.number();
            if self.shape != Some(reader.shape()) {
                self.shape = Some(reader.shape());
                self.renew(&reader);
            }
            self.values.copy_from(reader.values());
        }
        self.readers.push(reader);
    }

    /// Finds the series of each instrument.
    fn renew(&mut self, reader: &RegistryReader) {
        let mut earlier: HashMap<(usize, Arc<Labels>), Observed> = HashMap::new();
        for (family, observed) in self.observed.drain() {
            earlier.extend(observed.into_iter().map(|it| ((family, Arc::clone(&it.labels)), it)));
        }
        for series in reader.series() {
            let (family, labels) = (&series.id.family, &series.id.labels);
            // A gauge without a backend has no value; a total stays. Neither floats nor histograms are observed yet.
            let is_observed = matches!(series.form, Form::Total | Form::Level);
            if !is_observed || !series.is_open && family.kind != Kind::Counter {
                continue;
            }
            let attributes =
                || labels.iter().map(|(name, it)| KeyValue::new(name.to_owned(), it.to_owned()));
            let earlier = earlier.remove(&(family.address(), Arc::clone(labels)));
            let forgotten = match &earlier {
                Some(earlier) if earlier.serial == series.serial => earlier.forgotten,
                Some(earlier) => earlier.number(family.kind, &self.values).total(),
                None => 0,
            };
            let observed = Observed {
                serial: series.serial,
                labels: Arc::clone(labels),
                place: series.place,
                forgotten,
                attributes: earlier.map_or_else(|| attributes().collect(), |it| it.attributes),
            };
            self.observed.entry(family.address()).or_default().push(observed);
        }
    }
}
