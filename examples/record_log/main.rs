//! The whole life of an append-only log, and what its metrics say at each step: append, read back, scan, damage,
//! scan, recover, compact.

mod log;

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use papyra_metrics::{Metered, Snapshot, Value};

use crate::log::RecordLog;

const HELP: &str = "\
Writes the lines of a file as records into an append-only log, takes the log through its whole life,
and prints its metrics after each step.

Usage: record_log [INPUT] [--log PATH]

  INPUT       the file whose lines are the records; - is standard input (default: this workspace's Cargo.lock)
  --log PATH  where the log is written, and kept (default: a temporary file)
  --help      this text
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
        // Whoever reads the output has seen enough.
        Err(error) if error.source.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record_log: {}: {}", error.doing, error.source);
            ExitCode::FAILURE
        }
    }
}

struct Options {
    input: PathBuf,
    /// `None`: a temporary file.
    log: Option<PathBuf>,
}

impl Options {
    /// `None` where help is wanted.
    fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut arguments = arguments;
        let (mut input, mut log) = (None, None);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("--log") => {
                    let path = arguments.next().ok_or("--log needs a path")?;
                    log = Some(PathBuf::from(path));
                }
                Some(option) if option.starts_with('-') && option != "-" => {
                    return Err(format!("unknown option {option}"));
                }
                _ if input.is_some() => {
                    return Err(format!("one input only, not also {}", argument.to_string_lossy()));
                }
                _ => input = Some(PathBuf::from(argument)),
            }
        }
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        Ok(Some(Self { input: input.unwrap_or(default), log }))
    }
}

/// What went wrong, and while doing what.
struct Failure {
    doing: String,
    source: io::Error,
}

/// Says what was being done when an error came.
trait While<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Failure>;
}

impl<T> While<T> for io::Result<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|source| Failure { doing: what.into(), source })
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let records = read_input(&options.input)?;
    let temporary = std::env::temp_dir().join(format!("record_log-{}.log", std::process::id()));
    let path = options.log.as_deref().unwrap_or(&temporary);
    refuse_to_overwrite(path).doing(format!("cannot use {}", path.display()))?;
    let mut log = RecordLog::open(path).doing(format!("cannot open {}", path.display()))?;

    let mut story = Story { seen: Snapshot::default() };
    let result = live(&mut log, &mut story, path, &records);
    if options.log.is_none() {
        fs::remove_file(path).doing(format!("cannot remove {}", path.display()))?;
    }
    if let Err(failure) = &result {
        story.tell(&log, &format!("Failed: {}: {}.", failure.doing, failure.source))?;
    }
    result
}

/// The life of a log.
fn live(
    log: &mut RecordLog,
    story: &mut Story,
    path: &Path,
    records: &[Vec<u8>],
) -> Result<(), Failure> {
    let at = |what: &str| format!("cannot {what} {}", path.display());

    for record in records {
        log.append(record).doing(at("append to"))?;
    }
    log.sync().doing(at("sync"))?;
    story.tell(
        log,
        &format!("Appended {} to {}.", count(records.len(), "record"), path.display()),
    )?;

    let read = log.read_all().doing(at("read"))?;
    if read != records {
        let differ =
            Err(io::Error::new(ErrorKind::InvalidData, "the records are not as they were written"));
        return differ.doing(at("read back"));
    }
    story.tell(
        log,
        &format!("Read {} back, just as they were written.", count(read.len(), "record")),
    )?;

    let report = log.scan().doing(at("scan"))?;
    story.tell(log, &format!("Scanned: {}.", describe(&report)))?;

    let damage = damage(path, &report.intact).doing(at("damage"))?;
    let report = log.scan().doing(at("scan"))?;
    story.tell(log, &format!("{damage} Scanned again: {}.", describe(&report)))?;

    let cut = log.recover().doing(at("recover"))?;
    story.tell(log, &format!("Recovered: cut {cut} torn bytes off the end."))?;

    let dropped = log.compact().doing(at("compact"))?;
    let left = log.read_all().doing(at("read"))?.len();
    let (dropped, left) = (
        count(usize::try_from(dropped).unwrap_or(usize::MAX), "damaged record"),
        count(left, "record"),
    );
    story.tell(log, &format!("Compacted: dropped {dropped}, and read the {left} that are left."))
}

/// Flips a bit in a record in the middle, and tears the last one apart, in the file itself.
fn damage(path: &Path, intact: &[u64]) -> io::Result<String> {
    let [first, .., last] = intact else {
        return Ok("Nothing to damage: that takes two records.".to_owned());
    };
    let middle = if intact.len() > 2 { intact[intact.len() / 2] } else { *first };
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    // A bit of the checksum, for the payload may be empty.
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
        io::stdin().read_to_end(&mut text).doing("cannot read standard input")?;
    } else {
        text = fs::read(path).doing(format!("cannot read {}", path.display()))?;
    }
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec);
    Ok(if text.is_empty() { Vec::new() } else { lines.collect() })
}

/// The log is about to be damaged: it must not be somebody's data.
fn refuse_to_overwrite(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() && file.len() > 0 => Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "it is not empty, and this example damages its log; name a new file",
        )),
        _ => Ok(()),
    }
}

/// Prints the metrics, step by step.
struct Story {
    seen: Snapshot,
}

impl Story {
    /// What happened, and every metric with what the step has changed.
    fn tell(&mut self, log: &impl Metered, step: &str) -> Result<(), Failure> {
        let mut text = format!("{step}\n");
        match log.metrics() {
            None => text.push_str("  metrics: <unavailable>\n"),
            Some(metrics) => {
                let now = metrics.snapshot();
                let width = now.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in &now {
                    let before = self.seen.get(name).and_then(Value::as_i64).unwrap_or(0);
                    let change = value.as_i64().unwrap_or(i64::MAX).saturating_sub(before);
                    let change = if change == 0 { String::new() } else { format!("  {change:+}") };
                    text.push_str(format!("  {name:width$} {value:>9}{change}").trim_end());
                    text.push('\n');
                }
                self.seen = now;
            }
        }
        text.push('\n');
        io::stdout().write_all(text.as_bytes()).doing("cannot print")
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
