//! Whoever reads a registry: it sees each living backend, and the last counts of each that is gone once.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papyra_metrics::{Kind, Value};

use crate::slot::{Meta, Slot};
use crate::{Labels, Registry};

/// Reads a registry, for formats that this crate has no adapter for.
///
/// Each reader is told the last counts of a backend that is gone in one reading, after which it is there no
/// more; so each target of an export has a reader of its own. Its memory is reused from one reading to the next.
///
/// ```
/// use papyra_metrics::{Counter, Metrics};
/// use papyra_metrics_export::{Reader, Registry};
/// use std::sync::Arc;
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics { records_written: Counter }
///
/// let registry = Registry::new();
/// let metrics = Arc::new(LogMetrics::default());
/// registry.register(metrics.clone(), &[("backend", "orders")])?;
///
/// let mut reader = Reader::new(&registry);
/// metrics.records_written.add(3);
/// drop(metrics);
/// assert_eq!(*reader.read().next().unwrap().value(), 3);
/// assert!(reader.read().next().is_none());
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
pub struct Reader {
    registry: Registry,
    slots: Vec<Arc<Slot>>,
    /// What is known of each slot's series, in the order of `slots`.
    copies: Vec<SlotCopy>,
    /// The values of all series, slot after slot.
    values: Vec<Option<Value>>,
}

/// What a reader knows of a slot.
#[derive(Default)]
struct SlotCopy {
    /// Which series it has, and in which epoch each was closed.
    series: Vec<(Meta, Option<u64>)>,
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
            && self.series.iter().any(|(_, closed)| closed.is_some_and(hides))
    }
}

/// A series in a reader's copy.
pub(crate) struct Seen<'a> {
    pub(crate) meta: &'a Meta,
    /// Whether there is a backend behind it, or its last counts have yet to go out.
    pub(crate) is_shown: bool,
    /// Whether there is a backend behind it.
    pub(crate) is_open: bool,
    /// The place of its slot, and its own place among that slot's series. Both stay.
    pub(crate) id: (usize, usize),
    /// The place of its value in this reading.
    pub(crate) place: usize,
}

impl Reader {
    /// A reader of this registry.
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            slots: Vec::new(),
            copies: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Reads all backends, and gives their values in the order in which they were registered.
    ///
    /// The values of one backend are taken one after the other; they are not one instant.
    pub fn read(&mut self) -> impl Iterator<Item = Reading<'_>> {
        self.refresh();
        self.delivered();
        let shown = self.series().filter(|known| known.is_shown);
        shown.filter_map(|Seen { meta, place, .. }| {
            Some(Reading { meta, value: self.values[place].as_ref()? })
        })
    }

    /// Reads all backends. Whether other series are shown than last time, or at other places.
    pub(crate) fn refresh(&mut self) -> bool {
        self.registry.more_slots(&mut self.slots);
        let mut changed = self.slots.len() != self.copies.len();
        self.copies.resize_with(self.slots.len(), SlotCopy::default);
        self.values.clear();
        for (slot, copy) in self.slots.iter().zip(&mut self.copies) {
            let (news, gone) = slot.read(&mut self.values, &mut copy.epoch, &mut copy.series);
            self.registry.let_go(gone);
            changed |= news || copy.hides_more();
            copy.hidden = copy.delivered;
        }
        changed
    }

    /// All series, whether shown or not, in the order of their values.
    pub(crate) fn series(&self) -> impl Iterator<Item = Seen<'_>> {
        let series = self.copies.iter().enumerate().flat_map(|(slot, copy)| {
            copy.series.iter().enumerate().map(move |(place, (meta, closed))| Seen {
                meta,
                is_open: closed.is_none(),
                is_shown: closed.is_none_or(|epoch| epoch > copy.hidden),
                id: (slot, place),
                place: 0,
            })
        });
        series.enumerate().map(|(place, known)| Seen { place, ..known })
    }

    /// The values of this reading.
    pub(crate) fn values(&self) -> &[Option<Value>] {
        &self.values
    }

    /// The last counts of this reading have gone out: what is closed is not shown again.
    pub(crate) fn delivered(&mut self) {
        self.delivered_after(Duration::ZERO, Instant::now());
    }

    /// The last counts of this reading have gone out, but they are shown again until it is so long ago that they
    /// first were.
    pub(crate) fn delivered_after(&mut self, linger: Duration, now: Instant) {
        for copy in &mut self.copies {
            if copy.epoch == copy.delivered {
                continue;
            }
            let (epoch, since) = copy.lingering.unwrap_or((copy.epoch, now));
            copy.lingering = Some((epoch, since));
            if now.duration_since(since) >= linger {
                copy.delivered = epoch;
                copy.lingering = None;
            }
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// One value in a reading of a registry.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    meta: &'a Meta,
    value: &'a Value,
}

impl<'a> Reading<'a> {
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

impl fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}", self.name(), self.labels(), self.value())
    }
}
