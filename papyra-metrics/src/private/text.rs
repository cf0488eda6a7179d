//! Text that is composed at compile time. The compiler interprets this code, so the code is written with few steps and few
//! calls.

use core::str;

/// Text of at most `LEN` bytes.
///
/// The bytes are always UTF-8, so they are converted to a `str` without a check. At compile time, the check would be
/// interpreted for each byte: a struct of counters that is flattened twice would take an eighth longer to build, and a struct
/// of families would take a third longer.
#[derive(Clone, Copy)]
pub(super) struct Text<const LEN: usize>([u8; LEN]);

impl<const LEN: usize> Text<LEN> {
    pub(super) const EMPTY: Self = Self([0; LEN]);

    /// Returns the text, without the zeros that pad the array.
    pub(super) const fn as_str(&self) -> &str {
        let mut bytes: &[u8] = &self.0;
        while let [rest @ .., 0] = bytes {
            bytes = rest;
        }
        #[allow(unsafe_code)] // the compiler would interpret the check of each byte
        // SAFETY: the array is all zeros at first, and only `TextWriter::push` writes to it, one `str` after the
        // other. So the array is whole `str`s followed by zeros. This is UTF-8, with or without the zeros.
        unsafe {
            str::from_utf8_unchecked(bytes)
        }
    }

    /// Returns the first `len` bytes of the text. Panics if the cut is within a character.
    pub(super) const fn start(&self, len: usize) -> &str {
        let (start, rest) = self.0.split_at(len);
        // In UTF-8, all bytes of a character after its first byte are from 0x80 to 0xbf.
        assert!(!matches!(rest, [0x80..=0xbf, ..]), "a text is cut between characters");
        #[allow(unsafe_code)] // as in `as_str`
        // SAFETY: the array is UTF-8, as in `as_str`, and it is cut between characters.
        unsafe {
            str::from_utf8_unchecked(start)
        }
    }
}

/// Writes a [`Text`] piece by piece.
#[derive(Clone, Copy)]
pub(super) struct TextWriter<const LEN: usize> {
    text: Text<LEN>,
    /// The number of bytes that have been written. The rest of the text is zeros.
    len: usize,
}

impl<const LEN: usize> TextWriter<LEN> {
    pub(super) const fn new() -> Self {
        Self { text: Text::EMPTY, len: 0 }
    }

    /// Appends a piece. Panics if there is no room.
    #[must_use]
    pub(super) const fn push(mut self, piece: &str) -> Self {
        let mut piece = piece.as_bytes();
        let mut at = self.len;
        while let [byte, rest @ ..] = piece {
            self.text.0[at] = *byte;
            at += 1;
            piece = rest;
        }
        self.len = at;
        self
    }

    pub(super) const fn finish(self) -> Text<LEN> {
        self.text
    }
}

/// A panic message. Pieces that do not fit are left out.
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
            let mut rest = piece;
            while let [byte, after @ ..] = rest {
                self.text[self.len] = *byte;
                self.len += 1;
                rest = after;
            }
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
            #[allow(clippy::cast_possible_truncation)] // at most 9
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
        match str::from_utf8(self.text.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => panic!("messages are UTF-8"),
        }
    }
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use alloc::string::String;

    use super::{Text, TextWriter};

    fn written<const LEN: usize>(pieces: &[&str]) -> Text<LEN> {
        pieces.iter().fold(TextWriter::new(), |writer, piece| writer.push(piece)).finish()
    }

    #[test]
    fn a_text_consists_of_its_pieces_also_with_multi_byte_characters() {
        let pieces = ["log_", "größe", "{", "stück", "=", "七", ",", "", "🦀", "=", "é", "}"];
        for len in 0..=pieces.len() {
            let expected: String = pieces[..len].concat();
            let text = written::<48>(&pieces[..len]);
            assert_eq!(text.as_str(), expected);
            assert!(str::from_utf8(&text.0).is_ok(), "{expected}");
            for (at, _) in expected.char_indices() {
                assert_eq!(text.start(at), &expected[..at]);
            }
        }
        assert_eq!(written::<6>(&["größ"]).as_str(), "größ", "without a zero at the end");
    }

    #[test]
    #[should_panic = "a text is cut between characters"]
    fn a_text_is_not_cut_within_a_character() {
        written::<8>(&["größe"]).start(3);
    }

    #[test]
    #[should_panic = "index out of bounds"]
    fn a_piece_that_does_not_fit_panics() {
        let _ = written::<3>(&["gr", "öße"]);
    }
}
