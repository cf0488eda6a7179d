//! Finds and reads published files, or the backend in this process.

use std::{
    collections::HashMap,
    fs, io, mem,
    path::{Path, PathBuf},
    slice,
    time::SystemTime,
};

use papyra_metrics::{
    Descriptor, Kind, Metered, Value, Walker,
    publish::{ReadError, Reader},
    walk::ErasedInstrument,
};

use crate::text::{path_name, visible_lines};

/// A source of metrics: published files, or a backend in this process.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A backend in this process.
    Backend(&'a dyn Metered),
    /// Published files, and directories of published files.
    Files(&'a [PathBuf]),
}

/// Everything that was read from a source.
#[derive(Default)]
pub(crate) struct Readings {
    pub(crate) processes: Vec<Reading>,
    /// The paths that have no metrics, each with the reason.
    pub(crate) unavailable: Vec<String>,
    /// Messages that are not errors. For example, a file may not be a metrics file, or may be a copy of another file.
    pub(crate) notes: Vec<String>,
    pub(crate) errors: Vec<String>,
    /// Whether at least one of the given paths has no metrics.
    pub(crate) is_incomplete: bool,
}

/// The metrics of one process at one moment.
pub(crate) struct Reading {
    pub(crate) origin: Origin,
    pub(crate) rows: Vec<Row>,
}

impl Reading {
    /// Returns whether the files of two readings are copies of one file: whether they have the same program, process id,
    /// start time of publishing, and series. Two files that one process publishes differ in the start time.
    fn is_copy_of(&self, other: &Self) -> bool {
        let is_same_origin = match (&self.origin, &other.origin) {
            (
                Origin::File { program, pid, since, .. },
                Origin::File { program: other_program, pid: other_pid, since: other_since, .. },
            ) => (program, pid, since) == (other_program, other_pid, other_since),
            _ => false,
        };
        is_same_origin
            && self.rows.iter().map(|row| &row.series).eq(other.rows.iter().map(|row| &row.series))
    }
}

/// The process that the metrics come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    ThisProcess,
    File { path: PathBuf, program: String, pid: u32, since: SystemTime, live: bool },
}

/// A metric with its values.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The name of the metric, followed by its labels in braces if there are any.
    pub(crate) series: String,
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    /// The length of the prefixes at the beginning of the name, in bytes.
    pub(crate) prefix_len: usize,
    pub(crate) kind: Kind,
    /// Whether a reset has an effect. It has none on most gauges, and on counters that are computed when they are read.
    pub(crate) is_resettable: bool,
    pub(crate) unit: Option<String>,
    pub(crate) help: String,
    /// The value since the last reset.
    pub(crate) value: Value,
    /// The value over the lifetime, which no reset changes.
    pub(crate) total: Value,
}

impl Row {
    /// Returns whether the metric is a peak: a gauge of the highest value since the last reset.
    pub(crate) fn is_peak(&self) -> bool {
        self.kind == Kind::Gauge && self.is_resettable
    }
}

impl Source<'_> {
    /// Reads all metrics of the source.
    pub(crate) fn read(self) -> Readings {
        self.read_with(&mut |path| Reader::open(path))
    }

    /// Reads all metrics of the source. Files are opened with `open`.
    pub(crate) fn read_with(self, open: OpenFile<'_>) -> Readings {
        let mut readings = Readings::default();
        match self {
            Self::Backend(backend) => {
                if let Some(reading) = read_backend(backend) {
                    readings.processes.push(reading);
                } else {
                    readings.unavailable.push("this backend has no metrics".to_owned());
                    readings.is_incomplete = true;
                }
            }
            Self::Files(paths) => readings.read_paths(paths, open),
        }
        readings
    }
}

pub(crate) type OpenFile<'a> = &'a mut dyn FnMut(&Path) -> Result<Reader, ReadError>;

/// The maximum number of notes in one directory about files that are not metrics files. If there are more such files, a
/// single note with their number replaces the notes.
const MAX_NOTES: usize = 3;

/// Identifies a file, regardless of the path by which it was opened.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    Path(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        #[cfg(unix)]
        if let Ok(metadata) = fs::metadata(path) {
            use std::os::unix::fs::MetadataExt;
            return Self::Inode(metadata.dev(), metadata.ino());
        }
        Self::Path(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }
}

impl Readings {
    /// Removes readings of copied files, so that each process is counted once. Keeps the file that a running process
    /// publishes, or the first file if there is no such file.
    pub(crate) fn remove_copies(&mut self) {
        let mut kept: Vec<Reading> = Vec::with_capacity(self.processes.len());
        for reading in self.processes.drain(..) {
            let Some(same) = kept.iter_mut().find(|kept| kept.is_copy_of(&reading)) else {
                kept.push(reading);
                continue;
            };
            let copy = if reading.origin.is_live() { mem::replace(same, reading) } else { reading };
            let (copy, original) = (copy.origin.name(), same.origin.name());
            self.notes.push(format!("{copy} is a copy of {original}, and is not counted"));
        }
        self.processes = kept;
    }

