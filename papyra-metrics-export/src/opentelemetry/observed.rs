//! The series of a family, as its instrument observes them.
//!
//! The SDK keeps a limited number of attribute sets for each instrument. It merges the observations of all further sets
//! into one, of which only the last value remains: the exported sum is then too small, and it may fall. The series that
//! exceed the limit are therefore merged here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::opentelemetry::KeyValue;
use papyra_metrics::Kind;

use crate::family::Family;
use crate::registry::SeriesView;
use crate::replay::Replay;
use crate::series::exported::ExportedValues;
use crate::series::histogram::HistogramReading;
use crate::series::number::{Form, Number};
use crate::{Labels, Problem, RegistryReader};

/// The number of attribute sets that the SDK keeps for an instrument,
/// <https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits>.
pub(super) const DEFAULT_LIMIT: usize = 2000;

/// The time for which the attribute set of a counter still counts toward the limit although it is no longer observed.
/// In the SDK, it counts for each reader until that reader collects, because every collection also passes its
/// observations to the other readers.
const REUSE_AFTER: Duration = Duration::from_secs(600);

/// The attribute of merged series, which the specification reserves for them.
const OVERFLOW: &str = "otel.metric.overflow";

/// The series of all families.
pub(super) struct ObservedFamilies {
    /// The families that have series, by address.
    families: HashMap<usize, ObservedFamily>,
    /// The number of series with attributes that an instrument observes separately.
    limit: usize,
}

struct ObservedFamily {
    family: Family,
    series: Vec<Observed>,
    /// The sum of the last totals of merged counters that the registry has forgotten. `None` if no counter was ever
    /// merged. Otherwise the merged total is observed in every collection, because a total that is missing in one
    /// collection would be counted a second time in deltas.
    merged: Option<u64>,
    /// The labels of each attribute set of a counter that is no longer observed, but still counts toward the limit, with
    /// the time of the first reading without it. After [`REUSE_AFTER`], the entry is removed.
    gone: HashMap<Arc<Labels>, Instant>,
}

/// A series of an instrument.
struct Observed {
    serial: u64,
    labels: Arc<Labels>,
    /// The index of the series' value in a reading.
    value_index: usize,
    form: Form,
    /// If the registry has forgotten an earlier counter with these labels, the last observed total of that counter,
    /// which is added to the current total. Otherwise zero.
    forgotten: u64,
    /// The values of the histogram that were already replayed into the SDK.
    replay: Option<Replay>,
    attributes: Vec<KeyValue>,
    observation: Observation,
}

/// How a series is observed. This is decided once for each series: if a merged counter were observed separately later,
/// the merged total would fall.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Observation {
    /// The series is new.
    Undecided,
    Separate,
    Merged,
}

impl Default for ObservedFamilies {
    fn default() -> Self {
        Self { families: HashMap::new(), limit: DEFAULT_LIMIT }
    }
}

impl ObservedFamilies {
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Returns whether the family has series.
    pub(super) fn has_series(&self, family: &Family) -> bool {
        self.families.get(&family.address()).is_some_and(|it| !it.series.is_empty())
    }

    /// Rebuilds the list of series of each family from a new reading. Series that existed before keep their state.
    /// `values` are the values of the previous reading. Returns a problem for each family that exceeds the limit.
    pub(super) fn update(
        &mut self,
        reader: &RegistryReader,
        values: &ExportedValues,
        now: Instant,
    ) -> Vec<Problem> {
        let mut earlier: HashMap<(usize, Arc<Labels>), Observed> = HashMap::new();
        for (&address, family) in &mut self.families {
            let series = family.series.drain(..);
            earlier.extend(series.map(|it| ((address, Arc::clone(&it.labels)), it)));
        }
        for series in reader.series() {
            let family = &series.id.family;
            // A gauge of a closed backend is no longer observed. A counter keeps its total, so that the exported sum
            // does not fall.
            if !series.is_open && family.kind == Kind::Gauge {
                continue;
            }
            let earlier = earlier.remove(&(family.address(), Arc::clone(&series.id.labels)));
            let observed = Observed::new(series, earlier, values);
            let families = self.families.entry(family.address());
            families.or_insert_with(|| ObservedFamily::new(family)).series.push(observed);
        }
        for ((address, _), gone) in earlier {
            let family = self.families.get_mut(&address).into_iter();
            family.for_each(|it| it.forget(&gone, values, now));
        }
        let families = self.families.values_mut();
        let mut problems: Vec<_> = families.filter_map(|it| it.decide(self.limit, now)).collect();
        self.families.retain(|_, it| !it.is_empty());
        problems.sort_by(|a, b| a.message.cmp(&b.message));
        problems
    }

