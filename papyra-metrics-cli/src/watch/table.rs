//! The table on the terminal: handles the keys, selects and orders the rows, and fits them into the available space.

use std::time::{Duration, Instant};

use papyra_metrics::Value;
use ratatui::{
    Frame,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Stylize},
    text::{Line as TextLine, Text},
    widgets::{Cell, Paragraph, Row, Table},
};

use super::cells::{shorten, spark};
use super::columns::Columns;
use super::distribution::Details;
use super::rates::{Group, Line, RateTable};
use super::rows::{Entry, Header, Sort, visible};
use super::status::status;
use crate::figures::{is_zero, number};
use crate::source::Readings;

/// The table and the settings that the user has chosen for it.
pub(crate) struct View {
    rates: RateTable,
    pub(crate) interval: Duration,
    /// The lines above the table.
    status: Vec<TextLine<'static>>,
    totals: bool,
    /// Whether metrics that are zero are hidden.
    non_zero: bool,
    sort: Sort,
    filter: String,
    /// Whether the user is editing the filter, so that keys change its text.
    is_filtering: bool,
    /// The index of the row at the top of the visible part.
    offset: usize,
    /// The number of rows that fit on the terminal.
    height: usize,
}

impl View {
    pub(crate) fn new(
        rates: RateTable,
        first: &Readings,
        interval: Duration,
        totals: bool,
        non_zero: bool,
    ) -> Self {
        Self {
            rates,
            interval,
            status: status(first, None),
            totals,
            non_zero,
            sort: Sort::Declared,
            filter: String::new(),
            is_filtering: false,
            offset: 0,
            height: 1,
        }
    }

    /// Updates the table with a new reading.
    pub(crate) fn update(&mut self, readings: &mut Readings, at: Instant) {
        let error = self.rates.update(readings, at).err();
        self.status = status(readings, error.as_deref());
    }

