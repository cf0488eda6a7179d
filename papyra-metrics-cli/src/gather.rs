//! Finds what there is to read, reads it, and adds up what belongs to one service.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use papyra_metrics::{
    Kind, Metered, Value,
    publish::{ReadError, Reader},
};

/// Where metrics come from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A backend in this process.
    Here(&'a dyn Metered),
    /// Published files, and directories of them.
    Files(&'a [PathBuf]),
}

/// All that a source gave.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) readings: Vec<Reading>,
    /// Why there was nothing, for each path where there was nothing.
    pub(crate) unavailable: Vec<String>,
    /// What went wrong.
    pub(crate) errors: Vec<String>,
}

/// The metrics of one process at one moment.
pub(crate) struct Reading {
    pub(crate) origin: Origin,
    pub(crate) rows: Vec<Row>,
}

/// Whose metrics they are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    Here,
    File { path: PathBuf, program: String, pid: u32, since: SystemTime, live: bool },
}

/// A metric and its value.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) prefix_len: usize,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<String>,
    pub(crate) help: String,
    /// Since the last reset.
    pub(crate) value: Value,
    /// Over the lifetime.
    pub(crate) total: Value,
}

impl Source<'_> {
    /// Reads everything that is there.
    pub(crate) fn read(self) -> Gathered {
        let mut gathered = Gathered::default();
        match self {
            Self::Here(backend) => match read_backend(backend) {
                Some(reading) => gathered.readings.push(reading),
                None => gathered.unavailable.push("this backend has no metrics".to_owned()),
            },
            Self::Files(paths) => {
                for path in gathered.find(paths) {
                    gathered.add(Reader::open(&path).and_then(|reader| read_file(&reader)));
                }
            }
        }
        gathered
    }
}

impl Gathered {
    /// The files at these paths and in these directories, each once.
    pub(crate) fn find(&mut self, paths: &[PathBuf]) -> Vec<PathBuf> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for path in paths {
            if path.is_dir() {
                match files_in(path) {
                    Ok(files) if files.is_empty() => {
                        self.unavailable
                            .push(format!("{}: the directory has no files", path.display()));
                    }
                    Ok(files) => found.extend(files),
                    Err(error) => self.errors.push(format!("{}: {error}", path.display())),
                }
            } else {
                found.push(path.clone());
            }
        }
        // One that is named twice, or by a link also, would count twice.
        found.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
        found
    }

    /// One more reading, or why there is none.
    pub(crate) fn add(&mut self, reading: Result<Reading, ReadError>) {
        match reading {
            Ok(reading) => self.readings.push(reading),
            Err(error) if error.is_unavailable() => self.unavailable.push(error.to_string()),
            Err(error) => self.errors.push(error.to_string()),
        }
    }
}

/// The regular files of a directory by name, without those that begin with a dot.
fn files_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let path = entry.path();
        if !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_backend(backend: &dyn Metered) -> Option<Reading> {
    let metrics = backend.metrics()?;
    let mut rows = Vec::with_capacity(metrics.descriptors().len());
    metrics.visit(&mut |metric, value| {
        rows.push(Row {
            name: metric.name().to_owned(),
            prefix_len: metric.prefix_len(),
            kind: metric.kind(),
            unit: metric.unit().map(str::to_owned),
            help: metric.help().to_owned(),
            total: value.clone(),
            value,
        });
    });
    let mut totals = rows.iter_mut();
    metrics.visit_totals(&mut |_, total| {
        if let Some(row) = totals.next() {
            row.total = total;
        }
    });
    Some(Reading { origin: Origin::Here, rows })
}

/// What is in an open file.
pub(crate) fn read_file(reader: &Reader) -> Result<Reading, ReadError> {
    let values = reader.snapshot()?.into_iter().zip(reader.totals()?);
    let rows = reader.metrics().iter().zip(values);
    let rows = rows.map(|(metric, ((name, value), (_, total)))| Row {
        name,
        prefix_len: metric.prefix_len(),
        kind: metric.kind(),
        unit: metric.unit().map(str::to_owned),
        help: without_controls(metric.help()),
        value,
        total,
    });
    let process = reader.process();
    Ok(Reading {
        rows: rows.collect(),
        origin: Origin::File {
            path: reader.path().to_owned(),
            program: process.program().to_owned(),
            pid: process.pid(),
            since: process.since(),
            live: reader.is_live()?,
        },
    })
}

/// Text from a file, without the characters that would speak to a terminal.
fn without_controls(text: &str) -> String {
    let harmless =
        |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(harmless).collect()
}

/// The metrics of all processes together, in the order in which they first appear: counters and gauges add up.
///
/// The error tells of a metric that is not the same in two of them.
pub(crate) fn sum(readings: &[Reading]) -> Result<Vec<Row>, String> {
    let mut sum: Vec<Row> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for Reading { origin, rows } in readings {
        for row in rows {
            let &mut (place, first) =
                places.entry(row.name.as_str()).or_insert((sum.len(), origin));
            let Some(known) = sum.get_mut(place) else {
                sum.push(row.clone());
                continue;
            };
            if known.kind != row.kind || known.unit != row.unit {
                return Err(format!(
                    "`{}` is {} in {} and {} in {}, so they cannot be added up; --each shows them apart",
                    row.name,
                    what(known),
                    first.name(),
                    what(row),
                    origin.name()
                ));
            }
            known.value = add(&known.value, &row.value);
            known.total = add(&known.total, &row.total);
        }
    }
    Ok(sum)
}

fn what(row: &Row) -> String {
    let kind = row.kind;
    row.unit.as_ref().map_or_else(|| format!("a {kind}"), |unit| format!("a {kind} of {unit}"))
}

fn add(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Counter(a), Value::Counter(b)) => Value::Counter(a.wrapping_add(*b)),
        (Value::Gauge(a), Value::Gauge(b)) => Value::Gauge(a.wrapping_add(*b)),
        // Kinds are the same.
        _ => a.clone(),
    }
}

impl Origin {
    /// A short name.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Here => "this process".to_owned(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }
}
