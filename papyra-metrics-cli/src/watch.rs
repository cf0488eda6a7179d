//! `watch`: the metrics as they change, with rates. On a terminal it is a table that stays in place, else lines.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use clap::Args;
use papyra_metrics::{Kind, Snapshot, Value};

use crate::gather::{self, Gathered, Origin, Reading, Row, Source};
use crate::print::{self, UNAVAILABLE, printable};
use crate::screen;

/// Watch metrics change.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
On a terminal it is a table in place: q leaves, the arrow keys scroll. Elsewhere it prints a line for each metric.")]
pub struct Watch {
    /// Files, or directories of files, where processes publish
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// How long to wait between two readings
    #[arg(long, short, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,

    /// Leave after that many readings
    #[arg(long, short = 'n', value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Show processes apart instead of adding them up
    #[arg(long, short)]
    each: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.01..=86_400.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected seconds, from 0.01 to 86400".into())
}

impl Watch {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        let mut board = Board::new(self.each);
        let first = source.read();
        print_problems_without_metrics(&first)?;
        if first.readings.is_empty() {
            return Ok(first.errors.is_empty());
        }
        if let Err(error) = board.update(&first, Instant::now()) {
            print::complaint(&mut anstream::stderr().lock(), &error)?;
            return Ok(false);
        }
        if io::stdout().is_terminal() {
            screen::run(source, board, &first, self.interval, self.count)
        } else {
            self.print_lines(source, board, first)
        }
    }

    fn print_lines(
        &self,
        source: Source<'_>,
        mut board: Board,
        mut gathered: Gathered,
    ) -> io::Result<bool> {
        let mut good = true;
        let mut told = Vec::new();
        for reading in 1.. {
            let mut out = anstream::stdout().lock();
            let now = humantime::format_rfc3339_millis(SystemTime::now());
            if gathered.readings.is_empty() {
                writeln!(out, "{now} {UNAVAILABLE}")?;
            } else {
                for Group { title, lines } in &board.groups {
                    for line in lines {
                        let rate =
                            line.rate.map_or(String::new(), |rate| format!(" ({rate:.1}/s)"));
                        let title =
                            title.as_ref().map_or(String::new(), |title| format!("{title} "));
                        writeln!(out, "{now} {title}{}: {}{rate}", line.name, line.value)?;
                    }
                }
            }
            out.flush()?;
            // What goes wrong is told when it begins, and not at each reading anew.
            gathered.errors.retain(|error| !told.contains(error));
            good &= gathered.errors.is_empty();
            for error in std::mem::take(&mut gathered.errors) {
                print::complaint(&mut anstream::stderr().lock(), &error)?;
                told.push(error);
            }
            if self.count == Some(reading) {
                break;
            }
            drop(out);
            std::thread::sleep(self.interval);
            gathered = source.read();
            if let Err(error) = board.update(&gathered, Instant::now()) {
                gathered.errors.push(error);
            }
        }
        Ok(good)
    }
}

/// Where there is nothing to watch, that and why; else nothing, for it will be on the board.
fn print_problems_without_metrics(gathered: &Gathered) -> io::Result<()> {
    if !gathered.readings.is_empty() {
        return Ok(());
    }
    if gathered.errors.is_empty() {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{UNAVAILABLE}")?;
        out.flush()?;
    }
    print::complain(gathered)
}

/// What is shown, with what has to be remembered for it.
pub(crate) struct Board {
    each: bool,
    pub(crate) groups: Vec<Group>,
    /// The totals of each process at the last reading, and when that was.
    last: HashMap<Key, Snapshot>,
    last_at: Option<Instant>,
    histories: HashMap<(Option<Key>, String), VecDeque<f64>>,
}

/// Metrics that stand together: of all processes, or of one, which the title then names.
pub(crate) struct Group {
    pub(crate) title: Option<String>,
    pub(crate) lines: Vec<Line>,
}

impl Group {
    /// How many rows it takes.
    pub(crate) fn rows(&self) -> usize {
        usize::from(self.title.is_some()) + self.lines.len()
    }
}

pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) value: Value,
    /// Counts a second since the reading before; none for a gauge, and at first.
    pub(crate) rate: Option<f64>,
    /// Of a counter the rates, of a gauge the levels, the last one last.
    pub(crate) history: Vec<f64>,
}

/// What tells a process from another that follows it at the same path.
type Key = (PathBuf, u32, SystemTime);

fn key(origin: &Origin) -> Key {
    match origin {
        Origin::Here => (PathBuf::new(), 0, SystemTime::UNIX_EPOCH),
        Origin::File { path, pid, since, .. } => (path.clone(), *pid, *since),
    }
}

impl Board {
    /// How many readings a history has.
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

    /// Takes in a reading. One without metrics leaves the board as it was.
    pub(crate) fn update(&mut self, gathered: &Gathered, at: Instant) -> Result<(), String> {
        let readings = &gathered.readings;
        if readings.is_empty() {
            return Ok(());
        }
        let elapsed = self.last_at.map(|last| at.duration_since(last).as_secs_f64());
        let growths: Vec<_> = readings.iter().map(|reading| self.growth(reading)).collect();
        let mut histories = HashMap::new();
        let mut groups = Vec::new();
        if self.each {
            for (reading, growth) in readings.iter().zip(&growths) {
                let group = Some(key(&reading.origin));
                let title = Some(printable(&reading.origin.name()).to_string());
                let growth = std::slice::from_ref(growth);
                let lines = reading
                    .rows
                    .iter()
                    .map(|row| self.line(row, group.as_ref(), growth, elapsed, &mut histories));
                groups.push(Group { title, lines: lines.collect() });
            }
        } else {
            let rows = gather::sum(readings)?;
            let lines =
                rows.iter().map(|row| self.line(row, None, &growths, elapsed, &mut histories));
            groups.push(Group { title: None, lines: lines.collect() });
        }
        self.groups = groups;
        self.histories = histories;
        self.last =
            readings.iter().map(|reading| (key(&reading.origin), totals(reading))).collect();
        self.last_at = Some(at);
        Ok(())
    }

    /// How much each counter of a process has grown; nothing of a process that is new, for it may have been counting
    /// for long.
    fn growth(&self, reading: &Reading) -> Snapshot {
        let before = self.last.get(&key(&reading.origin));
        before.map(|before| totals(reading).since(before)).unwrap_or_default()
    }

    fn line(
        &self,
        row: &Row,
        group: Option<&Key>,
        growths: &[Snapshot],
        elapsed: Option<f64>,
        histories: &mut HashMap<(Option<Key>, String), VecDeque<f64>>,
    ) -> Line {
        let rate = elapsed.filter(|_| row.kind == Kind::Counter).map(|elapsed| {
            let grown = growths.iter().filter_map(|growth| growth.get(&row.name));
            // Not `sum`, which is -0 where there is nothing.
            grown.map(Value::as_f64).fold(0.0, |sum, n| sum + n) / elapsed.max(f64::EPSILON)
        });
        let place = (group.cloned(), row.name.clone());
        let mut history = self.histories.get(&place).cloned().unwrap_or_default();
        history.extend(if row.kind == Kind::Counter { rate } else { Some(row.value.as_f64()) });
        while history.len() > Self::HISTORY {
            history.pop_front();
        }
        let line = Line {
            name: row.name.clone(),
            value: row.value.clone(),
            rate,
            history: history.iter().copied().collect(),
        };
        histories.insert(place, history);
        line
    }
}

fn totals(reading: &Reading) -> Snapshot {
    reading.rows.iter().map(|row| (row.name.as_str(), row.total.clone())).collect()
}
