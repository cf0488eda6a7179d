//! Measures this project, its peers and the physical limit in one run, and writes what it has measured.
//!
//! `--short` measures a tenth as long; `--write FILE` puts the tables into the file, between its two marks.

mod functions;
mod measure;
mod ours;
mod peers;
mod report;
mod subjects;

use std::process::ExitCode;

use measure::{Effort, instructions};

fn main() -> ExitCode {
    let mut effort = Effort::FULL;
    let mut file = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            instructions::ARGUMENT => {
                instructions::run(subjects::all());
                return ExitCode::SUCCESS;
            }
            "--short" => effort = Effort::SHORT,
            "--write" => file = arguments.next(),
            _ => {
                eprintln!("unknown argument `{argument}`; expected `--short` or `--write FILE`");
                return ExitCode::FAILURE;
            }
        }
    }
    let text = report::all(effort);
    print!("{text}");
    match file.map(|file| report::write(&file, &text)) {
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
