//! Reads a registry: the values of all open backends and, once, the last values of each closed backend.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use papyra_metrics::{Kind, Value};

use crate::baseline::Baseline;
use crate::registry::{Scratch, SeriesView, View};
use crate::series::SeriesId;
use crate::series::exported::ExportedValues;
use crate::series::number::Number;
use crate::{Labels, Registry};

/// Reads a registry, for export formats that this crate does not support.
///
/// Each reader returns the last values of a closed backend once, so an export to several targets needs one reader for
/// each target. A reader reuses its memory for each reading.
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
    view: View,
    scratch: Scratch,
    /// The values that [`read`](Self::read) returns. Adapters read the numbers in `scratch` instead.
    values: Vec<Value>,
    /// The number of the newest closed backend whose last values were delivered. Closed backends are numbered in the
    /// order of closing, and backends up to this number are not shown again.
    delivered: u64,
    /// The totals that this reader leaves out.
    baseline: Option<Arc<Baseline>>,
}

impl RegistryReader {
    /// Creates a reader for a registry.
    pub fn new(registry: &Registry) -> Self {
        Self::with_view(registry, View::new(false))
    }

    /// Creates a reader that includes the series of closed backends until the registry forgets them.
    pub(crate) fn with_closed(registry: &Registry) -> Self {
        Self::with_view(registry, View::new(true))
    }

    fn with_view(registry: &Registry, view: View) -> Self {
        let registry = registry.clone();
        let (scratch, values, baseline) = Default::default();
        Self { registry, view, scratch, values, delivered: 0, baseline }
    }

    /// Starts at the present totals: the reader returns only what is counted from now on. Counters and histograms that
    /// exist already begin at zero, and backends that are closed already are not returned. Gauges are not affected.
    ///
    /// Use it in a forked process, which inherits the totals of its parent, if the parent exports them.
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
    /// metrics.records_written.add(1000); // in the parent process
    ///
    /// let mut reader = RegistryReader::new(&registry).with_current_baseline();
    /// metrics.records_written.add(2);
    /// assert_eq!(*reader.read().next().unwrap().value(), 2);
    /// # Ok::<(), papyra_metrics_export::RegisterError>(())
    /// ```
    #[must_use]
    pub fn with_current_baseline(self) -> Self {
        let mut present = Self::with_closed(&self.registry);
        let baseline = present.present_totals();
        Self { delivered: present.newest(), baseline: Some(Arc::new(baseline)), ..self }
    }

    pub(crate) fn with_baseline(self, baseline: Option<Arc<Baseline>>) -> Self {
        Self { baseline, ..self }
    }

    /// Reads all backends and returns their totals as a baseline. The reader must not have a baseline itself.
    pub(crate) fn present_totals(&mut self) -> Baseline {
        self.refresh();
        Baseline::new(self.series(), self.values())
    }

