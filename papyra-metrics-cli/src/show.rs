//! `show`: the metrics at one moment, in several formats.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use comfy_table::TableComponent::{HeaderLines, MiddleHeaderIntersections};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use papyra_metrics::Value;
use papyra_metrics_export::prometheus::{self, Sample, encode};

use crate::gather::{self, Gathered, Origin, Reading, Row, Source};
use crate::print::{self, UNAVAILABLE, printable};

/// Show metrics once, of processes that run or have ended.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The standard output has the metrics, the standard error whose they are.")]
pub struct Show {
    /// Files, or directories of files, where processes publish
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// How to print them
    #[arg(long, short, value_enum, default_value_t)]
    format: Format,

    /// Show processes apart instead of adding them up
    #[arg(long, short)]
    each: bool,

    /// Show what was counted since the process began, whatever resets there were
    #[arg(long, short)]
    totals: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
enum Format {
    /// A line `name: value` for each metric
    #[default]
    Text,
    /// A table with units and descriptions
    Table,
    /// An object of names and values; with --each an array of processes
    Json,
    /// The Prometheus text format, of totals; with --each labelled with path and pid
    Prometheus,
}

impl Show {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        let mut gathered = source.read();
        let sum = if self.each { Ok(Vec::new()) } else { gather::sum(&gathered.readings) };
        let sum = sum.unwrap_or_else(|error| {
            gathered.errors.push(error);
            gathered.readings.clear();
            Vec::new()
        });
        if !self.each && self.format != Format::Table {
            let mut err = anstream::stderr().lock();
            for reading in files(&gathered) {
                writeln!(err, "{}", print::about(&reading.origin))?;
            }
        }
        let mut out = anstream::stdout().lock();
        if gathered.readings.is_empty() {
            // Where something is wrong, the metrics are there and cannot be told.
            if gathered.errors.is_empty() {
                let nothing = match (self.format, self.each) {
                    (Format::Json, true) => "[]",
                    (Format::Json, false) => "null",
                    (Format::Prometheus, _) => "# metrics: <unavailable>", // a comment there
                    (Format::Text | Format::Table, _) => UNAVAILABLE,
                };
                writeln!(out, "{nothing}")?;
            }
        } else if self.each {
            self.print_each(&mut out, &gathered.readings)?;
        } else {
            self.print_sum(&mut out, &gathered, &sum)?;
        }
        out.flush()?;
        print::complain(&gathered)?;
        Ok(gathered.errors.is_empty())
    }

    fn print_sum(&self, out: &mut impl Write, gathered: &Gathered, sum: &[Row]) -> io::Result<()> {
        match self.format {
            Format::Text => self.print_lines(out, sum),
            Format::Table => {
                for reading in files(gathered) {
                    writeln!(out, "{}", print::about(&reading.origin))?;
                }
                writeln!(out, "{}", self.table(sum).trim_fmt())
            }
            Format::Json => writeln!(out, "{:#}", self.json(sum)),
            Format::Prometheus => out.write_all(prometheus([(&[][..], sum)])?.as_bytes()),
        }
    }

    fn print_each(&self, out: &mut impl Write, readings: &[Reading]) -> io::Result<()> {
        match self.format {
            Format::Json => {
                let processes = readings.iter().map(|reading| self.json_of(reading)).collect();
                writeln!(out, "{:#}", serde_json::Value::Array(processes))
            }
            Format::Prometheus => print_labelled(out, readings),
            Format::Text | Format::Table => self.print_blocks(out, readings),
        }
    }

    fn print_blocks(&self, out: &mut impl Write, readings: &[Reading]) -> io::Result<()> {
        for (i, Reading { origin, rows }) in readings.iter().enumerate() {
            if i > 0 {
                writeln!(out)?;
            }
            let comment = if self.format == Format::Text { "# " } else { "" };
            writeln!(out, "{comment}{}", print::about(origin))?;
            match self.format {
                Format::Table => writeln!(out, "{}", self.table(rows).trim_fmt())?,
                _ => self.print_lines(out, rows)?,
            }
        }
        Ok(())
    }

