//! A backend that publishes its metrics. Run the backend, and watch the metrics from another terminal:
//!
//! ```sh
//! cargo run --example live
//! cargo run --bin papyra-metrics -- watch /tmp/papyra-metrics-live.metrics
//! ```
//!
//! The backend runs until Ctrl-C, but not longer than `--seconds`, which is 3600 by default. After Ctrl-C or `kill -9`,
//! `papyra-metrics show` still prints the last counts.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use papyra_metrics::{Metered, Metrics, Published, metrics, persistence::PersistenceMetrics};

const USAGE: &str = "usage: live [--seconds N] [PATH], where PATH is the file to publish";

/// An append-only log in a temporary file, with a replica on a full disk.
struct OrderLog {
    metrics: Published<PersistenceMetrics>,
    file: File,
}

impl OrderLog {
    fn open(path: &Path, metrics: Published<PersistenceMetrics>) -> io::Result<Self> {
        let file = File::options().read(true).append(true).create(true).open(path)?;
        Ok(Self { metrics, file })
    }

    #[metrics(errors, ok = records_written, time = write)]
    fn append(&self, record: &[u8]) -> io::Result<()> {
        (&self.file).write_all(record)?;
        self.metrics.bytes_written.add(record.len() as u64);
        self.metrics.record_size.record(record.len() as u64);
        Ok(())
    }

    #[metrics(errors)]
    fn replicate(&self, record: &[u8]) -> io::Result<()> {
        File::options().write(true).open("/dev/full")?.write_all(record)
    }

    #[metrics(calls = scan_runs, errors = scan_errors, time = scan)]
    fn scan(&self) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut record = [0; RECORD.len()];
        while self.read(&mut record)? > 0 {
            self.metrics.records_read.inc();
        }
        Ok(())
    }

    #[metrics(errors = read_errors, time = read)]
    fn read(&self, record: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(record)
    }

    /// Empties the log.
    #[metrics(calls = compactions, errors = compaction_errors, time = compaction)]
    fn compact(&self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

impl Metered for OrderLog {
    fn metrics(&self) -> Option<&dyn Metrics> {
        Some(&self.metrics)
    }
}

const RECORD: &[u8; 118] = &[b'.'; 118];

fn main() -> ExitCode {
    let Some((path, time)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    // If the metrics cannot be published, the backend still works, with metrics in private memory.
    let metrics = Published::<PersistenceMetrics>::create_or_private(&path);
    match run(metrics, &path, time) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output, such as `head`, has closed the pipe. That is not a failure of this program.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Option<(PathBuf, Duration)> {
    let mut path = std::env::temp_dir().join("papyra-metrics-live.metrics");
    let mut seconds = 3600;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            seconds = arguments.next()?.to_str()?.parse().ok()?;
        } else if argument.as_encoded_bytes().starts_with(b"-") {
            return None;
        } else {
            path = argument.into();
        }
    }
    Some((path, Duration::from_secs(seconds)))
}

fn run(metrics: Published<PersistenceMetrics>, path: &Path, time: Duration) -> io::Result<()> {
    match metrics.error() {
        None => writeln!(
            io::stdout(),
            "Publishing at {path}, until Ctrl-C or for {time:?}. In another terminal:\n\n    \
             cargo run --bin papyra-metrics -- watch {path}\n",
            path = path.display(),
        )?,
        Some(error) => eprintln!("{error}; counting in private memory"),
    }
    work(metrics, time)
}

/// Runs a varying load with scans, compactions, and a replica whose disk is full.
fn work(metrics: Published<PersistenceMetrics>, time: Duration) -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("papyra-metrics-live-{}.log", std::process::id()));
    let log = OrderLog::open(&path, metrics)?;
    // The removed file remains usable as long as it is open.
    std::fs::remove_file(&path)?;
    let began = Instant::now();
    for round in 0_u32.. {
        let elapsed = began.elapsed();
        if elapsed >= time {
            break;
        }
        let load = 1.0 + (elapsed.as_secs_f64() / 2.0).sin();
        for _ in 0..=round % 7 {
            if f64::from(round % 20) < 20.0 * load {
                log.append(RECORD)?;
            }
        }
        if round % 40 == 0 {
            log.scan()?;
        }
        if round % 90 == 0 {
            // An error is ignored, because the log works without a replica.
            let _ = log.replicate(RECORD);
        }
        if round % 500 == 499 {
            log.compact()?;
        }
        thread::sleep(Duration::from_millis(5));
    }
    print_report(&log)
}

fn print_report(backend: &dyn Metered) -> io::Result<()> {
    match backend.metrics() {
        Some(metrics) => writeln!(io::stdout(), "{}", metrics.snapshot()),
        None => writeln!(io::stdout(), "metrics: <unavailable>"),
    }
}
