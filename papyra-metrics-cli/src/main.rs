//! The program `papyra-metrics`. Its code is in the library.

fn main() -> std::process::ExitCode {
    papyra_metrics_cli::main()
}
