//! The cost of metrics in the example engine: its throughput and its instructions without metrics, with papyra-metrics, and
//! with other crates that measure the same operations.
//!
//! The sources of the engine are compiled once for each of these builds; only the module `metrics` differs.
//! Instructions are counted if valgrind is installed.
//!
//! `--short` measures for a tenth of the time. `--instructions` measures no times, which is useful on a busy machine.
//! `--throughput` counts no instructions. `--write` writes the tables into `RESULTS.md`, between its two marks.

// Each build of the engine is used only in part, and each build includes the files of the engine again.
#![allow(dead_code, unreachable_pub, clippy::duplicate_mod)]

mod declaration;
mod instructions;
mod libraries;
mod ours;
mod ours_every_call;
mod report;
#[path = "../results_file.rs"]
mod results_file;
mod statistics;
mod throughput;
mod without;
mod without_again;
mod workload;

use std::process::ExitCode;

use workload::{Round, Workload, prepare};

/// A build of the engine.
struct Build {
    name: &'static str,
    prepare: fn(Workload) -> Round,
    /// Whether the throughput of this build is measured in every round, for a narrower confidence interval.
    is_in_every_round: bool,
    /// Work that the build's metrics library requires from time to time. It runs between rounds and is not measured.
    upkeep: fn(),
}

/// The builds that are compared. The first build is the baseline.
const BUILDS: [Build; 9] = [
    Build { is_in_every_round: true, ..build("without metrics", prepare::<without::Engine>) },
    // A second build without metrics, which shows how much two equal builds differ.
    Build {
        is_in_every_round: true,
        ..build("without metrics, second build", prepare::<without_again::Engine>)
    },
    Build { is_in_every_round: true, ..build("papyra-metrics", prepare::<ours::Engine>) },
    build("papyra-metrics, every call timed", prepare::<ours_every_call::Engine>),
    build("fastmetrics", prepare::<libraries::fastmetrics::Engine>),
    build("measured", prepare::<libraries::measured::Engine>),
    Build {
        upkeep: libraries::facade::upkeep,
        ..build("metrics (metrics-exporter-prometheus)", prepare::<libraries::facade::Engine>)
    },
    build("prometheus", prepare::<libraries::prometheus::Engine>),
    build("prometheus-client", prepare::<libraries::prometheus_client::Engine>),
];

const fn build(name: &'static str, prepare: fn(Workload) -> Round) -> Build {
    Build { name, prepare, is_in_every_round: false, upkeep: || {} }
}

fn main() -> ExitCode {
    let (mut effort, mut counts_instructions, mut write) = (Some(1.0), true, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            instructions::ARGUMENT => {
                instructions::run(&BUILDS, arguments);
                return ExitCode::SUCCESS;
            }
            "--short" => effort = Some(0.1),
            "--instructions" => effort = None,
            "--throughput" => counts_instructions = false,
            "--write" => write = true,
            "--bench" => {} // added by Cargo
            _ => {
                eprintln!(
                    "unknown argument `{argument}`; expected `--instructions`, `--short`, `--throughput` or `--write`"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    let instructions = if counts_instructions {
        instructions::count(&BUILDS)
    } else {
        Err("`--throughput` was given".to_owned())
    };
    let times = effort.map(|effort| throughput::measure(&BUILDS, effort)).unwrap_or_default();
    let text = report::text(&BUILDS, &times, instructions.as_ref());
    print!("{text}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");
    match if write { results_file::write(file, &text) } else { Ok(()) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
