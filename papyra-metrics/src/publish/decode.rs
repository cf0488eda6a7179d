//! Decodes the first bytes of a file into a description. Every byte is untrusted.

use std::{
    collections::HashSet,
    string::{String, ToString},
    sync::Arc,
    time::{Duration, SystemTime},
    vec::Vec,
};

use super::description::{
    BOUND_LEN, BYTE_ORDER, CHECKED_FROM, Description, ENTRY_LEN, ENTRY_LEN_VERSION_1,
    ENTRY_LEN_WITH_OBJECTIVE, Form, HEADER_LEN, IS_ERROR_COUNTER, LABEL_LEN, Location, MAGIC,
    MAX_DESCRIPTION, MAX_HISTOGRAMS, MAX_VALUES, Metric, Process, VERSION,
};
use crate::Objective;
use crate::histogram::{OwnedScale, amount::MAX_BASE_UNITS, bounds::MAX_BOUNDS};
use crate::naming;
use crate::series::Series;

/// The reason why bytes are not a valid description.
#[derive(Debug)]
pub(super) enum FormatError {
    NotMetrics,
    ForeignByteOrder,
    UnsupportedVersion(u32),
    Damaged(&'static str),
}

pub(super) const CUT_SHORT: FormatError = FormatError::Damaged("the file is cut short");

/// A header with a valid byte order and version, and valid lengths of the description and the values. The other fields
/// are checked when the description is decoded.
#[derive(Debug)]
pub(super) struct Header {
    /// Length of the description, header included.
    pub(super) description_len: usize,
    /// Length of the description and the values.
    pub(super) file_len: u64,
    version: u32,
    checksum: u32,
    entry_len: usize,
    entries: usize,
}

impl Header {
    /// Decodes the header from the first [`HEADER_LEN`] bytes of a file, or from all bytes of a shorter file.
    pub(super) fn decode(bytes: &[u8], file_len: u64) -> Result<Self, FormatError> {
        if !bytes.starts_with(&MAGIC) {
            let is_cut_short = !bytes.is_empty() && MAGIC.starts_with(bytes);
            return Err(if is_cut_short { CUT_SHORT } else { FormatError::NotMetrics });
        }
        let bytes = Bytes(bytes);
        match bytes.u32(8)? {
            BYTE_ORDER => {}
            order if order.swap_bytes() == BYTE_ORDER => return Err(FormatError::ForeignByteOrder),
            _ => return Err(FormatError::Damaged("unknown byte order")),
        }
        let version = bytes.u32(12)?;
        if !(1..=VERSION).contains(&version) {
            return Err(FormatError::UnsupportedVersion(version));
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
            version,
            checksum: bytes.u32(16)?,
            entry_len: bytes.u32(20)? as usize,
            entries: bytes.u32(40)? as usize,
        })
    }

    /// Decodes the description. `bytes` are the first [`description_len`](Self::description_len) bytes of the file, including
    /// this header.
    pub(super) fn decode_description(&self, bytes: &[u8]) -> Result<Description, FormatError> {
        let bytes = Bytes(bytes);
        let checked = bytes.0.get(CHECKED_FROM..).ok_or(CUT_SHORT)?;
        if self.checksum != crc32fast::hash(checked) {
            return Err(FormatError::Damaged("wrong checksum of the description"));
        }
        let min_entry_len = if self.version == 1 { ENTRY_LEN_VERSION_1 } else { ENTRY_LEN };
        let strings_start = self
            .entry_len
            .checked_mul(self.entries)
            .and_then(|entries| entries.checked_add(HEADER_LEN))
            .filter(|&end| self.entry_len >= min_entry_len && end <= bytes.0.len())
            .ok_or(FormatError::Damaged("invalid length or number of entries"))?;

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
        let mut histograms = 0;
        for entry in 0..self.entries {
            let entry = Bytes(bytes.get(HEADER_LEN + entry * self.entry_len, self.entry_len)?);
            let metric = decode_metric(self.version, entry, &mut strings, &mut words)?;
            histograms += usize::from(matches!(metric.form, Form::Histogram(_)));
            metrics.push(metric);
        }
        if histograms > MAX_HISTOGRAMS {
            return Err(FormatError::Damaged("too many histograms"));
        }
        if !are_distinct(&metrics) {
            return Err(FormatError::Damaged("two metrics have the same name"));
        }
        Ok(Description { process, metrics, values })
    }
}

