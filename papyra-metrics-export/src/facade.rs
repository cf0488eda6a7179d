//! The `metrics` facade: values go to whatever recorder the application has installed.

use std::fmt;
use std::io;

use ::metrics::{
    Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit, with_recorder,
};
use papyra_metrics::Kind;

use crate::family::Family;
use crate::reader::PerSeries;
use crate::registry::SeriesView;
use crate::series::SeriesId;
use crate::{Export, Progress, Registry, RegistryReader};

/// Brings the metrics of a registry into a recorder of the `metrics` facade, with each
/// [`export`](Export::export).
///
/// ```
/// use papyra_metrics_export::{Periodic, Registry, metrics::Facade};
/// use std::time::Duration;
///
/// let registry = Registry::with_prefix("papyra").unwrap();
/// // After the recorder was installed:
/// let periodic = Periodic::spawn(Duration::from_secs(5), Facade::new(&registry))?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Counters are incremented by what has grown, gauges set. Names are those that Prometheus sees, `_total` and
/// unit included, for the facade's exporters add neither. Units and help are described to the recorder. A gauge
/// of a backend that is gone keeps its last value: the facade has no way to take it back.
pub struct Facade {
    reader: RegistryReader,
    recorder: Option<Box<dyn Recorder + Send>>,
    recorded: PerSeries<Recorded>,
}

/// What was recorded of a series.
struct Recorded {
    key: Key,
    /// A counter's total; `None` before it was recorded first.
    total: Option<u64>,
}

const METADATA: Metadata<'static> =
    Metadata::new("papyra_metrics", Level::INFO, Some("papyra_metrics_export"));

impl Facade {
    /// Goes to the recorder that is installed for the process or the thread.
    ///
    /// Install it first: while there is none, what is exported is lost, and the facade tells nobody.
    pub fn new(registry: &Registry) -> Self {
        Self {
            reader: RegistryReader::with_closed(registry),
            recorder: None,
            recorded: PerSeries::new(),
        }
    }

    /// Goes to this recorder, installed or not.
    pub fn with_recorder(registry: &Registry, recorder: impl Recorder + Send + 'static) -> Self {
        Self { recorder: Some(Box::new(recorder)), ..Self::new(registry) }
    }
}

impl Export for Facade {
    /// Records all metrics. It cannot fail.
    fn export(&mut self) -> io::Result<Progress> {
        let Self { reader, recorder, recorded: known } = self;
        let is_changed = reader.refresh();
        if is_changed {
            known.update(reader.series(), |id| Recorded { key: key(id), total: None });
        }
        match recorder {
            Some(recorder) => record(reader, is_changed, known, &**recorder),
            None => with_recorder(|recorder| record(reader, is_changed, known, recorder)),
        }
        reader.delivered();
        Ok(Progress::Done)
    }
}

fn record(
    reader: &RegistryReader,
    is_changed: bool,
    known: &mut PerSeries<Recorded>,
    recorder: &dyn Recorder,
) {
    for (series, Recorded { key, total }) in reader.series().iter().zip(known.iter_mut()) {
        let &SeriesView { ref id, place, is_shown, .. } = series;
        if is_changed {
            describe(&id.family, key, recorder);
        }
        let number = reader.numbers()[place];
        match id.family.kind {
            // Closed or not: its last increments may not have been recorded.
            Kind::Counter if *total != Some(number.total()) => {
                let grown = number.total().wrapping_sub(total.unwrap_or_default());
                recorder.register_counter(key, &METADATA).increment(grown);
                *total = Some(number.total());
            }
            kind @ Kind::Gauge if is_shown => {
                recorder.register_gauge(key, &METADATA).set(number.value(kind).as_f64());
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
