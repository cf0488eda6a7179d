//! The command `papyra-metrics`, whose code is in the library.

fn main() -> std::process::ExitCode {
    papyra_metrics_cli::main()
}
