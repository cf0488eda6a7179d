//! All series of one set of labels, and the sources that they are read from. A source is read under its slot's
//! lock, so that every reader sees one total that never falls: each fall and each change of source is noticed
//! once, by whoever comes first.

use std::any::Any;
use std::mem;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use papyra_metrics::{Descriptor, Kind, Metrics};
use smallvec::SmallVec;

use crate::cell::{Cells, Number};
use crate::family::Family;
use crate::take::{Places, Take};
use crate::{Labels, RegisterError};

/// The metrics of one backend, held.
pub(crate) trait Source: Send + Sync {
    fn metrics(&self) -> &dyn Metrics;
    /// Whether nobody but the registry holds the metrics, so that nothing will be counted any more.
    fn is_left(&self) -> bool;
    /// Tells the metrics of one `Arc` from those of another.
    fn address(&self) -> Option<usize>;
}

impl<M: Metrics + Send + Sync + ?Sized + 'static> Source for Arc<M> {
    fn metrics(&self) -> &dyn Metrics {
        self
    }

    fn is_left(&self) -> bool {
        let left = Self::strong_count(self) == 1;
        // With the release by which the last other owner let go: what it counted is seen after this.
        fence(Ordering::Acquire);
        left
    }

    fn address(&self) -> Option<usize> {
        Some(Self::as_ptr(self).cast::<()>().addr())
    }
}

/// Metrics that stay as long as the registry does.
pub(crate) struct Forever<M>(pub(crate) M);

impl<M: Metrics + Send + Sync + 'static> Source for Forever<M> {
    fn metrics(&self) -> &dyn Metrics {
        &self.0
    }

    fn is_left(&self) -> bool {
        false
    }

    fn address(&self) -> Option<usize> {
        None
    }
}

/// What is known of a series without a value.
#[derive(Clone)]
pub(crate) struct Meta {
    pub(crate) family: Arc<Family>,
    pub(crate) labels: Arc<Labels>,
}

impl Meta {
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.family, &other.family) && self.labels == other.labels
    }

    pub(crate) fn taken(&self) -> RegisterError {
        RegisterError::SameSeries {
            name: self.family.name.clone(),
            labels: self.labels.to_string(),
        }
    }
}

/// One metric of one backend, over all the times that a backend of these labels was open.
struct Series {
    meta: Meta,
    /// The epoch in which its source left, or `None` while there is one.
    closed: Option<u64>,
}

/// A registered source, and where the series of its metrics are; nowhere, where one cannot be exported.
struct Entry {
    source: Box<dyn Source>,
    metrics: Listed,
    places: Places,
    /// What can never be exported, and what could not be when it was last read.
    left_out: Vec<String>,
    problems: Vec<String>,
}

/// The metrics of a source, as it listed them when it was registered.
pub(crate) enum Listed {
    /// As those of a derived struct.
    Static(&'static [Descriptor]),
    Shared {
        list: Arc<[Descriptor]>,
        /// The address of the source's own list, from which this one was copied.
        address: usize,
    },
}

impl Listed {
    /// Whether the source still lists the same metrics.
    fn is_current(&self, now: &[Descriptor]) -> bool {
        let address = match self {
            Self::Static(list) => list.as_ptr().addr(),
            Self::Shared { address, .. } => *address,
        };
        (now.as_ptr().addr() == address && now.len() == self.len()) || *now == **self
    }
}

impl Deref for Listed {
    type Target = [Descriptor];

