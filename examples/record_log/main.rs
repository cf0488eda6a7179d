//! An append-only log that is written, read, scanned, damaged, read with an error, recovered and compacted. The metrics of
//! the log are printed after each step.

mod log;

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use papyra_metrics::{Metered, Snapshot, Value};

use crate::log::RecordLog;

const HELP: &str = "\
Appends the lines of a file as records to a log, damages the log, recovers and compacts it,
and prints its metrics after each step.

Usage: record_log [INPUT] [--log PATH]

  INPUT       the file whose lines are the records; - for standard input (default: this workspace's Cargo.lock)
  --log PATH  the log file, which is kept (default: a temporary file)
  --help      print this text
";

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return print(HELP),
        Err(problem) => {
            eprintln!("record_log: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output, such as `head`, has closed the pipe. That is not a failure of this program.
        Err(error) if error.source.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record_log: {}: {}", error.step, error.source);
            ExitCode::FAILURE
        }
    }
}

struct Options {
    input: PathBuf,
    /// The path of the log, or `None` for a temporary file.
    log: Option<PathBuf>,
}

impl Options {
    /// Parses the arguments. Returns `None` if help is requested.
    fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut arguments = arguments;
        let (mut input, mut log) = (None, None);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("--log") => {
                    let path = arguments.next().ok_or("`--log` needs a path")?;
                    log = Some(PathBuf::from(path));
                }
                Some(option) if option.starts_with('-') && option != "-" => {
                    return Err(format!("unknown option `{option}`; expected `--log` or `--help`"));
                }
                _ if input.is_some() => {
                    return Err(format!(
                        "unexpected argument `{}`; only one input is read",
                        argument.to_string_lossy()
                    ));
                }
                _ => input = Some(PathBuf::from(argument)),
            }
        }
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        Ok(Some(Self { input: input.unwrap_or(default), log }))
    }
}

/// An error and the step in which it occurred.
struct Failure {
    step: String,
    source: io::Error,
}

/// Adds the step to an error.
trait Step<T> {
    fn step(self, step: impl Into<String>) -> Result<T, Failure>;
}

impl<T> Step<T> for io::Result<T> {
    fn step(self, step: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|source| Failure { step: step.into(), source })
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let records = read_input(&options.input)?;
    let temporary = std::env::temp_dir().join(format!("record_log-{}.log", std::process::id()));
    let path = options.log.as_deref().unwrap_or(&temporary);
    refuse_to_overwrite(path).step(format!("cannot use {}", path.display()))?;
    let mut log = RecordLog::open(path).step(format!("cannot open {}", path.display()))?;

    let mut reporter = Reporter { last: Snapshot::default() };
    let result = run_steps(&mut log, &mut reporter, path, &records);
    if options.log.is_none() {
        fs::remove_file(path).step(format!("cannot remove {}", path.display()))?;
    }
    if let Err(failure) = &result {
        reporter.report(&log, &format!("Failed: {}: {}.", failure.step, failure.source))?;
    }
    result
}

/// Runs all steps on the log.
fn run_steps(
    log: &mut RecordLog,
    reporter: &mut Reporter,
    path: &Path,
    records: &[Vec<u8>],
) -> Result<(), Failure> {
    let at = |what: &str| format!("cannot {what} {}", path.display());

    for record in records {
        log.append(record).step(at("append to"))?;
    }
    log.sync().step(at("sync"))?;
    reporter.report(
        log,
        &format!("Appended {} to {}.", count(records.len(), "record"), path.display()),
    )?;

    let read = log.read_all().step(at("read"))?;
    if read != records {
        let differ =
            Err(io::Error::new(ErrorKind::InvalidData, "the records differ from those written"));
        return differ.step(at("read back"));
    }
    reporter.report(
        log,
        &format!("Read {} back, equal to those written.", count(read.len(), "record")),
    )?;

    let report = log.scan().step(at("scan"))?;
    reporter.report(log, &format!("Scanned: {}.", describe(&report)))?;

    let damage = damage(path, &report.intact).step(at("damage"))?;
    let report = log.scan().step(at("scan"))?;
    reporter.report(log, &format!("{damage} Scanned again: {}.", describe(&report)))?;

    // The log counts this error and returns it.
    if let Err(error) = log.read_all() {
        reporter.report(log, &format!("Read again, which failed: {error}."))?;
    }

    let cut = log.recover().step(at("recover"))?;
    reporter.report(log, &format!("Recovered: cut {cut} torn bytes off the end."))?;

    let dropped = log.compact().step(at("compact"))?;
    let left = log.read_all().step(at("read"))?.len();
    let (dropped, left) = (
        count(usize::try_from(dropped).unwrap_or(usize::MAX), "damaged record"),
        count(left, "record"),
    );
    reporter
        .report(log, &format!("Compacted: dropped {dropped}, and read the {left} that are left."))
}

/// Damages the file of a log: flips a bit of a record in the middle, and cuts the last record short.
fn damage(path: &Path, intact: &[u64]) -> io::Result<String> {
    let [first, .., last] = intact else {
        return Ok("Nothing to damage: that requires two records.".to_owned());
    };
    let middle = if intact.len() > 2 { intact[intact.len() / 2] } else { *first };
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    // Flips a bit of the checksum and not of the payload, because the payload may be empty.
    let checksum = SeekFrom::Start(middle + 4);
    let mut byte = [0];
    file.seek(checksum)?;
    file.read_exact(&mut byte)?;
    file.seek(checksum)?;
    file.write_all(&[byte[0] ^ 1])?;
    file.set_len(last + 5)?;
    Ok(format!("Flipped a bit in the record at byte {middle}, and cut the last one short."))
}

fn describe(report: &log::Report) -> String {
    let intact = count(report.intact.len(), "intact record");
    let damaged = count(report.damaged.len(), "damaged one");
    let tail = if report.torn_tail.is_some() { "a torn tail" } else { "no torn tail" };
    format!("{intact}, {damaged}, {tail}")
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn read_input(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        io::stdin().read_to_end(&mut text).step("cannot read standard input")?;
    } else {
        text = fs::read(path).step(format!("cannot read {}", path.display()))?;
    }
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec);
    Ok(if text.is_empty() { Vec::new() } else { lines.collect() })
}

/// Returns an error if the file contains data, because the example damages its log.
fn refuse_to_overwrite(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() && file.len() > 0 => Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "the file is not empty, and this example damages its log; name a new file",
        )),
        _ => Ok(()),
    }
}

/// Prints the metrics after each step.
struct Reporter {
    last: Snapshot,
}

impl Reporter {
    /// Prints the step and every metric. A metric other than a histogram is printed with its change since the last step.
    fn report(&mut self, log: &impl Metered, step: &str) -> Result<(), Failure> {
        let mut text = format!("{step}\n");
        match log.metrics() {
            None => text.push_str("  metrics: <unavailable>\n"),
            Some(metrics) => {
                let now = metrics.snapshot();
                let width = now.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in &now {
                    // A histogram is displayed in human-readable units.
                    let line = if let Value::Histogram(distribution) = value {
                        format!("  {name:width$}  {distribution}")
                    } else {
                        let before = self.last.get(name).and_then(Value::as_i64).unwrap_or(0);
                        let change = value.as_i64().unwrap_or(i64::MAX).saturating_sub(before);
                        let change =
                            if change == 0 { String::new() } else { format!("  {change:+}") };
                        format!("  {name:width$} {value:>9}{change}")
                    };
                    text.push_str(line.trim_end());
                    text.push('\n');
                }
                self.last = now;
            }
        }
        text.push('\n');
        io::stdout().write_all(text.as_bytes()).step("cannot print")
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
