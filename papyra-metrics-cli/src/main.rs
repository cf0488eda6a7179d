//! The command. All of it is in the library.

fn main() -> std::process::ExitCode {
    papyra_metrics_cli::main()
}
