//! Shows the values that a histogram recorded since the last reading, as quantiles and a bar chart that fit the
//! available width.

use ratatui::{
    style::{Color, Style, Stylize},
    text::{Line as TextLine, Span},
};

use super::rates::Line;
use crate::figures::{self, Bar};

/// The parts of a histogram's line that fit the width of the table: quantiles, and a bar chart with or without the ends of
/// its range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Details {
    quantiles: &'static [(&'static str, f64)],
    /// The width of the bar chart.
    bars: usize,
    has_ends: bool,
}

impl Details {
    /// The width of a quantile, such as `1023 KiB`, and of an end of the range, such as `> 64 GiB`.
    const FIGURE: usize = 8;
    /// The width that is needed for all quantiles, the ends of the range, and a chart of 14 bars.
    pub(crate) const WANTED: u16 = 60;
    /// The width that is needed for a single quantile.
    pub(crate) const LEAST: u16 = 8;
    const MIN_BARS: usize = 4;
    const SPACING: usize = 2;

    /// Chooses the parts that fit the width. In order of priority, these are the 99th percentile, the median, the
    /// 99.9th percentile, the bar chart, and the ends of its range.
    pub(crate) fn fit(width: usize) -> Self {
        static QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)];
        let len = |quantiles: usize| quantiles * (Self::FIGURE + 1) - 1;
        let quantiles = match width {
            _ if width >= len(3) => &QUANTILES[..],
            _ if width >= len(2) => &QUANTILES[..2],
            _ if width >= len(1) => &QUANTILES[1..2],
            _ => &[],
        };
        let used = if quantiles.is_empty() { 0 } else { len(quantiles.len()) + Self::SPACING };
        let room = if quantiles.len() == 3 { width.saturating_sub(used) } else { 0 };
        let ends = 2 * (Self::FIGURE + 1);
        let has_ends = room >= ends + 2 * Self::MIN_BARS;
        let bars = if has_ends { room - ends } else { room };
        Self { quantiles, bars: if bars >= Self::MIN_BARS { bars } else { 0 }, has_ends }
    }

    /// Returns the headings of the quantiles and of the bar chart, aligned with them.
    pub(crate) fn header(&self) -> String {
        let names = self.quantiles.iter().map(|(name, _)| format!("{name:>0$}", Self::FIGURE));
        let mut header = names.collect::<Vec<_>>().join(" ");
        if self.bars > 0 {
            let indent = Self::SPACING + if self.has_ends { Self::FIGURE + 1 } else { 0 };
            let name = if self.bars >= 12 { "distribution" } else { "" };
            header.push_str(&" ".repeat(indent));
            header.push_str(name);
        }
        header
    }

    /// Returns a line with the quantiles and the bar chart of the values recorded since the last reading. The line is
    /// empty if no values were recorded.
    pub(crate) fn line(&self, line: &Line) -> TextLine<'static> {
        let Some(interval) = line.interval.as_ref().filter(|interval| !interval.is_empty()) else {
            return TextLine::default();
        };
        let quantiles = self.quantiles.iter();
        let quantiles = quantiles
            .map(|(_, q)| format!("{:>1$}", figures::quantile(interval, *q), Self::FIGURE));
        let mut spans = vec![Span::raw(quantiles.collect::<Vec<_>>().join(" "))];
        let Some(range) = line.range.filter(|_| self.bars > 0) else { return spans.into() };
        let (lower, upper) = range.ends(interval);
        spans.push(Span::raw(" ".repeat(Self::SPACING)));
        if self.has_ends {
            spans.push(format!("{lower:>0$} ", Self::FIGURE).dim());
        }
        spans.extend(bars(&figures::bar_chart(interval, range, self.bars)));
        if self.has_ends {
            spans.push(format!(" {upper}").dim());
        }
        spans.into()
    }
}

/// Returns the bars as colored text. Bars of the tail have another color.
fn bars(bars: &[Bar]) -> impl Iterator<Item = Span<'static>> {
    bars.chunk_by(|a, b| a.is_tail == b.is_tail).map(|run| {
        let color = if run.iter().any(|bar| bar.is_tail) { Color::Yellow } else { Color::Cyan };
        let symbols: String = run.iter().map(|bar| bar.symbol).collect();
        Span::styled(symbols, Style::from(color))
    })
}
