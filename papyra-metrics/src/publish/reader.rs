//! `Reader`: reads and resets the metrics in the file of any process. Nothing in the file is trusted.

use core::sync::atomic::{Ordering, fence};
use std::{
    boxed::Box,
    fs::File,
    io,
    path::{Path, PathBuf},
    vec::Vec,
};

use super::decode::{CUT_SHORT, FormatError, Header};
use super::description::{Description, Form, HEADER_LEN, Location, Metric, Process};
use super::error::{ReadCause, ReadError};
use super::sys::{self, Holder};
use crate::atomic::AtomicU64;
use crate::histogram::cells::Tally;
use crate::{Distribution, Snapshot, Value, counter, peak};

/// A published file, opened for reading.
///
/// Reading does not stop, lock or notify the process that publishes the file. A reader reads the file that it has
/// opened, even if another file has since replaced that file at the path.
///
/// Reading returns values or a [`ReadError`] for any file, even if its content is malformed. The file is read, not
/// mapped, so truncating it during a reading causes an error, not a signal. Memory and time are proportional to the
/// size of the file on its device. A file of more than 16 MiB that consists almost entirely of holes is rejected, and
/// so are descriptions over 64 MiB and values over 256 MiB.
#[derive(Debug)]
pub struct Reader {
    file: File,
    path: PathBuf,
    description: Description,
}

impl Reader {
    /// Opens the file at the path, which may be a symbolic link.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is not a valid metrics file. [`ReadError::is_unavailable`]
    /// returns whether the file is missing, empty or not a regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        Self::from_file(open_regular(path, false).map_err(|cause| cause.at(path))?, path)
    }

    /// Opens the file at the path, resets its counters to zero, and empties its histograms and peaks, as
    /// [`Metrics::reset`](crate::Metrics::reset) does. Gauges other than peaks keep their values. The process that
    /// published the file does not have to be alive.
    ///
    /// The file is mapped for the reset. If the file's owner truncates the file at that moment, `SIGBUS` kills this process.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and an error if this process may not write the file, or if the file
    /// has holes, as a sparse copy does: writing to a hole would kill this process if the disk is full.
    pub fn reset(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let file = open_regular(path, true).map_err(|cause| cause.at(path))?;
        let reader = Self::from_file(file, path)?;
        reader.reset_values().map_err(|cause| cause.at(path))?;
        Ok(reader)
    }

    /// Reads an open file. The path is used only in errors and by [`path`](Self::path).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open).
    pub fn from_file(file: File, path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        match read_description(&file) {
            Ok(description) => Ok(Self { file, path: path.into(), description }),
            Err(cause) => Err(cause.at(path)),
        }
    }

    /// Returns the path that was opened, or that was given to [`from_file`](Self::from_file).
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the open file, for example to compare its device and inode with the device and inode of another file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the process that publishes, as recorded in the file.
    pub fn process(&self) -> &Process {
        &self.description.process
    }

    /// Returns whether the publishing process, or a child that it forked, is alive and has the file open.
    ///
    /// The answer comes from the process's lock on the file. This requires only permission to read the file, and does
    /// not depend on process ids. Locks of readers are ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if the file system has no locks.
    pub fn is_live(&self) -> Result<bool, ReadError> {
        sys::lock_holder(&self.file)
            .map(|holder| holder == Holder::Publisher)
            .map_err(|error| ReadCause::Io("examining the lock of the file", error).at(&self.path))
    }

    /// Returns the metrics, in declaration order. Each [`Metric`] has a name, kind, help, unit and labels, but no value.
    pub fn metrics(&self) -> &[Metric] {
        &self.description.metrics
    }

    /// Reads the value of every metric since the last reset, in declaration order. The keys are [`Metric::series`].
    ///
    /// # Errors
    ///
    /// Returns an error if the file is truncated during the reading, or cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, ReadError> {
        let read = || {
            let baselines = self.read_values()?;
            // Pairs with the release of a reset: the totals, which are read below, are at least as large as these
            // baselines.
            fence(Ordering::Acquire);
            self.snapshot_above(Some(&baselines))
        };
        read().map_err(|cause: ReadCause| cause.at(&self.path))
    }

    /// Reads the value of every metric over its lifetime, which resets do not change; see
    /// [`Metrics::reset`](crate::Metrics::reset) for exceptions.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`snapshot`](Self::snapshot).
    pub fn totals(&self) -> Result<Snapshot, ReadError> {
        self.snapshot_above(None).map_err(|cause| cause.at(&self.path))
    }

    /// Reads the totals. If `earlier` is a copy of the values, subtracts the baselines in this copy.
    fn snapshot_above(&self, earlier: Option<&Values>) -> Result<Snapshot, ReadCause> {
        let readout = Readout { values: self.read_values()?, earlier };
        let entries = self.metrics().iter();
        let entries = entries.map(|metric| Ok((metric.series.clone(), readout.value(metric)?)));
        entries.collect::<Result<Vec<_>, ReadCause>>().map(Snapshot::from_iter)
    }

    /// Reads the current values. A 64-bit kernel copies each aligned word in one step, even if the word is changing.
    fn read_values(&self) -> Result<Values, ReadCause> {
        let range = &self.description.values;
        let mut bytes = Vec::new();
        read_up_to(&self.file, &mut bytes, range.start, range.end)?;
        Ok(Values { start: range.start, bytes })
    }

    fn reset_values(&self) -> Result<(), ReadCause> {
        let range = &self.description.values;
        // Rejects files with holes: writing into a hole of a mapping kills the process if the disk is full.
        if sys::has_hole(&self.file, range.start, range.end)
            .map_err(ReadCause::io("looking for holes in the file"))?
        {
            return Err(FormatError::Damaged(
                "it has holes, which cannot be reset; copy it with `cp --sparse=never`",
            )
            .into());
        }
        let mapping = sys::Mapping::new(&self.file).map_err(ReadCause::io("mapping the file"))?;
        for Metric { location, form, .. } in self.metrics() {
            match form {
                Form::Counter | Form::Histogram(_) => {
                    for word in 0..form.cell_words() {
                        reset_word(&mapping, location.word(word))?;
                    }
                }
                Form::Peak => {
                    let highest = word_of(&mapping, location.first).ok_or(CUT_SHORT)?;
                    highest.store(u64::from_ne_bytes(peak::NONE.to_ne_bytes()), Ordering::Relaxed);
                }
                Form::Gauge | Form::Float => {}
            }
        }
        Ok(())
    }
}

