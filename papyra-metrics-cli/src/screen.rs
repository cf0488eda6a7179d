//! The table of `watch` on a terminal, and its keys.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
    layout::{Alignment, Constraint, Layout},
    style::{Color, Stylize},
    text::{Line, Span, Text},
    widgets::{Cell, Paragraph, Row, Table, TableState},
};

use crate::gather::{Gathered, Origin, Source};
use crate::print::{UNAVAILABLE, printable};
use crate::watch::{Board, Group};

/// Shows the board and keeps it up to date until q, Esc or Ctrl-C is pressed, a signal asks the process to end, or it
/// has shown `count` readings. The terminal is then as it was.
pub(crate) fn run(
    source: Source<'_>,
    board: Board,
    first: &Gathered,
    interval: Duration,
    count: Option<u64>,
) -> io::Result<bool> {
    let ended = end_signals()?;
    let mut terminal = ratatui::try_init()?;
    let mut screen =
        Screen { board, interval, status: Vec::new(), place: TableState::new(), height: 0 };
    screen.status = Screen::status(first, None);
    let done = screen.keep(&mut terminal, source, count, &ended);
    ratatui::try_restore()?;
    done.map(|()| true)
}

/// Set when the process is asked to end. Without it, the terminal would stay raw.
///
/// A second request ends it at once. So does a terminal that hangs up, by the signal's own effect: there is no terminal
/// left to put in order.
fn end_signals() -> io::Result<Arc<AtomicBool>> {
    let ended = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    {
        use signal_hook::{consts::SIGTERM, flag};
        flag::register_conditional_shutdown(SIGTERM, 128 + SIGTERM, Arc::clone(&ended))?;
        flag::register(SIGTERM, Arc::clone(&ended))?;
    }
    Ok(ended)
}

struct Screen {
    board: Board,
    interval: Duration,
    /// Whose metrics they are, and what is wrong.
    status: Vec<Line<'static>>,
    /// How far the table is scrolled, and how many rows it shows.
    place: TableState,
    height: usize,
}

impl Screen {
    fn keep(
        &mut self,
        terminal: &mut DefaultTerminal,
        source: Source<'_>,
        count: Option<u64>,
        ended: &AtomicBool,
    ) -> io::Result<()> {
        /// How long a signal may go unnoticed.
        const PATIENCE: Duration = Duration::from_millis(200);
        let mut next = Instant::now() + self.interval;
        let mut readings = 1;
        while !ended.load(Ordering::Relaxed) {
            terminal.draw(|frame| self.draw(frame))?;
            let mut waited = false;
            while !waited && Instant::now() < next && !ended.load(Ordering::Relaxed) {
                let left = next.saturating_duration_since(Instant::now());
                if event::poll(left.min(PATIENCE))? {
                    if self.leaves(&event::read()?) {
                        return Ok(());
                    }
                    waited = true; // and is drawn anew
                }
            }
            if Instant::now() >= next {
                if count.is_some_and(|count| readings >= count) {
                    return Ok(());
                }
                let gathered = source.read();
                let wrong = self.board.update(&gathered, Instant::now()).err();
                self.status = Self::status(&gathered, wrong.as_deref());
                readings += 1;
                next = Instant::now() + self.interval;
            }
        }
        Ok(())
    }

    /// Does what a key says, unless it says to leave.
    fn leaves(&mut self, event: &Event) -> bool {
        let Event::Key(key) = event else { return false };
        if key.kind == KeyEventKind::Release {
            return false;
        }
        let rows: usize = self.board.groups.iter().map(Group::rows).sum();
        let last = rows.saturating_sub(self.height);
        let offset = self.place.offset();
        let offset = match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return true,
            KeyCode::Down | KeyCode::Char('j') => offset + 1,
            KeyCode::Up | KeyCode::Char('k') => offset.saturating_sub(1),
            KeyCode::PageDown => offset + self.height,
            KeyCode::PageUp => offset.saturating_sub(self.height),
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => offset,
        };
        *self.place.offset_mut() = offset.min(last);
        false
    }

    fn status(gathered: &Gathered, wrong: Option<&str>) -> Vec<Line<'static>> {
        let mut status = Vec::new();
        for reading in &gathered.readings {
            if let Origin::File { path, program, pid, since, live } = &reading.origin {
                let (color, state, verb) = if *live {
                    (Color::Green, "running", "publishing")
                } else {
                    (Color::Yellow, "ended", "had been publishing")
                };
                let since = humantime::format_rfc3339_seconds(*since);
                status.push(Line::from(vec![
                    format!("{}: ", printable(&path.display().to_string())).into(),
                    printable(program).to_string().bold(),
                    format!(" (pid {pid}), ").into(),
                    Span::styled(state, color),
                    format!(", {verb} since {since}").into(),
                ]));
            }
        }
        if gathered.readings.is_empty() {
            status.push(Line::styled(UNAVAILABLE, Color::Yellow));
        }
        for error in gathered.errors.iter().map(String::as_str).chain(wrong) {
            let error = format!("error: {}", printable(error));
            status.push(Line::styled(error, Color::Red));
        }
        status
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        let shown = self.status.len().min(usize::from(frame.area().height / 3).max(1));
        let mut status: Vec<_> = self.status.iter().take(shown).cloned().collect();
        if shown < self.status.len() {
            status[shown - 1] = Line::from(format!("… and {} more", self.status.len() - shown + 1));
        }
        let height = u16::try_from(shown).unwrap_or(u16::MAX);
        let [top, _, middle, bottom] = Layout::vertical([
            Constraint::Length(height),
            Constraint::Length(1),
            Constraint::Min(1),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(Paragraph::new(Text::from(status)), top);
        self.height = usize::from(middle.height.saturating_sub(1)); // below the header
        frame.render_stateful_widget(self.table(middle.width), middle, &mut self.place);
        let keys = format!(" q leaves · ↑ ↓ scroll · every {:?}", self.interval);
        frame.render_widget(Paragraph::new(keys.dim()), bottom);
    }

    fn table(&self, width: u16) -> Table<'static> {
        /// Of values, which have up to 20 digits, of rates, and between columns.
        const NUMBERS: u16 = 20 + 14 + 3 * 2;
        let lines = || self.board.groups.iter().flat_map(|group| &group.lines);
        let longest = lines().map(|line| line.name.len()).max().unwrap_or_default().max(6);
        let names = u16::try_from(longest).unwrap_or(u16::MAX).min(width.saturating_sub(NUMBERS));
        let sparks = width.saturating_sub(NUMBERS + names);
        let right = |text: String| Cell::new(Text::from(text).alignment(Alignment::Right));
        let rows = self.board.groups.iter().flat_map(|group| {
            let title = group.title.iter().map(|title| Row::new([title.clone()]).bold());
            title.chain(group.lines.iter().map(|line| {
                Row::new([
                    Cell::new(line.name.clone()),
                    right(line.value.to_string()),
                    right(line.rate.map_or(String::new(), |rate| format!("{rate:.1}"))),
                    Cell::new(spark(&line.history, sparks.into())).style(Color::Cyan),
                ])
            }))
        });
        let header = Row::new([
            Cell::new("metric"),
            right("value".into()),
            right("per second".into()),
            Cell::new("lately"),
        ]);
        let widths = [names, 20, 14, sparks].map(Constraint::Length);
        Table::new(rows.collect::<Vec<_>>(), widths).header(header.bold()).column_spacing(2)
    }
}

