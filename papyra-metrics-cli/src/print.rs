//! What is printed, on which stream, and in which words.

use std::{
    fmt,
    io::{self, Write},
    time::{Duration, SystemTime},
};

use anstyle::{AnsiColor, Style};

use crate::gather::{Gathered, Origin};

pub(crate) const UNAVAILABLE: &str = "metrics: <unavailable>";

const BOLD: Style = Style::new().bold();
const RUNNING: Style = AnsiColor::Green.on_default();
const ENDED: Style = AnsiColor::Yellow.on_default();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Prints what went wrong, and why there was nothing at some of the paths; styles only on a terminal that wants them.
pub(crate) fn complain(gathered: &Gathered) -> io::Result<()> {
    let mut err = anstream::stderr().lock();
    for why in &gathered.unavailable {
        writeln!(err, "{UNAVAILABLE} ({})", printable(why))?;
    }
    for error in &gathered.errors {
        complaint(&mut err, error)?;
    }
    Ok(())
}

/// Prints one thing that went wrong.
pub(crate) fn complaint(err: &mut impl Write, error: &str) -> io::Result<()> {
    writeln!(err, "{ERROR}error:{ERROR:#} {}", printable(error))
}

/// Whose metrics they are, whether the process runs, and since when.
pub(crate) fn about(origin: &Origin) -> String {
    let Origin::File { path, program, pid, since, live } = origin else {
        return format!("{BOLD}this process{BOLD:#}");
    };
    let path = printable(&path.display().to_string()).to_string();
    let program = printable(program);
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

/// Text from a file, in which control characters would otherwise speak to the terminal.
pub(crate) fn printable(text: &str) -> impl fmt::Display {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect::<String>()
}
