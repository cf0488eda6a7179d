//! Text that is prepared once and copied often, and of which places are written anew in between.

use std::mem;
use std::ops::Range;

use ascii::{AsAsciiStrError, AsciiChar, AsciiStr, AsciiString};

/// A `String` lets nobody write into its midst without looking through all of it afterwards, for it might be no UTF-8
/// any more. Of ASCII each place is a character; what is none, as it may stand in a label, is kept apart.
#[derive(Default)]
pub(super) struct Prepared {
    ascii: AsciiString,
    /// What is not ASCII, and how much ASCII comes before it.
    others: Vec<(usize, String)>,
}

impl Prepared {
    /// Where the next ASCII is added.
    pub(super) fn end(&self) -> usize {
        self.ascii.len()
    }

    /// So that this much more ASCII needs no other memory.
    pub(super) fn reserve_exact(&mut self, more: usize) {
        self.ascii.reserve_exact(more);
    }

    pub(super) fn push_str(&mut self, mut text: &str) {
        while !text.is_empty() {
            text = &text[self.push_ascii(text)..];
            let rest = text.trim_start_matches(|char: char| !char.is_ascii());
            let other = &text[..text.len() - rest.len()];
            if !other.is_empty() {
                self.others.push((self.end(), other.to_owned()));
            }
            text = rest;
        }
    }

    /// Makes it this text, which differs in its ASCII alone.
    pub(super) fn renew(&mut self, mut text: &str) {
        let mut others = mem::take(&mut self.others);
        self.ascii.clear();
        for (before, other) in &mut others {
            text = &text[self.push_ascii(text) + other.len()..];
            *before = self.end();
        }
        self.push_ascii(text);
        self.others = others;
    }

    /// Adds the ASCII that it begins with, and tells how much that is.
    fn push_ascii(&mut self, text: &str) -> usize {
        let len =
            AsciiStr::from_ascii(text).map_or_else(AsAsciiStrError::valid_up_to, AsciiStr::len);
        if let Ok(ascii) = AsciiStr::from_ascii(&text[..len]) {
            self.ascii.push_str(ascii);
        }
        len
    }

    /// A place of ASCII, to be written anew.
    pub(super) fn place(&mut self, place: Range<usize>) -> &mut [AsciiChar] {
        self.ascii[place].as_mut_slice()
    }

    /// Begins to add this text to that.
    pub(super) fn copy<'a>(&'a self, out: &'a mut String) -> Copy<'a> {
        Copy { ascii: &self.ascii, others: &self.others, at: 0, out }
    }
}

/// A copy under way.
pub(super) struct Copy<'a> {
    ascii: &'a AsciiStr,
    /// Those that are still to come.
    others: &'a [(usize, String)],
    at: usize,
    out: &'a mut String,
}

impl Copy<'_> {
    /// Adds all up to this place, and then, in the place of what stands there, this.
    pub(super) fn replace(&mut self, place: Range<usize>, text: &str) {
        self.go_to(place.start);
        self.out.push_str(text);
        self.at = place.end;
    }

    /// Adds the rest.
    pub(super) fn finish(mut self) {
        self.go_to(self.ascii.len());
    }

    fn go_to(&mut self, place: usize) {
        while let Some(((before, other), rest)) = self.others.split_first() {
            if *before > place {
                break;
            }
            self.append(*before);
            self.out.push_str(other);
            self.others = rest;
        }
        self.append(place);
    }

    /// Adds ASCII in pieces. Of long ones the C library leaves the copying to an instruction that takes many times as
    /// long on some processors, where the two places are not aligned alike.
    fn append(&mut self, place: usize) {
        const LONG: usize = 2048;
        for piece in self.ascii[self.at..place].as_slice().chunks(LONG) {
            self.out.push_str(<&AsciiStr>::from(piece).as_str());
        }
        self.at = place;
    }
}

#[cfg(test)]
mod tests {
    use ascii::AsciiChar;

    use super::Prepared;

    #[test]
    fn what_is_not_ascii_stays_where_it_was() {
        for text in ["", "plain", "größer", "ß", "ßß und ß", "日本 1 語\n", "a日"] {
            let mut prepared = Prepared::default();
            let mut expected = String::new();
            for _ in 0..2 {
                prepared.push_str(text);
                expected.push_str(text);
                let mut out = String::from("before ");
                prepared.copy(&mut out).finish();
                assert_eq!(out, format!("before {expected}"));
            }
        }
    }

    #[test]
    fn a_place_is_written_anew_or_left_out_of_a_copy() {
        let mut prepared = Prepared::default();
        prepared.push_str("größe ß");
        let start = prepared.end();
        prepared.push_str("1");
        let place = start..prepared.end();
        prepared.push_str("ß\ngrößte\n");

        prepared.place(place.clone())[0] = AsciiChar::_3;
        let mut out = String::new();
        prepared.copy(&mut out).finish();
        assert_eq!(out, "größe ß3ß\ngrößte\n");

        out.clear();
        let mut copy = prepared.copy(&mut out);
        copy.replace(place, "100");
        copy.finish();
        assert_eq!(out, "größe ß100ß\ngrößte\n");
    }

    #[test]
    fn the_same_text_with_other_numbers() {
        let mut prepared = Prepared::default();
        prepared.push_str("größe 1\n日本 2\nß");
        prepared.renew("größe 100\n日本 3\nß");
        let mut out = String::new();
        prepared.copy(&mut out).finish();
        assert_eq!(out, "größe 100\n日本 3\nß");
    }

    #[test]
    fn a_long_text_is_copied_whole() {
        let text = "0123456789".repeat(1_000) + &"größer".repeat(1_000);
        let mut prepared = Prepared::default();
        prepared.push_str(&text);
        let mut out = String::new();
        prepared.copy(&mut out).finish();
        assert_eq!(out, text);
    }
}