    /// Handles a key. Returns whether the user has asked to quit.
    pub(crate) fn handle_key(&mut self, key: KeyEvent) -> bool {
        if self.is_filtering {
            match key.code {
                KeyCode::Enter => self.is_filtering = false,
                KeyCode::Esc => {
                    self.is_filtering = false;
                    self.filter.clear();
                }
                KeyCode::Backspace => {
                    self.filter.pop();
                }
                KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
                    self.filter.push(c);
                }
                _ => {}
            }
            self.offset = 0;
            return false;
        }
        let offset = self.scroll(key.code);
        self.offset = match key.code {
            KeyCode::Char('q') => return true,
            KeyCode::Esc if self.filter.is_empty() => return true,
            KeyCode::Esc => {
                self.filter.clear();
                0
            }
            KeyCode::Char('/') => {
                self.is_filtering = true;
                0
            }
            KeyCode::Char('s') => {
                self.sort = self.sort.next();
                0
            }
            KeyCode::Char('t') => {
                self.totals = !self.totals;
                offset
            }
            KeyCode::Char('z') => {
                self.non_zero = !self.non_zero;
                0
            }
            _ => offset,
        };
        false
    }

    /// Returns the index of the row at the top after this key. A heading is never at the top: the header would replace
    /// it there, so scrolling past the heading would change nothing on the screen.
    fn scroll(&self, key: KeyCode) -> usize {
        let entries = self.entries();
        let is_heading = |index: usize| matches!(entries.get(index), Some(Entry::Heading));
        let below_heading = |index: usize| index + usize::from(is_heading(index));
        let last = entries.len().saturating_sub(self.height);
        let offset = below_heading(self.offset.min(last));
        below_heading(match key {
            KeyCode::Down | KeyCode::Char('j') => offset + 1,
            KeyCode::Up | KeyCode::Char('k') => {
                let above = offset.saturating_sub(1);
                if is_heading(above) { above.saturating_sub(1) } else { above }
            }
            KeyCode::PageDown => offset + self.height,
            KeyCode::PageUp => offset.saturating_sub(self.height),
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => offset,
        })
    }

    /// Returns the number in the column of values. For a histogram, this is the count.
    fn value(&self, line: &Line) -> Value {
        number(if self.totals { &line.total } else { &line.value })
    }

    /// Returns whether a line is hidden because its value is zero.
    fn hides(&self, line: &Line) -> bool {
        self.non_zero && is_zero(&self.value(line))
    }

    /// Returns the rows that are not hidden and match the filter, in the chosen order. The histograms of each group
    /// come last. If only one row fits on the terminal, titles and headings are left out.
    fn entries(&self) -> Vec<Entry<'_>> {
        let filter = self.filter.to_lowercase();
        let mut entries = Vec::new();
        for Group { title, lines } in &self.rates.groups {
            let mut lines: Vec<&Line> = lines
                .iter()
                .filter(|line| line.series.to_lowercase().contains(&filter) && !self.hides(line))
                .collect();
            match self.sort {
                Sort::Declared => {}
                Sort::Name => lines.sort_by(|a, b| a.series.cmp(&b.series)),
                Sort::Value => {
                    lines.sort_by(|a, b| self.value(b).as_f64().total_cmp(&self.value(a).as_f64()));
                }
                Sort::Rate => lines.sort_by(|a, b| {
                    let rate = |line: &Line| line.rate.unwrap_or(f64::NEG_INFINITY);
                    rate(b).total_cmp(&rate(a))
                }),
            }
            if !lines.is_empty() {
                entries.extend(title.iter().map(|title| Entry::Title(title)));
            }
            let (histograms, numbers): (Vec<&Line>, Vec<&Line>) =
                lines.into_iter().partition(|line| line.is_histogram());
            entries.extend(numbers.into_iter().map(Entry::Metric));
            if !histograms.is_empty() {
                entries.push(Entry::Heading);
            }
            entries.extend(histograms.into_iter().map(Entry::Metric));
        }
        if self.height < 2 {
            entries.retain(|entry| matches!(entry, Entry::Metric(_)));
        }
        entries
    }

    pub(crate) fn draw(&mut self, frame: &mut Frame<'_>) {
        let heights = Heights::of(frame.area().height, self.status.len(), self.is_filtering);
        let [top, _, header_and_rows, bottom] = Layout::vertical([
            Constraint::Length(heights.status),
            Constraint::Length(heights.gap),
            Constraint::Min(1),
            Constraint::Length(heights.keys),
        ])
        .areas(frame.area());
        frame.render_widget(Paragraph::new(self.status_text(heights.status)), top);
        self.height = usize::from(header_and_rows.height.saturating_sub(heights.header)).max(1);
        let entries = self.entries();
        let offset = self.offset.min(entries.len().saturating_sub(self.height));
        let (header, shown) = visible(entries.get(offset..).unwrap_or_default(), self.height);
        let header = (heights.header > 0).then_some(header);
        frame.render_widget(self.table(&entries, &shown, header_and_rows, header), header_and_rows);
        let first = header_and_rows.rows().skip(heights.header.into());
        for (row, entry) in first.zip(&shown) {
            if let Entry::Title(title) = entry {
                let title = shorten(title, row.width.into());
                frame.render_widget(Paragraph::new(title.bold()), row);
            }
        }
        frame.render_widget(Paragraph::new(self.keys().dim()), bottom);
    }

    fn status_text(&self, height: u16) -> Text<'static> {
        let height = usize::from(height);
        let mut status: Vec<_> = self.status.iter().take(height).cloned().collect();
        if let Some(last) = status.last_mut().filter(|_| height < self.status.len() && height > 1) {
            *last = TextLine::from(format!("… and {} more", self.status.len() - height + 1));
        }
        Text::from(status)
    }

    fn keys(&self) -> String {
        if self.is_filtering {
            return format!(" /{}▏ Enter keeps the filter · Esc removes it", self.filter);
        }
        let filter = if self.filter.is_empty() {
            "/ filter".to_owned()
        } else {
            format!("/{} (Esc removes)", self.filter)
        };
        let values = if self.totals { "t since reset" } else { "t totals" };
        let sort = self.sort.name();
        let zeros = if self.non_zero {
            let lines = self.rates.groups.iter().flat_map(|group| &group.lines);
            format!("z shows {} zeros", lines.filter(|line| self.hides(line)).count())
        } else {
            "z non-zero".to_owned()
        };
        format!(
            " q quits · ↑ ↓ scroll · {filter} · s sorts ({sort}) · {values} · {zeros} · every {:?}",
            self.interval
        )
    }

    fn table(
        &self,
        all: &[Entry<'_>],
        shown: &[Entry<'_>],
        area: Rect,
        header: Option<Header>,
    ) -> Table<'static> {
        // The widths are computed from all rows and not from the visible ones, so that they do not change when the user
        // scrolls.
        let lines: Vec<&Line> = all
            .iter()
            .filter_map(|entry| match entry {
                Entry::Metric(line) => Some(*line),
                Entry::Title(_) | Entry::Heading => None,
            })
            .collect();
        let columns = Columns::fit(area.width, &lines, |line| self.value(line));
        let details = Details::fit(columns.bars.into());
        let rows = shown.iter().map(|entry| match entry {
            // A title spans all columns, so its row is empty here and the title is drawn over it later.
            Entry::Title(_) => Row::default(),
            Entry::Heading => self.header(Header::Histograms, &columns, &details),
            Entry::Metric(line) => Row::new([
                Cell::new(shorten(&line.series, columns.names.into())),
                right(columns.value(&self.value(line))),
                right(line.rate.map_or(String::new(), |rate| columns.rate(rate))),
                if line.is_histogram() {
                    Cell::new(details.line(line))
                } else {
                    Cell::new(spark(&line.history, columns.bars.into())).style(Color::Cyan)
                },
            ]),
        });
        // Columns that are left out have no width, but the table would still add spacing for them. They are therefore
        // removed.
        let widths = [columns.names, columns.values, columns.rates, columns.bars];
        let used = widths.iter().rposition(|width| *width > 0).map_or(0, |last| last + 1);
        let widths = widths.map(Constraint::Length).into_iter().take(used);
        let table = Table::new(rows, widths).column_spacing(Columns::SPACING);
        match header {
            Some(header) => table.header(self.header(header, &columns, &details)),
            None => table,
        }
    }

    /// Returns the row of column headings.
    fn header(&self, header: Header, columns: &Columns, details: &Details) -> Row<'static> {
        let (name, value) = match (header, self.totals) {
            (Header::Numbers, false) => ("metric", "value"),
            (Header::Numbers, true) => ("metric", "total"),
            (Header::Histograms, false) => ("histogram", "count"),
            (Header::Histograms, true) => ("histogram", "total"),
        };
        let rest = match header {
            Header::Numbers if columns.bars >= 6 => "recent".to_owned(),
            Header::Numbers => String::new(),
            Header::Histograms => details.header(),
        };
        let rate = if columns.is_compact { "per s" } else { "per second" };
        Row::new([
            Cell::new(shorten(name, columns.names.into())),
            right(value.into()),
            right(rate.into()),
            Cell::new(rest),
        ])
        .bold()
    }
}

