//! Formats the cells of the table: numbers, names and bars that fit a given width.

use papyra_metrics::Value;

/// Returns a number without a suffix: an integer with all its digits, or a float rounded to six significant digits.
pub(crate) fn exact(value: &Value) -> String {
    match value {
        Value::Float(n) if *n != 0.0 && n.is_finite() => {
            let rounded = format!("{n:.5e}");
            let rounded = rounded.parse().unwrap_or(*n);
            if (1e-4..1e15).contains(&rounded.abs()) {
                rounded.to_string()
            } else {
                format!("{rounded:e}")
            }
        }
        value => value.to_string(),
    }
}

/// Returns a number with at most four digits, and a suffix such as `k` for a power of a thousand. Numbers that are too
/// large or too small for this are in scientific notation.
pub(crate) fn compact(number: f64) -> String {
    let is_small = number != 0.0 && number.abs() < 0.05;
    if number.is_nan() || is_small || number.abs() >= 999.95e18 {
        return if number.is_finite() { format!("{number:.0e}") } else { number.to_string() };
    }
    let mut scaled = number;
    for suffix in ["", "k", "M", "G", "T", "P"] {
        if scaled.abs() < 999.95 {
            return if scaled.fract() == 0.0 && suffix.is_empty() {
                format!("{scaled}")
            } else {
                format!("{scaled:.1}{suffix}")
            };
        }
        scaled /= 1000.0;
    }
    format!("{scaled:.1}E")
}

/// Shortens a name to `width` characters, but not to less than one. `…` replaces the middle, because names with the
/// same prefix differ at the end.
pub(crate) fn shorten(name: &str, width: usize) -> String {
    let len = name.chars().count();
    if len <= width {
        return name.to_owned();
    }
    let kept = width.saturating_sub(1);
    let start = kept / 2;
    let end = kept - start;
    name.chars().take(start).chain(['…']).chain(name.chars().skip(len - end)).collect()
}

/// Returns the last `width` numbers as a row of bars. The scale includes zero and all of these numbers.
pub(crate) fn spark(history: &[f64], width: usize) -> String {
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
    use papyra_metrics::Value;

    use super::{compact, exact, shorten, spark};

    #[test]
    fn numbers_and_names_are_shortened() {
        for (number, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (0.5, "0.5"),
            (1234.0, "1.2k"),
            (999_949.0, "999.9k"),
            (999_999.0, "1.0M"),
            (-123_456.0, "-123.5k"),
            (1.8e19, "18.0E"),
            (1e300, "1e300"),
            (-0.000_012, "-1e-5"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(compact(number), text);
        }
        for (number, text) in [
            (0.1 + 0.2, "0.3"),
            (0.0, "0"),
            (-1234.5, "-1234.5"),
            (1e300, "1e300"),
            (0.000_012, "1.2e-5"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(exact(&Value::Float(number)), text);
        }
        assert_eq!(shorten("records_written", 15), "records_written");
        assert_eq!(shorten("records_written", 8), "rec…tten");
        assert_eq!(shorten("records_written", 1), "…");
        assert_eq!(shorten("records_written", 0), "…");
    }

    #[test]
    fn the_scale_of_bars_contains_zero_and_the_latest_numbers_are_shown() {
        assert_eq!(spark(&[0.0, 1.0, 7.0], 10), "▁▂█");
        assert_eq!(spark(&[9.0, 9.0, 0.0, 7.0], 2), "▁█");
        assert_eq!(spark(&[5.0, 5.0], 10), "██");
        assert_eq!(spark(&[0.0, 0.0], 10), "▁▁");
        assert_eq!(spark(&[-7.0, 0.0], 10), "▁█");
        assert_eq!(spark(&[], 10), "");
    }
}
