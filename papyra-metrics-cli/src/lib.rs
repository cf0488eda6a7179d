//! The command `papyra-metrics`: shows, watches and resets the metrics of running processes.
//!
//! It reads the metrics that processes [publish](papyra_metrics::publish). Your own program can offer the same commands:
//! [`Command`] is a [`clap`] subcommand for published files and for a backend in the same process.
//!
//! ```
//! use clap::Parser;
//! use papyra_metrics::{Metered, Metrics, persistence::PersistenceMetrics};
//!
//! #[derive(Parser)]
//! enum Cli {
//!     /// Look at the metrics
//!     #[command(subcommand)]
//!     Metrics(papyra_metrics_cli::Command),
//!     // … and the other commands of the backend
//! }
//!
//! #[derive(Default)]
//! struct OrderLog {
//!     metrics: PersistenceMetrics,
//! }
//!
//! impl Metered for OrderLog {
//!     fn metrics(&self) -> Option<&dyn Metrics> {
//!         Some(&self.metrics)
//!     }
//! }
//!
//! let backend = OrderLog::default();
//! let Cli::Metrics(command) = Cli::parse_from(["orders", "metrics", "show", "--format", "table"]);
//! command.run_with_backend(&backend); // or `run`, for published files only
//! ```
//!
//! The guide in the repository (`docs/guide/command-line.md`) has a chapter on the command.

#![forbid(unsafe_code)]

mod dashboard;
mod describe;
mod figures;
mod output;
mod program;
mod reset;
mod rules;
mod schema;
mod show;
mod source;
mod sum;
mod text;
mod watch;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Subcommand;
use papyra_metrics::Metered;

use crate::source::Source;
pub use crate::{
    dashboard::Dashboard, describe::Describe, program::main, reset::Reset, rules::Rules,
    show::Show, watch::Watch,
};

/// A subcommand that shows, watches, resets or describes metrics, or generates a dashboard or alert rules from them.
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Show the metrics of running or ended processes
    Show(Show),
    /// Watch metrics as they change
    Watch(Watch),
    /// Reset counters, histograms and peaks to zero
    Reset(Reset),
    /// List the metrics that are exported, in the format of a lock file
    Describe(Describe),
    /// Write a Grafana dashboard of the metrics
    Dashboard(Dashboard),
    /// Write alert rules for Prometheus
    Rules(Rules),
}

impl Command {
    /// Runs the command on published files.
    ///
    /// Prints the result to standard output, and everything else to standard error. The exit code is
    ///
    /// - 0 on success, even if a directory also contains other files, or if metrics are missing (except as below).
    /// - 1 in each of these cases:
    ///   - A file is damaged, cannot be read, or conflicts with another file.
    ///   - A path names a file, not a directory, and this file is not a metrics file. (`describe`, `dashboard` and
    ///     `rules` also accept a lock file.)
    ///   - `describe`, `dashboard` or `rules` finds no metrics.
    ///   - `--require` is given, and a path has no metrics.
    ///   - Options conflict.
    ///   - The output cannot be written.
    /// - 2 if no path was given.
    ///
    /// Once `watch` shows its table on a terminal, problems with files appear above the table. These problems do not
    /// change the exit code.
    pub fn run(&self) -> ExitCode {
        if self.paths().is_empty() {
            eprintln!(
                "error: a path is required; give the file or directory where a process publishes its metrics"
            );
            return ExitCode::from(2);
        }
        self.run_with(Source::Files(self.paths()))
    }

    /// Runs the command on published files if paths were given, and otherwise on a backend in this process.
    ///
    /// Output and exit code are those of [`run`](Self::run).
    pub fn run_with_backend(&self, backend: &dyn Metered) -> ExitCode {
        self.run_with(match self.paths() {
            [] => Source::Backend(backend),
            paths => Source::Files(paths),
        })
    }

    /// Sets the path that is used if the user gives none, such as the directory where the backend publishes its
    /// metrics.
    #[must_use]
    pub fn with_default_path(mut self, path: impl Into<PathBuf>) -> Self {
        match &mut self {
            Self::Show(Show { paths, .. })
            | Self::Watch(Watch { paths, .. })
            | Self::Reset(Reset { paths, .. }) => {
                if paths.is_empty() {
                    paths.push(path.into());
                }
            }
            Self::Describe(Describe { declared })
            | Self::Dashboard(Dashboard { declared, .. })
            | Self::Rules(Rules { declared, .. }) => {
                declared.path.get_or_insert_with(|| path.into());
            }
        }
        self
    }

    fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Show(Show { paths, .. })
            | Self::Watch(Watch { paths, .. })
            | Self::Reset(Reset { paths, .. }) => paths,
            Self::Describe(Describe { declared })
            | Self::Dashboard(Dashboard { declared, .. })
            | Self::Rules(Rules { declared, .. }) => declared.path.as_slice(),
        }
    }

    fn run_with(&self, source: Source<'_>) -> ExitCode {
        let result = match self {
            Self::Show(show) => show.run(source),
            Self::Watch(watch) => watch.run(source),
            Self::Reset(reset) => reset.run(source),
            Self::Describe(describe) => describe.run(source),
            Self::Dashboard(dashboard) => dashboard.run(source),
            Self::Rules(rules) => rules.run(source),
        };
        exit_code(result)
    }
}

/// Returns exit code 0 for `true`, or if the program that reads the output has closed the pipe. Prints any other error.
fn exit_code(result: io::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // If printing the error fails too, the exit code still reports it.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