/// Resets the word at a location: a counter, or one of the counts and sums of a histogram, which are reset like counters.
fn reset_word(mapping: &sys::Mapping, location: Location) -> Result<(), FormatError> {
    let cells = || location.cells().map(|cell| word_of(mapping, cell));
    if cells().any(|cell| cell.is_none()) {
        return Err(CUT_SHORT);
    }
    match location.baseline.map(|baseline| word_of(mapping, baseline)) {
        None => cells().flatten().for_each(|cell| cell.store(0, Ordering::Relaxed)),
        Some(Some(baseline)) => {
            counter::advance_baseline(baseline, || {
                let cells = cells().flatten().map(|cell| cell.load(Ordering::Relaxed));
                cells.fold(0, u64::wrapping_add)
            });
        }
        Some(None) => return Err(CUT_SHORT),
    }
    Ok(())
}

/// A copy of the values, and an earlier copy, whose baselines are subtracted from the values. Without an earlier copy,
/// nothing is subtracted.
struct Readout<'a> {
    values: Values,
    earlier: Option<&'a Values>,
}

impl Readout<'_> {
    fn value(&self, metric: &Metric) -> Result<Value, FormatError> {
        let word = |word| self.word(metric.location.word(word));
        let signed = |word: u64| i64::from_ne_bytes(word.to_ne_bytes());
        Ok(match &metric.form {
            Form::Counter => Value::Counter(word(0)?),
            Form::Gauge => Value::Gauge(signed(word(0)?)),
            Form::Float => Value::Float(f64::from_bits(word(0)?)),
            Form::Peak => Value::Gauge(peak::value(signed(word(0)?))),
            Form::Histogram(scale) => {
                let tallies = (0..scale.buckets() as u64).map(|bucket| {
                    Ok(Tally { count: word(2 * bucket)?, sum: word(2 * bucket + 1)? })
                });
                let tallies = tallies.collect::<Result<Vec<_>, FormatError>>()?;
                Value::Histogram(Box::new(Distribution::from_parts(scale.clone(), tallies)))
            }
        })
    }

    /// Returns the sum of one word over all cells. Subtracts the baseline, if the metric has one and there is an earlier copy.
    fn word(&self, location: Location) -> Result<u64, FormatError> {
        let baseline = match (self.earlier, location.baseline) {
            (Some(earlier), Some(baseline)) => earlier.word(baseline)?,
            _ => 0,
        };
        let total = location.cells().try_fold(0_u64, |sum, cell| {
            Ok::<_, FormatError>(sum.wrapping_add(self.values.word(cell)?))
        })?;
        Ok(total.wrapping_sub(baseline))
    }
}

