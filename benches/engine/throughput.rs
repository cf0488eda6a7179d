//! Measures times in interleaved rounds.

use std::time::{Duration, Instant};

use crate::Build;
use crate::workload::{Observer, Round, Workload};

/// The times of one workload.
pub(crate) struct Times {
    pub(crate) workload: Workload,
    /// The seconds per operation, for each build and each round.
    pub(crate) rounds: Vec<Vec<f64>>,
}

#[derive(Default)]
struct Stopwatch {
    start: Option<Instant>,
    elapsed: Duration,
}

impl Observer for Stopwatch {
    fn begin(&mut self) {
        self.start = Some(Instant::now());
    }

    fn end(&mut self) {
        self.elapsed = self.start.map_or(Duration::ZERO, |start| start.elapsed());
    }
}

/// Measures the builds alternately, so that other load affects all of them. Returns an empty list if `rounds` is zero.
pub(crate) fn measure(builds: &[Build], rounds: usize) -> Vec<Times> {
    if rounds == 0 {
        return Vec::new();
    }
    Workload::ALL.map(|workload| measure_workload(builds, workload, rounds)).into()
}

#[allow(clippy::cast_precision_loss)] // of small numbers
fn measure_workload(builds: &[Build], workload: Workload, rounds: usize) -> Times {
    eprintln!("{}", workload.name());
    let mut prepared: Vec<Round> = builds.iter().map(|build| (build.prepare)(workload)).collect();
    let mut times = vec![Vec::with_capacity(rounds); builds.len()];
    let operations = workload.operations();
    for round in 0..rounds {
        for turn in 0..builds.len() {
            // Each is the first as often as the others, and comes after either neighbour.
            let turn = if round % 2 == 0 { turn } else { builds.len() - 1 - turn };
            let index = (round / 2 + turn) % builds.len();
            let mut watch = Stopwatch::default();
            prepared[index](operations, &mut watch);
            times[index].push(watch.elapsed.as_secs_f64() / operations as f64);
            (builds[index].upkeep)();
        }
    }
    Times { workload, rounds: times }
}
