//! `reset`: counters read zero from here.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use papyra_metrics::{Kind, publish::Reader};

use crate::gather::{Gathered, Reading, Source, read_file};
use crate::print::{self, UNAVAILABLE};

/// Have counters read zero from here.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Gauges keep their value, and so do the totals that monitoring systems read. Nothing stops meanwhile, and no count is lost.")]
pub struct Reset {
    /// Files, or directories of files, where processes publish
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
}

impl Reset {
    pub(crate) fn run(source: Source<'_>) -> io::Result<bool> {
        let mut gathered = Gathered::default();
        match source {
            Source::Here(backend) => {
                if let Some(metrics) = backend.metrics() {
                    metrics.reset();
                }
                gathered = source.read();
            }
            Source::Files(paths) => {
                for path in gathered.find(paths) {
                    gathered.add(Reader::reset(&path).and_then(|reader| read_file(&reader)));
                }
            }
        }
        let mut out = anstream::stdout().lock();
        for reading in &gathered.readings {
            writeln!(out, "{}: reset {}", print::about(&reading.origin), count(reading))?;
        }
        if gathered.readings.is_empty() && gathered.errors.is_empty() {
            writeln!(out, "{UNAVAILABLE}")?;
        }
        out.flush()?;
        print::complain(&gathered)?;
        Ok(gathered.errors.is_empty())
    }
}

fn count(reading: &Reading) -> String {
    match reading.rows.iter().filter(|row| row.kind == Kind::Counter).count() {
        1 => "1 counter".to_owned(),
        counters => format!("{counters} counters"),
    }
}