    /// Reads all backends. Returns their values in the order of registration, and then the last values of closed
    /// backends.
    ///
    /// The values of one backend are read one after another, not at one instant.
    pub fn read(&mut self) -> impl Iterator<Item = Sample<'_>> {
        self.refresh();
        self.delivered();
        let Self { view, scratch, values, .. } = self;
        let exported = &scratch.readings.values;
        values.resize(view.series.len(), Value::Counter(0));
        for (series, value) in view.series.iter().zip(&mut *values) {
            exported.write_value(series.value_index, series.form, &series.id.family, value);
        }
        let samples = view.series.iter().zip(values.iter());
        samples
            .filter(|(series, _)| series.is_shown)
            .map(|(SeriesView { id, .. }, value)| Sample { id, value })
    }

    /// Reads all backends. Returns whether the series, or their positions, differ from those of the last reading.
    pub(crate) fn refresh(&mut self) -> bool {
        self.view.hidden = self.delivered;
        let is_changed = self.registry.read(&mut self.view, &mut self.scratch);
        if let Some(baseline) = &self.baseline {
            baseline.subtract_from(&self.view.series, &mut self.scratch.readings.values);
        }
        is_changed
    }

    /// Returns the series of this reading, including series that are not shown; see [`SeriesView::is_shown`].
    pub(crate) fn series(&self) -> &[SeriesView] {
        &self.view.series
    }

    /// Returns the value of each series in this reading as a [`Number`], indexed by [`SeriesView::value_index`]. The
    /// form of a series determines the type of its number.
    pub(crate) fn numbers(&self) -> &[Number] {
        &self.values().numbers
    }

    /// Returns the values of this reading, indexed by [`SeriesView::value_index`].
    pub(crate) fn values(&self) -> &ExportedValues {
        &self.scratch.readings.values
    }

    /// Returns the number of this reading. Readings are numbered in the order of their completion.
    pub(crate) fn number(&self) -> u64 {
        self.view.number
    }

    /// Returns two version numbers of the list of series. If two readers were created by
    /// [`with_closed`](Self::with_closed) for the same registry and return equal version numbers, they have the same
    /// series with the same value indices.
    pub(crate) fn shape(&self) -> (u64, u64) {
        self.view.shape()
    }

    /// Marks the last values of closed backends in this reading as delivered, so that they are not shown again.
    pub(crate) fn delivered(&mut self) {
        self.delivered = self.view.newest;
    }

    /// Returns the number of the newest closed backend at the time of this reading. Closed backends are numbered in the
    /// order of closing.
    pub(crate) fn newest(&self) -> u64 {
        self.view.newest
    }

    /// Marks the last values of closed backends up to the number `closing` as delivered. This is for adapters in which
    /// several readers deliver to one receiver.
    pub(crate) fn set_delivered(&mut self, closing: u64) {
        self.delivered = closing;
    }
}

impl fmt::Debug for RegistryReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryReader").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// The state that an adapter keeps for each series of its reader, in the order of the reader's series.
#[derive(Debug)]
pub(crate) struct PerSeries<T> {
    items: Vec<T>,
    /// Maps the serial number of each series to the index of its item.
    index: HashMap<u64, usize>,
}

impl<T> PerSeries<T> {
    pub(crate) fn new() -> Self {
        Self { items: Vec::new(), index: HashMap::new() }
    }

    /// Adapts the items to the current series: keeps the items of existing series, creates items for new series, and
    /// drops the others.
    pub(crate) fn update(&mut self, series: &[SeriesView], new: impl Fn(&SeriesId) -> T) {
        let mut known: Vec<_> = mem::take(&mut self.items).into_iter().map(Some).collect();
        let items = series.iter().map(|SeriesView { id, serial, .. }| {
            let known = self.index.get(serial).and_then(|&index| known[index].take());
            known.unwrap_or_else(|| new(id))
        });
        self.items = items.collect();
        self.index.clear();
        self.index.extend(series.iter().map(|series| series.serial).zip(0..));
    }

    pub(crate) fn get(&self, index: usize) -> &T {
        &self.items[index]
    }

    pub(crate) fn find_mut(&mut self, serial: u64) -> Option<&mut T> {
        self.index.get(&serial).map(|&index| &mut self.items[index])
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }
}

/// The value of one series in a reading of a registry.
#[derive(Clone, Copy)]
pub struct Sample<'a> {
    id: &'a SeriesId,
    value: &'a Value,
}

impl<'a> Sample<'a> {
    /// Returns the exported name: the prefix, the backend's name for the metric, and the unit, without a counter's
    /// `_total`.
    pub fn name(&self) -> &'a str {
        self.id.family.name()
    }

    /// Returns whether the metric is a counter, a gauge or a histogram.
    pub fn kind(&self) -> Kind {
        self.id.family.kind
    }

    /// Returns the help text; empty if the backend does not declare one.
    pub fn help(&self) -> &'a str {
        self.id.family.help()
    }

    /// Returns the exported unit of the values, if the metric has one.
    pub fn unit(&self) -> Option<&'a str> {
        self.id.family.unit()
    }

    /// Returns the labels of the backend, and those of the metric itself.
    pub fn labels(&self) -> &'a Labels {
        &self.id.labels
    }

    /// Returns the value of a gauge, or the lifetime total of a counter or a histogram. The total includes what earlier
    /// backends with the same labels have counted.
    pub fn value(&self) -> &'a Value {
        self.value
    }
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}", self.name(), self.labels(), self.value())
    }
}
