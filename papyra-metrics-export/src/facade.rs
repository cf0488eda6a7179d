//! Exports metrics to the `metrics` facade, which passes them to the recorder that the application has installed.

use std::fmt;
use std::io;

use ::metrics::{
    Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit, with_recorder,
};
use papyra_metrics::Kind;

use crate::family::Family;
use crate::reader::PerSeries;
use crate::registry::SeriesView;
use crate::replay::Replay;
use crate::series::SeriesId;
use crate::{Export, Progress, Registry, RegistryReader};

/// Exports the metrics of a registry to a recorder of the `metrics` facade, at each [`export`](Export::export).
///
/// ```
/// use papyra_metrics_export::{Periodic, Registry, metrics::Facade};
/// use std::time::Duration;
///
/// let registry = Registry::with_prefix("papyra").unwrap();
/// // After the recorder is installed:
/// let periodic = Periodic::spawn(Duration::from_secs(5), Facade::new(&registry))?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Each export increments the recorder's counters by what was counted since the last export, and sets the gauges.
/// Names are those of the Prometheus export, with unit and `_total`, because the facade's exporters add neither by
/// default. The recorder also gets each metric's unit and help text. A gauge of a closed backend keeps its last value, because the
/// facade has no function that removes a gauge.
///
/// For each bucket of a histogram, one call of `record_many` records the mean of the new values in that bucket, as many
/// times as there are new values. A recorder with the same bounds therefore has the exact count of each bucket and the
/// right sum. A recorder that implements `record_many` itself can record all values of a call at once. The default
/// implementation of `record_many` records the values one by one, and `metrics-exporter-prometheus` keeps every value
/// until the metrics are rendered or its upkeep runs.
///
/// # Processes that fork
///
/// Every exporter starts from zero: its first export increments the counters by their lifetime totals. A forked process
/// inherits the totals of its parent, but the parent exports these totals too. The child must therefore create a new
/// exporter with [`with_current_baseline`](Self::with_current_baseline), and must not use an exporter of its parent.
pub struct Facade {
    reader: RegistryReader,
    recorder: Option<Box<dyn Recorder + Send>>,
    recorded: PerSeries<Recorded>,
    /// Whether there may be series whose unit and help text the recorder does not have yet.
    needs_description: bool,
}

/// A series, and the part of its values that was already recorded.
struct Recorded {
    key: Key,
    /// The part of the counter's total that was already recorded.
    total: u64,
    /// The values of the histogram that were already recorded. `None` for other kinds.
    replay: Option<Replay>,
    /// Whether the counter or histogram is registered with the recorder. It is registered even before it counts
    /// anything, so that monitoring systems show a zero.
    is_registered: bool,
}

impl Recorded {
    fn new(id: &SeriesId) -> Self {
        let replay = id.family.buckets().map(Replay::new);
        Self { key: key(id), total: 0, replay, is_registered: false }
    }
}

const METADATA: Metadata<'static> =
    Metadata::new("papyra_metrics", Level::INFO, Some("papyra_metrics_export"));

impl Facade {
    /// Creates an exporter to the recorder that is installed for the process or the thread.
    ///
    /// Install the recorder first: without a recorder, the facade discards all values and reports no error.
    pub fn new(registry: &Registry) -> Self {
        Self {
            reader: RegistryReader::with_closed(registry),
            recorder: None,
            recorded: PerSeries::new(),
            needs_description: false,
        }
    }

    /// Creates an exporter to a given recorder, which does not have to be installed.
    pub fn with_recorder(registry: &Registry, recorder: impl Recorder + Send + 'static) -> Self {
        Self { recorder: Some(Box::new(recorder)), ..Self::new(registry) }
    }

