//! The objective of a histogram, as it is written in a lock file.

use std::fmt;

use crate::decimal;

/// The share of a histogram's values that should be less than or equal to one of its bucket bounds.
///
/// `Display` writes the objective as in a lock file: `99.9% within 0.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Objective {
    /// The share of the values in parts per billion.
    billionths: u32,
    /// The bound in the exported unit, as Prometheus writes it in the label `le`.
    within: String,
}

const BILLIONTHS_PER_PERCENT: f64 = 10_000_000.0;

impl Objective {
    pub(super) fn new(declared: papyra_metrics::Objective) -> Self {
        let mut within = String::new();
        decimal::push_canonical(declared.within(), &mut within);
        let billionths = billionths(declared.percent()).unwrap_or(u32::MAX);
        Self { billionths, within }
    }

    /// Parses an objective as in a lock file. Returns the objective and the text after it, which is empty or contains
    /// the labels of a series.
    pub(super) fn parse(text: &str) -> Option<(Self, &str)> {
        let (percent, rest) = text.split_once("% within ")?;
        let (within, labels) = rest.split_once(' ').unwrap_or((rest, ""));
        let billionths = billionths(percent.parse().ok()?)?;
        within.parse::<f64>().ok()?;
        Some((Self { billionths, within: within.to_owned() }, labels))
    }

    /// Returns the bound, as Prometheus writes it in the label `le`.
    pub(super) fn within(&self) -> &str {
        &self.within
    }

    /// Returns the percentage of values that should be within the bound.
    pub(super) fn percent(&self) -> f64 {
        f64::from(self.billionths) / BILLIONTHS_PER_PERCENT
    }

    /// Returns the share of values that may exceed the bound: 0.001 for 99.9 %.
    pub(super) fn budget(&self) -> f64 {
        f64::from(1_000_000_000 - self.billionths) / 1e9
    }
}

/// Converts a percentage to parts per billion. Returns `None` unless the percentage is above 0 and below 100.
fn billionths(percent: f64) -> Option<u32> {
    let billionths = (percent * BILLIONTHS_PER_PERCENT).round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in the range of the type
    (1.0..1e9).contains(&billionths).then_some(billionths as u32)
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}% within {}", self.percent(), self.within)
    }
}

#[cfg(test)]
mod tests {
    use super::Objective;

    #[test]
    fn an_objective_reads_back_as_it_is_written() {
        for (text, budget) in [
            ("99.9% within 0.1", 0.001),
            ("0.0000001% within 1e-07", 0.999_999_999),
            ("50% within 64.0", 0.5),
        ] {
            let (objective, labels) = Objective::parse(text).unwrap();
            assert_eq!((objective.to_string().as_str(), labels), (text, ""));
            assert!((objective.budget() - budget).abs() < 1e-12, "{text}");
        }
        let (_, labels) = Objective::parse("99.9% within 0.1 op=\"get\"").unwrap();
        assert_eq!(labels, "op=\"get\"");
        for text in
            ["", "99.9", "100% within 0.1", "0% within 0.1", "NaN% within 0.1", "99% within soon"]
        {
            assert!(Objective::parse(text).is_none(), "{text}");
        }
    }
}