    /// Calls `observe` with each value of a family of counters or gauges.
    pub(super) fn observe(
        &self,
        family: &Family,
        values: &ExportedValues,
        mut observe: impl FnMut(Form, Number, &[KeyValue]),
    ) {
        let Some(ObservedFamily { series, merged, .. }) = self.families.get(&family.address())
        else {
            return;
        };
        let mut merged = *merged;
        for series in series {
            let number = series.number(family.kind, values);
            if series.observation == Observation::Separate {
                observe(series.form, number, &series.attributes);
            } else if let Some(merged) = &mut merged {
                *merged = merged.wrapping_add(number.total());
            }
        }
        if let Some(total) = merged {
            observe(Form::Total, Number::of_total(total), &[KeyValue::new(OVERFLOW, true)]);
        }
    }

    /// Returns each series of a family of histograms: its values, those that were already replayed, and its attributes.
    /// All series are included, because the SDK adds up the values of merged ones itself.
    pub(super) fn replays<'a>(
        &'a mut self,
        family: &'a Family,
        values: &'a ExportedValues,
    ) -> impl Iterator<Item = (HistogramReading<'a>, &'a mut Replay, &'a [KeyValue])> {
        let observed = self.families.get_mut(&family.address()).map(|it| &mut it.series);
        observed.into_iter().flatten().filter_map(|it| {
            let reading = values.histogram(it.value_index, family)?;
            Some((reading, it.replay.as_mut()?, &*it.attributes))
        })
    }
}

impl ObservedFamily {
    fn new(family: &Family) -> Self {
        Self { family: family.clone(), series: Vec::new(), merged: None, gone: HashMap::new() }
    }

    /// Returns whether there is nothing to remember.
    fn is_empty(&self) -> bool {
        self.series.is_empty() && self.merged.is_none() && self.gone.is_empty()
    }

    /// Handles a series that the registry has forgotten, or a gauge whose backend was closed. Keeps the last total of a
    /// merged counter. `values` are those of the last reading of the series.
    fn forget(&mut self, series: &Observed, values: &ExportedValues, now: Instant) {
        if self.family.kind != Kind::Counter {
            // Only totals must not fall. The attribute set of a gauge therefore stops counting toward the limit at
            // once. If the SDK still counts it, a new gauge may be missing from one collection.
            return;
        }
        if series.is_counted() {
            self.gone.insert(Arc::clone(&series.labels), now);
        }
        if let (Observation::Merged, Some(merged)) = (series.observation, &mut self.merged) {
            *merged = merged.wrapping_add(series.number(self.family.kind, values).total());
        }
    }

    /// Decides how new series are observed. Returns a problem if some series are not observed separately.
    fn decide(&mut self, limit: usize, now: Instant) -> Option<Problem> {
        self.gone.retain(|_, since| now.saturating_duration_since(*since) < REUSE_AFTER);
        let counted = self.series.iter().filter(|it| it.is_counted()).count() + self.gone.len();
        // The SDK counts the set of the merged totals too, if this set is observed before the limit is reached. Then one
        // set fewer has room, and the value of one more set would be lost.
        let mut counted = counted + usize::from(self.merged.is_some());
        let mut merged = 0;
        for series in &mut self.series {
            if series.observation == Observation::Undecided {
                let returns = self.gone.remove(&series.labels).is_some();
                let needs_room = !returns && !series.attributes.is_empty();
                let is_separate = !needs_room || counted < limit;
                series.observation =
                    if is_separate { Observation::Separate } else { Observation::Merged };
                counted += usize::from(is_separate && needs_room);
            }
            merged += usize::from(series.observation == Observation::Merged);
        }
        if merged == 0 {
            return None;
        }
        let consequence = match self.family.kind {
            Kind::Counter => {
                self.merged.get_or_insert(0);
                format!("the totals of {merged} are added up under the attribute `{OVERFLOW}`")
            }
            Kind::Gauge => format!("{merged} are not exported"),
            _ => format!("it adds up the others under the attribute `{OVERFLOW}`"),
        };
        let message = format!(
            "`{}` has more label sets than the {limit} that the SDK of OpenTelemetry keeps, so {consequence}; use fewer \
             label sets, or raise the limit in a view and with `with_cardinality_limit`",
            self.family.name()
        );
        Some(Problem::new(String::new(), message))
    }
}

