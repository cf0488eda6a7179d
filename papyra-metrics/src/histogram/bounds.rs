//! Computes the bounds of [`buckets!`](crate::buckets) at compile time. Every mistake is a panic, and so a compile error.

use super::amount::{MAX_BASE_UNITS, Notation};

/// The largest number of bounds. Together with the bucket above the last bound there are 128 buckets.
pub(crate) const MAX_BOUNDS: usize = 127;

/// A bound as it is written in [`buckets!`](crate::buckets), with the error messages for an invalid bound.
#[derive(Clone, Copy, Debug)]
pub struct BoundLiteral {
    /// The text of the bound.
    pub text: &'static str,
    /// The error message if the text is not a bound.
    pub malformed: &'static str,
    /// The error message if the bound is not greater than the preceding bound.
    pub not_rising: &'static str,
}

/// Strictly increasing bounds in base units: nanoseconds for durations, otherwise the numbers themselves.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    len: usize,
    bounds: [u64; MAX_BOUNDS],
}

impl Bounds {
    const EMPTY: Self = Self { len: 0, bounds: [0; MAX_BOUNDS] };

    /// Creates the listed bounds.
    pub const fn list(literals: &[BoundLiteral], notation: Notation) -> Self {
        let mut bounds = Self::EMPTY;
        let mut i = 0;
        while i < literals.len() {
            bounds = bounds.with(literals[i].parse(notation), &literals[i]);
            i += 1;
        }
        assert!(bounds.len > 0, "buckets must have at least one bound");
        bounds
    }

    /// Creates the bounds that are 1, 2 or 5 times a power of ten, from the bound `first` to the bound `last`.
    pub const fn one_two_five(first: BoundLiteral, last: BoundLiteral, notation: Notation) -> Self {
        let (from, to) = (first.parse(notation), last.parse(notation));
        assert!(from <= to, "{}", last.not_rising);
        assert!(
            is_one_two_five(from) && is_one_two_five(to),
            "the first and the last bound of `one_two_five` must be 1, 2 or 5 times a power of ten"
        );
        Self::EMPTY.with_decades(&[10, 20, 50], from, to, &last)
    }

    /// Creates the bounds that are 1, 1.5, 2, 3, 5 or 7 times a power of ten, from the bound `first` to the bound `last`.
    pub const fn fine(first: BoundLiteral, last: BoundLiteral, notation: Notation) -> Self {
        let (from, to) = (first.parse(notation), last.parse(notation));
        Self::EMPTY.with_decades(&[10, 15, 20, 30, 50, 70], from, to, &last)
    }

    /// Creates the bounds that are `first` times a power of `base`, up to the bound `last`.
    pub const fn powers(
        base: BoundLiteral,
        first: BoundLiteral,
        last: BoundLiteral,
        notation: Notation,
    ) -> Self {
        let factor = base.parse(Notation::Integer);
        assert!(factor >= 2, "the base of `powers` must be at least 2");
        let to = last.parse(notation);
        let mut bound = first.parse(notation);
        assert!(bound > 0, "the first bound of `powers` must be above zero");
        assert!(bound <= to, "{}", last.not_rising);
        let mut bounds = Self::EMPTY;
        while bound < to {
            bounds = bounds.with(bound, &last);
            // A product that saturates ends the loop, because no bound exceeds `MAX_BASE_UNITS`.
            bound = bound.saturating_mul(factor);
        }
        assert!(
            bound == to,
            "the last bound of `powers` is not the first one times a power of the base"
        );
        bounds.with(to, &last)
    }

    /// Returns the number of bounds.
    pub const fn count(&self) -> usize {
        self.len
    }

    /// Returns the bounds as an array. `LEN` must be the number of bounds.
    pub const fn to_array<const LEN: usize>(&self) -> [u64; LEN] {
        let mut array = [0; LEN];
        let mut i = 0;
        while i < LEN {
            array[i] = self.bounds[i];
            i += 1;
        }
        array
    }

    /// Adds a bound. `literal` contains the error message for a bound that is not above the previous bound.
    const fn with(mut self, bound: u64, literal: &BoundLiteral) -> Self {
        assert!(self.len < MAX_BOUNDS, "buckets must have at most 127 bounds");
        assert!(self.len == 0 || self.bounds[self.len - 1] < bound, "{}", literal.not_rising);
        self.bounds[self.len] = bound;
        self.len += 1;
        self
    }

    /// Adds each whole number from `from` to `to`, both inclusive, that is a step times a power of ten. A step is given in
    /// tenths: 15 means 1.5 times each power of ten.
    const fn with_decades(
        mut self,
        steps: &[u64],
        from: u64,
        to: u64,
        last: &BoundLiteral,
    ) -> Self {
        assert!(from > 0, "the first bound must be above zero");
        let mut decade: u64 = 1;
        while decade <= to {
            let mut i = 0;
            while i < steps.len() {
                let exact = decade.saturating_mul(steps[i]);
                let bound = exact / 10;
                if exact % 10 == 0 && from <= bound && bound <= to {
                    self = self.with(bound, last);
                }
                i += 1;
            }
            decade = decade.saturating_mul(10);
        }
        self
    }
}

const fn is_one_two_five(mut bound: u64) -> bool {
    while bound > 0 && bound % 10 == 0 {
        bound /= 10;
    }
    matches!(bound, 1 | 2 | 5)
}

impl BoundLiteral {
    /// Returns the bound in base units, and panics if the text is not a bound.
    const fn parse(&self, notation: Notation) -> u64 {
        match parse(self.text, notation) {
            Some(bound) => bound,
            None => panic!("{}", self.malformed),
        }
    }
}

