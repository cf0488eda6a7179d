//! The merge of sorted sources.

use std::iter::Peekable;

use super::codec::Entry;
use super::error::Error;

/// A key and its entry, or the error that occurred when they were read.
pub(crate) type Item = Result<(Vec<u8>, Entry), Error>;

/// A source of entries in ascending order of their keys.
pub(crate) type Source<'a> = Box<dyn Iterator<Item = Item> + 'a>;

/// Merges sources. The sources are ordered from the newest to the oldest. The iterator yields the newest entry of each key, and
/// ends after an error.
pub(crate) struct Merge<'a> {
    sources: Vec<Peekable<Source<'a>>>,
    has_failed: bool,
}

impl<'a> Merge<'a> {
    pub(crate) fn new(sources: impl IntoIterator<Item = Source<'a>>) -> Self {
        Self { sources: sources.into_iter().map(Iterator::peekable).collect(), has_failed: false }
    }
}

impl Iterator for Merge<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if self.has_failed {
            return None;
        }
        let mut first: Option<(usize, &[u8])> = None;
        for (index, source) in self.sources.iter_mut().enumerate() {
            match source.peek() {
                // Sources are ordered from the newest to the oldest, so the newest entry of a key is in the first source
                // that has the key.
                Some(Ok((key, _))) if first.is_none_or(|(_, least)| key.as_slice() < least) => {
                    first = Some((index, key));
                }
                Some(Err(error)) => {
                    self.has_failed = true;
                    return Some(Err(error.clone()));
                }
                _ => {}
            }
        }
        let index = first?.0;
        let item = self.sources[index].next()?;
        if let Ok((key, _)) = &item {
            for source in &mut self.sources[index + 1..] {
                source.next_if(|older| matches!(older, Ok((other, _)) if other == key));
            }
        }
        Some(item)
    }
}
