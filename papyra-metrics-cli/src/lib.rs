//! The command `papyra-metrics`: shows, watches and resets the metrics of running processes.
//!
//! It reads what processes [publish](papyra_metrics::publish). A backend that has a command line of its own can have
//! the same there: [`Command`] is a [`clap`] subcommand, over published files as well as over a backend in the same
//! process.
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
//!     // … and whatever else the backend can do
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
//! command.run_with_backend(&backend); // or `run`, for published files alone
//! ```
//!
//! The guide in the repository (`docs/guide/command-line.md`) has a chapter on the command.

#![forbid(unsafe_code)]

mod gather;
mod print;
mod reset;
mod screen;
mod show;
mod watch;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use papyra_metrics::Metered;

use crate::gather::Source;
pub use crate::{reset::Reset, show::Show, watch::Watch};

/// What there is to do with metrics.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show metrics once, of processes that run or have ended
    Show(Show),
    /// Watch metrics change, until q
    Watch(Watch),
    /// Have counters read zero from here
    Reset(Reset),
}

impl Command {
    /// Does it with published files.
    ///
    /// It prints on the standard output what was asked for, and on the standard error everything else. The exit
    /// code is 0 also where there are no metrics, 1 where a file is damaged, cannot be read or does not go with the
    /// others, and 2 where no path was given.
    pub fn run(&self) -> ExitCode {
        if self.paths().is_empty() {
            eprintln!(
                "error: a path is required: the file or the directory where a process publishes"
            );
            return ExitCode::from(2);
        }
        self.run_with(Source::Files(self.paths()))
    }

    /// Does it with published files where paths are given, and else with the metrics of a backend in this process.
    ///
    /// It prints and returns what [`run`](Self::run) does.
    pub fn run_with_backend(&self, backend: &dyn Metered) -> ExitCode {
        self.run_with(match self.paths() {
            [] => Source::Here(backend),
            paths => Source::Files(paths),
        })
    }

    /// The same with this path where the user has given none: for a backend that knows where it publishes.
    #[must_use]
    pub fn with_default_path(mut self, path: impl Into<PathBuf>) -> Self {
        let paths = match &mut self {
            Self::Show(Show { paths, .. })
            | Self::Watch(Watch { paths, .. })
            | Self::Reset(Reset { paths }) => paths,
        };
        if paths.is_empty() {
            paths.push(path.into());
        }
        self
    }

    fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Show(Show { paths, .. })
            | Self::Watch(Watch { paths, .. })
            | Self::Reset(Reset { paths }) => paths,
        }
    }

    fn run_with(&self, source: Source<'_>) -> ExitCode {
        let done = match self {
            Self::Show(show) => show.run(source),
            Self::Watch(watch) => watch.run(source),
            Self::Reset(_) => Reset::run(source),
        };
        exit_code(done)
    }
}

/// 0 for `true`, and for a reader of our output that has seen enough.
fn exit_code(done: io::Result<bool>) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Where that fails too, only the exit code is left to tell.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Show, watch and reset the metrics of running processes
#[derive(Debug, Parser)]
#[command(name = "papyra-metrics", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Top,
}

#[derive(Debug, Subcommand)]
enum Top {
    #[command(flatten)]
    Metrics(Command),
    /// Print the completions for a shell
    #[command(after_help = "Example:\n  source <(papyra-metrics completions bash)")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  papyra-metrics man --into ~/.local/share/man/man1")]
    Man {
        /// Write a page for each command into this directory instead
        #[arg(long, value_name = "DIRECTORY")]
        into: Option<PathBuf>,
    },
}

const EXAMPLES: &str = "\
Examples:
  papyra-metrics show /run/orders/log.metrics
  papyra-metrics show --format table /run/orders
  papyra-metrics show --each /run/orders
  papyra-metrics watch --interval 0.5 /run/orders
  papyra-metrics reset /run/orders/log.metrics

Several paths, or a directory, are several processes of one service: their metrics add up.
Where there are none, it prints `metrics: <unavailable>` and exits with 0.";

/// The program `papyra-metrics`: reads the arguments of the process, and does what they say.
pub fn main() -> ExitCode {
    match Cli::from_arg_matches(&program().get_matches()) {
        Ok(cli) => match cli.command {
            Top::Metrics(command) => command.run(),
            Top::Completions { shell } => exit_code(completions(shell)),
            Top::Man { into } => exit_code(manual(into)),
        },
        Err(error) => error.exit(),
    }
}

/// The program's grammar. There is no backend in its own process, so a path has to be given.
fn program() -> clap::Command {
    let examples = [
        (
            "show",
            "  papyra-metrics show /run/orders/log.metrics
  papyra-metrics show --format json /run/orders | jq .records_written
  papyra-metrics show --each --format table /run/orders",
        ),
        (
            "watch",
            "  papyra-metrics watch /run/orders/log.metrics
  papyra-metrics watch --interval 5 --count 12 /run/orders | grep errors",
        ),
        (
            "reset",
            "  papyra-metrics reset /run/orders/log.metrics
  papyra-metrics reset /run/orders",
        ),
    ];
    examples.into_iter().fold(Cli::command(), |program, (name, examples)| {
        program.mut_subcommand(name, |command| {
            let note = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            command
                .after_help(format!("{note}\n\nExamples:\n{examples}"))
                .mut_arg("paths", |paths| paths.required(true))
        })
    })
}

fn completions(shell: clap_complete::Shell) -> io::Result<bool> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program(), "papyra-metrics", &mut script);
    io::stdout().write_all(&script)?;
    io::stdout().flush()?;
    Ok(true)
}

fn manual(into: Option<PathBuf>) -> io::Result<bool> {
    if let Some(directory) = into {
        clap_mangen::generate_to(program(), directory)?;
        return Ok(true);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(program()).render(&mut page)?;
    io::stdout().write_all(&page)?;
    io::stdout().flush()?;
    Ok(true)
}