/// Parses a bound into base units: nanoseconds for a duration, otherwise the number itself. Returns `None` if the text is not a
/// bound, or if the bound in base units is above [`MAX_BASE_UNITS`] or not an integer.
pub(crate) const fn parse(text: &str, notation: Notation) -> Option<u64> {
    let text = text.as_bytes();
    let (mut digits, mut decimals) = (0_u64, 0_u32);
    let (mut has_digit, mut is_fraction) = (false, false);
    let mut i = 0;
    while i < text.len() {
        match text[i] {
            digit @ b'0'..=b'9' => {
                let Some(tens) = digits.checked_mul(10) else { return None };
                let Some(sum) = tens.checked_add((digit - b'0') as u64) else { return None };
                digits = sum;
                has_digit = true;
                decimals += is_fraction as u32;
            }
            b'_' => {}
            b'.' if !is_fraction => is_fraction = true,
            _ => break,
        }
        i += 1;
    }
    if !has_digit {
        return None;
    }
    let (_, suffix) = text.split_at(i);
    let per_unit: u64 = match (notation, suffix) {
        (Notation::Integer, b"") | (Notation::Duration, b"ns") => 1,
        (Notation::Integer, b"KiB") => 1 << 10,
        (Notation::Integer, b"MiB") => 1 << 20,
        (Notation::Integer, b"GiB") => 1 << 30,
        (Notation::Integer, b"TiB") => 1 << 40,
        // The micro sign and the Greek letter mu.
        (Notation::Duration, b"us" | b"\xc2\xb5s" | b"\xce\xbcs") => 1_000,
        (Notation::Duration, b"ms") => 1_000_000,
        (Notation::Duration, b"s") => 1_000_000_000,
        (Notation::Duration, b"min") => 60_000_000_000,
        (Notation::Duration, b"h") => 3_600_000_000_000,
        _ => return None,
    };
    let Some(scale) = 10_u64.checked_pow(decimals) else { return None };
    let Some(product) = digits.checked_mul(per_unit) else { return None };
    if product % scale == 0 && product / scale <= MAX_BASE_UNITS {
        Some(product / scale)
    } else {
        None
    }
}

/// Returns the first element, if there is one.
pub const fn first(units: &[&'static str]) -> Option<&'static str> {
    match units {
        [unit, ..] => Some(*unit),
        [] => None,
    }
}

/// Returns the unit in which values are exported. Panics if the `unit` given in [`buckets!`](crate::buckets) is not valid.
pub const fn exported_unit(
    notation: Notation,
    given: Option<&'static str>,
) -> Option<&'static str> {
    match (notation, given) {
        (Notation::Integer, unit) => {
            if let Some(unit) = unit {
                assert!(crate::naming::is_unit(unit), "a unit must match [a-z0-9_]+");
            }
            unit
        }
        (Notation::Duration, None) => Some("seconds"),
        (Notation::Duration, Some(_)) => {
            panic!("buckets of durations are exported in seconds; remove `unit`")
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{BoundLiteral, Bounds, Notation};

    const fn literal(text: &'static str) -> BoundLiteral {
        BoundLiteral { text, malformed: "malformed", not_rising: "not rising" }
    }

    #[test]
    fn bounds_are_parsed_into_base_units() {
        for (text, nanoseconds) in [
            ("100ns", 100),
            ("20us", 20_000),
            ("20µs", 20_000),
            ("20μs", 20_000),
            ("1.5ms", 1_500_000),
            ("1_000s", 1_000_000_000_000),
            ("2min", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(literal(text).parse(Notation::Duration), nanoseconds, "{text}");
        }
        for (text, number) in [("64", 64), ("4_096", 4096), ("4KiB", 4096), ("1.5GiB", 3 << 29)] {
            assert_eq!(literal(text).parse(Notation::Integer), number, "{text}");
        }
    }

    #[test]
    fn malformed_bounds_are_rejected() {
        for (text, notation) in [
            ("20", Notation::Duration),
            ("20m", Notation::Duration),
            ("", Notation::Integer),
            ("_", Notation::Integer),
            (".", Notation::Integer),
            (".KiB", Notation::Integer),
            ("ms", Notation::Duration),
            ("_ms", Notation::Duration),
            (".s", Notation::Duration),
            ("1.5ns", Notation::Duration),
            ("300h_0", Notation::Duration),
            ("9999999999s", Notation::Duration),
            ("1.2.3ms", Notation::Duration),
            ("20ms", Notation::Integer),
            ("1.5", Notation::Integer),
            ("1e3", Notation::Integer),
            ("0x10", Notation::Integer),
            ("18446744073709551616", Notation::Integer),
            ("9223372036854775808", Notation::Integer),
        ] {
            let parsed = std::panic::catch_unwind(|| literal(text).parse(notation));
            assert!(parsed.is_err(), "{text} is {parsed:?}");
        }
    }

    #[test]
    fn each_constructor_generates_its_bounds() {
        let one_two_five =
            Bounds::one_two_five(literal("500ns"), literal("20us"), Notation::Duration);
        assert_eq!(one_two_five.to_array(), [500, 1_000, 2_000, 5_000, 10_000, 20_000]);
        let small = Bounds::one_two_five(literal("1"), literal("20"), Notation::Integer);
        assert_eq!((small.count(), small.to_array()), (5, [1, 2, 5, 10, 20]));
        let powers =
            Bounds::powers(literal("4"), literal("64"), literal("4KiB"), Notation::Integer);
        assert_eq!((powers.count(), powers.to_array()), (4, [64, 256, 1024, 4096]));
        let fine = Bounds::fine(literal("100ns"), literal("2us"), Notation::Duration);
        assert_eq!(fine.to_array(), [100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000]);
    }
}
