//! A log on tokio: many tasks append at once, some appends are cancelled, and one append is refused. The metrics are printed
//! meanwhile.

mod log;

use std::ffi::OsString;
use std::future::ready;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::{Metered, Metrics, Snapshot, Value};
use tokio::task::JoinSet;

use crate::log::{AsyncLog, LogError, MAX_PAYLOAD_LEN};

const HELP: &str = "\
Appends records to a log from many tasks at once, cancels some appends, and prints the log's metrics
during and after the run.

Usage: async_backend [--log PATH]

  --log PATH  the log file, which is kept (default: a temporary file)
  --help      print this text
";

const WRITERS: usize = 8;
const RECORDS: usize = 400;
const CANCELLED: usize = 25;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let kept = match arguments.as_slice() {
        [] => None,
        [flag, path] if flag == "--log" => Some(PathBuf::from(path)),
        [help] if help == "--help" || help == "-h" => {
            return exit(print(HELP).map_err(LogError::Io));
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    let path = kept.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("async_backend-{}.log", std::process::id()))
    });
    let outcome = run(&path).await;
    if kept.is_none() {
        // An error is ignored: a leftover temporary file does no harm.
        let _ = tokio::fs::remove_file(&path).await;
    }
    exit(outcome)
}

fn exit(outcome: Result<(), LogError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output, such as `head`, has closed the pipe. That is not a failure of this program.
        Err(LogError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("async_backend: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(path: &Path) -> Result<(), LogError> {
    let log = Arc::new(AsyncLog::open(path).await?);
    let before = log.scan(path).await?;

    print(&format!("{WRITERS} tasks append {RECORDS} records each. Meanwhile:\n"))?;
    let appended = append_and_watch(&log).await;
    // Prints the metrics before an error of a task is returned.
    print(&format!("\nThe tasks are done.\n{}\n", report(&log)))?;
    appended?;

    let large = vec![0; MAX_PAYLOAD_LEN];
    let mut cancelled = 0;
    for _ in 0..CANCELLED {
        tokio::select! {
            biased;
            result = log.append(&large) => result?,
            () = ready(()) => cancelled += 1, // drops the future of the append, which waits for the disk
        }
        log.sync().await?;
    }
    let refused = log.append(&vec![0; MAX_PAYLOAD_LEN + 1]).await;
    let refused = refused.err().map(|error| error.to_string()).unwrap_or_default();
    print(&format!(
        "\n{cancelled} of {CANCELLED} appends were cancelled, and one was refused: {refused}.\n\
         Both kinds count as started. A cancelled append is neither a success nor an error. No append is in flight.\n{}\n",
        report(&log)
    ))?;

    let found = log.scan(path).await? - before;
    print(&format!(
        "\n{found} records are in the log, including those of appends that were cancelled too late.\n"
    ))?;
    Ok(())
}

/// Appends from many tasks at once, and prints the metrics at an interval.
async fn append_and_watch(log: &Arc<AsyncLog>) -> Result<(), LogError> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = Arc::clone(log);
        writers.spawn(async move {
            for number in 0..RECORDS {
                log.append(format!("record {number} of task {writer}").as_bytes()).await?;
            }
            Ok::<_, LogError>(())
        });
    }
    let mut readings = tokio::time::interval(Duration::from_millis(20));
    let mut outcome = Ok(());
    loop {
        tokio::select! {
            _ = readings.tick() => print(&format!("  {}\n", summary(log)))?,
            done = writers.join_next() => match done {
                None => return outcome,
                Some(Ok(done)) => outcome = outcome.and(done),
                Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            },
        }
    }
}

fn snapshot(log: &AsyncLog) -> Option<Snapshot> {
    log.metrics().map(Metrics::snapshot)
}

/// Returns one line with the metrics that change during the appends.
fn summary(log: &AsyncLog) -> String {
    let Some(snapshot) = snapshot(log) else { return "metrics: <unavailable>".to_owned() };
    let names = ["appends", "records_written", "appends_in_flight"];
    names.map(|name| format!("{name}: {:<5}", snapshot[name])).join(" ")
}

/// Returns a line for each metric. Histograms are displayed in human-readable units.
fn report(log: &AsyncLog) -> String {
    let Some(snapshot) = snapshot(log) else { return "  metrics: <unavailable>".to_owned() };
    let lines = snapshot.iter().map(|(name, value)| match value {
        Value::Histogram(distribution) => format!("  {name:<20}  {distribution}"),
        _ => format!("  {name:<20} {value:>8}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}
