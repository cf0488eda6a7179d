//! A backend that works for a minute and publishes its metrics, so that a shell next to it can watch them.
//!
//! ```sh
//! cargo run --example live
//! cargo run --bin papyra-metrics -- watch /tmp/papyra-metrics-live.metrics
//! ```
//!
//! Kill it with `kill -9`, and `papyra-metrics show` still has its last counts.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use papyra_metrics::{Metered, Metrics, Published, persistence::PersistenceMetrics};

const USAGE: &str = "usage: live [--seconds N] [PATH], where PATH is the file that it publishes";

/// An append-only log in a temporary file, with a replica on a disk that is full.
struct OrderLog {
    metrics: Published<PersistenceMetrics>,
    file: File,
}

impl OrderLog {
    fn open(path: &Path, metrics: Published<PersistenceMetrics>) -> io::Result<Self> {
        let file = File::options().read(true).append(true).create(true).open(path)?;
        Ok(Self { metrics, file })
    }

    fn append(&self, record: &[u8]) -> io::Result<()> {
        self.metrics.write_errors.count_err((&self.file).write_all(record))?;
        self.metrics.records_written.inc();
        self.metrics.bytes_written.add(record.len() as u64);
        Ok(())
    }

    fn replicate(&self, record: &[u8]) -> io::Result<()> {
        let replica = File::options().write(true).open("/dev/full");
        let written = replica.and_then(|mut replica| replica.write_all(record));
        self.metrics.write_errors.count_err(written)
    }

    fn scan(&self) -> io::Result<()> {
        self.metrics.scan_runs.inc();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut record = [0; RECORD.len()];
        while self.metrics.read_errors.count_err(file.read(&mut record))? > 0 {
            self.metrics.records_read.inc();
        }
        Ok(())
    }

    /// Drops what is in the log.
    fn compact(&self) -> io::Result<()> {
        self.metrics.compactions.inc();
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
    // Metrics never fail the backend: where they cannot be published, it counts for itself.
    let metrics = Published::<PersistenceMetrics>::create_or_private(&path);
    match metrics.error() {
        None => println!("publishing at {}, for {time:?}", path.display()),
        Some(error) => eprintln!("{error}"),
    }
    match work(metrics, time) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Option<(PathBuf, Duration)> {
    let mut path = std::env::temp_dir().join("papyra-metrics-live.metrics");
    let mut seconds = 60;
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

/// Load that comes and goes, with a scan now and then, a compaction, and a replica that takes nothing.
fn work(metrics: Published<PersistenceMetrics>, time: Duration) -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("papyra-metrics-live-{}.log", std::process::id()));
    let log = OrderLog::open(&path, metrics)?;
    // The file lives on until it is closed.
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
            // The caller of this backend can live without a replica.
            let _ = log.replicate(RECORD);
        }
        if round % 500 == 499 {
            log.compact()?;
        }
        thread::sleep(Duration::from_millis(5));
    }
    print_report(&log);
    Ok(())
}

fn print_report(backend: &dyn Metered) {
    match backend.metrics() {
        Some(metrics) => println!("{}", metrics.snapshot()),
        None => println!("metrics: <unavailable>"),
    }
}
