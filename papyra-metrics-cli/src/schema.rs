//! Loads the declared metrics from a lock file, from processes, or from the backend in this process.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use papyra_metrics::publish::{ReadError, Reader};
use papyra_metrics_export::{
    Registry,
    schema::{Change, Schema, SchemaError},
};

use crate::output;
use crate::source::{Readings, Source};
use crate::text::path_name;

/// The arguments shared by the commands that print a text made from declared metrics: `describe`, `dashboard` and
/// `rules`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Declared {
    /// A lock file, a published metrics file, or a directory of published files
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) path: Option<PathBuf>,

    /// The prefix of the registry through which the metrics are exported
    #[arg(long, value_name = "PREFIX", value_parser = parse_prefix)]
    prefix: Option<String>,
}

fn parse_prefix(prefix: &str) -> Result<String, String> {
    Registry::with_prefix(prefix).map(|_| prefix.to_owned()).map_err(|error| error.to_string())
}

impl Declared {
    /// Prints the text that `write` creates from the declared metrics. If there are no metrics or an error occurs,
    /// prints only the problems, on standard error, and returns `false`, so that a script does not continue with an
    /// empty file.
    pub(crate) fn print(
        &self,
        source: Source<'_>,
        write: impl FnOnce(&Schema) -> io::Result<String>,
    ) -> io::Result<bool> {
        let (schema, readings) = load(source);
        output::print_problems(&readings)?;
        let Some(schema) = schema.filter(|_| readings.errors.is_empty()) else {
            return Ok(false);
        };
        let schema = match &self.prefix {
            Some(prefix) => schema.with_prefix(prefix),
            None => schema,
        };
        // The text is printed without further checks, because a schema escapes control characters.
        let mut out = io::stdout().lock();
        out.write_all(write(&schema)?.as_bytes())?;
        out.flush()?;
        Ok(true)
    }
}

/// Returns the declared metrics, or `None` if there are none, and the problems that occurred while they were loaded.
fn load(source: Source<'_>) -> (Option<Schema>, Readings) {
    match source {
        Source::Backend(backend) => (backend.metrics().map(Schema::of), source.read()),
        Source::Files([path]) if is_other_file(path) => load_lock_file(path),
        Source::Files(_) => load_published(source),
    }
}

/// Returns whether the path leads to a pipe, to a device, or to a non-empty file that is not a published file. The path
/// is then read as a lock file.
fn is_other_file(path: &Path) -> bool {
    let is_other =
        |error| matches!(error, ReadError::NotMetrics { .. } | ReadError::NotAFile { .. });
    !path.is_dir() && Reader::open(path).is_err_and(is_other)
}

fn load_lock_file(path: &Path) -> (Option<Schema>, Readings) {
    let mut readings = Readings::default();
    let name = path_name(path);
    let schema = Schema::read(path).map_err(|error| match error {
        SchemaError::Malformed { line, problem, .. } => {
            format!("{name}: neither a metrics file nor a lock file (line {line}: {problem})")
        }
        error => format!("{error:?}"),
    });
    match schema {
        Ok(schema) => (Some(schema), readings),
        Err(error) => {
            readings.errors.push(error);
            (None, readings)
        }
    }
}

/// Loads the declared metrics of one or more processes. If several processes declare a family, they must declare it
/// with the same kind, unit and bounds.
fn load_published(source: Source<'_>) -> (Option<Schema>, Readings) {
    let mut schemas: Vec<(PathBuf, Schema)> = Vec::new();
    let mut readings = source.read_with(&mut |path| {
        let reader = Reader::open(path)?;
        schemas.push((path.to_owned(), Schema::of_published(&reader)?));
        Ok(reader)
    });
    readings.errors.extend(conflicts(&schemas));
    (schemas.into_iter().map(|it| it.1).reduce(Schema::with), readings)
}

/// Describes the conflicts that prevent the files from being combined: metrics that two files declare with different
/// properties. If a metric of a file conflicts with several earlier files, only the first of these files is named.
fn conflicts(schemas: &[(PathBuf, Schema)]) -> Vec<String> {
    let mut conflicts = Vec::new();
    for (position, (path, schema)) in schemas.iter().enumerate() {
        let mut metrics = BTreeSet::new();
        for (earlier, known) in &schemas[..position] {
            for change in schema.changes_since(known) {
                let Some(conflict) = conflict(&change, earlier, path) else { continue };
                if metrics.insert(change.metric().to_owned()) {
                    conflicts.push(format!("{conflict}; give the path of only one of these files"));
                }
            }
        }
    }
    conflicts
}

/// Describes the difference between the declarations of a metric in two files, or returns `None` if the declarations
/// can be combined.
fn conflict(change: &Change, first: &Path, second: &Path) -> Option<String> {
    let [first, second] = [first, second].map(path_name);
    let [old, new] = [change.old_value(), change.new_value()];
    let unit =
        |unit: Option<&str>| unit.map_or("no unit".to_owned(), |unit| format!("the unit `{unit}`"));
    let metric = change.metric();
    match change.property()? {
        "kind" => Some(format!("`{metric}` is a {} in {first} and a {} in {second}", old?, new?)),
        "unit" => {
            Some(format!("`{metric}` has {} in {first} and {} in {second}", unit(old), unit(new)))
        }
        "bucket bounds" => {
            Some(format!("the buckets of `{metric}` in {second} differ from those in {first}"))
        }
        _ => None,
    }
}
