//! Measures Prometheus scrapes of 10 to 100,000 metrics and compares them with a baseline: prepared text, and numbers from a
//! plain array, formatted by `itoa`. Histograms are measured too, in time per sample.
//!
//! Prints the nanoseconds per metric, their ratio to the baseline, and allocations. Times are measured for two cases: no number
//! has changed since the last scrape, or all numbers have changed. Exits with 1 if a warm scrape allocates.
//!
//! With `--misses`, prints the instructions and the cache misses of the scrapes and of the baseline instead, as simulated by
//! valgrind's cachegrind.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use backends::{Backend, Fifty, Histograms, Ten};
use baseline::Baseline;
use exported::Exported;
use misses::{UNDER_CACHEGRIND, misses, run_under_cachegrind};

mod backends;
mod baseline;
mod exported;
mod misses;

/// Returns the time of the fastest of many runs in nanoseconds. The fastest run is the most exact, because other load
/// only adds time. The time that it takes to read the clock is subtracted.
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

/// The costs of a scrape. Times and bytes are per metric, or per sample of a histogram. Times are in nanoseconds. Allocations are
/// those of a whole scrape.
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

/// A function that measures this number of backends of one type.
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
        "backends  metrics  scrape ms  baseline ns  none changed ns  ratio  all changed ns  ratio  warm allocations  bytes held"
    );
    let mut allocates = false;
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
            "{backends:8} {metrics:8} {whole:10.3} {baseline:12.1} {same:16.1} {:6.2} {changed:15.1} {:6.2} {allocations:17} {bytes:11}",
            same / baseline,
            changed / baseline,
        );
        allocates |= allocations > 0;
    }
    println!(
        "\nThe backends of the last three rows have ten histograms of 31 samples each. Each sample is counted as a metric here.\n\
         Nanoseconds and bytes are per metric; times are those of the fastest of many runs. A scrape reads all backends and writes\n\
         the text format. Since the last scrape, no number has changed, or all have; the milliseconds are those of a scrape after\n\
         all have changed. The baseline writes the same text and reads no backend. Bytes held are the memory of the registry and\n\
         the exporter, without the metrics themselves and without the text."
    );
    if allocates {
        eprintln!("error: a warm scrape allocates");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
