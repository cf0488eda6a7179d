//! Comparisons of texts at compile time, byte by byte. The compiler interprets these functions for each metric. An
//! interpreted call, even of `len`, takes as long as dozens of other steps. So the loops match slices, and make no calls.

/// Returns whether the texts are equal.
pub(crate) const fn equal(mut a: &[u8], mut b: &[u8]) -> bool {
    // Compares from the end, because many names share a prefix.
    while let ([rest_of_a @ .., last_of_a], [rest_of_b @ .., last_of_b]) = (a, b) {
        if *last_of_a != *last_of_b {
            return false;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    matches!((a, b), ([], []))
}

/// Returns the text without its last `end.len()` bytes.
pub(super) const fn before<'a>(text: &'a [u8], end: &[u8]) -> &'a [u8] {
    text.split_at(text.len() - end.len()).0
}

/// Returns whether the text ends with `end`.
pub(super) const fn ends_with(mut text: &[u8], mut end: &[u8]) -> bool {
    while let [rest_of_end @ .., last_of_end] = end {
        match text {
            [rest @ .., last] if *last == *last_of_end => text = rest,
            _ => return false,
        }
        end = rest_of_end;
    }
    true
}
