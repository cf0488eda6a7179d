//! Decodes the first bytes of a file into a description. Every byte is untrusted.

use std::{
    collections::HashSet,
    string::{String, ToString},
    time::{Duration, SystemTime},
    vec::Vec,
};

use super::description::{
    BYTE_ORDER, CHECKED_FROM, Description, ENTRY_LEN, HEADER_LEN, Location, MAGIC, MAX_DESCRIPTION,
    MAX_VALUES, Metric, Process, VERSION,
};
use crate::{Kind, naming};

/// Why bytes are not a description.
#[derive(Debug)]
pub(super) enum FormatError {
    NotMetrics,
    ByteOrder,
    Version(u32),
    Damaged(&'static str),
}

pub(super) const CUT_SHORT: FormatError = FormatError::Damaged("the file is cut short");

/// A validated header.
#[derive(Debug)]
pub(super) struct Header {
    /// Length of the description, header included.
    pub(super) description_len: usize,
    /// Length of the description and the values.
    pub(super) file_len: u64,
    checksum: u32,
    entry_len: usize,
    entries: usize,
}

impl Header {
    /// Decodes the first [`HEADER_LEN`] bytes, or all of a shorter file, of a file of that length.
    pub(super) fn decode(bytes: &[u8], file_len: u64) -> Result<Self, FormatError> {
        if !bytes.starts_with(&MAGIC) {
            let cut = !bytes.is_empty() && MAGIC.starts_with(bytes);
            return Err(if cut { CUT_SHORT } else { FormatError::NotMetrics });
        }
        let bytes = Bytes(bytes);
        match bytes.u32(8)? {
            BYTE_ORDER => {}
            order if order.swap_bytes() == BYTE_ORDER => return Err(FormatError::ByteOrder),
            _ => return Err(FormatError::Damaged("unknown byte order")),
        }
        match bytes.u32(12)? {
            VERSION => {}
            version => return Err(FormatError::Version(version)),
        }
        let (len, description) = (bytes.u64(24)?, bytes.u64(32)?);
        if file_len < HEADER_LEN as u64 || file_len < len || file_len < description {
            return Err(CUT_SHORT);
        }
        if description < HEADER_LEN as u64 || description > len || description > MAX_DESCRIPTION {
            return Err(FormatError::Damaged("invalid length of the description"));
        }
        if len - description > MAX_VALUES {
            return Err(FormatError::Damaged("invalid length of the values"));
        }
        Ok(Self {
            description_len: usize::try_from(description)
                .map_err(|_| FormatError::Damaged("invalid length of the description"))?,
            file_len: len,
            checksum: bytes.u32(16)?,
            entry_len: bytes.u32(20)? as usize,
            entries: bytes.u32(40)? as usize,
        })
    }

    /// Decodes the description. `bytes` are the [`description_len`](Self::description_len) bytes that begin with the
    /// bytes of this header.
    pub(super) fn decode_description(&self, bytes: &[u8]) -> Result<Description, FormatError> {
        let bytes = Bytes(bytes);
        let checked = bytes.0.get(CHECKED_FROM..).ok_or(CUT_SHORT)?;
        if self.checksum != crc32fast::hash(checked) {
            return Err(FormatError::Damaged("wrong checksum of the description"));
        }
        let strings_start = self
            .entry_len
            .checked_mul(self.entries)
            .and_then(|entries| entries.checked_add(HEADER_LEN))
            .filter(|&end| self.entry_len >= ENTRY_LEN && end <= bytes.0.len())
            .ok_or(FormatError::Damaged("the entries exceed the description"))?;

        let mut strings = Strings {
            bytes,
            start: strings_start,
            unclaimed: bytes.0.len().saturating_sub(strings_start),
        };
        let values = bytes.0.len() as u64..self.file_len;
        let mut words = UnclaimedWords {
            left: values.end.saturating_sub(values.start) / 8,
            range: values.clone(),
        };
        let process = Process {
            pid: bytes.u32(44)?,
            program: strings.get(bytes, 56)?.to_string(),
            since: SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_nanos(bytes.u64(48)?))
                .ok_or(FormatError::Damaged("invalid start time"))?,
        };
        let mut metrics = Vec::with_capacity(self.entries);
        for entry in 0..self.entries {
            let entry = Bytes(bytes.get(HEADER_LEN + entry * self.entry_len, self.entry_len)?);
            metrics.push(decode_metric(entry, &mut strings, &mut words)?);
        }
        let mut names = HashSet::with_capacity(metrics.len());
        if !metrics.iter().all(|metric: &Metric| names.insert(metric.name.as_str())) {
            return Err(FormatError::Damaged("two metrics have the same name"));
        }
        Ok(Description { process, metrics, values })
    }
}

