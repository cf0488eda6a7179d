//! Copies the short table of `RESULTS.md` into the README, between the two marks that both have.

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

const BEGIN: &str = "<!-- readme: begin -->\n";
const END: &str = "<!-- readme: end -->\n";

fn main() -> ExitCode {
    match copied() {
        Ok(readme) => match fs::write(root().join("README.md"), readme) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        },
        Err(why) => fail(&why),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The README with the table that the results have.
fn copied() -> Result<String, String> {
    let read = |path: &str| -> Result<String, String> {
        fs::read_to_string(root().join(path)).map_err(|error: io::Error| format!("{path}: {error}"))
    };
    let (results, readme) = (read("benches/RESULTS.md")?, read("README.md")?);
    let [_, table, _] = parts(&results).ok_or("benches/RESULTS.md: its marks are missing")?;
    let [before, _, after] = parts(&readme).ok_or("README.md: its marks are missing")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

/// What stands before, between and after the marks.
fn parts(text: &str) -> Option<[&str; 3]> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (between, after) = rest.split_once(END)?;
    Some([before, between, after])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_says_what_the_results_say() {
        let readme = std::fs::read_to_string(super::root().join("README.md")).unwrap();
        let expected = super::copied().unwrap();
        assert!(
            readme == expected,
            "the README's table of costs is not that of benches/RESULTS.md; run `cargo run -p papyra-metrics-benches --bin readme`"
        );
    }
}