/// A copy of the values of a file.
struct Values {
    /// The offset of `bytes` in the file.
    start: u64,
    bytes: Vec<u8>,
}

impl Values {
    /// Returns the word at an offset of the file.
    fn word(&self, offset: u64) -> Result<u64, FormatError> {
        let at = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let word = at.and_then(|at| self.bytes.get(at..)?.first_chunk());
        word.copied().map(u64::from_ne_bytes).ok_or(CUT_SHORT)
    }
}

/// Opens a regular file. Other files are not opened, because opening a device may have side effects.
fn open_regular(path: &Path, write: bool) -> Result<File, ReadCause> {
    let metadata = std::fs::metadata(path).map_err(ReadCause::io("looking for the file"))?;
    if !metadata.is_file() {
        return Err(ReadCause::NotAFile(sys::describe(metadata.file_type())));
    }
    let operation = if write { "opening the file for writing" } else { "opening the file" };
    sys::open(path, write).map_err(ReadCause::io(operation))
}

fn read_description(file: &File) -> Result<Description, ReadCause> {
    let metadata = file.metadata().map_err(ReadCause::io("examining the file"))?;
    if !metadata.is_file() {
        return Err(ReadCause::NotAFile(sys::describe(metadata.file_type())));
    }
    let len = metadata.len();
    if len == 0 {
        return Err(ReadCause::Empty);
    }
    let mut bytes = Vec::new();
    read_up_to(file, &mut bytes, 0, len.min(HEADER_LEN as u64))?;
    let header = Header::decode(&bytes, len)?;
    // The reader allocates as many bytes as the header says, so the file must have about as many bytes on its device. The
    // factor allows for file systems that compress.
    if header.file_len > MAX_HOLES.saturating_add(sys::allocated(&metadata).saturating_mul(64)) {
        return Err(FormatError::Damaged("it is nearly all holes").into());
    }
    // Does not read the header again, because it may have changed since it was checked.
    read_up_to(file, &mut bytes, HEADER_LEN as u64, header.description_len as u64)?;
    Ok(header.decode_description(&bytes)?)
}

/// A file of this length or less may consist entirely of holes.
const MAX_HOLES: u64 = 16 << 20;

/// Appends the bytes of the file from `start` to `end`.
fn read_up_to(file: &File, bytes: &mut Vec<u8>, start: u64, end: u64) -> Result<(), ReadCause> {
    let reading = ReadCause::io("reading the file");
    let len = usize::try_from(end.saturating_sub(start)).map_err(|_| CUT_SHORT)?;
    let from = bytes.len();
    bytes.try_reserve_exact(len).map_err(|_| reading(io::ErrorKind::OutOfMemory.into()))?;
    bytes.resize(from + len, 0);
    sys::read_at(file, &mut bytes[from..], start).map_err(reading)
}

/// Returns the word at an offset, or `None` if the word is not mapped or not aligned.
#[allow(unsafe_code)] // this process and the process that counts share the word, and both must change it atomically
fn word_of(mapping: &sys::Mapping, offset: u64) -> Option<&AtomicU64> {
    let offset = usize::try_from(offset).ok()?;
    if offset % 8 != 0 || offset.checked_add(8)? > mapping.len() {
        return None;
    }
    // SAFETY: the eight bytes are mapped, readable and writable, for as long as `mapping` is borrowed, and aligned,
    // since the mapping begins on a page. Every bit pattern is a `u64`, and every process changes it atomically.
    Some(unsafe { AtomicU64::from_ptr(mapping.as_mut_ptr().add(offset).cast()) })
}
