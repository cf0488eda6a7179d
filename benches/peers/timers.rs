//! A function whose duration is recorded, in each call or in one call of sixteen.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use papyra_metrics::{Histogram, Metrics, ShardedHistogram, metrics};

use crate::functions::{Full, put};
use crate::measure::{Entry, Subject};
use crate::subjects::{Line, US, far_apart, leak};

#[derive(Default, Metrics)]
struct LogMetrics {
    put: Histogram,
    put_sharded: ShardedHistogram,
    put_sampled: Histogram,
    put_sampled_sharded: ShardedHistogram,
}

/// Separate slots for two threads, so that the work itself is not contended.
#[derive(Default)]
struct Log {
    slots: [Line<[AtomicU64; 8]>; 2],
    metrics: LogMetrics,
}

impl Log {
    #[inline(never)]
    fn untimed(&self, thread: usize) -> Result<u64, Full> {
        put(&self.slots[thread].0, black_box(3))
    }

    /// Reads the clock before and after the work, and records nothing.
    #[inline(never)]
    fn clock_alone(&self, thread: usize) -> (Result<u64, Full>, Duration) {
        let start = Instant::now();
        let result = put(&self.slots[thread].0, black_box(3));
        (result, start.elapsed())
    }

    #[metrics(time = put)]
    #[inline(never)]
    fn timed(&self, thread: usize) -> Result<u64, Full> {
        put(&self.slots[thread].0, black_box(3))
    }

    #[metrics(time = put_sharded)]
    #[inline(never)]
    fn timed_sharded(&self, thread: usize) -> Result<u64, Full> {
        put(&self.slots[thread].0, black_box(3))
    }

    #[metrics(time = put_sampled, sample = 16)]
    #[inline(never)]
    fn sampled(&self, thread: usize) -> Result<u64, Full> {
        put(&self.slots[thread].0, black_box(3))
    }

    #[metrics(time = put_sampled_sharded, sample = 16)]
    #[inline(never)]
    fn sampled_sharded(&self, thread: usize) -> Result<u64, Full> {
        put(&self.slots[thread].0, black_box(3))
    }
}

struct Prometheus(Line<[Line<[AtomicU64; 8]>; 2]>, prometheus::Histogram);

impl Prometheus {
    #[inline(never)]
    fn timed(&self, thread: usize) -> Result<u64, Full> {
        let timer = self.1.start_timer();
        let result = put(&self.0.0[thread].0, black_box(3));
        timer.observe_duration();
        result
    }
}

struct Vise(Line<[Line<[AtomicU64; 8]>; 2]>, vise::Histogram<Duration>);

impl Vise {
    #[inline(never)]
    fn timed(&self, thread: usize) -> Result<u64, Full> {
        let timer = self.1.start();
        let result = put(&self.0.0[thread].0, black_box(3));
        timer.observe();
        result
    }
}

/// Returns the subjects: one thread, and two threads. First measures durations until `Timer` uses the time stamp counter.
pub fn all() -> [Subject; 2] {
    use_clock_for_a_while();
    let alone = contestants(false);
    let mut by_two = vec![far_apart()];
    by_two.extend(contestants(true));
    [
        ("Call a timed function on one thread", alone),
        ("Call a timed function on two threads", by_two),
    ]
    .map(|(name, entries)| Subject { name: name.into(), unit: "call", units: 1, entries })
}

/// Measures durations for a second, because `Timer` uses another clock until durations have been measured for about half
/// a second.
fn use_clock_for_a_while() {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(1) {
        LogMetrics::default().put.start().discard();
    }
}

fn contestants(two: bool) -> Vec<Entry> {
    let prometheus = || Prometheus(Line::default(), crate::histograms::prometheus());
    let vise = || Vise(Line::default(), crate::histograms::vise());
    vec![
        entry(two, "no function, one `AtomicU64` incremented", Line(AtomicU64::new(0)), |c, _| {
            c.0.fetch_add(1, Relaxed);
        }),
        entry(two, "not timed", Log::default(), |log, t| {
            black_box(log.untimed(t).is_ok());
        }),
        entry(
            two,
            "`Instant::now` and `Instant::elapsed`, nothing recorded",
            Log::default(),
            |log, t| {
                black_box(log.clock_alone(t).1);
            },
        ),
        entry(two, US, Log::default(), |log, t| {
            black_box(log.timed(t).is_ok());
        }),
        entry(two, "papyra-metrics, in a `ShardedHistogram`", Log::default(), |log, t| {
            black_box(log.timed_sharded(t).is_ok());
        }),
        entry(two, "papyra-metrics, `sample = 16`", Log::default(), |log, t| {
            black_box(log.sampled(t).is_ok());
        }),
        entry(
            two,
            "papyra-metrics, `sample = 16` in a `ShardedHistogram`",
            Log::default(),
            |log, t| {
                black_box(log.sampled_sharded(t).is_ok());
            },
        ),
        entry(two, "prometheus", prometheus(), |log, t| {
            black_box(log.timed(t).is_ok());
        }),
        entry(two, "vise", vise(), |log, t| {
            black_box(log.timed(t).is_ok());
        }),
    ]
}

fn entry<T: Sync + 'static>(
    two: bool,
    contestant: &'static str,
    log: T,
    call: impl Fn(&T, usize) + Copy + Sync + 'static,
) -> Entry {
    let log = leak(log);
    let run = move |thread, repeats| (0..repeats).for_each(|_| call(log, thread));
    if two {
        Entry::by_two(contestant, run)
    } else {
        Entry::alone(contestant, move |repeats| run(0, repeats))
    }
}
