//! A backend's dependency tree stays small.

use std::process::Command;

#[test]
fn a_backend_depends_on_six_packages_that_any_other_derive_brings_too() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "papyra-metrics",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let mut crates: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    crates.sort_unstable();
    crates.dedup();
    assert_eq!(
        crates,
        ["papyra-metrics", "papyra-metrics-derive", "proc-macro2", "quote", "syn", "unicode-ident"]
    );
}
