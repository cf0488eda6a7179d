//! Measures a Prometheus scrape, of 1,000 backends with 50 metrics each and of other sizes, beside a baseline: prepared heads
//! and itoa over a plain array of numbers; also of histograms, by the sample. Prints nanoseconds a metric if no number has changed since the last scrape and if
//! all have, their ratios to the baseline, and allocations. Exits with 1 if a warm scrape allocates.
//!
//! With `--misses`, prints the cache misses of both instead, as simulated by valgrind's cachegrind.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use papyra_metrics::{Counter, Histogram, Metrics};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Format, Prometheus};

/// Ten metrics. A backend has five of these sets.
#[derive(Default, Metrics)]
struct Ten {
    records_written: Counter,
    records_read: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    #[metrics(unit = "bytes")]
    bytes_read: Counter,
    scan_runs: Counter,
    recovery_runs: Counter,
    compactions: Counter,
    write_errors: Counter,
    read_errors: Counter,
    scan_errors: Counter,
}

#[derive(Default, Metrics)]
struct Fifty {
    #[metrics(flatten, prefix = "log_")]
    log: Ten,
    #[metrics(flatten, prefix = "index_")]
    index: Ten,
    #[metrics(flatten, prefix = "cache_")]
    cache: Ten,
    #[metrics(flatten, prefix = "snapshots_")]
    snapshots: Ten,
    #[metrics(flatten, prefix = "replica_")]
    replica: Ten,
}

/// Ten histograms of 28 bounds, each of which has 31 samples.
#[derive(Default, Metrics)]
struct Histograms {
    write: Histogram,
    read: Histogram,
    scan: Histogram,
    recovery: Histogram,
    compaction: Histogram,
    sync: Histogram,
    seal: Histogram,
    lookup: Histogram,
    merge: Histogram,
    upload: Histogram,
}

impl Histograms {
    fn all(&self) -> [&Histogram; 10] {
        let Self { write, read, scan, recovery, compaction, .. } = self;
        let Self { sync, seal, lookup, merge, upload, .. } = self;
        [write, read, scan, recovery, compaction, sync, seal, lookup, merge, upload]
    }
}

/// A type of backend.
trait Backend: Metrics + Default + Send + Sync + 'static {
    /// The samples of one backend.
    const SAMPLES: usize;

    /// Counts numbers of different lengths.
    fn count(&self, n: u64);

    /// Adds one to each.
    fn count_all(&self);
}

impl Backend for Ten {
    const SAMPLES: usize = 10;

    fn count(&self, n: u64) {
        count(&[self], n);
    }

    fn count_all(&self) {
        count_all(&[self]);
    }
}

impl Fifty {
    fn parts(&self) -> [&Ten; 5] {
        [&self.log, &self.index, &self.cache, &self.snapshots, &self.replica]
    }
}

impl Backend for Fifty {
    const SAMPLES: usize = 50;

    fn count(&self, n: u64) {
        count(&self.parts(), n);
    }

    fn count_all(&self) {
        count_all(&self.parts());
    }
}

impl Backend for Histograms {
    const SAMPLES: usize = 310;

    fn count(&self, n: u64) {
        for (i, histogram) in (1..).zip(self.all()) {
            for bit in 0..37 {
                histogram.record_n(Duration::from_nanos(1 << bit), (n + 1) * i * bit);
            }
        }
    }

    fn count_all(&self) {
        for histogram in self.all() {
            (0..37).for_each(|bit| histogram.record(Duration::from_nanos(1 << bit)));
        }
    }
}

fn count(parts: &[&Ten], n: u64) {
    for (i, part) in (1..).zip(parts) {
        part.records_written.add(n * i * 7919);
        part.bytes_written.add(n * i * 1_048_573);
        part.scan_errors.add(1);
    }
}

fn count_all(parts: &[&Ten]) {
    for part in parts {
        let Ten { records_written, records_read, bytes_written, bytes_read, .. } = part;
        let Ten { scan_runs, recovery_runs, compactions, .. } = part;
        let Ten { write_errors, read_errors, scan_errors, .. } = part;
        let log = [records_written, records_read, bytes_written, bytes_read];
        let runs = [scan_runs, recovery_runs, compactions];
        let errors = [write_errors, read_errors, scan_errors];
        log.into_iter().chain(runs).chain(errors).for_each(Counter::inc);
    }
}

/// Registered backends and their text.
struct Exported<B> {
    backends: Vec<Arc<B>>,
    prometheus: Prometheus,
    text: String,
    /// The memory of registry and exposition, in bytes.
    bytes: usize,
}

impl<B: Backend> Exported<B> {
    fn new(backends: usize) -> Self {
        let backends: Vec<Arc<B>> = (0..backends).map(|_| Arc::default()).collect();
        let mut exported = None;
        let held = allocation_counter::measure(|| exported = Some(Self::register(backends)));
        let mut exported = exported.expect("the closure has run");
        let held = usize::try_from(held.bytes_current).expect("more is allocated than freed");
        exported.bytes = held - exported.text.capacity();
        exported
    }

