//! Builds the crate in `no-std/`, which has neither std nor an allocator.

use std::path::Path;
use std::process::Command;

/// Cargo in the crate.
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

#[test]
fn time_without_std_is_one_error_that_names_the_feature() {
    let check = cargo("check").args(["--features", "timed"]).output().unwrap();
    assert!(!check.status.success());
    let stderr = String::from_utf8_lossy(&check.stderr);
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error[")).collect();
    let [error] = errors.as_slice() else { panic!("{stderr}") };
    let expected = "`time` needs the feature `std` of `papyra-metrics`, whose clock it reads";
    assert!(error.ends_with(expected), "{stderr}");
    assert!(stderr.contains("time = APPEND"), "{stderr}");
}
