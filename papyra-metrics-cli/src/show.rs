//! `show`: the metrics at one moment, in several formats.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use comfy_table::TableComponent::{HeaderLines, MiddleHeaderIntersections};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use papyra_metrics::{Distribution, Snapshot, Value};
use papyra_metrics_export::prometheus::{self, Sample, encode};

use crate::figures;
use crate::output::{self, UNAVAILABLE};
use crate::source::{Origin, Reading, Readings, Row, Source};
use crate::sum::sum;
use crate::text::{escape_json, path_name, single_line};

/// Show the metrics of running or ended processes.
#[allow(clippy::struct_excessive_bools)] // each is an option of the command
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Metrics are written to standard output, and notes and errors to standard error. With `--format text` or `--format json`, and without \
`--each`, the processes that were added up are listed on standard error.")]
pub struct Show {
    /// Published metrics files, or directories of them
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// The output format
    #[arg(long, short, value_enum, default_value_t)]
    format: Format,

    /// Show each process instead of their sum
    #[arg(long, short)]
    each: bool,

    /// Show lifetime totals, which no reset changes
    #[arg(long, short)]
    totals: bool,

    /// Leave out metrics that are zero, and histograms without values
    #[arg(long, short = 'z')]
    non_zero: bool,

    /// Exit with 1 if a path has no metrics
    #[arg(long)]
    require: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
enum Format {
    /// A line `name: value` for each metric
    #[default]
    Text,
    /// A table with units and descriptions, and a second table for histograms
    Table,
    /// An object of names and values, with an object for each histogram; with --each, an array of processes
    Json,
    /// Lifetime totals in the Prometheus text format; the series of each process have its path and pid as labels
    Prometheus,
}

impl Show {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        if self.non_zero && self.format == Format::Prometheus {
            let mut err = anstream::stderr().lock();
            output::print_error(
                &mut err,
                "`--non-zero` cannot be combined with `--format prometheus`, because Prometheus treats a missing \
                 series as ended; remove one of the options",
            )?;
            return Ok(false);
        }
        let mut readings = source.read();
        if !self.each {
            readings.remove_copies();
        }
        // Prometheus output is never summed: the sum would fall when a process ends and its file is removed, and
        // Prometheus would mistake that for a reset of the counter.
        let each = self.each || self.format == Format::Prometheus;
        let sum = if each { Ok(Vec::new()) } else { sum(&readings.processes) };
        let mut sum = sum.unwrap_or_else(|error| {
            readings.errors.push(error);
            readings.processes.clear();
            Vec::new()
        });
        if self.non_zero {
            let zeros = if each {
                readings
                    .processes
                    .iter_mut()
                    .map(|reading| self.remove_zeros(&mut reading.rows))
                    .sum()
            } else {
                self.remove_zeros(&mut sum)
            };
            if zeros > 0 {
                let is = if zeros == 1 { "series is" } else { "series are" };
                readings.notes.push(format!("{zeros} {is} zero and not shown"));
            }
        }
        if !each && self.format != Format::Table {
            let mut err = anstream::stderr().lock();
            for reading in from_files(&readings) {
                writeln!(err, "{}", output::describe(&reading.origin))?;
            }
        }
        let mut out = anstream::stdout().lock();
        if readings.processes.is_empty() {
            // After an error, there may be metrics that could not be read, so the output does not say that there are
            // none.
            if readings.errors.is_empty() {
                let nothing = match (self.format, self.each) {
                    (Format::Json, true) => "[]",
                    (Format::Json, false) => "null",
                    (Format::Prometheus, _) => "# metrics: <unavailable>", // a comment in this format
                    (Format::Text | Format::Table, _) => UNAVAILABLE,
                };
                writeln!(out, "{nothing}")?;
            }
        } else if each {
            self.print_each(&mut out, &readings.processes)?;
        } else {
            self.print_sum(&mut out, &readings, &sum)?;
        }
        out.flush()?;
        output::print_problems(&readings)?;
        Ok(readings.errors.is_empty() && !(self.require && readings.is_incomplete))
    }

    fn print_sum(&self, out: &mut impl Write, readings: &Readings, sum: &[Row]) -> io::Result<()> {
        match self.format {
            Format::Json => print_json(out, &self.json(sum)?),
            Format::Table => {
                for reading in from_files(readings) {
                    writeln!(out, "{}", output::describe(&reading.origin))?;
                }
                self.print_tables(out, sum)
            }
            Format::Text | Format::Prometheus => self.print_lines(out, sum),
        }
    }

    fn print_each(&self, out: &mut impl Write, readings: &[Reading]) -> io::Result<()> {
        match self.format {
            Format::Json => {
                let processes = readings.iter().map(|reading| self.json_of(reading));
                print_json(out, &serde_json::Value::Array(processes.collect::<Result<_, _>>()?))
            }
            Format::Prometheus => print_prometheus(out, readings),
            Format::Text | Format::Table => self.print_blocks(out, readings),
        }
    }

    fn print_blocks(&self, out: &mut impl Write, readings: &[Reading]) -> io::Result<()> {
        for (i, Reading { origin, rows }) in readings.iter().enumerate() {
            if i > 0 {
                writeln!(out)?;
            }
            let comment = if self.format == Format::Text { "# " } else { "" };
            writeln!(out, "{comment}{}", output::describe(origin))?;
            match self.format {
                Format::Table => self.print_tables(out, rows)?,
                _ => self.print_lines(out, rows)?,
            }
        }
        Ok(())
    }

