//! A log on tokio: many tasks append at once, some appends are cancelled halfway, one is refused, and all the while
//! somebody looks at the metrics.

mod log;

use std::ffi::OsString;
use std::future::ready;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::{Metered, Metrics, Snapshot};
use tokio::task::JoinSet;

use crate::log::{AsyncLog, LogError, MAX_PAYLOAD_LEN};

const HELP: &str = "\
Appends records to a log from many tasks at once, cancels some appends halfway, and prints the log's metrics,
also while the tasks run.

Usage: async_backend [--log PATH]

  --log PATH  where the log is written, and kept (default: a temporary file)
  --help      this text
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
        // A temporary file that stays behind does no harm.
        let _ = tokio::fs::remove_file(&path).await;
    }
    exit(outcome)
}

fn exit(outcome: Result<(), LogError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough.
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

    print(&format!("{WRITERS} tasks append {RECORDS} records each. Seen while they do:\n"))?;
    let appended = append_and_watch(&log).await;
    // What the tasks met with is told after what was counted of it.
    print(&format!("\nThe tasks are done.\n{}\n", shown(&log)))?;
    appended?;

    let large = vec![0; MAX_PAYLOAD_LEN];
    let mut cancelled = 0;
    for _ in 0..CANCELLED {
        tokio::select! {
            biased;
            result = log.append(&large) => result?,
            () = ready(()) => cancelled += 1, // the append waits for the disk, and is dropped
        }
        log.sync().await?;
    }
    let refused = log.append(&vec![0; MAX_PAYLOAD_LEN + 1]).await;
    let refused = refused.err().map(|error| error.to_string()).unwrap_or_default();
    print(&format!(
        "\n{cancelled} of {CANCELLED} appends were cancelled halfway, and one was refused: {refused}.\n\
         They began; a cancelled one is neither a success nor an error, and nothing is in flight.\n{}\n",
        shown(&log)
    ))?;

    let found = log.scan(path).await? - before;
    print(&format!(
        "\n{found} records are in the log: those too that were cancelled with their bytes on the way.\n"
    ))?;
    Ok(())
}

/// Appends from many tasks at once, and prints the metrics now and then.
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
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let mut outcome = Ok(());
    loop {
        tokio::select! {
            _ = looks.tick() => print(&format!("  {}\n", glance(log)))?,
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

/// One line of what moves.
fn glance(log: &AsyncLog) -> String {
    let Some(snapshot) = snapshot(log) else { return "metrics: <unavailable>".to_owned() };
    let names = ["appends", "records_written", "appends_in_flight"];
    names.map(|name| format!("{name}: {:<5}", snapshot[name])).join(" ")
}

/// All metrics, a line each.
fn shown(log: &AsyncLog) -> String {
    let Some(snapshot) = snapshot(log) else { return "  metrics: <unavailable>".to_owned() };
    let lines = snapshot.iter().map(|(name, value)| format!("  {name:<20} {value:>8}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}