/// The last `width` numbers as bars, from the least, or zero, to the greatest.
fn spark(history: &[f64], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &history[history.len().saturating_sub(width)..];
    let (least, greatest) = shown
        .iter()
        .fold((0.0_f64, 0.0_f64), |(least, greatest), &n| (least.min(n), greatest.max(n)));
    let step = (greatest - least) / 7.0;
    let bar = |&n: &f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 7
        let height = if step > 0.0 { ((n - least) / step).round() as usize } else { 0 };
        BARS[height.min(7)]
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        Board, Duration, Event, Group, KeyCode, KeyModifiers, Screen, TableState, event, spark,
    };
    use crate::watch;
    use papyra_metrics::Value;
    use ratatui::{Terminal, backend::TestBackend};

    #[test]
    fn scrolling_ends_where_the_last_row_is_the_last_of_the_screen() {
        let line = |metric| watch::Line {
            name: format!("metric_{metric}"),
            value: Value::Counter(metric),
            rate: None,
            history: Vec::new(),
        };
        let mut board = Board::new(false);
        board.groups = vec![Group { title: None, lines: (0..50).map(line).collect() }];
        let mut screen = Screen {
            board,
            interval: Duration::from_secs(1),
            status: Vec::new(),
            place: TableState::new(),
            height: 0,
        };
        let mut terminal = Terminal::new(TestBackend::new(80, 20)).unwrap();
        let mut after = |key, times| {
            terminal.draw(|frame| screen.draw(frame)).unwrap();
            for _ in 0..times {
                let key = event::KeyEvent::new(key, KeyModifiers::NONE);
                assert!(!screen.leaves(&Event::Key(key)));
            }
            terminal.draw(|frame| screen.draw(frame)).unwrap();
            let shown = terminal.backend().to_string();
            let of = |line: &str| {
                line.split([' ', '"']).find(|word| word.starts_with("metric_")).map(str::to_owned)
            };
            let rows: Vec<_> = shown.lines().filter_map(of).collect();
            (rows[0].clone(), rows[rows.len() - 1].clone())
        };
        let (first, last) = after(KeyCode::Home, 1);
        assert_eq!(first, "metric_0");
        let height = last.strip_prefix("metric_").unwrap().parse::<usize>().unwrap() + 1;
        let end = (format!("metric_{}", 50 - height), "metric_49".to_owned());
        assert_eq!(after(KeyCode::PageDown, 100), end);
        assert_eq!(after(KeyCode::Down, 3), end);
        assert_eq!(after(KeyCode::Up, 1).1, "metric_48");
        assert_eq!(after(KeyCode::End, 1), end);
        assert_eq!(after(KeyCode::PageUp, 100).0, "metric_0");
    }

    #[test]
    fn bars_reach_from_zero_to_the_greatest_and_show_what_is_latest() {
        assert_eq!(spark(&[0.0, 1.0, 7.0], 10), "▁▂█");
        assert_eq!(spark(&[9.0, 9.0, 0.0, 7.0], 2), "▁█");
        assert_eq!(spark(&[5.0, 5.0], 10), "██");
        assert_eq!(spark(&[0.0, 0.0], 10), "▁▁");
        assert_eq!(spark(&[-7.0, 0.0], 10), "▁█");
        assert_eq!(spark(&[], 10), "");
    }
}
