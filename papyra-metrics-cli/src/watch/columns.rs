//! Chooses the widths of the columns of the table.

use papyra_metrics::Value;

use super::cells::{compact, exact};
use super::distribution::Details;
use super::rates::Line;

/// The widths of the columns.
pub(crate) struct Columns {
    pub(crate) names: u16,
    pub(crate) values: u16,
    pub(crate) rates: u16,
    pub(crate) bars: u16,
    /// Whether numbers are rounded to a few digits, because there is no room for exact ones.
    pub(crate) is_compact: bool,
}

impl Columns {
    pub(crate) const SPACING: u16 = 2;
    /// The widths of a value and of a rate if there is enough room. A value may have up to 20 digits.
    const WIDE: (u16, u16) = (20, 14);
    /// The width of a rounded number, such as -123.4k.
    const COMPACT: u16 = 7;
    const MIN_BARS: u16 = 4;

    /// Chooses the columns that fit the width. If there is not enough room, bars and most quantiles of histograms are
    /// left out first. Then numbers are rounded, then rates are left out, and finally names are shortened.
    pub(crate) fn fit(width: u16, lines: &[&Line], value: impl Fn(&Line) -> Value) -> Self {
        let lines = || lines.iter().copied();
        let longest = |lens: &mut dyn Iterator<Item = usize>, least: usize| {
            u16::try_from(lens.max().unwrap_or_default().max(least)).unwrap_or(u16::MAX)
        };
        let has_histograms = lines().any(Line::is_histogram);
        let least = if has_histograms { "histogram".len() } else { "metric".len() };
        let names = longest(&mut lines().map(|line| line.series.chars().count()), least);
        let values = longest(&mut lines().map(|line| exact(&value(line)).len()), 6);
        let rates = lines().filter_map(|line| line.rate);
        let rates = longest(&mut rates.map(|rate| format!("{rate:.1}").len()), 10);
        let exact = |values, rates, least_bars: u16| {
            let bars = width.checked_sub(names.checked_add(values + rates + 3 * Self::SPACING)?)?;
            (bars >= least_bars).then_some(Self { names, values, rates, bars, is_compact: false })
        };
        let compact = |rates: u16| {
            let rest = Self::COMPACT + if rates > 0 { rates + Self::SPACING } else { 0 };
            let room = width.checked_sub(rest + Self::SPACING)?;
            let values = Self::COMPACT;
            // Histograms use the remaining width for quantiles and bars, which also need spacing.
            let bars = room.saturating_sub(names.saturating_add(Self::SPACING));
            let bars = if rates > 0 && has_histograms { bars } else { 0 };
            (room >= names).then_some(Self { names, values, rates, bars, is_compact: true })
        };
        let least_bars = if has_histograms { Details::WANTED } else { Self::MIN_BARS };
        exact(Self::WIDE.0, Self::WIDE.1, least_bars)
            .or_else(|| exact(values, rates, if has_histograms { Details::LEAST } else { 0 }))
            .or_else(|| compact(Self::COMPACT))
            .or_else(|| compact(0))
            .unwrap_or_else(|| {
                let names = width.saturating_sub(Self::COMPACT + Self::SPACING).max(width / 2);
                let values = width.saturating_sub(names + Self::SPACING);
                Self { names, values, rates: 0, bars: 0, is_compact: true }
            })
    }

    pub(crate) fn value(&self, value: &Value) -> String {
        let exact = exact(value);
        if exact.len() <= usize::from(self.values) { exact } else { compact(value.as_f64()) }
    }

    pub(crate) fn rate(&self, rate: f64) -> String {
        if self.is_compact { compact(rate) } else { format!("{rate:.1}") }
    }
}
