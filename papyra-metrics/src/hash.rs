//! A hash function for use at compile time.

/// Extends a hash by bytes. The hash is a polynomial of the bytes modulo 2³², so no step overflows 64 bits. Each step takes four
/// bytes, because the compiler interprets the function, and fewer steps take less time.
#[allow(clippy::cast_lossless)] // `from` is not const
pub(crate) const fn hash(mut hash: u64, mut bytes: &[u8]) -> u64 {
    const BASE: u64 = 0x0100_0193;
    const MASK: u64 = 0xffff_ffff;
    const SQUARE: u64 = (BASE * BASE) & MASK;
    const CUBE: u64 = (SQUARE * BASE) & MASK;
    const FOURTH: u64 = (CUBE * BASE) & MASK;
    while let [a, b, c, d, rest @ ..] = bytes {
        let four = *a as u64 * CUBE + *b as u64 * SQUARE + *c as u64 * BASE + *d as u64;
        hash = (((hash * FOURTH) & MASK) + four) & MASK;
        bytes = rest;
    }
    while let [byte, rest @ ..] = bytes {
        hash = (hash * BASE + *byte as u64) & MASK;
        bytes = rest;
    }
    hash
}

/// Returns the slot of an open-addressed hash table at which the search for this hash begins.
#[allow(clippy::cast_possible_truncation)] // the low bits are enough
pub(crate) const fn first_slot(hash: u64, slots: usize) -> usize {
    hash as usize % slots
}
