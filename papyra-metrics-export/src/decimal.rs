//! Formats numbers: floats in the canonical form of OpenMetrics, and decimal fractions without rounding.

use std::fmt::Write;
use std::str;

/// Writes a float in the canonical form of OpenMetrics, which Prometheus 3 uses for `le`: the shortest digits that
/// parse back to the same float. Numbers other than zero are written with an exponent if their absolute value is below
/// 0.0001 or at least 1,000,000; other integers end in `.0`.
pub(crate) fn push_canonical(value: f64, out: &mut String) {
    if !value.is_finite() || value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        return push_float(value, out);
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    // Writing to a string cannot fail.
    let _ = match exponent.strip_prefix('-') {
        Some(exponent) => write!(out, "{digits}e-{exponent:0>2}"),
        None => write!(out, "{digits}e+{exponent:0>2}"),
    };
}

/// Writes a float with the shortest digits that parse back to the same float, without allocating.
pub(crate) fn push_float(value: f64, out: &mut String) {
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        // Writing to a string cannot fail.
        let _ = write!(out, "{value:?}");
    }
}

/// Writes `rest / of` as a decimal fraction without trailing zeros: `.25` for 25 of 100, nothing for 0. `of` is a power
/// of ten, and `rest` is less than `of`.
pub(crate) fn push_fraction(mut rest: u64, of: u64, out: &mut String) {
    if rest == 0 {
        return;
    }
    // The digits are computed here, because one `write!` takes as long as writing several samples of a histogram.
    let mut digits = [b'0'; 19];
    let digits = &mut digits[..of.ilog10() as usize];
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    let len = digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
    out.push('.');
    out.push_str(str::from_utf8(&digits[..len]).unwrap_or_default());
}

/// Returns whether `unit`, the number of base units in one exported unit, is a power of ten. If it is, every value has
/// an exact decimal form in the exported unit.
pub(crate) fn is_power_of_ten(unit: u64) -> bool {
    unit.checked_ilog10().is_some_and(|exponent| 10_u64.pow(exponent) == unit)
}

#[cfg(test)]
mod tests {
    use super::{push_canonical, push_fraction};

    #[test]
    fn floats_are_written_in_the_canonical_form() {
        for (value, expected) in [
            (0.000_000_1, "1e-07"),
            (0.000_000_000_15, "1.5e-10"),
            (0.000_05, "5e-05"),
            (0.0001, "0.0001"),
            (0.1, "0.1"),
            (1.0, "1.0"),
            (1.5, "1.5"),
            (100.0, "100.0"),
            (999_999.0, "999999.0"),
            (1_048_576.0, "1.048576e+06"),
            (68_719_476_736.0, "6.8719476736e+10"),
            (1e100, "1e+100"),
            (0.0, "0.0"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
            (-2.5e-7, "-2.5e-07"),
            (f64::from_bits(1), "5e-324"),
        ] {
            let mut text = String::new();
            push_canonical(value, &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn fractions_keep_every_digit_and_drop_trailing_zeros() {
        for (rest, of, expected) in [
            (0, 1, ""),
            (0, 1_000_000_000, ""),
            (1, 1_000_000_000, ".000000001"),
            (120_000_000, 1_000_000_000, ".12"),
            (999_999_999, 1_000_000_000, ".999999999"),
            (100_000_000, 1_000_000_000, ".1"),
            (1, 10_u64.pow(19), ".0000000000000000001"),
        ] {
            let mut text = String::new();
            push_fraction(rest, of, &mut text);
            assert_eq!(text, expected, "{rest} of {of}");
        }
    }
}
