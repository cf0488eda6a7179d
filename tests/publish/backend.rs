//! A backend that tests run in a separate process. It reads one command from each line of its standard input, executes
//! the command, and answers with one line. A test waits for the answer, and so does not have to sleep.

use std::io::{BufRead, Write};

use std::time::Duration;

use papyra_metrics::{
    CachePadded, Counter, FineLatency, FloatGauge, Gauge, Histogram, Metrics, Peak,
    ShardedHistogram, Sizes, publish::Published,
};

/// The metrics of the backend.
#[derive(Debug, Default, Metrics)]
struct BackendMetrics {
    /// Records written.
    records_written: Counter,
    /// Payload bytes written.
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    #[metrics(errors)]
    write_errors: std::sync::atomic::AtomicU64,
    open_segments: Gauge,
    #[metrics(flatten, prefix = "cache_")]
    cache: CacheMetrics,
}

#[derive(Debug, Default, Metrics)]
struct CacheMetrics {
    hits: Counter,
}

/// Further metrics of the backend, in a separate file.
#[derive(Debug, Default, Metrics)]
struct EngineMetrics {
    appends: Counter,
    /// How long an append takes.
    append: Histogram,
    lookup: ShardedHistogram<FineLatency>,
    /// Size of a record.
    record_size: CachePadded<Histogram<Sizes>>,
    fill_ratio: FloatGauge,
    longest_queue: Peak,
}

fn main() {
    let mut metrics: Option<Published<BackendMetrics>> = None;
    let mut engine: Option<Published<EngineMetrics>> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the test writes lines");
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let counts = || metrics.as_ref().expect("the metrics are published");
        let number = || rest.parse::<u64>().expect("a number");
        let answer = match word {
            "publish" => match Published::create(rest) {
                Ok(made) => {
                    metrics = Some(made);
                    "ok".to_owned()
                }
                Err(error) => error.to_string(),
            },
            "or-private" => {
                let made = metrics.insert(Published::create_or_private(rest));
                made.error().map_or("ok".to_owned(), ToString::to_string)
            }
            "keep" => {
                metrics = metrics.map(Published::keep);
                "ok".to_owned()
            }
            "write" => {
                counts().records_written.add(number());
                counts().bytes_written.add(100 * number());
                "ok".to_owned()
            }
            "fail" => {
                counts().write_errors.fetch_add(number(), std::sync::atomic::Ordering::Relaxed);
                "ok".to_owned()
            }
            "open" => {
                counts().open_segments.set(rest.parse::<i64>().expect("a number"));
                "ok".to_owned()
            }
            "hit" => {
                counts().cache.hits.add(number());
                "ok".to_owned()
            }
            "enter" => {
                std::env::set_current_dir(rest).expect("a directory");
                "ok".to_owned()
            }
            // Increments a counter in four threads at once. The argument is the number of increments in each thread.
            "load" => {
                std::thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(|| {
                            for _ in 0..number() {
                                counts().records_written.inc();
                            }
                        });
                    }
                });
                "ok".to_owned()
            }
            "snapshot" => counts().snapshot().to_string().replace('\n', ", "),
            "totals" => counts().totals().to_string().replace('\n', ", "),
            "drop" => {
                metrics = None;
                "ok".to_owned()
            }
            _ => measure(&mut engine, word, rest),
        };
        println!("{answer}");
        std::io::stdout().flush().expect("the test reads the answers");
    }
}

/// Executes a command that concerns the file of `EngineMetrics`.
fn measure(engine: &mut Option<Published<EngineMetrics>>, word: &str, rest: &str) -> String {
    if word == "publish-engine" {
        return match Published::create(rest) {
            Ok(made) => {
                *engine = Some(made);
                "ok".to_owned()
            }
            Err(error) => error.to_string(),
        };
    }
    let engine = engine.as_ref().expect("the engine's metrics are published");
    let number = || rest.parse::<u64>().expect("a number");
    match word {
        // The arguments of `append` and `lookup` are in microseconds.
        "append" => {
            engine.appends.inc();
            engine.append.record(Duration::from_micros(number()));
        }
        "lookup" => engine.lookup.record(Duration::from_micros(number())),
        "size" => engine.record_size.record(number()),
        "fill" => engine.fill_ratio.set(rest.parse().expect("a number")),
        "queue" => engine.longest_queue.record(rest.parse::<i64>().expect("a number")),
        // Records from four threads at once. All values of a histogram are equal, so that a test can compute the sum from the
        // count.
        "measure" => std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..number() {
                        engine.append.record(Duration::from_micros(80));
                        engine.lookup.record(Duration::from_micros(3));
                    }
                });
            }
        }),
        "engine-snapshot" => return engine.snapshot().to_string().replace('\n', "; "),
        "engine-totals" => return engine.totals().to_string().replace('\n', "; "),
        _ => panic!("unknown command `{word}`"),
    }
    "ok".to_owned()
}
