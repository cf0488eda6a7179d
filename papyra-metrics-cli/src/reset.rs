//! `reset`: resets counters and peaks to zero, and empties histograms.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use papyra_metrics::{Kind, publish::Reader};

use crate::output::{self, UNAVAILABLE};
use crate::source::{Reading, Source};

/// Reset counters and peaks to zero, and empty histograms.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Gauges other than peaks keep their values, and so do the totals that monitoring systems read. Processes keep running, and no count is lost.")]
pub struct Reset {
    /// Published metrics files, or directories of them
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Exit with 1 if a path has no metrics
    #[arg(long)]
    require: bool,
}

impl Reset {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        if let Source::Backend(backend) = source {
            if let Some(metrics) = backend.metrics() {
                metrics.reset();
            }
        }
        let readings = source.read_with(&mut |path| Reader::reset(path));
        let mut out = anstream::stdout().lock();
        for reading in &readings.processes {
            writeln!(out, "{}: reset {}", output::describe(&reading.origin), count(reading))?;
        }
        if readings.processes.is_empty() && readings.errors.is_empty() {
            writeln!(out, "{UNAVAILABLE}")?;
        }
        out.flush()?;
        output::print_problems(&readings)?;
        Ok(readings.errors.is_empty() && !(self.require && readings.is_incomplete))
    }
}

/// Returns the number of counters and, if there are any, of histograms: `4 counters and 1 histogram`. Peaks are not
/// counted.
fn count(reading: &Reading) -> String {
    let count = |kind| match reading.rows.iter().filter(|row| row.kind == kind).count() {
        1 => format!("1 {kind}"),
        number => format!("{number} {kind}s"),
    };
    let has_histograms = reading.rows.iter().any(|row| row.kind == Kind::Histogram);
    let counters = count(Kind::Counter);
    if has_histograms { format!("{counters} and {}", count(Kind::Histogram)) } else { counters }
}
