//! A backend whose command line offers the commands of `papyra-metrics`, such as `metrics show`.

use clap::Parser;
use papyra_metrics::{Metered, Metrics, persistence::PersistenceMetrics};

#[derive(Parser)]
#[command(name = "orders")]
enum Cli {
    /// Look at the metrics of the backend
    #[command(subcommand)]
    Metrics(papyra_metrics_cli::Command),
    /// Look at the metrics of a backend that has none
    #[command(subcommand)]
    NoMetrics(papyra_metrics_cli::Command),
    /// Look at the metrics that the backend publishes at a default path
    #[command(subcommand)]
    Published(papyra_metrics_cli::Command),
}

struct OrderLog {
    metrics: PersistenceMetrics,
}

impl Metered for OrderLog {
    fn metrics(&self) -> Option<&dyn Metrics> {
        Some(&self.metrics)
    }
}

struct NullLog;
impl Metered for NullLog {}

fn main() -> std::process::ExitCode {
    let log = OrderLog { metrics: PersistenceMetrics::default() };
    log.metrics.records_written.add(3);
    match Cli::parse() {
        Cli::Metrics(command) => {
            let code = command.run_with_backend(&log);
            // A test reads this line to learn whether the command has reset the backend.
            eprintln!("records_written is {}", log.metrics.records_written.get());
            code
        }
        Cli::NoMetrics(command) => command.run_with_backend(&NullLog),
        Cli::Published(command) => match std::env::var_os("ORDERS_METRICS") {
            Some(path) => command.with_default_path(path).run(),
            None => command.run(),
        },
    }
}