/// Returns whether all metrics are distinct: whether any two of them differ in the name or in the labels. The order of labels is
/// irrelevant.
fn are_distinct(metrics: &[Metric]) -> bool {
    let mut distinct = HashSet::with_capacity(metrics.len());
    metrics.iter().all(|metric| {
        let mut labels: Vec<_> = metric.labels().collect();
        labels.sort_unstable();
        distinct.insert((metric.name(), labels))
    })
}

fn decode_metric(
    version: u32,
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
    let form = match (version, entry.u32(24)?) {
        (_, 1) => Form::Counter,
        (_, 2) => Form::Gauge,
        (2.., 3) => Form::Histogram(decode_scale(entry, unit, strings)?),
        (2.., 4) => Form::Float,
        (2.., 5) => Form::Peak,
        _ => return Err(FormatError::Damaged("unknown kind of a metric")),
    };
    let labels = if version == 1 { Vec::new() } else { decode_labels(entry, strings)? };
    let objective = decode_objective(version, entry, &form)?;
    let is_error_counter = version > 1 && entry.u32(60)? & IS_ERROR_COUNTER != 0;
    let location = Location {
        first: entry.u64(32)?,
        stride: entry.u64(40)?,
        cells: entry.u32(56)?,
        baseline: Some(entry.u64(48)?).filter(|&baseline| baseline != 0),
    };
    let is_one_word = location.cells == 1 && location.baseline.is_none();
    if matches!(form, Form::Float | Form::Peak) && !is_one_word {
        return Err(FormatError::Damaged("a float gauge or a peak is not exactly one word"));
    }
    if !words.claim(location, form.cell_words()) {
        return Err(FormatError::Damaged("invalid location of a metric's cells"));
    }
    Ok(Metric {
        series: Series::new(
            name,
            labels.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        )
        .to_string(),
        name_len: name.len(),
        prefix_len,
        form,
        help: help.to_string(),
        unit: Some(unit).filter(|unit| !unit.is_empty()).map(String::from),
        labels,
        objective,
        is_error_counter,
        location,
    })
}

/// Decodes the scale of a histogram: the bounds, which must be in ascending order, the unit, and the factor that converts
/// exported values to the unit of the bounds.
fn decode_scale(
    entry: Bytes<'_>,
    unit: &str,
    strings: &mut Strings<'_>,
) -> Result<OwnedScale, FormatError> {
    let list = strings.list(entry, 72, BOUND_LEN, MAX_BOUNDS)?;
    let bounds = (0..list.0.len() / BOUND_LEN).map(|i| list.u64(i * BOUND_LEN));
    let bounds: Arc<[u64]> = bounds.collect::<Result<_, _>>()?;
    let are_ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
    if !are_ascending || bounds.last().is_none_or(|&last| last > MAX_BASE_UNITS) {
        return Err(FormatError::Damaged("invalid bounds of a histogram"));
    }
    let per_unit = entry.u64(80)?;
    if per_unit == 0 {
        return Err(FormatError::Damaged("invalid base unit of a histogram"));
    }
    Ok(OwnedScale::new(bounds, Some(unit).filter(|unit| !unit.is_empty()).map(Arc::from), per_unit))
}

/// Decodes the objective of a histogram, if it has one. The threshold must be one of the bounds.
fn decode_objective(
    version: u32,
    entry: Bytes<'_>,
    form: &Form,
) -> Result<Option<Objective>, FormatError> {
    if version == 1 || entry.0.len() < ENTRY_LEN_WITH_OBJECTIVE {
        return Ok(None);
    }
    let (within, billionths) = (entry.u64(88)?, entry.u32(96)?);
    if billionths == 0 {
        return Ok(None);
    }
    let Form::Histogram(scale) = form else {
        return Err(FormatError::Damaged("a metric that is not a histogram has an objective"));
    };
    let objective = scale.objective(within, billionths);
    objective.map(Some).ok_or(FormatError::Damaged("invalid objective of a histogram"))
}