    fn read_paths(&mut self, paths: &[PathBuf], open: OpenFile<'_>) {
        // If several paths lead to the same file, the file is read once. Otherwise its counts would be added twice.
        let mut seen = HashMap::new();
        for path in paths {
            let in_directory = path.is_dir();
            let files = if in_directory { self.list(path) } else { vec![path.clone()] };
            let notes = self.notes.len();
            let mut has_metrics = false;
            for file in files {
                has_metrics |= *seen
                    .entry(Identity::of(&file))
                    .or_insert_with(|| self.read_file(&file, in_directory, open));
            }
            self.is_incomplete |= !has_metrics;
            let others = self.notes.len() - notes;
            if others > MAX_NOTES {
                self.notes.truncate(notes);
                let name = path_name(path);
                self.notes.push(format!("{others} files in {name} are not metrics files"));
            }
        }
    }

    fn list(&mut self, directory: &Path) -> Vec<PathBuf> {
        match files_in(directory) {
            Ok(files) => {
                if files.is_empty() {
                    let name = path_name(directory);
                    self.unavailable.push(format!("{name}: the directory has no files"));
                }
                files
            }
            Err(error) => {
                let name = path_name(directory);
                self.errors.push(format!("cannot list the directory {name}: {error}"));
                Vec::new()
            }
        }
    }

    /// Reads a file, and returns whether it has metrics.
    fn read_file(&mut self, path: &Path, in_directory: bool, open: OpenFile<'_>) -> bool {
        match open(path).and_then(|reader| read_reader(&reader)) {
            Ok(reading) => {
                self.processes.push(reading);
                return true;
            }
            Err(error) if error.is_unavailable() => self.unavailable.push(error.to_string()),
            Err(error) if in_directory && error.is_not_metrics() => {
                self.notes.push(error.to_string());
            }
            Err(error) => self.errors.push(error.to_string()),
        }
        false
    }
}

/// Returns the regular files of a directory, ordered by name. Files whose names begin with a dot are left out.
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

/// Sorts the rows so that series of the same name are adjacent, at the position of the first of them.
pub(crate) fn by_family(mut rows: Vec<Row>) -> Vec<Row> {
    let mut first = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        first.entry(row.name.clone()).or_insert(i);
    }
    rows.sort_by_key(|row| first.get(&row.name).copied());
    rows
}

fn read_backend(backend: &dyn Metered) -> Option<Reading> {
    let metrics = backend.metrics()?;
    let mut rows = RowsOfWalk { descriptors: metrics.descriptors().iter(), rows: Vec::new() };
    metrics.walk(&mut rows);
    Some(Reading { origin: Origin::ThisProcess, rows: by_family(rows.rows) })
}

/// Makes a row of each metric that is present.
struct RowsOfWalk<'a> {
    /// The descriptors of the metrics that the walker has not yet received.
    descriptors: slice::Iter<'a, Descriptor>,
    rows: Vec<Row>,
}

impl Walker for RowsOfWalk<'_> {
    fn metric(&mut self, instrument: Option<&dyn ErasedInstrument>) {
        let (Some(metric), Some(instrument)) = (self.descriptors.next(), instrument) else {
            return;
        };
        self.rows.push(Row {
            series: metric.series().to_string(),
            name: metric.name().to_owned(),
            labels: metric
                .labels()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            prefix_len: metric.prefix_len(),
            kind: metric.kind(),
            is_resettable: instrument.is_resettable(),
            unit: metric.unit().map(str::to_owned),
            help: visible_lines(metric.help()),
            value: instrument.read_value(),
            total: instrument.read_total(),
        });
    }
}

fn read_reader(reader: &Reader) -> Result<Reading, ReadError> {
    let values = reader.snapshot()?.into_iter().zip(reader.totals()?);
    let rows = reader.metrics().iter().zip(values);
    let rows = rows.map(|(metric, ((series, value), (_, total)))| Row {
        series,
        name: metric.name().to_owned(),
        labels: metric.labels().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        prefix_len: metric.prefix_len(),
        kind: metric.kind(),
        is_resettable: metric.kind() != Kind::Gauge || metric.is_peak(),
        unit: metric.unit().map(str::to_owned),
        help: visible_lines(metric.help()),
        value,
        total,
    });
    let process = reader.process();
    Ok(Reading {
        rows: by_family(rows.collect()),
        origin: Origin::File {
            path: reader.path().to_owned(),
            program: process.program().to_owned(),
            pid: process.pid(),
            since: process.since(),
            live: reader.is_live()?,
        },
    })
}

impl Origin {
    fn is_live(&self) -> bool {
        matches!(self, Self::File { live: true, .. })
    }

    /// Returns a short name of the process, for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::ThisProcess => "this process".to_owned(),
            Self::File { path, .. } => path_name(path),
        }
    }
}
