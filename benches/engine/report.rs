//! Formats the results as tables in Markdown.

use std::fmt::Write as _;

use crate::Build;
use crate::instructions::WORKLOADS;
use crate::results_file;
use crate::statistics::Median;
use crate::throughput::Times;

/// The instructions per operation, for each workload.
type Instructions = [f64; WORKLOADS.len()];

/// Returns the text of the results.
pub(crate) fn text(
    builds: &[Build],
    times: &[Times],
    counts: Result<&Vec<Instructions>, &String>,
) -> String {
    let mut text = conditions();
    if !times.is_empty() {
        throughput(&mut text, builds, times);
    }
    match counts {
        Ok(counts) => instructions(&mut text, builds, counts),
        Err(why) => drop(writeln!(text, "\nInstructions were not counted: {}", why.trim())),
    }
    text
}

/// Writes the time per operation of the build without metrics, and the throughput of each other build relative to that build:
/// the median of the ratios of all rounds in which both were measured.
fn throughput(text: &mut String, builds: &[Build], times: &[Times]) {
    head(
        text,
        "throughput, relative to no metrics",
        times.iter().map(|times| times.workload.name()),
    );
    for (index, build) in builds.iter().enumerate() {
        let _ = write!(text, "| {} |", build.name);
        for Times { baseline, ratios, .. } in times {
            if index == 0 {
                let seconds = Median::of(baseline.clone()).value;
                let _ = write!(text, " {} per operation |", time(seconds));
                continue;
            }
            let Median { value, margin } = Median::of(ratios[index].clone());
            let _ = write!(text, " {value:.3} ± {margin:.3} |");
        }
        text.push('\n');
    }
}

/// Writes the instructions of the build without metrics, and how many more instructions each other build executes.
fn instructions(text: &mut String, builds: &[Build], counts: &[Instructions]) {
    head(text, "instructions per operation", WORKLOADS.iter().map(|workload| workload.name()));
    for (index, (build, with)) in builds.iter().zip(counts).enumerate() {
        let _ = write!(text, "| {} |", build.name);
        for (without, with) in counts[0].iter().zip(with) {
            let added = with - without;
            let _ = match index {
                0 => write!(text, " {without:.0} |"),
                _ => write!(text, " {added:+.0} ({:+.1} %) |", 100.0 * added / without),
            };
        }
        text.push('\n');
    }
}

fn head(text: &mut String, name: &str, columns: impl Iterator<Item = &'static str>) {
    let columns: Vec<_> = columns.collect();
    let _ = writeln!(text, "\n| {name} | {} |", columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(columns.len()));
}

fn time(seconds: f64) -> String {
    if seconds < 1e-6 {
        format!("{:.0} ns", seconds * 1e9)
    } else {
        format!("{:.3} µs", seconds * 1e6)
    }
}

/// Returns a description of the machine, the file system and the versions.
fn conditions() -> String {
    let directory = std::env::temp_dir();
    let directory = directory.to_str().unwrap_or_default();
    let file_system = results_file::output("stat", &["-f", "-c", "%T", directory]);
    let crates = [
        "fastmetrics",
        "measured",
        "metrics",
        "metrics-exporter-prometheus",
        "prometheus",
        "prometheus-client",
    ];
    let lock = include_str!("../../Cargo.lock");
    format!(
        "{}; the files are in {directory} ({file_system}).\n\nVersions: {}.\n",
        results_file::machine(),
        results_file::versions(lock, |name| crates.contains(&name)),
    )
}
