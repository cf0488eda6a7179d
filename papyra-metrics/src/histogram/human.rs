//! Human-readable values: `80 µs`, `1.2 ms`, `4 KiB`.

use core::fmt;

use super::scale::Scale;

const NANOSECONDS: [&str; 4] = ["ns", "µs", "ms", "s"];
const BYTES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A value in base units (nanoseconds for durations), displayed in a unit that fits its magnitude, with three significant
/// digits or as an integer.
pub(super) struct Human<'a> {
    pub(super) base_units: u64,
    pub(super) scale: Scale<'a>,
}

impl fmt::Display for Human<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.scale.unit, self.scale.per_unit) {
            (Some("seconds"), 1_000_000_000) => scaled(f, self.base_units, 1000, &NANOSECONDS),
            (Some("bytes"), 1) => scaled(f, self.base_units, 1024, &BYTES),
            (unit, per_unit) => {
                decimal(f, self.base_units, per_unit)?;
                unit.map_or(Ok(()), |unit| write!(f, " {unit}"))
            }
        }
    }
}

/// Writes the value in the smallest unit in which it is below `step`, or else in the largest unit.
fn scaled(f: &mut fmt::Formatter<'_>, value: u64, step: u64, units: &[&str]) -> fmt::Result {
    let mut per_unit: u64 = 1;
    for (i, unit) in units.iter().enumerate() {
        let is_last = i + 1 == units.len();
        if is_last || rounded(value, per_unit) < u128::from(step) {
            decimal(f, value, per_unit)?;
            return write!(f, " {unit}");
        }
        per_unit = per_unit.saturating_mul(step);
    }
    Ok(())
}

/// Writes `value / per_unit`, rounded to two decimals if it is below 10, to one decimal if it is below 100, and otherwise to
/// an integer. Omits zeros at the end of the decimals.
fn decimal(f: &mut fmt::Formatter<'_>, value: u64, per_unit: u64) -> fmt::Result {
    for scale in [100_u32, 10] {
        let digits = rounded_times(value, per_unit, scale);
        if per_unit > 1 && digits < 1000 {
            let (whole, rest) = (digits / u128::from(scale), digits % u128::from(scale));
            return match (scale, rest) {
                (_, 0) => write!(f, "{whole}"),
                (100, rest) if rest % 10 == 0 => write!(f, "{whole}.{}", rest / 10),
                (100, rest) => write!(f, "{whole}.{rest:02}"),
                (_, rest) => write!(f, "{whole}.{rest}"),
            };
        }
    }
    write!(f, "{}", rounded(value, per_unit))
}

fn rounded(value: u64, per_unit: u64) -> u128 {
    rounded_times(value, per_unit, 1)
}

/// Returns `value / per_unit * scale`, rounded to the nearest integer.
fn rounded_times(value: u64, per_unit: u64, scale: u32) -> u128 {
    let per_unit = u128::from(per_unit.max(1));
    (u128::from(value) * u128::from(scale) + per_unit / 2) / per_unit
}

#[cfg(all(test, feature = "alloc", not(loom)))]
mod tests {
    use alloc::string::ToString;

    use super::{Human, Scale};

    #[test]
    fn values_have_three_significant_digits_and_a_fitting_unit() {
        let show = |base_units, unit, per_unit| {
            let scale = Scale { bounds: &[], unit, per_unit };
            Human { base_units, scale }.to_string()
        };
        for (nanoseconds, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1 µs"),
            (80_000, "80 µs"),
            (1_234, "1.23 µs"),
            (1_204, "1.2 µs"),
            (1_050_000, "1.05 ms"),
            (12_345_678, "12.3 ms"),
            (999_499, "999 µs"),
            (999_500, "1 ms"),
            (9_995_000, "10 ms"),
            (100_000_000_000, "100 s"),
            (12_345_000_000_000, "12345 s"),
            (u64::MAX, "18446744074 s"),
        ] {
            assert_eq!(show(nanoseconds, Some("seconds"), 1_000_000_000), text);
        }
        for (bytes, text) in [
            (64, "64 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (64 << 30, "64 GiB"),
            ((1 << 20) - 1, "1 MiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(show(bytes, Some("bytes"), 1), text);
        }
        assert_eq!(show(1234, Some("pages"), 1), "1234 pages");
        assert_eq!(show(7, None, 1), "7");
        assert_eq!(show(1_500, Some("seconds"), 1_000), "1.5 seconds");
    }
}
