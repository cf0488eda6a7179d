//! The program `papyra-metrics`: its arguments, help, completions and manual pages.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::text::path_name;
use crate::{Command, exit_code, output};

/// Show, watch and reset the metrics of running processes
#[derive(Debug, Parser)]
#[command(name = "papyra-metrics", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: ProgramCommand,
}

#[derive(Debug, Subcommand)]
enum ProgramCommand {
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
        /// Write one page for each command into this directory instead
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
  papyra-metrics describe /run/orders/log.metrics > metrics.lock
  papyra-metrics dashboard metrics.lock > dashboard.json
  papyra-metrics rules metrics.lock > rules.yml

Several paths, or the files of a directory, are treated as the processes of one service.
Their metrics are added up, except for some gauges, such as ratios and peaks.
If there are no metrics, show, watch and reset print `metrics: <unavailable>` and exit with 0, or with 1 if --require is given.
In the same case, describe, dashboard and rules exit with 1.";

/// Parses the arguments of the process and runs the program `papyra-metrics`.
pub fn main() -> ExitCode {
    match Cli::from_arg_matches(&program().get_matches()) {
        Ok(cli) => match cli.command {
            ProgramCommand::Metrics(command) => command.run(),
            ProgramCommand::Completions { shell } => exit_code(completions(shell)),
            ProgramCommand::Man { into } => exit_code(manual(into)),
        },
        Err(error) => error.exit(),
    }
}

/// Returns the command line of the program. Each command of the library gets examples in its help and requires a path.
/// In the library the path is optional, because `run_with_backend` reads the backend in this process if none is given.
fn program() -> clap::Command {
    let examples = [
        (
            "show",
            "  papyra-metrics show /run/orders/log.metrics
  papyra-metrics show --format json /run/orders | jq .records_written
  papyra-metrics show --each --format table /run/orders
  papyra-metrics show --non-zero /run/orders",
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
        (
            "describe",
            "  papyra-metrics describe /run/orders/log.metrics > metrics.lock
  papyra-metrics describe --prefix shop metrics.lock",
        ),
        (
            "dashboard",
            "  papyra-metrics dashboard metrics.lock > dashboard.json
  papyra-metrics dashboard --title Orders --prefix shop --label db /run/orders > dashboard.json",
        ),
        (
            "rules",
            "  papyra-metrics rules --prefix shop metrics.lock > rules.yml && promtool check rules rules.yml
  papyra-metrics rules --max-errors 0.1 --stuck-after 5 /run/orders/log.metrics",
        ),
    ];
    examples.into_iter().fold(Cli::command(), |program, (name, examples)| {
        program.mut_subcommand(name, |command| {
            let note = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let command = command.after_help(format!("{note}\n\nExamples:\n{examples}"));
            command.mut_args(|argument| {
                let is_required = argument.is_positional();
                argument.required(is_required)
            })
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
        return match clap_mangen::generate_to(program(), &directory) {
            Ok(()) => Ok(true),
            Err(error) => {
                let message =
                    format!("cannot write manual pages into {}: {error}", path_name(&directory));
                output::print_error(&mut anstream::stderr().lock(), &message)?;
                Ok(false)
            }
        };
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(program()).render(&mut page)?;
    io::stdout().write_all(&page)?;
    io::stdout().flush()?;
    Ok(true)
}
