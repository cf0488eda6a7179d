//! A file of results: the conditions of a measurement, and the part of the file that a benchmark writes. Two packages
//! include this module: the benchmarks in `peers/` and in `engine/`.

use std::process::Command;

/// The marks around the part of the results that a benchmark writes.
const MARKS: [&str; 2] = ["<!-- measured: begin -->\n", "<!-- measured: end -->\n"];

/// Returns the date, the machine, the compiler and the commit, as a sentence without its full stop.
pub fn machine() -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "Measured on {} on {cores} cores of {}, {}, with {}, at commit {}",
        output("date", &["-u", "+%Y-%m-%d"]),
        model.trim_start_matches([' ', '\t', ':']),
        output("uname", &["-srm"]),
        output("rustc", &["-V"]),
        output("git", &["rev-parse", "--short", "HEAD"]),
    )
}

/// Returns what a program prints, without the white space around it, or `unknown` if it cannot be run.
pub fn output(program: &str, arguments: &[&str]) -> String {
    Command::new(program).args(arguments).output().map_or("unknown".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

/// Returns the versions of some crates in a lock file, as a list.
pub fn versions(lock: &str, is_listed: impl Fn(&str) -> bool) -> String {
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .filter_map(|package| Some((value(package, "name")?, value(package, "version")?)))
        .filter(|(name, _)| is_listed(name))
        .map(|(name, version)| format!("{name} {version}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Replaces the text between the marks of the file.
pub fn write(file: &str, text: &str) -> Result<(), String> {
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
