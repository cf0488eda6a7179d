//! Comparisons of texts at compile time, byte by byte.

/// Returns whether the texts are equal.
pub(crate) const fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && ends_with(a, b)
}

/// Returns the text without its last bytes, as many as `end` has.
pub(super) const fn before<'a>(text: &'a [u8], end: &[u8]) -> &'a [u8] {
    text.split_at(text.len() - end.len()).0
}

/// Returns whether the text ends with `end`.
pub(super) const fn ends_with(text: &[u8], end: &[u8]) -> bool {
    if text.len() < end.len() {
        return false;
    }
    let mut i = 0;
    while i < end.len() {
        if text[text.len() - end.len() + i] != end[i] {
            return false;
        }
        i += 1;
    }
    true
}
