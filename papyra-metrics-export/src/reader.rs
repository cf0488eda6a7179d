//! Whoever reads a registry: it sees each living backend, and the last counts of each that is gone once.

use std::fmt;
use std::time::{Duration, Instant};

use papyra_metrics::{Kind, Value};

use crate::cell::Number;
use crate::slot::{Known, Meta};
use crate::{Labels, Registry};

/// Reads a registry, for formats that this crate has no adapter for.
///
/// Each reader is told the last counts of a backend that is gone in one reading, after which it is there no
/// more; so each target of an export has a reader of its own. Its memory is reused from one reading to the next.
///
/// ```
/// use papyra_metrics::{Counter, Metrics};
/// use papyra_metrics_export::{RegistryReader, Registry};
/// use std::sync::Arc;
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics { records_written: Counter }
///
/// let registry = Registry::new();
/// let metrics = Arc::new(LogMetrics::default());
/// registry.register(metrics.clone(), &[("backend", "orders")])?;
///
/// let mut reader = RegistryReader::new(&registry);
/// metrics.records_written.add(3);
/// drop(metrics);
/// assert_eq!(*reader.read().next().unwrap().value(), 3);
/// assert!(reader.read().next().is_none());
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
pub struct RegistryReader {
    registry: Registry,
    /// What is known of the series of each of the registry's slots.
    copies: Vec<SlotCopy>,
    /// The numbers of all series, slot after slot.
    numbers: Vec<Number>,
    /// The same for whoever reads by [`read`](Self::read): adapters need none.
    values: Vec<Value>,
}

/// What a reader knows of a slot.
#[derive(Default)]
struct SlotCopy {
    series: Vec<Known>,
    /// The epoch of this copy.
    epoch: u64,
    /// Series that were closed up to this epoch have gone out, and are shown no more.
    hidden: u64,
    /// The same from the next reading on.
    delivered: u64,
    /// An epoch that is delivered but is still shown, and since when.
    lingering: Option<(u64, Instant)>,
}

impl SlotCopy {
    /// Whether what has been delivered meanwhile is to be shown no more.
    fn hides_more(&self) -> bool {
        let hides = |epoch| epoch > self.hidden && epoch <= self.delivered;
        self.hidden != self.delivered
            && self.series.iter().any(|series| series.closed.is_some_and(hides))
    }
}

/// A series in a reader's copy.
pub(crate) struct Seen<'a> {
    pub(crate) meta: &'a Meta,
    /// Whether it has a number.
    pub(crate) is_read: bool,
    /// Whether it also has a backend behind it, or its last counts have yet to go out.
    pub(crate) is_shown: bool,
    /// Whether there is a backend behind it.
    pub(crate) is_open: bool,
    /// The place of its slot, and its own place among that slot's series. Both stay.
    pub(crate) id: (usize, usize),
    /// The place of its number in this reading.
    pub(crate) place: usize,
}

impl RegistryReader {
    /// A reader of this registry.
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            copies: Vec::new(),
            numbers: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Reads all backends, and gives their values in the order in which they were registered.
    ///
    /// The values of one backend are taken one after the other; they are not one instant.
    pub fn read(&mut self) -> impl Iterator<Item = Sample<'_>> {
        self.refresh();
        self.delivered();
        let kinds = self.copies.iter().flat_map(|copy| &copy.series).map(|it| it.meta.family.kind);
        self.values.clear();
        self.values.extend(self.numbers.iter().zip(kinds).map(|(number, kind)| number.value(kind)));
        let shown = self.series().filter(|series| series.is_shown);
        shown.map(|Seen { meta, place, .. }| Sample { meta, value: &self.values[place] })
    }

    /// Reads all backends. Whether other series are shown than last time, or at other places.
    pub(crate) fn refresh(&mut self) -> bool {
        let slots = self.registry.slots();
        // How many there are is asked once, so that one that comes meanwhile is new to the next reading.
        let count = slots.count();
        let mut changed = count != self.copies.len();
        if changed {
            self.copies.resize_with(count, SlotCopy::default);
        }
        self.numbers.clear();
        let mut left = Vec::new();
        for ((_, slot), copy) in slots.iter().zip(&mut self.copies) {
            changed |= slot.read(&mut self.numbers, &mut copy.epoch, &mut copy.series, &mut left);
            changed |= copy.hides_more();
            copy.hidden = copy.delivered;
        }
        self.registry.let_go(left);
        changed
    }

    /// All series, whether shown or not, in the order of their numbers.
    pub(crate) fn series(&self) -> impl Iterator<Item = Seen<'_>> {
        let series = self.copies.iter().enumerate().flat_map(|(slot, copy)| {
            copy.series.iter().enumerate().map(
                move |(place, &Known { ref meta, closed, is_read })| Seen {
                    meta,
                    is_read,
                    is_shown: is_read && closed.is_none_or(|epoch| epoch > copy.hidden),
                    is_open: closed.is_none(),
                    id: (slot, place),
                    place: 0,
                },
            )
        });
        series.enumerate().map(|(place, known)| Seen { place, ..known })
    }

    /// The numbers of this reading. What was never read has one too.
    pub(crate) fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// The last counts of this reading have gone out: what is closed is not shown again.
    pub(crate) fn delivered(&mut self) {
        self.delivered_after(Duration::ZERO);
    }

    /// The last counts of this reading have gone out, but they are shown again until it is so long ago that they
    /// first were.
    pub(crate) fn delivered_after(&mut self, linger: Duration) {
        // Most often nothing has changed, and asking the time is a good part of a small scrape.
        let mut now = None;
        for copy in self.copies.iter_mut().filter(|copy| copy.epoch != copy.delivered) {
            let now = *now.get_or_insert_with(Instant::now);
            let (epoch, since) = copy.lingering.unwrap_or((copy.epoch, now));
            copy.lingering = Some((epoch, since));
            if now.duration_since(since) >= linger {
                copy.delivered = epoch;
                copy.lingering = None;
            }
        }
    }
}

impl fmt::Debug for RegistryReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryReader").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// One value in a reading of a registry.
#[derive(Clone, Copy)]
pub struct Sample<'a> {
    meta: &'a Meta,
    value: &'a Value,
}

impl<'a> Sample<'a> {
    /// The exported name: prefix, the backend's name for it, unit; without a counter's `_total`.
    pub fn name(&self) -> &'a str {
        &self.meta.family.name
    }

    /// Whether it is a counter or a gauge.
    pub fn kind(&self) -> Kind {
        self.meta.family.kind
    }

    /// What it measures; empty where the backend does not say.
    pub fn help(&self) -> &'a str {
        &self.meta.family.help
    }

    /// The base unit of its values.
    pub fn unit(&self) -> Option<&'a str> {
        self.meta.family.unit.as_deref()
    }

    /// The labels of the backend.
    pub fn labels(&self) -> &'a Labels {
        &self.meta.labels
    }

    /// A counter's lifetime total, over all backends that had these labels; a gauge as it is.
    pub fn value(&self) -> &'a Value {
        self.value
    }
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}", self.name(), self.labels(), self.value())
    }
}
