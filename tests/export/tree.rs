//! Tests the dependencies that each feature adds.

use std::process::Command;

/// Returns the names of a crate and of its direct dependencies with these features, in alphabetical order.
fn dependencies(name: &str, features: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", name, "--no-default-features"])
        .args(["--features", features, "-e", "normal", "--prefix", "none", "--depth", "1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names
}

#[test]
fn each_feature_adds_its_own_dependencies_and_no_others() {
    for (features, added) in [
        ("", &[][..]),
        ("prometheus", &["httparse", "itoap", "mio", "socket2"]),
        ("opentelemetry", &["opentelemetry"]),
        ("otlp", &["httpdate", "opentelemetry-proto", "prost", "ureq"]),
        ("statsd", &[]),
        ("metrics", &["metrics"]),
        ("tokio", &["tokio"]),
    ] {
        let always = ["papyra-metrics", "papyra-metrics-export", "rustc-hash"];
        let mut expected: Vec<_> = always.iter().chain(added).copied().collect();
        expected.sort_unstable();
        assert_eq!(dependencies("papyra-metrics-export", features), expected, "{features}");
    }
}

#[test]
fn a_library_that_registers_its_components_depends_on_papyra_metrics_alone() {
    assert_eq!(
        dependencies("papyra-metrics-example-library", ""),
        ["papyra-metrics", "papyra-metrics-example-library"]
    );
}
