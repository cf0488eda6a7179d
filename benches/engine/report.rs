//! The tables, in Markdown.

use std::fmt::Write as _;
use std::process::Command;

use crate::Build;
use crate::instructions::WORKLOADS;
use crate::statistics::Median;
use crate::throughput::Times;

/// The marks around the part of the results that this program writes.
const MARKS: [&str; 2] = ["<!-- measured: begin -->\n", "<!-- measured: end -->\n"];

/// The instructions of an operation of each workload.
type Instructions = [f64; WORKLOADS.len()];

/// Returns the text of the results.
pub(crate) fn text(
    builds: &[Build],
    times: &[Times],
    counts: Result<&Vec<Instructions>, &String>,
) -> String {
    let mut text = machine();
    if !times.is_empty() {
        throughput(&mut text, builds, times);
    }
    match counts {
        Ok(counts) => instructions(&mut text, builds, counts),
        Err(why) => drop(writeln!(text, "\nInstructions were not counted: {}", why.trim())),
    }
    text
}

/// Writes the throughput of each build relative to the build without metrics: the median of the ratios of all rounds.
fn throughput(text: &mut String, builds: &[Build], times: &[Times]) {
    head(text, "throughput, × without metrics", times.iter().map(|times| times.workload.name()));
    for (index, build) in builds.iter().enumerate() {
        let _ = write!(text, "| {} |", build.name);
        for Times { rounds, .. } in times {
            if index == 0 {
                let seconds = Median::of(rounds[0].clone()).value;
                let _ = write!(text, " {} an operation |", time(seconds));
                continue;
            }
            let ratios = rounds[0].iter().zip(&rounds[index]).map(|(without, with)| without / with);
            let Median { value, margin } = Median::of(ratios.collect());
            let _ = write!(text, " {value:.3} ± {margin:.3} |");
        }
        text.push('\n');
    }
}

/// The instructions that each build adds to those without metrics.
fn instructions(text: &mut String, builds: &[Build], counts: &[Instructions]) {
    head(text, "instructions an operation", WORKLOADS.iter().map(|workload| workload.name()));
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

/// The date, the machine and the versions.
fn machine() -> String {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map_or("unknown".to_owned(), |output| {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        })
    };
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let directory = std::env::temp_dir();
    let directory = directory.to_str().unwrap_or_default();
    format!(
        "Measured on {} on {cores} cores of {}, {}, with {}, at commit {}; the files are in {} ({}).\n\nVersions: {}.\n",
        run("date", &["-u", "+%Y-%m-%d"]),
        model.trim_start_matches([' ', '\t', ':']),
        run("uname", &["-srm"]),
        run("rustc", &["-V"]),
        run("git", &["rev-parse", "--short", "HEAD"]),
        directory,
        run("stat", &["-f", "-c", "%T", directory]),
        versions(),
    )
}

/// The versions of the crates, from the lock file.
fn versions() -> String {
    const CRATES: [&str; 6] = [
        "fastmetrics",
        "measured",
        "metrics",
        "metrics-exporter-prometheus",
        "prometheus",
        "prometheus-client",
    ];
    let packages = include_str!("../../Cargo.lock").split("[[package]]");
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    packages
        .filter_map(|package| Some((value(package, "name")?, value(package, "version")?)))
        .filter(|(name, _)| CRATES.contains(&name.as_str()))
        .map(|(name, version)| format!("{name} {version}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Writes the text between the marks of the results.
pub(crate) fn write(text: &str) -> Result<(), String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");
    let old = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let parts = old.split_once(MARKS[0]).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(MARKS[1])?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        return Err(format!(
            "{file}: the lines `{}` and `{}` are missing",
            MARKS[0].trim(),
            MARKS[1].trim()
        ));
    };
    std::fs::write(file, format!("{before}{}{text}{}{after}", MARKS[0], MARKS[1]))
        .map_err(|error| format!("{file}: {error}"))
}
