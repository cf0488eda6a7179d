//! Keeps track of the instruments that have been built and of the instruments that are waiting to be built.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use ::opentelemetry::metrics::Histogram;
use papyra_metrics::Kind;

use crate::Registry;
use crate::family::Family;
use crate::otel_naming::{Names, unit};
use crate::registry::{Problem, ProblemReport};

/// The longest time for which a registration waits for its instruments to be built. Without a limit there could be a
/// deadlock: a collection may be running a callback of the application, and this callback may wait for a lock that the
/// registering thread holds.
const BUILD_TIMEOUT: Duration = Duration::from_secs(1);

/// The maximum length of a unit, <https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument>.
const MAX_UNIT_LEN: usize = 63;

pub(super) struct Instruments {
    state: Mutex<State>,
    /// Notified when an instrument has been built. Also notified when a callback begins, because registrations do not
    /// wait while a callback may be running the code of backends.
    progress: Condvar,
    /// The problem report for families that are not exported, or are exported with their kind in the name or without
    /// their unit.
    report: ProblemReport,
    /// The problem report for a failure to start the building thread.
    thread_report: ProblemReport,
}

#[derive(Default)]
struct State {
    /// The number of families of the registry that have been processed by [`Instruments::add`].
    families: usize,
    names: Names,
    pending: VecDeque<Pending>,
    /// The number of instruments that have been given an index, whether or not they have been built.
    added: usize,
    /// The number of instruments that have been built.
    built: usize,
    /// The histograms whose bounds are not known yet.
    without_bounds: Vec<(Arc<Definition>, BuiltHistogram)>,
    is_building: bool,
    /// The number of callbacks that are currently running. Each of them may be reading the backends, which runs the
    /// code of the backends.
    readings: usize,
}

/// A histogram of the SDK. The cell is empty until the histogram is built.
pub(super) type BuiltHistogram = Arc<OnceLock<Histogram<f64>>>;

/// An instrument that is waiting to be built.
pub(super) struct Pending {
    /// The position of the instrument in the order in which instruments are built. The SDK runs their callbacks in this
    /// order.
    pub(super) index: usize,
    pub(super) definition: Arc<Definition>,
    pub(super) part: Part,
}

/// The name and the unit of an instrument, and the family that it exports.
pub(super) struct Definition {
    pub(super) family: Family,
    pub(super) name: String,
    pub(super) unit: Cow<'static, str>,
}

/// The instrument that is to be built for a family. Families of gauges and of histograms need two instruments.
pub(super) enum Part {
    /// The first instrument of a family: a counter, a gauge for integers, or the additional instrument that replays the
    /// values of a histogram. If the bounds of the histogram are known, the histogram is built too.
    First,
    /// The gauge for floats. A gauge of the SDK accepts either integers or floats, so a family of gauges has one gauge
    /// for integers and one for floats. A gauge that observes nothing is not exported.
    FloatGauge,
    /// The histogram itself, if its bounds were not known when the first instrument was built.
    Histogram(BuiltHistogram),
}

impl Instruments {
    pub(super) fn new(registry: &Registry) -> Self {
        let (state, progress) = Default::default();
        let (report, thread_report) = (registry.report(), registry.report());
        Self { state, progress, report, thread_report }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds instruments for new families, and waits until they are built, for at most [`BUILD_TIMEOUT`]. A thread
    /// builds them by calling `build`; at most one such thread runs at a time. Returns early if a collection is running
    /// the code of a backend, because this code may wait for the calling thread.
    pub(super) fn add(&self, families: &[Family], build: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let known = state.families.min(families.len());
        for family in &families[known..] {
            state.families += 1;
            let Some(name) = state.names.claim(family, &self.report) else { continue };
            let unit = self.unit(family);
            let definition = Arc::new(Definition { family: family.clone(), name, unit });
            state.push(Arc::clone(&definition), Part::First);
            // Whether the values of a gauge are integers or floats is not known before a reading, and no instrument can
            // be built during a reading. Gauges for both are therefore built now.
            if family.kind == Kind::Gauge {
                state.push(definition, Part::FloatGauge);
            }
        }
        if let Some(state) = self.start_building(state, build) {
            self.wait(state);
        }
    }

    /// Adds a histogram whose bounds are not known yet.
    pub(super) fn add_without_bounds(&self, definition: Arc<Definition>, built: BuiltHistogram) {
        self.state().without_bounds.push((definition, built));
    }

    /// Starts to build the histograms whose bounds have become known. In contrast to [`add`](Self::add), does not wait
    /// until they are built.
    pub(super) fn add_histograms(&self, build: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let (known, unknown) = mem::take(&mut state.without_bounds)
            .into_iter()
            .partition(|(definition, _)| definition.family.buckets().is_some());
        state.without_bounds = unknown;
        for (definition, built) in known {
            state.push(definition, Part::Histogram(built));
        }
        self.start_building(state, build);
    }

    /// Waits until all instruments are built, for at most [`BUILD_TIMEOUT`]. Returns early if a collection is running
    /// the code of a backend.
    pub(super) fn wait_until_built(&self) {
        self.wait(self.state());
    }

    fn wait(&self, state: MutexGuard<'_, State>) {
        let added = state.added;
        let _ = self.progress.wait_timeout_while(state, BUILD_TIMEOUT, |state| {
            state.built < added && state.readings == 0
        });
    }

    /// Starts the building thread, unless it is already running or there is nothing to build. Returns `None` if the
    /// thread cannot be started.
    fn start_building<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        build: impl FnOnce() + Send + 'static,
    ) -> Option<MutexGuard<'a, State>> {
        if state.pending.is_empty() || state.is_building {
            return Some(state);
        }
        state.is_building = true;
        drop(state);
        let thread = thread::Builder::new().name("metrics instruments".to_owned());
        if thread.spawn(build).is_err() {
            let message = "no thread could be started to build instruments; they are built when metrics with new names \
                           are registered";
            self.thread_report.set(vec![Problem::new(String::new(), message.to_owned())]);
            self.state().is_building = false;
            return None;
        }
        self.thread_report.set(Vec::new());
        Some(self.state())
    }

    fn unit(&self, family: &Family) -> Cow<'static, str> {
        let unit = unit(family);
        if unit.len() <= MAX_UNIT_LEN {
            return unit;
        }
        let message = format!(
            "`{}` is exported to OpenTelemetry without its unit, which exceeds {MAX_UNIT_LEN} characters",
            family.name()
        );
        self.report.add(Problem::new(String::new(), message));
        Cow::Borrowed("")
    }

    /// Returns the next instrument to build. If there is none, returns `None`, and the building thread must end. A new
    /// thread builds the instruments that are added later.
    pub(super) fn next_pending(&self) -> Option<Pending> {
        let mut state = self.state();
        let pending = state.pending.pop_front();
        state.is_building = pending.is_some();
        pending
    }

    pub(super) fn mark_built(&self) {
        self.state().built += 1;
        self.progress.notify_all();
    }

    /// Marks a callback as running. Until the returned guard is dropped, registrations do not wait for their
    /// instruments to be built.
    pub(super) fn begin_reading(&self) -> ReadingGuard<'_> {
        self.state().readings += 1;
        self.progress.notify_all();
        ReadingGuard(self)
    }
}

pub(super) struct ReadingGuard<'a>(&'a Instruments);

impl Drop for ReadingGuard<'_> {
    fn drop(&mut self) {
        self.0.state().readings -= 1;
    }
}

impl State {
    fn push(&mut self, definition: Arc<Definition>, part: Part) {
        let index = self.added;
        self.added += 1;
        self.pending.push_back(Pending { index, definition, part });
    }
}
