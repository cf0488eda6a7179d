//! Builds the crate in `no-std/`, which has neither std nor an allocator.

use std::path::Path;
use std::process::Command;

#[test]
fn a_crate_without_std_and_alloc_counts_visits_and_resets() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("no-std");
    let build = Command::new(env!("CARGO"))
        .args(["build", "--offline"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-std"))
        .status()
        .unwrap();
    assert!(build.success());
}
