//! `reset`: resets counters and peaks to zero, and empties histograms.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use papyra_metrics::{Kind, publish::Reader};

use crate::output::{self, UNAVAILABLE};
use crate::source::{Row, Source};

/// Reset counters, histograms and peaks to zero.
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
            writeln!(out, "{}: {}", output::describe(&reading.origin), summary(&reading.rows))?;
        }
        if readings.processes.is_empty() && readings.errors.is_empty() {
            writeln!(out, "{UNAVAILABLE}")?;
        }
        out.flush()?;
        output::print_problems(&readings)?;
        Ok(readings.errors.is_empty() && !(self.require && readings.is_incomplete))
    }
}

/// Describes how many metrics of each kind were reset: `reset 4 counters, 1 histogram and 2 peaks`.
fn summary(rows: &[Row]) -> String {
    let kinds = [(Kind::Counter, "counter"), (Kind::Histogram, "histogram"), (Kind::Gauge, "peak")];
    let counts = kinds.into_iter().filter_map(|(kind, name)| {
        match rows.iter().filter(|row| row.kind == kind && row.is_resettable).count() {
            0 => None,
            1 => Some(format!("1 {name}")),
            count => Some(format!("{count} {name}s")),
        }
    });
    match counts.collect::<Vec<_>>().as_slice() {
        [] => "nothing to reset".to_owned(),
        [only] => format!("reset {only}"),
        [first @ .., last] => format!("reset {} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use papyra_metrics::{
        CachePadded, Counter, Family, Gauge, Histogram, IoErrorKind, Metered, Metrics, Peak,
    };

    use super::summary;
    use crate::source::Source;

    fn summary_of<M: Metrics + Default>() -> String {
        struct Backend<M>(M);
        impl<M: Metrics> Metered for Backend<M> {
            fn metrics(&self) -> Option<&dyn Metrics> {
                Some(&self.0)
            }
        }
        summary(&Source::Backend(&Backend(M::default())).read().processes[0].rows)
    }

    #[test]
    fn only_metrics_that_a_reset_changes_are_counted() {
        #[derive(Default, Metrics)]
        struct Gauges {
            depth: Gauge,
            #[metrics(counter = |events: &Vec<u64>| events.len() as u64)]
            events: Vec<u64>,
        }
        #[derive(Default, Metrics)]
        struct Peaks {
            #[metrics(flatten)]
            gauges: Gauges,
            longest: Peak,
            largest: Box<CachePadded<Peak>>,
        }
        #[derive(Default, Metrics)]
        struct All {
            #[metrics(flatten)]
            peaks: Peaks,
            writes: Counter,
            append: Histogram,
            longest_by_error: Family<IoErrorKind, Peak>,
        }
        assert_eq!(summary_of::<Gauges>(), "nothing to reset");
        assert_eq!(summary_of::<Peaks>(), "reset 2 peaks");
        let peaks = 2 + Family::<IoErrorKind, Peak>::new().iter().count();
        assert_eq!(summary_of::<All>(), format!("reset 1 counter, 1 histogram and {peaks} peaks"));
    }
}
