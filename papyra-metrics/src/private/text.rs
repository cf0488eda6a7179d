//! Text that is put together at compile time. The compiler interprets each step and each call, so there are few of them.

use core::str;

/// Writes a piece at the beginning of `out`. Returns the rest of it.
pub(super) const fn write<'a>(mut out: &'a mut [u8], mut piece: &[u8]) -> &'a mut [u8] {
    while let [a, b, c, d, rest @ ..] = piece {
        let [to_a, to_b, to_c, to_d, after @ ..] = out else { panic!("no room") };
        *to_a = *a;
        *to_b = *b;
        *to_c = *c;
        *to_d = *d;
        piece = rest;
        out = after;
    }
    while let [from, rest @ ..] = piece {
        let [to, after @ ..] = out else { panic!("no room") };
        *to = *from;
        piece = rest;
        out = after;
    }
    out
}

/// Writes a short piece at a position. Returns the position after it.
pub(super) const fn write_at(out: &mut [u8], mut at: usize, mut piece: &[u8]) -> usize {
    while let [byte, rest @ ..] = piece {
        out[at] = *byte;
        at += 1;
        piece = rest;
    }
    at
}

/// Returns the bytes as text.
pub(super) const fn utf8(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("names are ASCII"),
    }
}

/// Returns the bytes without the zeros at their end as text.
pub(super) const fn utf8_before_zeros(mut bytes: &[u8]) -> &str {
    while let [rest @ .., 0, _, _, _] = bytes {
        bytes = rest;
    }
    while let [rest @ .., 0] = bytes {
        bytes = rest;
    }
    utf8(bytes)
}

/// A message of a panic; what does not fit is left out.
pub(crate) struct Message {
    text: [u8; 1024],
    len: usize,
}

impl Message {
    pub(crate) const fn new() -> Self {
        Self { text: [0; 1024], len: 0 }
    }

    pub(crate) const fn push(&mut self, piece: &str) -> &mut Self {
        self.push_bytes(piece.as_bytes())
    }

    pub(crate) const fn push_bytes(&mut self, piece: &[u8]) -> &mut Self {
        if self.len + piece.len() <= self.text.len() {
            self.len = write_at(&mut self.text, self.len, piece);
        }
        self
    }

    pub(crate) const fn push_all(&mut self, [a, b, c]: [&str; 3]) -> &mut Self {
        self.push(a).push(b).push(c)
    }

    pub(crate) const fn push_number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            #[allow(clippy::cast_possible_truncation)] // a digit
            let digit = (number % 10) as u8;
            digits[at] = b'0' + digit;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.push_bytes(digits.split_at(at).1)
    }

    pub(crate) const fn as_str(&self) -> &str {
        utf8(self.text.split_at(self.len).0)
    }
}
