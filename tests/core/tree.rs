//! The dependency trees of a backend and of the examples stay small.

use std::process::Command;

/// Returns the names of `package` and of all its dependencies, in alphabetical order. `edges` lists the kinds of
/// dependencies to include.
fn dependencies(package: &str, edges: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", package, "-e", edges, "--prefix", "none", "--no-dedupe"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let mut packages: Vec<_> =
        tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

#[test]
fn a_backend_depends_only_on_the_packages_that_any_derive_needs() {
    assert_eq!(
        dependencies("papyra-metrics", "normal"),
        ["papyra-metrics", "papyra-metrics-derive", "proc-macro2", "quote", "syn", "unicode-ident"]
    );
}

/// `cargo run --example` builds each dependency with all features that any default member of the workspace enables. If an
/// example depended on the export crate, running the example would therefore build the SDK of OpenTelemetry.
#[test]
fn running_an_example_does_not_build_the_export_crate() {
    let packages = dependencies("papyra-metrics-examples", "normal,dev");
    assert!(!packages.iter().any(|package| package == "papyra-metrics-export"), "{packages:?}");
}
