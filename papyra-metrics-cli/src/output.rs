//! Prints notes and errors on standard error, describes processes, and returns the size of the terminal.

use std::{
    io::{self, Write},
    time::{Duration, SystemTime},
};

use anstyle::{AnsiColor, Style};

use crate::source::{Origin, Readings};
use crate::text::{path_name, single_line};

pub(crate) const UNAVAILABLE: &str = "metrics: <unavailable>";

const BOLD: Style = Style::new().bold();
const RUNNING: Style = AnsiColor::Green.on_default();
const ENDED: Style = AnsiColor::Yellow.on_default();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Prints the reasons why paths have no metrics, then notes, then errors, on standard error. Colors are only used on a
/// terminal that supports them.
pub(crate) fn print_problems(readings: &Readings) -> io::Result<()> {
    let mut err = anstream::stderr().lock();
    for reason in &readings.unavailable {
        writeln!(err, "{UNAVAILABLE} ({})", single_line(reason))?;
    }
    for note in &readings.notes {
        writeln!(err, "{NOTE}note:{NOTE:#} {}", single_line(note))?;
    }
    for error in &readings.errors {
        print_error(&mut err, error)?;
    }
    Ok(())
}

/// Prints an error as a single line that begins with `error:`.
pub(crate) fn print_error(err: &mut impl Write, error: &str) -> io::Result<()> {
    writeln!(err, "{ERROR}error:{ERROR:#} {}", single_line(error))
}

/// Describes the process that metrics come from: its file, its program, whether it is running, and when it began to
/// publish.
pub(crate) fn describe(origin: &Origin) -> String {
    let Origin::File { path, program, pid, since, live } = origin else {
        return format!("{BOLD}this process{BOLD:#}");
    };
    let path = path_name(path);
    let program = single_line(program);
    let began = humantime::format_rfc3339_seconds(*since);
    let state = if *live {
        format!("{RUNNING}running{RUNNING:#}, publishing since {began} ({} ago)", age(*since))
    } else {
        format!("{ENDED}ended{ENDED:#}, had been publishing since {began}")
    };
    format!("{path}: {BOLD}{program}{BOLD:#} (pid {pid}), {state}")
}

fn age(since: SystemTime) -> humantime::FormattedDuration {
    let age = SystemTime::now().duration_since(since).unwrap_or_default();
    humantime::format_duration(Duration::from_secs(age.as_secs()))
}

/// Returns the number of columns and rows of the terminal, or 80 and 24 if the terminal does not know its size. A
/// serial console often does not.
pub(crate) fn terminal_size() -> (u16, u16) {
    let (columns, rows) = ratatui::crossterm::terminal::size().unwrap_or_default();
    (if columns == 0 { 80 } else { columns }, if rows == 0 { 24 } else { rows })
}
