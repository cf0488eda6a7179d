//! `watch`: shows metrics as they change, with rates, in a table on a terminal and as lines elsewhere.

mod cells;
mod columns;
mod distribution;
mod rates;
mod rows;
mod screen;
mod status;
mod table;
mod tui;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use clap::Args;

use self::rates::{Group, Line, RateTable};
use self::table::View;
use crate::figures;
use crate::output::{self, UNAVAILABLE};
use crate::source::{Readings, Source};

/// Watch metrics as they change.
#[allow(clippy::struct_excessive_bools)] // each is an option of the command
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
On a terminal, a table shows the metrics and is updated in place. Its keys: q quits, the arrow keys scroll, / filters by name, \
s changes the order, t switches between values since the last reset and totals, z hides or shows metrics that are zero. Elsewhere, or \
with --plain, a line is printed for each metric. The quantiles and the bar chart of a histogram show the values that were recorded \
since the previous reading.")]
pub struct Watch {
    /// Published metrics files, or directories of them
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Time between two readings
    #[arg(long, short, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,

    /// Quit after this many readings
    #[arg(long, short = 'n', value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Show each process instead of their sum
    #[arg(long, short)]
    each: bool,

    /// Show lifetime totals, which no reset changes
    #[arg(long, short)]
    totals: bool,

    /// Print a line for each metric instead of the table, even on a terminal
    #[arg(long, short)]
    plain: bool,

    /// Leave out metrics while they are zero, and histograms without values
    #[arg(long, short = 'z')]
    non_zero: bool,

    /// Exit with 1 if a path has no metrics at the first reading
    #[arg(long)]
    require: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.01..=86_400.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected a number of seconds from 0.01 to 86400".into())
}

impl Watch {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        let mut rates = RateTable::new(self.each);
        let mut first = source.read();
        if first.processes.is_empty() {
            print_unavailable(&first)?;
            return Ok(first.errors.is_empty() && !self.require);
        }
        if self.require && first.is_incomplete {
            output::print_problems(&first)?;
            return Ok(false);
        }
        if let Err(error) = rates.update(&mut first, Instant::now()) {
            output::print_error(&mut anstream::stderr().lock(), &error)?;
            return Ok(false);
        }
        if io::stdout().is_terminal() && !self.plain {
            let view = View::new(rates, &first, self.interval, self.totals, self.non_zero);
            tui::run(source, view, self.count).map(|()| true)
        } else {
            self.print_lines(source, rates, first)
        }
    }

    fn print_lines(
        &self,
        source: Source<'_>,
        mut rates: RateTable,
        mut readings: Readings,
    ) -> io::Result<bool> {
        let mut good = true;
        let mut printed = Vec::new();
        for reading in 1.. {
            self.print_reading(&rates, &readings)?;
            good &= readings.errors.is_empty();
            // A problem that lasts is printed only once instead of at every reading.
            let problems = readings.notes.iter().chain(&readings.errors);
            let new: Vec<_> =
                problems.filter(|problem| !printed.contains(*problem)).cloned().collect();
            readings.unavailable.clear();
            readings.notes.retain(|note| new.contains(note));
            readings.errors.retain(|error| new.contains(error));
            output::print_problems(&readings)?;
            printed.extend(new);
            if self.count == Some(reading) {
                break;
            }
            std::thread::sleep(self.interval);
            readings = source.read();
            if let Err(error) = rates.update(&mut readings, Instant::now()) {
                readings.errors.push(error);
            }
        }
        Ok(good)
    }

    fn print_reading(&self, rates: &RateTable, readings: &Readings) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        let now = humantime::format_rfc3339_millis(SystemTime::now());
        if readings.processes.is_empty() {
            writeln!(out, "{now} {UNAVAILABLE}")?;
            return out.flush();
        }
        for Group { title, lines } in &rates.groups {
            for line in lines {
                let value = if self.totals { &line.total } else { &line.value };
                if self.non_zero && figures::is_zero(value) {
                    continue;
                }
                let value = figures::number(value);
                let rate = line.rate.map_or(String::new(), |rate| format!(" ({rate:.1}/s)"));
                let title = title.as_ref().map_or(String::new(), |title| format!("{title} "));
                let details = distribution_of(line);
                writeln!(out, "{now} {title}{}: {value}{rate}{details}", line.series)?;
            }
        }
        out.flush()
    }
}

/// Returns the quantiles and a bar chart of the values that a histogram recorded since the last reading. Returns an
/// empty string if there are no such values.
fn distribution_of(line: &Line) -> String {
    let interval = line.interval.as_ref().filter(|interval| !interval.is_empty());
    let (Some(interval), Some(range)) = (interval, line.range) else { return String::new() };
    let quantile = |q| figures::quantile(interval, q);
    let bars = figures::bar_chart(interval, range, range.len());
    let bars: String = bars.iter().map(|bar| bar.symbol).collect();
    let (lower, upper) = range.ends(interval);
    format!(
        ", p50 {}, p99 {}, p999 {}, {lower} {bars} {upper}",
        quantile(0.5),
        quantile(0.99),
        quantile(0.999)
    )
}

fn print_unavailable(readings: &Readings) -> io::Result<()> {
    if readings.errors.is_empty() {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{UNAVAILABLE}")?;
        out.flush()?;
    }
    output::print_problems(readings)
}
