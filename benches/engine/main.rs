//! The cost of metrics in the example engine: its throughput and its instructions without metrics, with papyra-metrics, and
//! with other crates that measure the same operations.
//!
//! The sources of the engine are compiled once for each; only `metrics.rs` differs. `--short` measures a tenth as long, and
//! `--instructions` measures no times, for a machine that is busy. `--write` writes the tables into `RESULTS.md`, between its
//! two marks. Instructions are counted if valgrind is installed.

// Each build of the engine is used only in part, and each build includes the files of the engine again.
#![allow(dead_code, unreachable_pub, clippy::duplicate_mod)]

mod declaration;
mod instructions;
mod libraries;
mod ours;
mod ours_every_call;
mod report;
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
    /// Work that the crate asks for between measurements.
    upkeep: fn(),
}

/// The first is the baseline.
const BUILDS: [Build; 9] = [
    build("without metrics", prepare::<without::Engine>),
    // Shows how far two equal builds are apart.
    build("without metrics, another copy", prepare::<without_again::Engine>),
    build("papyra-metrics", prepare::<ours::Engine>),
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
    Build { name, prepare, upkeep: || {} }
}

fn main() -> ExitCode {
    let (mut rounds, mut write) = (201, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            instructions::ARGUMENT => {
                instructions::run(&BUILDS, arguments);
                return ExitCode::SUCCESS;
            }
            "--short" => rounds = 21,
            "--instructions" => rounds = 0,
            "--write" => write = true,
            "--bench" => {} // added by Cargo
            _ => {
                eprintln!(
                    "unknown argument `{argument}`; expected `--instructions`, `--short` or `--write`"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    let instructions = instructions::count(&BUILDS);
    let times = throughput::measure(&BUILDS, rounds);
    let text = report::text(&BUILDS, &times, instructions.as_ref());
    print!("{text}");
    match if write { report::write(&text) } else { Ok(()) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