    fn register(backends: Vec<Arc<B>>) -> Self {
        let registry = Registry::with_prefix("papyra").expect("a prefix");
        for (i, metrics) in (0_u64..).zip(&backends) {
            metrics.count(i);
            let labels = [("backend", &*format!("backend-{i}"))];
            registry.register(Arc::clone(metrics), &labels).expect("labels of its own");
        }
        let prometheus = Prometheus::new(&registry);
        let mut exported = Self { backends, prometheus, text: String::new(), bytes: 0 };
        exported.scrape();
        exported
    }

    fn scrape(&mut self) {
        self.text.clear();
        self.prometheus.encode(Format::Text, &mut self.text);
    }
}

/// The baseline: writes the same text from prepared heads and an array of numbers.
struct Baseline {
    heads: String,
    /// The end of each head, and the number that follows it. The fraction of a sum is part of the next head.
    lines: Vec<(usize, u64)>,
    text: String,
}

impl Baseline {
    fn new(text: &str) -> Self {
        let mut baseline = Self {
            heads: String::new(),
            lines: Vec::new(),
            text: String::with_capacity(2 * text.len()),
        };
        for line in text.lines() {
            // The description of a family is part of its first head.
            if line.starts_with('#') {
                baseline.heads.extend([line, "\n"]);
                continue;
            }
            let (head, number) = line.rsplit_once(' ').expect("a line of two parts");
            let (number, fraction) = number.split_once('.').unwrap_or((number, ""));
            baseline.heads.extend([head, " "]);
            baseline.lines.push((baseline.heads.len(), number.parse().expect("a number")));
            if !fraction.is_empty() {
                baseline.heads.extend([".", fraction]);
            }
            baseline.heads.push('\n');
        }
        baseline.write();
        assert_eq!(baseline.text, text, "the baseline writes another text");
        baseline
    }

    fn write(&mut self) {
        let Self { heads, lines, text } = self;
        text.clear();
        let mut buffer = itoa::Buffer::new();
        let mut start = 0;
        for &(end, number) in &*lines {
            text.push_str(&heads[start..end]);
            start = end;
            text.push_str(buffer.format(number));
        }
        text.push_str(&heads[start..]);
        black_box(text);
    }
}

/// The fastest of many runs, in nanoseconds: other load only adds time.
fn fastest<T>(state: &mut T, before: impl Fn(&mut T), run: impl Fn(&mut T)) -> f64 {
    let begin = Instant::now();
    let (mut best, mut clock) = (Duration::MAX, Duration::MAX);
    let mut runs = 0;
    while runs < 40 || begin.elapsed() < Duration::from_millis(500) {
        before(state);
        let start = Instant::now();
        clock = clock.min(start.elapsed());
        let start = Instant::now();
        run(state);
        best = best.min(start.elapsed());
        runs += 1;
    }
    best.saturating_sub(clock).as_secs_f64() * 1e9
}

/// The cost of each metric, or of each sample of a histogram.
struct Cost {
    metrics: usize,
    same: f64,
    changed: f64,
    baseline: f64,
    allocations: u64,
    bytes: usize,
}

#[allow(clippy::cast_precision_loss)] // far below 2⁵³
fn measure<B: Backend>(backends: usize) -> Cost {
    let mut exported = Exported::<B>::new(backends);
    let metrics = backends * B::SAMPLES;
    let each = |time: f64| time / metrics as f64;
    exported.scrape();
    let allocations = allocation_counter::measure(|| exported.scrape()).count_total;
    let same = each(fastest(&mut exported, |_| (), Exported::scrape));
    let count = |exported: &mut Exported<B>| {
        exported.backends.iter().for_each(|backend| backend.count_all());
    };
    let changed = each(fastest(&mut exported, count, Exported::scrape));
    let baseline = each(fastest(&mut Baseline::new(&exported.text), |_| (), Baseline::write));
    Cost { metrics, same, changed, baseline, allocations, bytes: exported.bytes / metrics }
}

/// Measures this number of backends of one type.
type Measure = fn(usize) -> Cost;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => times(),
        ["--misses"] => misses(),
        [UNDER_CACHEGRIND, what, backends, runs] => {
            let number = |text: &str| text.parse().expect("a number");
            run_under_cachegrind(what, number(backends), number(runs));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("unknown arguments {arguments:?}; expected none, or `--misses`");
            ExitCode::FAILURE
        }
    }
}

