//! Measures this project, its peers and a baseline in one run, and writes the results.
//!
//! `--short` measures a tenth as long; `--write` writes the tables into `RESULTS.md`, between its two marks.

mod families;
mod functions;
mod histograms;
mod measure;
mod ours;
mod peers;
mod report;
mod subjects;
mod timers;

use std::process::ExitCode;

use measure::{Effort, instructions};

fn main() -> ExitCode {
    let mut effort = Effort::FULL;
    let mut write = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            instructions::ARGUMENT => {
                instructions::run(subjects::all());
                return ExitCode::SUCCESS;
            }
            "--short" => effort = Effort::SHORT,
            "--write" => write = true,
            _ => {
                eprintln!("unknown argument `{argument}`; expected `--short` or `--write`");
                return ExitCode::FAILURE;
            }
        }
    }
    let text = report::all(effort);
    print!("{text}");
    match if write { report::write(&text) } else { Ok(()) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
