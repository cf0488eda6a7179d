//! Builds the crate in `no-std/`, which uses neither std nor an allocator.

use std::path::Path;
use std::process::Command;

/// Returns a cargo command that runs in the directory `no-std/`.
fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([command, "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("no-std"))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-std"));
    cargo
}

#[test]
fn a_crate_without_std_and_alloc_counts_visits_and_resets() {
    assert!(cargo("build").status().unwrap().success());
}

/// Checks the crate with this feature. Returns the errors of the compiler, and the compiler's whole output.
fn errors(feature: &str) -> (Vec<String>, String) {
    let check = cargo("check").args(["--features", feature]).output().unwrap();
    assert!(!check.status.success());
    let stderr = String::from_utf8_lossy(&check.stderr).into_owned();
    let is_error = |line: &&str| line.starts_with("error") && !line.contains("could not compile");
    (stderr.lines().filter(is_error).map(str::to_owned).collect(), stderr)
}

#[test]
fn a_type_that_syn_cannot_parse_is_one_error_with_a_fix() {
    let (errors, stderr) = errors("unparsed");
    let [error] = errors.as_slice() else { panic!("{stderr}") };
    let expected = "error: `#[derive(Metrics)]` cannot read this expression; move it to a `const` item and use its name here";
    assert_eq!(error, expected);
    assert!(stderr.contains("[u8; const { 3 }]"), "{stderr}");
}

#[test]
fn time_without_std_is_one_error_that_names_the_feature() {
    let (errors, stderr) = errors("timed");
    let [error] = errors.as_slice() else { panic!("{stderr}") };
    let expected = "`time` needs the feature `std` of `papyra-metrics`, whose clock it reads";
    assert!(error.ends_with(expected), "{stderr}");
    assert!(stderr.contains("time = APPEND"), "{stderr}");
}
