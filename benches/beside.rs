//! Builds and runs `peers/`, which measures this project, its peers and a baseline in one run.
//!
//! The peers are a separate package outside the workspace, so that only this bench builds their crates.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // Cargo adds the argument `--bench`, which the program in `peers/` does not accept.
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--locked", "--"])
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))
        // The program is built separately and does not inherit the target directory and the flags of this build.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
