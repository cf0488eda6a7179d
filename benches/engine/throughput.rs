//! Measures times in interleaved rounds.

use std::time::{Duration, Instant};

use crate::Build;
use crate::workload::{Observer, Round, Workload};

/// The number of times that each build is prepared for a workload, which opens an engine. Two equal engines are not equally fast
/// if their memory is at different addresses, so preparing each build once is not enough.
const PREPARATIONS: usize = 12;

/// The builds that are not measured in every round are measured once in this many rounds.
const SELDOM: usize = 4;

/// The measurements of one workload.
pub(crate) struct Times {
    pub(crate) workload: Workload,
    /// The seconds per operation of the baseline in each round.
    pub(crate) baseline: Vec<f64>,
    /// For each build, the throughput relative to the baseline in each round in which it was measured.
    pub(crate) ratios: Vec<Vec<f64>>,
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

/// Measures the builds alternately, so that other load affects all of them. The first build is the baseline.
pub(crate) fn measure(builds: &[Build], effort: f64) -> Vec<Times> {
    Workload::ALL.map(|workload| measure_workload(builds, workload, effort)).into()
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the numbers are small
fn measure_workload(builds: &[Build], workload: Workload, effort: f64) -> Times {
    eprintln!("{}", workload.name());
    let often: Vec<usize> =
        (0..builds.len()).filter(|&index| builds[index].is_in_every_round).collect();
    let all: Vec<usize> = (0..builds.len()).collect();
    let mut times =
        Times { workload, baseline: Vec::new(), ratios: vec![Vec::new(); builds.len()] };
    let rounds = (workload.rounds() as f64 * effort).ceil() as usize;
    for _ in 0..PREPARATIONS {
        let mut prepared: Vec<Round> =
            builds.iter().map(|build| (build.prepare)(workload)).collect();
        for round in 0..rounds.div_ceil(PREPARATIONS) {
            let chosen = if round % SELDOM == 0 { &all } else { &often };
            let mut seconds = vec![0.0; builds.len()];
            for turn in 0..chosen.len() {
                // Changes the order of the builds, so that a build is not always the first, and a build that is measured in
                // every round does not always follow the same build. Rounds with all builds have even numbers, so their
                // order is never reversed.
                let turn = if round % 2 == 0 { turn } else { chosen.len() - 1 - turn };
                let index = chosen[(round / 2 + turn) % chosen.len()];
                let mut watch = Stopwatch::default();
                prepared[index](workload.operations(), &mut watch);
                seconds[index] = watch.elapsed.as_secs_f64();
                (builds[index].upkeep)();
            }
            times.baseline.push(seconds[0] / workload.operations() as f64);
            for &index in chosen {
                times.ratios[index].push(seconds[0] / seconds[index]);
            }
        }
    }
    times
}
