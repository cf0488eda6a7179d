//! Prints the errors of quantiles that are estimated from buckets, for the ready-made buckets of this project and for the
//! latency bounds of other libraries.
//!
//! There are 40 distributions of 200,000 latencies each, the same in every run. They are normal, log-normal, exponential and
//! bimodal, with medians from 1 µs to 100 ms, like the latencies of caches, disks and networks. An error is the absolute
//! difference from the true quantile, in percent of the true quantile. The table shows the mean error over all
//! distributions, and the worst error of p99.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // all values are in range

use std::fmt::Write as _;
use std::time::Duration;

use papyra_metrics::{Buckets, FineLatency, Histogram, Latency, buckets};

const VALUES: usize = 200_000;
const QUANTILES: [f64; 3] = [0.5, 0.99, 0.999];

/// Latency bounds of other libraries, in seconds.
const OTHERS: [(&str, &[f64]); 4] = [
    (
        "prometheus, the default bounds",
        &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
    ),
    (
        "`opentelemetry_sdk`, the default bounds as milliseconds",
        &[0.0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0],
    ),
    ("vise, `LATENCIES`", &[0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0]),
    (
        "slatedb, `LATENCY_BOUNDARIES`",
        &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
    ),
];

buckets!(Powers: Duration = powers(4, 64ns, 68719476736ns));

fn main() {
    let distributions = distributions();
    let mut table = String::from(
        "| bounds | number | p50 | p99 | p999 | worst p99 |\n|---|--:|--:|--:|--:|--:|\n",
    );
    add_our_rows::<Latency>(&mut table, "`Latency`: 1, 2, 5", &distributions);
    add_our_rows::<FineLatency>(&mut table, "`FineLatency`: 1, 1.5, 2, 3, 5, 7", &distributions);
    add_our_rows::<Powers>(&mut table, "powers of 4, as in `Sizes`", &distributions);
    for (name, bounds) in OTHERS {
        let bounds: Vec<u64> = bounds.iter().map(|bound| nanoseconds(*bound)).collect();
        add_row(&mut table, name, bounds.len(), &distributions, |values| linear(&bounds, values));
    }
    print!("{table}");
}

/// Adds two rows: the estimates of `Distribution::quantile`, and those of Prometheus from the exported buckets.
fn add_our_rows<B: Buckets<Value = Duration>>(
    table: &mut String,
    name: &str,
    distributions: &[Vec<u64>],
) {
    add_row(table, name, B::BOUNDS.len(), distributions, |values| {
        let histogram = Histogram::<B>::new();
        for value in values {
            histogram.record(Duration::from_nanos(*value));
        }
        let read = histogram.get();
        QUANTILES.map(|q| read.quantile(q).map_or(f64::NAN, |value| value.as_secs_f64() * 1e9))
    });
    let name = "… in Prometheus, by `histogram_quantile`";
    add_row(table, name, B::BOUNDS.len(), distributions, |values| linear(B::BOUNDS, values));
}

fn add_row(
    table: &mut String,
    name: &str,
    bounds: usize,
    distributions: &[Vec<u64>],
    estimate: impl Fn(&[u64]) -> [f64; 3],
) {
    let (mut sums, mut worst) = ([0.0; 3], 0.0_f64);
    for values in distributions {
        for (i, (estimate, q)) in estimate(values).into_iter().zip(QUANTILES).enumerate() {
            let true_value = values[rank(q) - 1] as f64;
            let error = (estimate / true_value - 1.0).abs() * 100.0;
            sums[i] += error / distributions.len() as f64;
            if i == 1 {
                worst = worst.max(error);
            }
        }
    }
    let [p50, p99, p999] = sums.map(percent);
    let worst = percent(worst);
    let _ = writeln!(table, "| {name} | {bounds} | {p50} | {p99} | {p999} | {worst} |");
}

fn percent(error: f64) -> String {
    if error < 10.0 { format!("{error:.1} %") } else { format!("{error:.0} %") }
}

/// Estimates quantiles as Prometheus does: by linear interpolation within a bucket. A quantile above the last bound is estimated
/// as this bound.
fn linear(bounds: &[u64], values: &[u64]) -> [f64; 3] {
    // The number of values up to each bound. The values are sorted.
    let through: Vec<usize> =
        bounds.iter().map(|bound| values.partition_point(|value| value <= bound)).collect();
    QUANTILES.map(|q| {
        let rank = q * values.len() as f64;
        let Some(bucket) = through.iter().position(|count| *count as f64 >= rank) else {
            return bounds[bounds.len() - 1] as f64;
        };
        let (lower, below) =
            if bucket == 0 { (0, 0) } else { (bounds[bucket - 1], through[bucket - 1]) };
        let position = (rank - below as f64) / (through[bucket] - below) as f64;
        lower as f64 + position * (bounds[bucket] - lower) as f64
    })
}

fn rank(q: f64) -> usize {
    (q * VALUES as f64).ceil() as usize
}

fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// Returns the values of each distribution, sorted.
fn distributions() -> Vec<Vec<u64>> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    // Medians that are unrelated to the bounds.
    let medians = [1.3e3, 17e3, 230e3, 3.1e6, 97e6];
    let mut all = Vec::new();
    for median in medians {
        let shapes: [&dyn Fn(&mut Random) -> f64; 8] = [
            &|random| 1.0 + 0.1 * random.normal(),
            &|random| (0.25 * random.normal()).exp(),
            &|random| (0.5 * random.normal()).exp(),
            &|random| random.normal().exp(),
            &|random| (1.5 * random.normal()).exp(),
            &|random| -random.uniform().ln() / 2_f64.ln(),
            // A cache with a miss in 5 % of its lookups, and a disk with a sync in 1 % of its writes.
            &|random| {
                let missed = random.uniform() < 0.05;
                (0.3 * random.normal()).exp() * if missed { 40.0 } else { 1.0 }
            },
            &|random| {
                let synced = random.uniform() < 0.01;
                (0.4 * random.normal()).exp() + if synced { 300.0 * random.uniform() } else { 0.0 }
            },
        ];
        for shape in shapes {
            let mut values: Vec<u64> =
                (0..VALUES).map(|_| (median * shape(&mut random)).max(1.0) as u64).collect();
            values.sort_unstable();
            all.push(values);
        }
    }
    all
}

/// A random number generator: Marsaglia's xorshift.
struct Random(u64);

impl Random {
    /// Returns a number above 0 and at most 1.
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a normally distributed number, by the Box–Muller transform.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
