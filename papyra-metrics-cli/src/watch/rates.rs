//! Rates and recent values of metrics, from one reading to the next.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    time::{Instant, SystemTime},
};

use papyra_metrics::{Kind, Snapshot, Value};

use crate::source::{Origin, Reading, Readings, Row};
use crate::sum::sum;

/// The metrics to show, and what is needed to compute their rates at the next reading.
pub(crate) struct RateTable {
    each: bool,
    pub(crate) groups: Vec<Group>,
    /// The totals of each process at the last reading.
    last: HashMap<ProcessId, Snapshot>,
    last_at: Option<Instant>,
    histories: HashMap<(Option<ProcessId>, String), VecDeque<f64>>,
}

/// The metrics of all processes, or of the one in the title.
pub(crate) struct Group {
    pub(crate) title: Option<String>,
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) name: String,
    /// Since the last reset.
    pub(crate) value: Value,
    /// Over the lifetime.
    pub(crate) total: Value,
    /// Increments per second since the last reading. `None` for a gauge, and at the first reading.
    pub(crate) rate: Option<f64>,
    /// Rates of a counter, values of a gauge; the latest is the last.
    pub(crate) history: Vec<f64>,
}

/// Distinguishes a process from the next one at the same path.
type ProcessId = (PathBuf, u32, SystemTime);

fn id(origin: &Origin) -> ProcessId {
    match origin {
        Origin::ThisProcess => (PathBuf::new(), 0, SystemTime::UNIX_EPOCH),
        Origin::File { path, pid, since, .. } => (path.clone(), *pid, *since),
    }
}

impl RateTable {
    /// Length of a history, in readings.
    const HISTORY: usize = 120;

    pub(crate) fn new(each: bool) -> Self {
        Self {
            each,
            groups: Vec::new(),
            last: HashMap::new(),
            last_at: None,
            histories: HashMap::new(),
        }
    }

    /// Adds a reading. A reading without metrics changes nothing.
    ///
    /// Returns an error if the processes cannot be added up.
    pub(crate) fn update(&mut self, readings: &Readings, at: Instant) -> Result<(), String> {
        let readings = &readings.processes;
        if readings.is_empty() {
            return Ok(());
        }
        let elapsed = self.last_at.map(|last| at.duration_since(last).as_secs_f64());
        let increments: Vec<_> = readings.iter().map(|reading| self.increments(reading)).collect();
        let mut histories = HashMap::new();
        let mut groups = Vec::new();
        if self.each {
            for (reading, increments) in readings.iter().zip(&increments) {
                let group = Some(id(&reading.origin));
                let increments = std::slice::from_ref(increments);
                let lines = reading
                    .rows
                    .iter()
                    .map(|row| self.line(row, group.as_ref(), increments, elapsed, &mut histories));
                let lines = lines.collect();
                groups.push(Group { title: Some(reading.origin.name()), lines });
            }
        } else {
            let rows = sum(readings)?;
            let lines =
                rows.iter().map(|row| self.line(row, None, &increments, elapsed, &mut histories));
            groups.push(Group { title: None, lines: lines.collect() });
        }
        self.groups = groups;
        self.histories = histories;
        self.last = readings.iter().map(|reading| (id(&reading.origin), totals(reading))).collect();
        self.last_at = Some(at);
        Ok(())
    }

    /// Returns how much the counters of a process have grown since the last reading. It is empty for a new process,
    /// which may have counted for long before.
    fn increments(&self, reading: &Reading) -> Snapshot {
        let before = self.last.get(&id(&reading.origin));
        before.map(|before| totals(reading).since(before)).unwrap_or_default()
    }

    fn line(
        &self,
        row: &Row,
        group: Option<&ProcessId>,
        increments: &[Snapshot],
        elapsed: Option<f64>,
        histories: &mut HashMap<(Option<ProcessId>, String), VecDeque<f64>>,
    ) -> Line {
        let rate = elapsed.filter(|_| row.kind == Kind::Counter).map(|elapsed| {
            let increments = increments.iter().filter_map(|process| process.get(&row.name));
            // Not `sum`, which is -0 for nothing.
            increments.map(Value::as_f64).fold(0.0, |sum, n| sum + n) / elapsed.max(f64::EPSILON)
        });
        let key = (group.cloned(), row.name.clone());
        let mut history = self.histories.get(&key).cloned().unwrap_or_default();
        history.extend(if row.kind == Kind::Counter { rate } else { Some(row.value.as_f64()) });
        while history.len() > Self::HISTORY {
            history.pop_front();
        }
        let line = Line {
            name: row.name.clone(),
            value: row.value.clone(),
            total: row.total.clone(),
            rate,
            history: history.iter().copied().collect(),
        };
        histories.insert(key, history);
        line
    }
}

fn totals(reading: &Reading) -> Snapshot {
    reading.rows.iter().map(|row| (row.name.as_str(), row.total.clone())).collect()
}