fn right(text: String) -> Cell<'static> {
    Cell::new(Text::from(text).alignment(Alignment::Right))
}

/// The number of terminal rows for each element of the screen. One row is reserved for a metric. The other elements get
/// the remaining rows in the order of their usefulness.
struct Heights {
    status: u16,
    gap: u16,
    header: u16,
    keys: u16,
}

impl Heights {
    fn of(rows: u16, status: usize, keys_are_needed: bool) -> Self {
        let wanted = u16::try_from(status).unwrap_or(u16::MAX);
        Self {
            header: u16::from(rows >= 2),
            status: if rows >= 6 { wanted.min(rows / 3) } else { wanted.min((rows >= 3).into()) },
            keys: u16::from(rows >= 5 || keys_are_needed && rows >= 3),
            gap: u16::from(rows >= 8),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use papyra_metrics::{Histogram, Value};
    use ratatui::{
        Terminal,
        backend::TestBackend,
        crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
        text::Line as TextLine,
    };

    use super::{Group, Line, RateTable, Sort, View};
    use crate::figures::BucketRange;

    fn line(name: &str, value: u64, rate: Option<f64>) -> Line {
        let total = Value::Counter(value.saturating_add(1000));
        Line {
            series: name.to_owned(),
            value: Value::Counter(value),
            total,
            rate,
            history: vec![],
            interval: None,
            range: None,
        }
    }

    /// Returns a line for a histogram that recorded these durations since the last reading.
    fn histogram(name: &str, microseconds: &[u64]) -> Line {
        let histogram: Histogram = Histogram::new();
        for value in microseconds {
            histogram.record(Duration::from_micros(*value));
        }
        let distribution = histogram.get().erase();
        Line {
            value: Value::Histogram(Box::new(distribution.clone())),
            total: Value::Histogram(Box::new(distribution.clone())),
            range: BucketRange::in_use(&distribution),
            interval: Some(Box::new(distribution)),
            ..line(name, 0, Some(12.0))
        }
    }

    fn view(groups: Vec<Group>) -> View {
        let mut rates = RateTable::new(false);
        rates.groups = groups;
        View {
            rates,
            interval: Duration::from_secs(1),
            status: vec![TextLine::from("log.metrics: program")],
            totals: false,
            non_zero: false,
            sort: Sort::Declared,
            filter: String::new(),
            is_filtering: false,
            offset: 0,
            height: 1,
        }
    }

    fn one_group(lines: Vec<Line>) -> View {
        view(vec![Group { title: None, lines }])
    }

    fn draw(view: &mut View, columns: u16, rows: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let lines = terminal.backend().to_string();
        lines.lines().map(|line| line.trim_matches('"').trim_end().to_owned()).collect()
    }

    fn press(view: &mut View, keys: &str) {
        for key in keys.chars() {
            let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
            assert!(!view.handle_key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
    }

    /// Returns the first word of each row that shows a metric.
    fn metrics(screen: &[String]) -> Vec<&str> {
        let words = screen.iter().filter_map(|line| line.split_whitespace().next());
        words.filter(|word| word.starts_with("metric_")).collect()
    }

    #[test]
    fn scrolling_ends_where_the_last_metric_is_the_last_row() {
        let lines = (0..50).map(|metric| line(&format!("metric_{metric}"), metric, None));
        let mut view = one_group(lines.collect());
        let mut after = |code, times| {
            draw(&mut view, 80, 20);
            for _ in 0..times {
                assert!(!view.handle_key(KeyEvent::new(code, KeyModifiers::NONE)));
            }
            let screen = draw(&mut view, 80, 20);
            let shown = metrics(&screen);
            (shown[0].to_owned(), shown[shown.len() - 1].to_owned())
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
    fn each_key_that_scrolls_changes_the_screen_until_the_end_is_reached() {
        let lines = |group: &str| {
            let name = |metric: &str| format!("metric_{group}_{metric}");
            vec![
                line(&name("a"), 1, None),
                line(&name("b"), 2, None),
                histogram(&name("c"), &[80]),
                histogram(&name("d"), &[80]),
            ]
        };
        let group = |name: &str| Group { title: Some(name.to_owned()), lines: lines(name) };
        let histograms = || Group { title: None, lines: lines("three").split_off(2) };
        for rows in 1..18 {
            for groups in [vec![group("one"), group("two")], vec![histograms()], vec![]] {
                let mut view = view(groups);
                // Presses the key until the screen no longer changes. Returns all screens, also the one before the key.
                let mut screens = |key| {
                    let mut screens = vec![draw(&mut view, 100, rows)];
                    loop {
                        assert!(!view.handle_key(KeyEvent::new(key, KeyModifiers::NONE)));
                        let screen = draw(&mut view, 100, rows);
                        if screens.last() == Some(&screen) {
                            return screens;
                        }
                        screens.push(screen);
                    }
                };
                let down = screens(KeyCode::Down);
                let mut up = screens(KeyCode::Up);
                up.reverse();
                assert_eq!(up, down, "{rows} rows");
                let [first, last] = [down.first(), down.last()].map(Option::unwrap);
                assert_eq!(screens(KeyCode::PageDown).last(), Some(last), "{rows} rows");
                assert_eq!(screens(KeyCode::PageUp).last(), Some(first), "{rows} rows");
                assert_eq!(screens(KeyCode::End).last(), Some(last), "{rows} rows");
                assert_eq!(screens(KeyCode::Up).len(), down.len(), "{rows} rows");
            }
        }
    }

    #[test]
    fn every_terminal_shows_at_least_one_metric_and_never_panics() {
        let groups = || {
            let lines = || {
                vec![
                    line("metric_records_written", u64::MAX, Some(1e9)),
                    histogram("metric_append", &[1, 80, 5_000_000]),
                ]
            };
            ["a", "b"].map(|title| Group { title: Some(title.to_owned()), lines: lines() }).into()
        };
        for columns in [1, 2, 3, 8, 20, 40, 80, 512] {
            for rows in 1..12 {
                let mut view = view(groups());
                let screen = draw(&mut view, columns, rows);
                if columns >= 20 {
                    let shown = screen
                        .iter()
                        .filter(|line| line.contains("metri") && !line.contains("metric "))
                        .count();
                    assert!(shown > 0, "{columns} × {rows}: {screen:#?}");
                }
                press(&mut view, "/rec");
                draw(&mut view, columns, rows);
            }
        }
    }

    #[test]
    fn names_are_shown_in_full_before_numbers_are() {
        let name = "metric_bytes_written";
        let mut view = one_group(vec![line(name, 123_456_789, Some(1234.5))]);
        let words = |view: &mut View, columns| {
            let screen = draw(view, columns, 10);
            let row = screen
                .iter()
                .find(|line| line.starts_with("metri") && !line.starts_with("metric "))
                .unwrap()
                .clone();
            row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(words(&mut view, 80), [name, "123456789", "1234.5"]);
        assert_eq!(words(&mut view, 50), [name, "123456789", "1234.5"]);
        assert_eq!(words(&mut view, 40), [name, "123.5M", "1.2k"]);
        assert_eq!(words(&mut view, 38), [name, "123.5M", "1.2k"]);
        assert_eq!(words(&mut view, 30), [name, "123.5M"]);
        assert_eq!(words(&mut view, 20), ["metri…itten", "123.5M"]);
    }

    #[test]
    fn a_filter_keeps_matching_names_until_it_is_removed() {
        let lines = ["metric_read", "metric_WRITE", "metric_write_errors"];
        let mut view = one_group(lines.map(|name| line(name, 1, None)).into());
        press(&mut view, "/writq");
        assert_eq!(metrics(&draw(&mut view, 80, 20)), [""; 0]);
        assert!(!view.handle_key(KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE)));
        press(&mut view, "\n");
        let screen = draw(&mut view, 80, 20);
        assert_eq!(metrics(&screen), ["metric_WRITE", "metric_write_errors"]);
        assert!(screen.last().unwrap().contains("/writ (Esc removes)"), "{screen:?}");
        let escape = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        assert!(!view.handle_key(escape));
        assert_eq!(metrics(&draw(&mut view, 80, 20)).len(), 3);
        assert!(view.handle_key(escape));
    }

    #[test]
    fn rows_are_sorted_by_name_value_and_rate() {
        let mut view = one_group(vec![
            line("metric_c", 1, Some(3.0)),
            line("metric_a", 3, Some(2.0)),
            line("metric_b", 2, None),
        ]);
        let order = |view: &mut View| -> String {
            let screen = draw(view, 80, 20);
            metrics(&screen).iter().map(|name| &name[7..]).collect()
        };
        assert_eq!(order(&mut view), "cab");
        for expected in ["abc", "abc", "cab", "cab"] {
            press(&mut view, "s");
            assert_eq!(order(&mut view), expected);
        }
    }

    #[test]
    fn histograms_have_quantiles_and_a_bar_chart_below_the_numbers() {
        let lines = || {
            vec![
                histogram("append", &[70, 80, 90, 1200]),
                line("writes", 4, Some(1.0)),
                histogram("scan", &[]),
            ]
        };
        let screen = draw(&mut one_group(lines()), 100, 12);
        let rows: Vec<Vec<&str>> =
            screen.iter().map(|line| line.split_whitespace().collect()).collect();
        let row = |name: &str| rows.iter().position(|words| words.first() == Some(&name)).unwrap();
        assert!(row("metric") < row("writes") && row("writes") < row("histogram"), "{screen:#?}");
        assert_eq!(
            rows[row("histogram")],
            ["histogram", "count", "per", "second", "p50", "p99", "p999", "distribution"]
        );
        assert_eq!(
            rows[row("append")].join(" "),
            "append 4 12.0 88.6 µs 1.2 ms 1.2 ms 50 µs █ ▃ 2 ms"
        );
        assert_eq!(rows[row("scan")].join(" "), "scan 0 12.0");
        // Each figure must be below its heading.
        let column = |row: usize, word: &str| {
            let at = screen[row].find(word).unwrap();
            screen[row][..at + word.len()].chars().count()
        };
        assert_eq!(column(row("histogram"), "p50"), column(row("append"), "88.6 µs"));
        assert_eq!(column(row("histogram"), "count"), column(row("append"), " 4"));
    }

    #[test]
    fn the_header_matches_the_first_visible_metric() {
        let lines = (0..30).map(|i| line(&format!("metric_{i}"), i, None));
        let histograms = (0..30).map(|i| histogram(&format!("metric_h{i}"), &[1]));
        let mut view = one_group(lines.chain(histograms).collect());
        let header = |view: &mut View| {
            let screen = draw(view, 90, 20);
            screen.iter().find(|line| line.contains("per s")).unwrap()[..9].trim_end().to_owned()
        };
        assert_eq!(header(&mut view), "metric");
        assert!(!view.handle_key(KeyEvent::new(KeyCode::End, KeyModifiers::NONE)));
        assert_eq!(header(&mut view), "histogram");
        let screen = draw(&mut view, 90, 20);
        assert_eq!(metrics(&screen).last(), Some(&"metric_h29"));
        press(&mut view, "/_h");
        assert_eq!(header(&mut view), "histogram");
        let screen = draw(&mut view, 90, 20);
        assert_eq!(screen.iter().filter(|line| line.starts_with("histogram")).count(), 1);
    }

    #[test]
    fn narrow_terminals_show_the_99th_percentile_first() {
        let words = |columns| {
            let mut view = one_group(vec![histogram("metric_append", &[70, 80, 90, 1200])]);
            let screen = draw(&mut view, columns, 10);
            let row = screen.iter().find(|line| line.starts_with("metric_")).unwrap().clone();
            row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(120), "4 12.0 88.6 µs 1.2 ms 1.2 ms 50 µs █ ▃ 2 ms");
        assert_eq!(words(72), "4 12.0 88.6 µs 1.2 ms 1.2 ms █ ▃");
        assert_eq!(words(56), "4 12.0 88.6 µs 1.2 ms");
        assert_eq!(words(46), "4 12.0 1.2 ms");
        assert_eq!(words(30), "4");
    }

    #[test]
    fn the_key_z_hides_zeros_and_counts_them() {
        let mut view = one_group(vec![
            line("metric_a", 1, None),
            line("metric_b", 0, Some(0.0)),
            histogram("metric_c", &[]),
            histogram("metric_d", &[80]),
        ]);
        let all = ["metric_a", "metric_b", "metric_c", "metric_d"];
        assert_eq!(metrics(&draw(&mut view, 100, 20)), all);
        press(&mut view, "z");
        let screen = draw(&mut view, 100, 20);
        assert_eq!(metrics(&screen), ["metric_a", "metric_d"]);
        assert!(screen.last().unwrap().contains("z shows 2 zeros"), "{screen:?}");
        // With lifetime totals, `metric_b` is shown, because its total is not zero.
        press(&mut view, "t");
        assert_eq!(metrics(&draw(&mut view, 100, 20)), ["metric_a", "metric_b", "metric_d"]);
        press(&mut view, "z");
        assert_eq!(metrics(&draw(&mut view, 100, 20)), all);
    }

    #[test]
    fn the_key_t_shows_totals_instead_of_values() {
        let mut view = one_group(vec![line("metric_a", 7, None)]);
        let row = |view: &mut View| draw(view, 80, 20).join("\n");
        assert!(row(&mut view).contains(" 7") && row(&mut view).contains("value"));
        press(&mut view, "t");
        assert!(row(&mut view).contains("1007") && row(&mut view).contains("total"));
    }
}
