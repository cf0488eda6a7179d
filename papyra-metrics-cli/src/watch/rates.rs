//! Computes the rates of metrics from one reading to the next, and keeps their recent values.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    time::{Instant, SystemTime},
};

use papyra_metrics::{Distribution, Kind, Snapshot, Value};

use crate::figures::{BucketRange, number};
use crate::source::{Origin, Reading, Readings, Row};
use crate::sum::{add, sum};

/// The metrics to show, and the earlier values from which their rates are computed.
pub(crate) struct RateTable {
    each: bool,
    pub(crate) groups: Vec<Group>,
    /// The totals of each process at the last reading.
    last: HashMap<ProcessId, Snapshot>,
    last_at: Option<Instant>,
    histories: HashMap<(Option<ProcessId>, String), VecDeque<f64>>,
}

/// A group of lines in the table: the metrics of all processes together or, if there is a title, of one process.
pub(crate) struct Group {
    pub(crate) title: Option<String>,
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    /// The name of the metric, followed by its labels in braces if there are any.
    pub(crate) series: String,
    /// The value since the last reset.
    pub(crate) value: Value,
    /// The value over the lifetime, which no reset changes.
    pub(crate) total: Value,
    /// For a counter or histogram, the number of increments or recorded values per second since the last reading.
    /// `None` for a gauge, and at the first reading of a process.
    pub(crate) rate: Option<f64>,
    /// The latest values of a gauge, or the latest rates of any other metric, oldest first.
    pub(crate) history: Vec<f64>,
    /// The values that a histogram recorded since the last reading. `None` at the first reading.
    pub(crate) interval: Option<Box<Distribution>>,
    /// The range of buckets to show. All histograms with the same buckets have the same range, so that their bar charts
    /// can be compared. `None` if these histograms have no values.
    pub(crate) range: Option<BucketRange>,
}

impl Line {
    pub(crate) fn is_histogram(&self) -> bool {
        self.total.as_histogram().is_some()
    }
}

/// Identifies a process by its path, its process id and the time at which it began to publish. A later process at the
/// same path differs in the time, but may have the same process id.
type ProcessId = (PathBuf, u32, SystemTime);

fn id(origin: &Origin) -> ProcessId {
    match origin {
        Origin::ThisProcess => (PathBuf::new(), 0, SystemTime::UNIX_EPOCH),
        Origin::File { path, pid, since, .. } => (path.clone(), *pid, *since),
    }
}

impl RateTable {
    /// The number of readings whose values are kept.
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

    /// Updates the table with a new reading. If processes are added up, the metrics of copied files are first removed
    /// from the reading. A reading without metrics changes nothing.
    ///
    /// Returns an error if the values of the processes cannot be added up.
    pub(crate) fn update(&mut self, readings: &mut Readings, at: Instant) -> Result<(), String> {
        if !self.each {
            readings.remove_copies();
        }
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
        set_ranges(&mut groups);
        self.groups = groups;
        self.histories = histories;
        self.last = readings.iter().map(|reading| (id(&reading.origin), totals(reading))).collect();
        self.last_at = Some(at);
        Ok(())
    }

    /// Returns how much the counters and histograms of a process have grown since the last reading. The result is empty
    /// for a process that is read for the first time, because it may have begun to count long before.
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
        let grown = elapsed.and_then(|_| grown(row, increments));
        let counted = grown.as_ref().filter(|_| row.kind != Kind::Gauge);
        let rate = counted
            .zip(elapsed)
            .map(|(counted, elapsed)| number(counted).as_f64() / elapsed.max(f64::EPSILON));
        let key = (group.cloned(), row.series.clone());
        let mut history = self.histories.get(&key).cloned().unwrap_or_default();
        history.extend(if row.kind == Kind::Gauge { Some(row.value.as_f64()) } else { rate });
        while history.len() > Self::HISTORY {
            history.pop_front();
        }
        let line = Line {
            series: row.series.clone(),
            value: row.value.clone(),
            total: row.total.clone(),
            rate,
            history: history.iter().copied().collect(),
            interval: match grown {
                Some(Value::Histogram(interval)) => Some(interval),
                _ => None,
            },
            range: None,
        };
        histories.insert(key, history);
        line
    }
}

/// Returns how much a metric has grown, summed over all processes that have the metric. Errors need not be handled,
/// because processes with different buckets were already refused.
fn grown(row: &Row, increments: &[Snapshot]) -> Option<Value> {
    let mut increments = increments.iter().filter_map(|process| process.get(&row.series));
    let mut sum = increments.next()?.clone();
    increments.for_each(|increment| drop(add(&mut sum, increment)));
    Some(sum)
}

/// Sets the same range for all histograms with the same buckets, so that their bar charts can be compared.
fn set_ranges(groups: &mut [Group]) {
    let buckets = |line: &Line| -> Option<Vec<u64>> {
        let distribution = line.total.as_histogram()?;
        Some(distribution.buckets().map(|bucket| bucket.upper().to_bits()).collect())
    };
    let mut ranges: HashMap<Vec<u64>, BucketRange> = HashMap::new();
    let lines = || groups.iter().flat_map(|group| &group.lines);
    for (buckets, line) in lines().filter_map(|line| Some((buckets(line)?, line))) {
        let in_use = line.total.as_histogram().and_then(BucketRange::in_use);
        if let Some(in_use) = in_use {
            ranges
                .entry(buckets)
                .and_modify(|range| *range = range.union(in_use))
                .or_insert(in_use);
        }
    }
    for line in groups.iter_mut().flat_map(|group| &mut group.lines) {
        line.range = buckets(line).and_then(|buckets| ranges.get(&buckets).copied());
    }
}

fn totals(reading: &Reading) -> Snapshot {
    reading.rows.iter().map(|row| (row.series.as_str(), row.total.clone())).collect()
}