fn times() -> ExitCode {
    println!(
        "backends  metrics  scrape ms   base ns  none changed ns  ratio  all changed ns  ratio  warm allocations  bytes held"
    );
    let mut wasted = false;
    let sizes: [(usize, Measure); 12] = [
        (1, measure::<Ten>),
        (10, measure::<Ten>),
        (100, measure::<Ten>),
        (1_000, measure::<Ten>),
        (10_000, measure::<Ten>),
        (1, measure::<Fifty>),
        (100, measure::<Fifty>),
        (1_000, measure::<Fifty>),
        (2_000, measure::<Fifty>),
        (1, measure::<Histograms>),
        (10, measure::<Histograms>),
        (100, measure::<Histograms>),
    ];
    for (backends, measure) in sizes {
        let Cost { metrics, same, changed, baseline, allocations, bytes } = measure(backends);
        #[allow(clippy::cast_precision_loss)] // far below 2⁵³
        let whole = changed * metrics as f64 / 1e6;
        println!(
            "{backends:8} {metrics:8} {whole:10.3} {baseline:9.1} {same:16.1} {:6.2} {changed:15.1} {:6.2} {allocations:17} {bytes:11}",
            same / baseline,
            changed / baseline,
        );
        wasted |= allocations > 0;
    }
    println!(
        "\nThe last three rows are of backends with ten histograms, each of which has 31 samples, counted as metrics here.\n\
         Nanoseconds and bytes are for each metric; times are the fastest of many runs. A scrape reads all backends and writes\n\
         the text format, with no number changed since the last scrape, or all changed, to which the milliseconds refer. The\n\
         baseline writes the same text and reads no backend. Bytes held are the memory of registry and exposition, without the\n\
         metrics themselves and without the body."
    );
    if wasted {
        eprintln!("error: a warm scrape allocates");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The argument with which this program runs under cachegrind.
const UNDER_CACHEGRIND: &str = "--under-cachegrind";

fn run_under_cachegrind(what: &str, backends: usize, runs: usize) {
    let mut exported = Exported::<Ten>::new(backends);
    let mut baseline = Baseline::new(&exported.text);
    for _ in 0..runs {
        match what {
            "baseline" => baseline.write(),
            "none" => exported.scrape(),
            _ => {
                exported.backends.iter().for_each(|backend| backend.count_all());
                exported.scrape();
            }
        }
    }
}

/// Prints the misses of the first two caches for each metric.
fn misses() -> ExitCode {
    println!(
        "Misses for each metric in caches of 32 KiB and of 1 MiB, as simulated by cachegrind, which does not prefetch:"
    );
    println!("backends  metrics    baseline    none changed     all changed");
    for backends in [10, 100, 1_000, 10_000] {
        print!("{backends:8} {:8}", backends * 10);
        for what in ["baseline", "none", "all"] {
            // The difference of two numbers of runs excludes the setup.
            let misses = [4, 8].map(|runs| misses_of(what, backends, runs));
            let [few, more] = match misses {
                [Ok(few), Ok(more)] => [few, more],
                [Err(error), _] | [_, Err(error)] => {
                    eprintln!("{error}");
                    return ExitCode::FAILURE;
                }
            };
            #[allow(clippy::cast_precision_loss)] // far below 2⁵³
            let [first, last] =
                [0, 1].map(|i| (more[i] - few[i]) as f64 / 4.0 / (backends * 10) as f64);
            print!("  {first:6.2} {last:6.2}");
        }
        println!();
    }
    ExitCode::SUCCESS
}

/// The misses of both caches during the whole program.
fn misses_of(what: &str, backends: usize, runs: usize) -> Result<[i64; 2], String> {
    let file = std::env::temp_dir().join(format!("cachegrind-{}", std::process::id()));
    let output = Command::new("valgrind")
        .args(["-q", "--tool=cachegrind", "--cache-sim=yes"])
        .args(["--D1=32768,8,64", "--LL=1048576,16,64"])
        .arg(format!("--cachegrind-out-file={}", file.display()))
        .arg(std::env::current_exe().map_err(|error| error.to_string())?)
        .args([UNDER_CACHEGRIND, what, &backends.to_string(), &runs.to_string()])
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let counts = std::fs::read_to_string(&file).unwrap_or_default();
    let _ = std::fs::remove_file(&file);
    let after = |key: &str| counts.lines().find_map(|line| line.strip_prefix(key));
    let sums = after("events: ").zip(after("summary: ")).map(|(events, sums)| {
        let sums = sums.split_whitespace().filter_map(|sum| sum.parse::<i64>().ok());
        let sums: Vec<_> = events.split_whitespace().zip(sums).collect();
        let of = |names: [&str; 2]| {
            sums.iter().filter(|(name, _)| names.contains(name)).map(|(_, sum)| sum).sum()
        };
        [of(["D1mr", "D1mw"]), of(["DLmr", "DLmw"])]
    });
    sums.ok_or_else(|| format!("valgrind: {}", String::from_utf8_lossy(&output.stderr)))
}
