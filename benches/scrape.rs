//! What a Prometheus scrape costs: 1,000 backends of 50 metrics, and other sizes, beside reading them alone and the
//! floor below which no exposition goes: prepared heads and itoa over a plain array of numbers. Prints nanoseconds a
//! metric, the ratio to reading and floor together, and what is allocated. Exits 1 where a warm scrape allocates.

#![allow(unsafe_code)] // an allocator cannot be written otherwise

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use papyra_metrics::{Counter, Metrics};
use papyra_metrics_export::prometheus::{Format, Prometheus};
use papyra_metrics_export::{Reader, Registry};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `pointer` came from the system's allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Ten metrics, of which a backend here has five sets.
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

/// Backends of one type, with numbers of different lengths.
trait Backend: Metrics + Default + Send + Sync + 'static {
    fn count(&self, n: u64);
}

impl Backend for Ten {
    fn count(&self, n: u64) {
        self.records_written.add(n * 7919);
        self.bytes_written.add(n * 1_048_573);
        self.scan_errors.add(1);
    }
}

impl Backend for Fifty {
    fn count(&self, n: u64) {
        let parts = [&self.log, &self.index, &self.cache, &self.snapshots, &self.replica];
        for (i, part) in (1..).zip(parts) {
            part.count(n * i);
        }
    }
}

/// The fastest of many runs, in nanoseconds: what else the machine does only ever adds.
fn fastest(mut run: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    let mut runs = 0;
    while runs < 20 || begin.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        runs += 1;
    }
    best.as_secs_f64() * 1e9
}

/// What each metric costs.
struct Cost {
    metrics: usize,
    read: f64,
    scrape: f64,
    floor: f64,
    allocations: usize,
    bytes: usize,
}

#[allow(clippy::cast_precision_loss)] // far below 2⁵³
fn measure<B: Backend>(backends: usize) -> Cost {
    let metrics = backends * B::default().descriptors().len();
    let each = |time: f64| time / metrics as f64;
    let registry = Registry::with_prefix("papyra").expect("a prefix");
    let all: Vec<Arc<B>> = (0..backends).map(|_| Arc::default()).collect();
    let before = BYTES.load(Ordering::Relaxed);
    for (i, metrics) in (0_u64..).zip(&all) {
        metrics.count(i);
        let labels = [("backend", &*format!("backend-{i}"))];
        registry.register(Arc::clone(metrics), &labels).expect("labels of its own");
    }
    let prometheus = Prometheus::new(&registry);
    let mut text = String::new();
    prometheus.encode(Format::Text, &mut text);
    let bytes = (BYTES.load(Ordering::Relaxed) - before - text.capacity()) / metrics;

    let mut scrape = || {
        text.clear();
        prometheus.encode(Format::Text, &mut text);
    };
    scrape();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    scrape();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    let scrape = each(fastest(scrape));

    let mut reader = Reader::new(&registry);
    let read = each(fastest(|| {
        black_box(reader.read().next());
    }));
    Cost { metrics, read, scrape, floor: each(floor(&text)), allocations, bytes }
}

/// The time to write the same text from prepared heads and an array of numbers.
fn floor(text: &str) -> f64 {
    let mut heads = String::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let (head, number) = line.rsplit_once(' ').expect("a line of two parts");
        let number: Option<u64> = number.parse().ok().filter(|_| !line.starts_with('#'));
        heads.push_str(if number.is_some() { head } else { line });
        heads.push_str(if number.is_some() { " " } else { "" });
        lines.push((heads.len(), number));
    }
    let mut written = String::with_capacity(2 * text.len());
    let time = fastest(|| {
        written.clear();
        let mut buffer = itoa::Buffer::new();
        let mut start = 0;
        for &(end, number) in &lines {
            written.push_str(&heads[start..end]);
            start = end;
            if let Some(number) = number {
                written.push_str(buffer.format(number));
            }
            written.push('\n');
        }
        black_box(&written);
    });
    assert_eq!(written, text, "the floor writes something else");
    time
}

/// Measures so many backends of one type.
type Measure = fn(usize) -> Cost;

fn main() -> ExitCode {
    println!(
        "backends  metrics  scrape ms    read ns  scrape ns  floor ns  ratio  warm allocations  bytes held"
    );
    let mut wasted = false;
    let sizes: [(usize, Measure); 8] = [
        (1, measure::<Ten>),
        (1, measure::<Fifty>),
        (10, measure::<Fifty>),
        (100, measure::<Fifty>),
        (1_000, measure::<Ten>),
        (1_000, measure::<Fifty>),
        (10_000, measure::<Ten>),
        (2_000, measure::<Fifty>),
    ];
    for (backends, measure) in sizes {
        let Cost { metrics, read, scrape, floor, allocations, bytes } = measure(backends);
        let ratio = scrape / (read + floor);
        #[allow(clippy::cast_precision_loss)] // far below 2⁵³
        let whole = scrape * metrics as f64 / 1e6;
        println!(
            "{backends:8} {metrics:8} {whole:10.3} {read:10.1} {scrape:10.1} {floor:9.1} {ratio:6.2} {allocations:17} {bytes:11}"
        );
        wasted |= allocations > 0;
    }
    println!(
        "\nNanoseconds and bytes are those of each metric, times the fastest of many runs. A scrape reads all backends and\n\
         writes the text format; the ratio is to read and floor together. Held is the memory of registry and exposition,\n\
         without the metrics themselves and without the body. Where these and the text outgrow the caches, a scrape waits\n\
         for memory."
    );
    if wasted {
        println!("A warm scrape allocates.");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