fn decode_labels(
    entry: Bytes<'_>,
    strings: &mut Strings<'_>,
) -> Result<Vec<(String, String)>, FormatError> {
    let list = strings.list(entry, 64, LABEL_LEN, usize::MAX)?;
    let mut labels: Vec<(String, String)> = Vec::with_capacity(list.0.len() / LABEL_LEN);
    for at in (0..list.0.len()).step_by(LABEL_LEN) {
        let (name, value) = (strings.get(list, at)?, strings.get(list, at + 8)?);
        // Other characters, such as a comma or a brace, could give two series the same key.
        if !naming::is_label_name(name) || !naming::is_label_value(value) {
            return Err(FormatError::Damaged("invalid label of a metric"));
        }
        labels.push((name.to_string(), value.to_string()));
    }
    let mut names = HashSet::with_capacity(labels.len());
    if !labels.iter().all(|(name, _)| names.insert(name.as_str())) {
        return Err(FormatError::Damaged("two labels of a metric have the same name"));
    }
    Ok(labels)
}

/// Reads the strings and lists of a description. Together, the strings and lists must not be longer than the bytes that
/// follow the entries. Otherwise, many entries could refer to one long string, and a small file would take much of the
/// reader's memory.
struct Strings<'a> {
    /// The whole description.
    bytes: Bytes<'a>,
    /// The offset at which the entries end.
    start: usize,
    /// The number of bytes that may still be read.
    unclaimed: usize,
}

impl<'a> Strings<'a> {
    /// Returns the string whose offset and length are at the offset `at` of an entry, a list, or the header.
    fn get(&mut self, entry: Bytes<'_>, at: usize) -> Result<&'a str, FormatError> {
        let string = self.list(entry, at, 1, usize::MAX)?;
        std::str::from_utf8(string.0).map_err(|_| FormatError::Damaged("invalid string"))
    }

    /// Returns the list whose offset and number of items are at the offset `at` of an entry, another list, or the header.
    fn list(
        &mut self,
        entry: Bytes<'_>,
        at: usize,
        item_len: usize,
        max_items: usize,
    ) -> Result<Bytes<'a>, FormatError> {
        let (offset, items) = (entry.u32(at)? as usize, entry.u32(at + 4)? as usize);
        if items > max_items {
            return Err(FormatError::Damaged("a list of a metric is too long"));
        }
        let len = items.checked_mul(item_len).filter(|&len| len <= self.unclaimed);
        let len = len.ok_or(FormatError::Damaged("strings overlap or exceed the description"))?;
        self.unclaimed -= len;
        let bytes = self.bytes.get(offset, len).ok().filter(|_| offset >= self.start);
        bytes.map(Bytes).ok_or(FormatError::Damaged("invalid string"))
    }
}

/// Counts the words of the values that no metric has claimed yet. All metrics together must not claim more words than the
/// file has. Otherwise, a small file could make a reader add up the same words for hours.
struct UnclaimedWords {
    /// The offsets at which the values begin and end.
    range: core::ops::Range<u64>,
    left: u64,
}

impl UnclaimedWords {
    /// Claims the words of a location. Returns whether the location is aligned and within the values, and whether enough words
    /// were left.
    fn claim(&mut self, location: Location, cell_words: u64) -> bool {
        let cells = u64::from(location.cells) + u64::from(location.baseline.is_some());
        let claimed = cells.saturating_mul(cell_words);
        let last = u64::from(location.cells)
            .checked_sub(1)
            .and_then(|steps| steps.checked_mul(location.stride))
            .and_then(|distance| distance.checked_add(location.first));
        let fits = claimed <= self.left
            && location.stride % 8 == 0
            && self.contains(location.first, cell_words)
            && last.is_some_and(|last| self.contains(last, cell_words))
            && location.baseline.is_none_or(|baseline| self.contains(baseline, cell_words));
        self.left = self.left.saturating_sub(claimed);
        fits
    }

    fn contains(&self, first: u64, words: u64) -> bool {
        let end = words.checked_mul(8).and_then(|len| len.checked_add(first));
        first % 8 == 0 && first >= self.range.start && end.is_some_and(|end| end <= self.range.end)
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
