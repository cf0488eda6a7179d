//! Measures this project, its peers and a baseline in one run, and prints the results.
//!
//! `--short` measures for less time. `--write` writes the tables into `RESULTS.md`, between its two marks. `--only TEXT` prints
//! the tables of the tasks whose names contain the text, without counting instructions.

mod families;
mod functions;
mod histograms;
mod measure;
mod memory;
mod otlp;
mod ours;
mod peers;
mod report;
#[path = "../results_file.rs"]
mod results_file;
mod subjects;
mod timers;

use std::process::ExitCode;

use measure::{Effort, instructions};

fn main() -> ExitCode {
    let mut effort = Effort::FULL;
    let mut write = false;
    let mut only = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            instructions::ARGUMENT => {
                instructions::run(subjects::all());
                return ExitCode::SUCCESS;
            }
            "--short" => effort = Effort::SHORT,
            "--write" => write = true,
            "--only" => only = Some(arguments.next().unwrap_or_default()),
            _ => {
                eprintln!(
                    "unknown argument `{argument}`; expected `--only TEXT`, `--short` or `--write`"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    if let Some(only) = only {
        print!("{}", report::only(effort, &only));
        return ExitCode::SUCCESS;
    }
    let text = report::all(effort);
    print!("{text}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../RESULTS.md");
    match if write { results_file::write(file, &text) } else { Ok(()) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