    /// Exports only what is counted from now on, as if the current totals had been exported already.
    ///
    /// Use this in a forked process, because the parent process exports what was counted before the fork.
    ///
    /// ```
    /// use papyra_metrics_export::{Periodic, Registry, metrics::Facade};
    /// use std::time::Duration;
    ///
    /// let registry = Registry::with_prefix("papyra").unwrap();
    /// // In the child process, after its recorder is installed:
    /// let facade = Facade::new(&registry).with_current_baseline();
    /// let periodic = Periodic::spawn(Duration::from_secs(5), facade)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn with_current_baseline(mut self) -> Self {
        self.refresh();
        for (series, recorded) in self.reader.series().iter().zip(self.recorded.iter_mut()) {
            let reading = self.reader.values().histogram(series.value_index, &series.id.family);
            match (&mut recorded.replay, reading) {
                (Some(replay), Some(reading)) => replay.skip(reading),
                _ => recorded.total = self.reader.numbers()[series.value_index].total(),
            }
        }
        self.reader.delivered();
        self
    }

    /// Reads the registry and updates the list of known series.
    fn refresh(&mut self) {
        if self.reader.refresh() {
            self.recorded.update(self.reader.series(), Recorded::new);
            self.needs_description = true;
        }
    }
}

impl Export for Facade {
    /// Records all metrics. This exporter never returns an error.
    fn export(&mut self) -> io::Result<Progress> {
        self.refresh();
        let Self { reader, recorder, recorded: known, needs_description } = self;
        match recorder {
            Some(recorder) => record(reader, *needs_description, known, &**recorder),
            None => with_recorder(|recorder| {
                record(reader, *needs_description, known, recorder);
            }),
        }
        *needs_description = false;
        reader.delivered();
        Ok(Progress::Done)
    }
}

fn record(
    reader: &RegistryReader,
    needs_description: bool,
    known: &mut PerSeries<Recorded>,
    recorder: &dyn Recorder,
) {
    for (series, recorded) in reader.series().iter().zip(known.iter_mut()) {
        let Recorded { key, total, replay, is_registered } = recorded;
        let &SeriesView { ref id, value_index, is_shown, .. } = series;
        if needs_description {
            describe(&id.family, key, recorder);
        }
        let number = reader.numbers()[value_index];
        match id.family.kind {
            // Counters of closed backends are recorded even if they are no longer shown, because their last increments may
            // not have been recorded yet.
            Kind::Counter if !*is_registered || *total != number.total() => {
                let increment = number.total().wrapping_sub(*total);
                recorder.register_counter(key, &METADATA).increment(increment);
                (*total, *is_registered) = (number.total(), true);
            }
            Kind::Histogram => {
                let reading = reader.values().histogram(value_index, &id.family);
                let (Some(replay), Some(reading)) = (replay, reading) else { continue };
                let mut histogram = None;
                let mut register = || recorder.register_histogram(key, &METADATA);
                if !*is_registered {
                    histogram = Some(register());
                    *is_registered = true;
                }
                replay.give(reading, u64::MAX, |mean, count| {
                    let histogram = histogram.get_or_insert_with(&mut register);
                    histogram.record_many(mean, usize::try_from(count).unwrap_or(usize::MAX));
                });
            }
            Kind::Gauge if is_shown => {
                if let Some(value) = number.value(series.form) {
                    recorder.register_gauge(key, &METADATA).set(value.as_f64());
                }
            }
            _ => {}
        }
    }
}

fn key(SeriesId { family, labels }: &SeriesId) -> Key {
    let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
    let labels = labels.iter().map(|(name, value)| Label::new(name.to_owned(), value.to_owned()));
    Key::from_parts(format!("{}{suffix}", family.name()), labels.collect::<Vec<_>>())
}

fn describe(family: &Family, key: &Key, recorder: &dyn Recorder) {
    let name = KeyName::from(key.name().to_owned());
    let unit = family.unit().and_then(unit);
    let help = SharedString::from(family.help().to_owned());
    match family.kind {
        Kind::Counter => recorder.describe_counter(name, unit, help),
        Kind::Gauge => recorder.describe_gauge(name, unit, help),
        Kind::Histogram => recorder.describe_histogram(name, unit, help),
        _ => {}
    }
}

fn unit(unit: &str) -> Option<Unit> {
    match unit {
        "ratio" => Some(Unit::Count),
        "percent" => Some(Unit::Percent),
        "seconds" => Some(Unit::Seconds),
        "milliseconds" => Some(Unit::Milliseconds),
        "microseconds" => Some(Unit::Microseconds),
        "nanoseconds" => Some(Unit::Nanoseconds),
        "bytes" => Some(Unit::Bytes),
        _ => None,
    }
}

impl fmt::Debug for Facade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facade").field("reader", &self.reader).finish_non_exhaustive()
    }
}