    /// Removes the rows whose value is zero, and returns their number.
    fn remove_zeros(&self, rows: &mut Vec<Row>) -> usize {
        let before = rows.len();
        rows.retain(|row| !figures::is_zero(self.value(row)));
        before - rows.len()
    }

    fn value<'a>(&self, row: &'a Row) -> &'a Value {
        if self.totals { &row.total } else { &row.value }
    }

    fn print_lines(&self, out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
        rows.iter().try_for_each(|row| writeln!(out, "{}: {}", row.series, self.value(row)))
    }

    /// Prints a table of the numbers and, if there are histograms, a second table for them.
    fn print_tables(&self, out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
        let mut numbers = table(&["metric", "value", "kind", "unit", "description"]);
        let mut histograms =
            table(&["histogram", "count", "mean", "p50", "p99", "max", "description"]);
        for row in rows {
            match self.value(row).as_histogram() {
                Some(distribution) => histograms.add_row(histogram_cells(row, distribution)),
                None => numbers.add_row([
                    Cell::new(&row.series),
                    right(self.value(row)),
                    Cell::new(row.kind),
                    Cell::new(row.unit.as_deref().unwrap_or_default()),
                    Cell::new(single_line(&row.help)),
                ]),
            };
        }
        let has_histograms = !histograms.is_empty();
        if !numbers.is_empty() || !has_histograms {
            writeln!(out, "{}", numbers.trim_fmt())?;
        }
        if has_histograms {
            if !numbers.is_empty() {
                writeln!(out)?;
            }
            writeln!(out, "{}", histograms.trim_fmt())?;
        }
        Ok(())
    }

    fn json(&self, rows: &[Row]) -> io::Result<serde_json::Value> {
        let values = rows.iter().map(|row| (row.series.as_str(), self.value(row).clone()));
        Ok(serde_json::to_value(values.collect::<Snapshot>())?)
    }

    fn json_of(&self, Reading { origin, rows }: &Reading) -> io::Result<serde_json::Value> {
        let metrics = self.json(rows)?;
        Ok(match origin {
            Origin::ThisProcess => serde_json::json!({ "metrics": metrics }),
            Origin::File { path, program, pid, since, live } => serde_json::json!({
                // A path that is not valid Unicode cannot be a JSON string, so it is quoted and escaped.
                "path": path.to_str().map_or_else(|| path_name(path), str::to_owned),
                "program": program,
                "pid": pid,
                "running": live,
                "since": humantime::format_rfc3339_seconds(*since).to_string(),
                "metrics": metrics,
            }),
        })
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    // The preset removes all lines. Only the line between the header and the rows is added again.
    table.load_preset(presets::NOTHING);
    table.set_style(HeaderLines, '─').set_style(MiddleHeaderIntersections, '─');
    if io::stdout().is_terminal() {
        let (columns, _) = output::terminal_size();
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    table.set_header(header);
    table
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn histogram_cells(row: &Row, distribution: &Distribution) -> [Cell; 7] {
    [
        Cell::new(&row.series),
        right(distribution.count()),
        right(figures::mean(distribution)),
        right(figures::quantile(distribution, 0.5)),
        right(figures::quantile(distribution, 0.99)),
        right(figures::max(distribution)),
        Cell::new(single_line(&row.help)),
    ]
}

fn print_json(out: &mut impl Write, value: &serde_json::Value) -> io::Result<()> {
    writeln!(out, "{}", escape_json(&format!("{value:#}")))
}

fn from_files(readings: &Readings) -> impl Iterator<Item = &Reading> {
    readings.processes.iter().filter(|reading| reading.origin != Origin::ThisProcess)
}

/// Prints lifetime totals with the labels of each process. The values since the last reset would fall at every reset by
/// a user, which monitoring systems do not expect.
fn print_prometheus(out: &mut impl Write, readings: &[Reading]) -> io::Result<()> {
    let labelled: Vec<(&Row, Vec<(String, String)>)> = readings
        .iter()
        .flat_map(|reading| reading.rows.iter().map(|row| (row, labels(&reading.origin, row))))
        .collect();
    let borrowed: Vec<Vec<(&str, &str)>> = labelled
        .iter()
        .map(|(_, labels)| labels.iter().map(|(name, value)| (&**name, &**value)).collect())
        .collect();
    let samples = labelled.iter().zip(&borrowed).map(|((row, _), labels)| {
        let mut sample = Sample::new(&row.name, row.total.clone());
        sample.prefix_len = row.prefix_len;
        sample.help = &row.help;
        sample.unit = row.unit.as_deref();
        sample.labels = labels;
        sample
    });
    let text = encode(prometheus::Format::Text, samples).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// Returns the labels of a metric and of its process. A label of the metric that has the same name as a label of the
/// process gets the prefix `exported_`, as in Prometheus.
fn labels(origin: &Origin, row: &Row) -> Vec<(String, String)> {
    let process = match origin {
        Origin::ThisProcess => Vec::new(),
        Origin::File { path, pid, .. } => {
            vec![("path".to_owned(), path_name(path)), ("pid".to_owned(), pid.to_string())]
        }
    };
    let mut labels = Vec::with_capacity(row.labels.len() + process.len());
    for (own, value) in &row.labels {
        let mut name = own.clone();
        while process.iter().any(|(taken, _)| *taken == name)
            || name != *own && row.labels.iter().any(|(taken, _)| *taken == name)
        {
            name.insert_str(0, "exported_");
        }
        labels.push((name, value.clone()));
    }
    labels.extend(process);
    labels
}
