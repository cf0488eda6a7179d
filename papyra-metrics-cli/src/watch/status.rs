//! The lines above the table: errors, the processes, and notes.

use ratatui::{
    style::{Color, Stylize},
    text::{Line as TextLine, Span},
};

use crate::output::UNAVAILABLE;
use crate::source::{Origin, Readings};
use crate::text::{path_name, single_line};

/// Returns the errors, then the processes or a line that says that there are none, then the notes.
pub(super) fn status(readings: &Readings, error: Option<&str>) -> Vec<TextLine<'static>> {
    let mut status = Vec::new();
    for error in readings.errors.iter().map(String::as_str).chain(error) {
        status.push(TextLine::styled(format!("error: {}", single_line(error)), Color::Red));
    }
    if readings.processes.is_empty() {
        status.push(TextLine::styled(UNAVAILABLE, Color::Yellow));
    }
    for reading in &readings.processes {
        if let Origin::File { path, program, pid, since, live } = &reading.origin {
            let (color, state, verb) = if *live {
                (Color::Green, "running", "publishing")
            } else {
                (Color::Yellow, "ended", "had been publishing")
            };
            let since = humantime::format_rfc3339_seconds(*since);
            status.push(TextLine::from(vec![
                format!("{}: ", path_name(path)).into(),
                single_line(program).bold(),
                format!(" (pid {pid}), ").into(),
                Span::styled(state, color),
                format!(", {verb} since {since}").into(),
            ]));
        }
    }
    for note in &readings.notes {
        status.push(TextLine::from(format!("note: {}", single_line(note))));
    }
    status
}
