//! Builds and runs `peers/`: this project beside its peers and the physical limit, in one run.
//!
//! The peers are a package of their own, outside the workspace, so that nothing but this bench builds their crates.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // `--bench` is cargo's own.
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--locked", "--"])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))
        // Theirs is a build of its own, without what this one has been told.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo cannot be run: {error}");
            ExitCode::FAILURE
        }
    }
}