    fn deref(&self) -> &[Descriptor] {
        match self {
            Self::Static(metrics) => metrics,
            Self::Shared { list, .. } => list,
        }
    }
}

impl Entry {
    /// Reads each metric into its series. What a panic or a fault of the source leaves unread keeps its value:
    /// to a reader of differences, a total that is missing once is counted again.
    fn read(&mut self, cells: &mut Cells) {
        let Self { source, metrics, places, problems, .. } = self;
        problems.clear();
        let source = source.metrics();
        let read = panic::catch_unwind(AssertUnwindSafe(|| {
            let now = source.descriptors();
            let relisted = (!metrics.is_current(now)).then_some(now);
            let mut take = Take { metrics, relisted, places, next: 0, cells, problems };
            source.walk(&mut take);
            take.check_len();
        }));
        if let Err(panic) = read {
            problems.push(format!("reading its metrics panicked: {}", panic_message(&*panic)));
        }
    }
}

/// All series of one set of labels.
pub(crate) struct Slot {
    pub(crate) labels: Arc<Labels>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Grows whenever a source comes or leaves, or a series gets its first value.
    epoch: u64,
    /// Most often one, which is then where the slot is.
    entries: SmallVec<[Entry; 1]>,
    series: Vec<Series>,
    /// What was read of each.
    cells: Cells,
    /// What went wrong when the source that left last was read last.
    parting: Vec<String>,
}

/// What a reader knows of a series.
pub(crate) struct Known {
    pub(crate) meta: Meta,
    /// The epoch in which its source left, or `None` while there is one.
    pub(crate) closed: Option<u64>,
    /// Whether it has a number: what was never read, as what is flattened as `None`, has none.
    pub(crate) is_read: bool,
}

/// A source that wants to be read, and what its metrics export.
pub(crate) struct Newcomer {
    pub(crate) source: Box<dyn Source>,
    pub(crate) metrics: Listed,
    /// For each metric what it exports, or why it does not.
    pub(crate) exported: Vec<Result<Meta, String>>,
}

impl Slot {
    pub(crate) fn new(labels: Arc<Labels>) -> Self {
        Self { labels, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a source whose metrics continue the series that sources of the same labels have left. Those are added
    /// to `left`, to be dropped outside of every lock.
    pub(crate) fn open(
        &self,
        newcomer: Newcomer,
        left: &mut Vec<Box<dyn Source>>,
    ) -> Result<(), RegisterError> {
        let Newcomer { source, metrics, exported } = newcomer;
        let mut state = self.state();
        state.close_left(left);
        let mut found = Vec::with_capacity(exported.len());
        let mut next = 0;
        for meta in exported.iter().flatten() {
            let place = state.find(next, meta);
            if let Some(place) = place {
                if state.series[place].closed.is_none() {
                    return Err(meta.taken());
                }
                next = place + 1;
            }
            found.push(place);
        }
        state.epoch += 1;
        // Exactly: most often they are all that there will be.
        state.series.reserve_exact(exported.len());
        state.cells.reserve_exact(exported.len());
        let mut found = found.into_iter();
        let mut left_out = Vec::new();
        let places = exported.into_iter().map(|exported| match exported {
            Ok(meta) => Some(state.place(meta, found.next().flatten())),
            Err(reason) => {
                left_out.push(reason);
                None
            }
        });
        let places = Places::new(places.collect());
        state.entries.push(Entry { source, metrics, places, left_out, problems: Vec::new() });
        Ok(())
    }

    /// Reads the last totals of the source with this address now, and lets it go.
    pub(crate) fn close(&self, address: usize) -> Option<Box<dyn Source>> {
        let mut state = self.state();
        let place =
            state.entries.iter().position(|entry| entry.source.address() == Some(address))?;
        Some(state.close(place))
    }

    /// Reads every source and adds the numbers of all series, the closed ones included; their order stays. What
    /// the caller knows of the series is brought up to date; whether it was not.
    ///
    /// The sources that have left are added to `left`, to be dropped outside of every lock.
    pub(crate) fn read(
        &self,
        numbers: &mut Vec<Number>,
        epoch: &mut u64,
        known: &mut Vec<Known>,
        left: &mut Vec<Box<dyn Source>>,
    ) -> bool {
        let mut state = self.state();
        state.close_left(left);
        state.read();
        let State { series, cells, .. } = &*state;
        numbers.extend_from_slice(cells.shown());
        let changed = *epoch != state.epoch;
        if changed {
            *epoch = state.epoch;
            known.clear();
            known.extend(series.iter().zip(cells.are_read()).map(|(series, &is_read)| Known {
                meta: series.meta.clone(),
                closed: series.closed,
                is_read,
            }));
        }
        changed
    }

    /// What could not be exported when the sources were last read.
    pub(crate) fn problems(&self) -> Vec<String> {
        let state = self.state();
        let problems =
            state.entries.iter().flat_map(|entry| entry.left_out.iter().chain(&entry.problems));
        problems.chain(&state.parting).cloned().collect()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state().entries.iter().any(|entry| !entry.source.is_left())
    }
}

impl State {
    /// Where the series is that this would be one with, most often the next one.
    fn find(&self, next: usize, meta: &Meta) -> Option<usize> {
        let same = |series: &Series| series.meta.is(meta);
        match self.series.get(next) {
            Some(series) if same(series) => Some(next),
            _ => self.series.iter().position(same),
        }
    }

    /// Has the series that was found go on, or a new one begin.
    fn place(&mut self, meta: Meta, found: Option<usize>) -> usize {
        if let Some(place) = found {
            self.series[place].closed = None;
            if meta.family.kind != Kind::Counter {
                self.cells.forget(place);
            }
            return place;
        }
        self.series.push(Series { meta, closed: None });
        self.cells.add();
        self.series.len() - 1
    }

    fn read(&mut self) {
        for entry in &mut self.entries {
            entry.read(&mut self.cells);
        }
        self.epoch += u64::from(self.cells.more_are_read());
    }

    /// Closes the sources that nobody holds any more.
    fn close_left(&mut self, left: &mut Vec<Box<dyn Source>>) {
        let mut place = 0;
        while place < self.entries.len() {
            if self.entries[place].source.is_left() {
                left.push(self.close(place));
            } else {
                place += 1;
            }
        }
    }

    fn close(&mut self, place: usize) -> Box<dyn Source> {
        let mut entry = self.entries.remove(place);
        entry.read(&mut self.cells);
        self.parting = mem::take(&mut entry.problems);
        self.epoch += 1;
        for (i, metric) in entry.metrics.iter().enumerate() {
            let Some(place) = entry.places.of(i) else { continue };
            self.series[place].closed = Some(self.epoch);
            if metric.kind() == Kind::Counter {
                self.cells.close(place);
            }
        }
        entry.source
    }
}

/// Drops what users made, whose own `drop` may panic.
pub(crate) fn let_go(sources: Vec<Box<dyn Source>>) {
    for source in sources {
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(source)));
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => message,
        (_, Some(message)) => message,
        _ => "no message",
    }
}
