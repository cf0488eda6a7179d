//! Formats the results as tables in Markdown.

use std::fmt::Write as _;

use crate::measure::{Effort, Measured, bytes_held, instructions};
use crate::memory::{self, BACKENDS, Make, Registered};
use crate::results_file;
use crate::subjects::{self, US};

/// Measures everything and returns the text of the results.
pub fn all(effort: Effort) -> String {
    let counts = instructions::count();
    let (mut tables, mut summary) = (String::new(), Vec::new());
    for mut subject in subjects::all() {
        eprintln!("{}", subject.name);
        let mut measured = subject.measure(effort);
        for entry in &mut measured {
            let key = instructions::key(&subject, entry.contestant);
            entry.instructions = counts.as_ref().ok().and_then(|counts| counts.get(&key).copied());
        }
        table(&mut tables, &subject.name, subject.unit, &measured);
        summary.push((subject.name, measured));
    }
    scale(&mut tables, effort);
    memory(&mut tables);
    let missing = counts.err().map_or_else(String::new, |why| {
        format!("\nInstructions were not counted: {}\n", why.trim())
    });
    format!("{}{missing}\n{}\n{tables}", conditions(), summary_table(&summary))
}

/// Measures the subjects whose names contain `part`, and returns their tables.
pub fn only(effort: Effort, part: &str) -> String {
    let mut tables = String::new();
    for mut subject in subjects::all().into_iter().filter(|subject| subject.name.contains(part)) {
        let measured = subject.measure(effort);
        table(&mut tables, &subject.name, subject.unit, &measured);
    }
    tables
}

fn table(text: &mut String, name: &str, unit: &str, measured: &[Measured]) {
    let baseline = measured[0].nanoseconds;
    let _ = writeln!(text, "### {name}\n");
    let _ = writeln!(
        text,
        "| | ns per {unit} | × the baseline | instructions per {unit} | allocations per run |"
    );
    let _ = writeln!(text, "|---|--:|--:|--:|--:|");
    for Measured { contestant, nanoseconds, instructions, allocations } in measured {
        let ratio = nanoseconds / baseline;
        let number = |n: &Option<f64>| n.map_or("–".to_owned(), |n| format!("{n:.1}"));
        let allocations = allocations.map_or("–".to_owned(), |n| format!("{n}"));
        let _ = writeln!(
            text,
            "| {contestant} | {nanoseconds:.2} | {ratio:.2} | {} | {allocations} |",
            number(instructions)
        );
    }
    text.push('\n');
}

/// Returns a table of this project and the fastest and the slowest peer of each subject. The README shows some of its rows.
fn summary_table(summary: &[(String, Vec<Measured>)]) -> String {
    let mut text = String::from(
        "<!-- readme: begin -->\n| × the baseline | papyra-metrics | fastest peer | slowest peer |\n|---|--:|--:|--:|\n",
    );
    for (name, measured) in summary {
        let baseline = measured[0].nanoseconds;
        let ratio = |entry: &Measured| format!("{:.2}", entry.nanoseconds / baseline);
        let ours: Vec<_> =
            measured.iter().filter(|entry| entry.contestant.starts_with(US)).collect();
        if ours.is_empty() {
            continue;
        }
        let mut peers: Vec<_> = measured.iter().filter(|entry| is_peer(entry.contestant)).collect();
        peers.sort_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds));
        let named = |entry: Option<&&Measured>| {
            entry.map_or("–".to_owned(), |entry| {
                format!(
                    "{} ({})",
                    ratio(entry),
                    entry.contestant.split(' ').next().unwrap_or_default()
                )
            })
        };
        let (first, last) = (named(peers.first()), named(peers.last()));
        let _ = writeln!(text, "| {name} | {} | {first} | {last} |", ratio(ours[0]));
        for other in &ours[1..] {
            let how = other.contestant.trim_start_matches(US).trim_start_matches(", ");
            let _ = writeln!(text, "| … {how} | {} | | |", ratio(other));
        }
    }
    text.push_str("<!-- readme: end -->\n");
    text
}

fn is_peer(contestant: &str) -> bool {
    const PEERS: [&str; 10] = [
        "fast-telemetry",
        "fastmetrics",
        "iroh-metrics",
        "measured",
        "metered",
        "metrics",
        "opentelemetry_sdk",
        "prometheus",
        "prometheus-client",
        "vise",
    ];
    PEERS.contains(&contestant.split(' ').next().unwrap_or_default())
}

fn scale(text: &mut String, effort: Effort) {
    text.push_str("### Scale: visit all metrics of all backends\n\n| backends × metrics of each | metrics in all | µs for all | ns per metric |\n|---|--:|--:|--:|\n");
    for (name, mut subject) in subjects::scales() {
        let units = subject.units;
        let time = subject.measure(effort)[0].nanoseconds;
        let _ =
            writeln!(text, "| {name} | {units} | {:.2} | {time:.2} |", time * units as f64 / 1e3);
    }
    text.push('\n');
}

fn memory(text: &mut String) {
    text.push_str("### Memory: bytes of counters and of the registry they need\n\n");
    let _ = writeln!(
        text,
        "| | per counter, 10 counters | per counter, 1,000 counters | per backend, {BACKENDS} backends of 10 counters |"
    );
    text.push_str("|---|--:|--:|--:|\n");
    for Registered { contestant, ten, thousand, backends } in memory::registered() {
        let bytes = |make: Option<Make>, per: usize| {
            make.map_or("–".to_owned(), |make| {
                let (_made, bytes) = bytes_held(make);
                format!("{:.0}", bytes as f64 / per as f64)
            })
        };
        let (ten, thousand) = (bytes(ten, 10), bytes(thousand, 1_000));
        let _ =
            writeln!(text, "| {contestant} | {ten} | {thousand} | {} |", bytes(backends, BACKENDS));
    }
    text.push_str("\n### Memory: size of an instrument\n\n| | bytes |\n|---|--:|\n");
    for (what, bytes) in memory::sizes() {
        let _ = writeln!(text, "| {what} | {bytes} |");
    }
    text.push('\n');
}

/// Returns a description of the machine and the versions.
fn conditions() -> String {
    let is_listed = |name: &str| {
        is_peer(name) || ["metrics-exporter-prometheus", "metrics-util"].contains(&name)
    };
    let versions = results_file::versions(include_str!("Cargo.lock"), is_listed);
    format!("{}.\n\nVersions: {versions}.\n", results_file::machine())
}