impl Observed {
    fn new(series: &SeriesView, earlier: Option<Self>, values: &ExportedValues) -> Self {
        let SeriesView { id, serial, value_index, form, .. } = series;
        let mut forgotten = 0;
        let (mut replay, mut attributes) = (None, None);
        let mut observation = Observation::Undecided;
        if let Some(earlier) = earlier {
            observation = earlier.observation;
            if earlier.serial == *serial {
                (forgotten, replay) = (earlier.forgotten, earlier.replay);
            } else {
                forgotten = earlier.number(id.family.kind, values).total();
            }
            attributes = Some(earlier.attributes);
        }
        let new_attributes = || {
            let labels = id.labels.iter();
            labels.map(|(name, value)| KeyValue::new(name.to_owned(), value.to_owned())).collect()
        };
        Self {
            serial: *serial,
            labels: Arc::clone(&id.labels),
            value_index: *value_index,
            form: *form,
            forgotten,
            replay: replay.or_else(|| id.family.buckets().map(Replay::new)),
            attributes: attributes.unwrap_or_else(new_attributes),
            observation,
        }
    }

    /// Returns whether the SDK counts the attribute set of this series toward the limit. It always keeps the set without
    /// attributes.
    fn is_counted(&self) -> bool {
        self.observation == Observation::Separate && !self.attributes.is_empty()
    }

    fn number(&self, kind: Kind, values: &ExportedValues) -> Number {
        let number = values.numbers[self.value_index];
        match kind {
            Kind::Counter => Number::of_total(number.total().wrapping_add(self.forgotten)),
            _ => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use papyra_metrics::{Counter, Metrics};

    use super::{ObservedFamilies, REUSE_AFTER};
    use crate::series::exported::ExportedValues;
    use crate::{Registry, RegistryReader};

    #[derive(Default, Metrics)]
    struct Worker {
        requests: Counter,
    }

    struct Fixture {
        registry: Registry,
        reader: RegistryReader,
        families: ObservedFamilies,
        values: ExportedValues,
    }

    impl Fixture {
        fn new(limit: usize) -> Self {
            let registry = Registry::new();
            registry.set_closed_retention(Duration::ZERO, 0);
            let reader = RegistryReader::with_closed(&registry);
            let families = ObservedFamilies { limit, ..ObservedFamilies::default() };
            Self { registry, reader, families, values: ExportedValues::default() }
        }

        /// Registers a worker that has served one request.
        fn open(&self, name: &str) -> Arc<Worker> {
            let worker = Arc::new(Worker::default());
            self.registry.register(worker.clone(), &[("worker", name)]).unwrap();
            worker.requests.inc();
            worker
        }

        /// Returns the observed totals, each with the value of the only attribute.
        fn observe(&mut self, now: Instant) -> BTreeMap<String, u64> {
            let Self { registry, reader, families, values } = self;
            if reader.refresh() {
                families.update(reader, values, now);
            }
            values.copy_from(reader.values());
            let mut observed = BTreeMap::new();
            for family in registry.families() {
                families.observe(&family, values, |_, number, attributes| {
                    let value = attributes.first().map(|it| it.value.to_string());
                    observed.insert(value.unwrap_or_default(), number.total());
                });
            }
            observed
        }
    }

    fn map<const LEN: usize>(points: [(&str, u64); LEN]) -> BTreeMap<String, u64> {
        points.into_iter().map(|(name, total)| (name.to_owned(), total)).collect()
    }

    #[test]
    fn a_label_set_that_is_gone_makes_room_after_a_while() {
        let (mut fixture, start) = (Fixture::new(3), Instant::now());
        let workers = ["a", "b", "c"].map(|name| fixture.open(name));
        assert_eq!(fixture.observe(start), map([("a", 1), ("b", 1), ("c", 1)]));
        drop(workers);
        assert_eq!(fixture.observe(start), map([]));
        let _d = fixture.open("d");
        assert_eq!(fixture.observe(start + REUSE_AFTER / 2), map([("true", 1)]));
        // The SDK may count the series of the merged totals as one of its three, so there is room for two.
        let _workers = ["e", "f", "g"].map(|name| fixture.open(name));
        let expected = map([("e", 1), ("f", 1), ("true", 2)]);
        assert_eq!(fixture.observe(start + REUSE_AFTER), expected);
    }

    #[test]
    fn a_label_set_that_returns_counts_once_toward_the_limit() {
        let (mut fixture, now) = (Fixture::new(2), Instant::now());
        for _ in 0..5 {
            let workers = ["a", "b"].map(|name| fixture.open(name));
            assert_eq!(fixture.observe(now), map([("a", 1), ("b", 1)]));
            drop(workers);
            assert_eq!(fixture.observe(now), map([]));
        }
    }

    #[test]
    fn the_set_without_labels_does_not_count_toward_the_limit() {
        let (mut fixture, now) = (Fixture::new(1), Instant::now());
        for _ in 0..2 {
            let workers = ["", "a"].map(|name| fixture.open(name));
            assert_eq!(fixture.observe(now), map([("", 1), ("a", 1)]));
            drop(workers);
            assert_eq!(fixture.observe(now), map([]));
        }
    }
}
