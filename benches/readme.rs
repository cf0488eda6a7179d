//! Copies some rows of the summary, the first table in `RESULTS.md`, into the README. Both files have marks around their table.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

const BEGIN: &str = "<!-- readme: begin -->\n";
const END: &str = "<!-- readme: end -->\n";

/// The rows for the README. The name of a row that begins with `…` follows the name of the row to which it belongs.
const ROWS: [&str; 7] = [
    "Increment a counter on one thread",
    "Increment one counter on two threads",
    "Increment one counter on two threads … `ShardedCounter`",
    "Record in a histogram on one thread",
    "Record in a histogram on one thread … `ShardedHistogram`",
    "Take a snapshot of 100 metrics",
    "Increment 100 counters and encode them as Prometheus text",
];

fn main() -> ExitCode {
    let written = updated_readme().and_then(|readme| {
        fs::write(root().join("README.md"), readme).map_err(|error| format!("README.md: {error}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Returns the README with the rows of the current results.
fn updated_readme() -> Result<String, String> {
    let read = |path: &str| {
        fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let (results, readme) = (read("benches/RESULTS.md")?, read("README.md")?);
    let (_, summary, _) =
        split_at_marks(&results).ok_or("benches/RESULTS.md: a `readme` mark is missing")?;
    let (before, _, after) =
        split_at_marks(&readme).ok_or("README.md: a `readme` mark is missing")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", selected(summary)?))
}

/// Returns the two header lines of the table, and the rows for the README.
fn selected(table: &str) -> Result<String, String> {
    let mut lines = table.lines();
    let mut selected: Vec<&str> = lines.by_ref().take(2).collect();
    let mut row = "";
    for line in lines {
        let cell = line.trim_start_matches("| ").split(" |").next().unwrap_or_default();
        let name = if cell.starts_with('…') { format!("{row} {cell}") } else { cell.to_owned() };
        if !cell.starts_with('…') {
            row = cell;
        }
        if ROWS.contains(&name.as_str()) {
            selected.push(line);
        }
    }
    if selected.len() != ROWS.len() + 2 {
        return Err(format!("benches/RESULTS.md: not all of the rows {ROWS:?} are in its summary"));
    }
    Ok(selected.join("\n") + "\n")
}

/// Returns the text before, between and after the marks, or `None` if a mark is missing.
fn split_at_marks(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (between, after) = rest.split_once(END)?;
    Some((before, between, after))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_shows_the_current_results() {
        let readme = std::fs::read_to_string(super::root().join("README.md")).unwrap();
        let expected = super::updated_readme().unwrap();
        assert!(
            readme == expected,
            "the README's table of costs is not that of benches/RESULTS.md; run `cargo run -p papyra-metrics-benches --bin readme`"
        );
    }
}