    fn value<'a>(&self, row: &'a Row) -> &'a Value {
        if self.totals { &row.total } else { &row.value }
    }

    fn print_lines(&self, out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
        rows.iter().try_for_each(|row| writeln!(out, "{}: {}", row.name, self.value(row)))
    }

    fn table(&self, rows: &[Row]) -> Table {
        let mut table = Table::new();
        // One line, between the header and the rows.
        table.load_preset(presets::NOTHING);
        table.set_style(HeaderLines, '─').set_style(MiddleHeaderIntersections, '─');
        if io::stdout().is_terminal() {
            let (width, _) = ratatui::crossterm::terminal::size().unwrap_or((80, 24));
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.set_header(["metric", "value", "kind", "unit", "what it is"]);
        for row in rows {
            table.add_row([
                Cell::new(&row.name),
                Cell::new(self.value(row)).set_alignment(CellAlignment::Right),
                Cell::new(row.kind),
                Cell::new(row.unit.as_deref().unwrap_or_default()),
                Cell::new(printable(&row.help)),
            ]);
        }
        table
    }

    fn json(&self, rows: &[Row]) -> serde_json::Value {
        let entries = rows.iter().map(|row| {
            let number = match self.value(row) {
                Value::Counter(n) => (*n).into(),
                Value::Gauge(n) => (*n).into(),
                other => other.as_f64().into(),
            };
            (row.name.clone(), number)
        });
        serde_json::Value::Object(entries.collect())
    }

    fn json_of(&self, Reading { origin, rows }: &Reading) -> serde_json::Value {
        let metrics = self.json(rows);
        match origin {
            Origin::Here => serde_json::json!({ "metrics": metrics }),
            Origin::File { path, program, pid, since, live } => serde_json::json!({
                "path": path.display().to_string(),
                "program": program,
                "pid": pid,
                "running": live,
                "since": humantime::format_rfc3339_seconds(*since).to_string(),
                "metrics": metrics,
            }),
        }
    }
}

/// The readings of files: nobody has to be told of this process.
fn files(gathered: &Gathered) -> impl Iterator<Item = &Reading> {
    gathered.readings.iter().filter(|reading| reading.origin != Origin::Here)
}

/// Each process with its labels.
fn print_labelled(out: &mut impl Write, readings: &[Reading]) -> io::Result<()> {
    let named = readings.iter().map(|Reading { origin, rows }| match origin {
        Origin::Here => (Vec::new(), rows),
        Origin::File { path, pid, .. } => (
            vec![
                ("path", printable(&path.display().to_string()).to_string()),
                ("pid", pid.to_string()),
            ],
            rows,
        ),
    });
    let named: Vec<_> = named.collect();
    let labels: Vec<Vec<(&str, &str)>> = named
        .iter()
        .map(|(labels, _)| labels.iter().map(|(name, value)| (*name, value.as_str())).collect())
        .collect();
    let labelled = labels.iter().zip(&named).map(|(labels, (_, rows))| (&labels[..], &rows[..]));
    out.write_all(prometheus(labelled)?.as_bytes())
}

/// Totals, for monitoring systems do not expect a counter to be reset; each process under its labels.
fn prometheus<'a>(
    processes: impl IntoIterator<Item = (&'a [(&'a str, &'a str)], &'a [Row])>,
) -> io::Result<String> {
    let samples = processes.into_iter().flat_map(|(labels, rows)| {
        rows.iter().map(move |row| {
            let mut sample = Sample::new(&row.name, row.total.clone());
            sample.prefix_len = row.prefix_len;
            sample.help = &row.help;
            sample.unit = row.unit.as_deref();
            sample.labels = labels;
            sample
        })
    });
    encode(prometheus::Format::Text, samples).map_err(io::Error::other)
}