fn decode_metric(
    entry: Bytes<'_>,
    strings: &mut Strings<'_>,
    words: &mut UnclaimedWords,
) -> Result<Metric, FormatError> {
    let name = strings.get(entry, 0)?;
    let help = strings.get(entry, 8)?;
    let unit = strings.get(entry, 16)?;
    let prefix_len = entry.u32(28)? as usize;
    if !naming::is_name(name) || prefix_len > name.len() {
        return Err(FormatError::Damaged("invalid name of a metric"));
    }
    if !unit.is_empty() && !naming::is_unit(unit) {
        return Err(FormatError::Damaged("invalid unit of a metric"));
    }
    let kind = match entry.u32(24)? {
        1 => Kind::Counter,
        2 => Kind::Gauge,
        _ => return Err(FormatError::Damaged("unknown kind of a metric")),
    };
    let location = Location {
        first: entry.u64(32)?,
        stride: entry.u64(40)?,
        cells: entry.u32(56)?,
        baseline: Some(entry.u64(48)?).filter(|&baseline| baseline != 0),
    };
    if !words.claim(location) {
        return Err(FormatError::Damaged("a metric's value lies outside of the values"));
    }
    Ok(Metric {
        name: name.to_string(),
        prefix_len,
        kind,
        help: help.to_string(),
        unit: Some(unit).filter(|unit| !unit.is_empty()).map(String::from),
        location,
    })
}

/// The strings of a description, of which no more bytes may be read than there are. Otherwise entries that share one
/// long string would make a small file take much memory.
struct Strings<'a> {
    bytes: Bytes<'a>,
    start: usize,
    unclaimed: usize,
}

impl<'a> Strings<'a> {
    /// Returns the string whose offset and length are at that offset of an entry.
    fn get(&mut self, entry: Bytes<'_>, at: usize) -> Result<&'a str, FormatError> {
        let (offset, len) = (entry.u32(at)? as usize, entry.u32(at + 4)? as usize);
        if len > self.unclaimed {
            return Err(FormatError::Damaged("strings overlap or exceed the description"));
        }
        self.unclaimed -= len;
        let bytes = self.bytes.get(offset, len).ok().filter(|_| offset >= self.start);
        bytes
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or(FormatError::Damaged("invalid string"))
    }
}

/// The words of the values, of which metrics may claim no more than there are. Otherwise a small file could make a
/// reader add up the same words for hours.
struct UnclaimedWords {
    range: core::ops::Range<u64>,
    left: u64,
}

impl UnclaimedWords {
    /// Returns whether the location lies in the values and enough words are left for it.
    fn claim(&mut self, location: Location) -> bool {
        let claimed = u64::from(location.cells) + u64::from(location.baseline.is_some());
        let last = u64::from(location.cells)
            .checked_sub(1)
            .and_then(|steps| steps.checked_mul(location.stride))
            .and_then(|distance| distance.checked_add(location.first));
        let fits = claimed <= self.left
            && location.stride % 8 == 0
            && self.contains(location.first)
            && last.is_some_and(|last| self.contains(last))
            && location.baseline.is_none_or(|baseline| self.contains(baseline));
        self.left = self.left.saturating_sub(claimed);
        fits
    }

    fn contains(&self, word: u64) -> bool {
        word % 8 == 0 && word >= self.range.start && word <= self.range.end.saturating_sub(8)
    }
}

#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn get(self, at: usize, len: usize) -> Result<&'a [u8], FormatError> {
        at.checked_add(len).and_then(|end| self.0.get(at..end)).ok_or(CUT_SHORT)
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], FormatError> {
        self.get(at, N)?.try_into().map_err(|_| CUT_SHORT)
    }

    fn u32(self, at: usize) -> Result<u32, FormatError> {
        self.array(at).map(u32::from_ne_bytes)
    }

    fn u64(self, at: usize) -> Result<u64, FormatError> {
        self.array(at).map(u64::from_ne_bytes)
    }
}
