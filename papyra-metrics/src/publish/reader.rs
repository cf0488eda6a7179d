//! Reads what any process has published, and trusts none of it.

use core::sync::atomic::{Ordering, fence};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    string::String,
    vec,
    vec::Vec,
};

use super::error::{ReadCause, ReadError};
use super::layout::{self, Description, Fault, HEADER_LEN, Metric, Process};
use super::sys;
use crate::sync::AtomicU64;
use crate::{Kind, Snapshot, Value, counter};

/// A published file, opened for reading.
///
/// Reading neither stops nor locks the process that counts there, nor is it noticed by it. What a reader holds is
/// the file that it opened: it goes on reading that one when the path has got another.
///
/// Whatever the file contains, reading it gives values or a [`ReadError`]. It is read, not mapped, so a file that
/// is cut short meanwhile is an error too. A description is read as it is only if its checksum is right, of at
/// most 64 MiB; reading takes time and memory in proportion to the file's size.
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
    /// Where there are no metrics, which [`ReadError::is_unavailable`] tells from a file that is damaged, of
    /// another version, or that may not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        Self::open_as(path.as_ref(), false)
    }

    /// Opens the file at the path and has each of its counters read zero from here, as
    /// [`Metrics::reset`](crate::Metrics::reset) does in the process itself, which need not be alive. Gauges and
    /// totals stay.
    ///
    /// Whoever cuts the file short at that moment has this process killed by `SIGBUS`; only its owner can.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and where the file may not be written.
    pub fn reset(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let reader = Self::open_as(path.as_ref(), true)?;
        reader.reset_counters().map_err(|cause| ReadError::new(&reader.path, cause))?;
        Ok(reader)
    }

    /// Reads a file that is open already. Errors call it by the path.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn from_file(file: File, path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        match describe(&file) {
            Ok(description) => Ok(Self { file, path: path.into(), description }),
            Err(cause) => Err(ReadError::new(path, cause)),
        }
    }

    fn open_as(path: &Path, write: bool) -> Result<Self, ReadError> {
        // Not opened before it is known to be a regular file: to open a device may do something.
        let file = look(path).and_then(|()| sys::open(path, write).map_err(cause));
        Self::from_file(file.map_err(|cause| ReadError::new(path, cause))?, path)
    }

    /// The path that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The process that publishes, as it described itself.
    pub fn process(&self) -> &Process {
        &self.description.process
    }

    /// Whether the process, or a child that it forked, is still alive and has the file. Needs no right but to read
    /// the file, and does not rely on process ids.
    ///
    /// # Errors
    ///
    /// Where the operating system does not tell.
    pub fn is_live(&self) -> Result<bool, ReadError> {
        sys::is_locked(&self.file).map_err(|error| ReadError::new(&self.path, ReadCause::Io(error)))
    }

    /// Name, kind, help and unit of each metric, in declaration order.
    pub fn metrics(&self) -> &[Metric] {
        &self.description.metrics
    }

    /// Reads every metric since the last reset, in declaration order.
    ///
    /// # Errors
    ///
    /// Where the file is cut short meanwhile or cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, ReadError> {
        self.collect(Self::value)
    }

    /// Reads every metric over its lifetime, which no reset touches.
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot).
    pub fn totals(&self) -> Result<Snapshot, ReadError> {
        self.collect(Self::total)
    }

    fn collect(
        &self,
        read: impl Fn(&Self, &Metric) -> io::Result<u64>,
    ) -> Result<Snapshot, ReadError> {
        let entries = self.metrics().iter().map(|metric| {
            let word = read(self, metric)?;
            let value = match metric.kind {
                Kind::Counter => Value::Counter(word),
                Kind::Gauge => Value::Gauge(i64::from_ne_bytes(word.to_ne_bytes())),
            };
            Ok((metric.name.clone(), value))
        });
        entries
            .collect::<io::Result<Vec<(String, Value)>>>()
            .map(Snapshot::from_iter)
            .map_err(|error| ReadError::new(&self.path, cause(error)))
    }

    fn value(&self, metric: &Metric) -> io::Result<u64> {
        let mark = metric.place.mark.map_or(Ok(0), |mark| self.word(mark))?;
        // Pairs with the release of whoever moved the mark: the total read below has reached it.
        fence(Ordering::Acquire);
        Ok(self.total(metric)?.wrapping_sub(mark))
    }

    fn total(&self, metric: &Metric) -> io::Result<u64> {
        metric.place.cells().try_fold(0, |sum: u64, cell| Ok(sum.wrapping_add(self.word(cell)?)))
    }

    /// One word at a time, aligned: the kernel copies it whole, also while it is counted in.
    fn word(&self, offset: u64) -> io::Result<u64> {
        let mut word = [0; 8];
        sys::read_at(&self.file, &mut word, offset)?;
        Ok(u64::from_ne_bytes(word))
    }

    fn reset_counters(&self) -> Result<(), ReadCause> {
        let mapping = sys::Mapping::new(&self.file).map_err(ReadCause::Io)?;
        let counters = self.metrics().iter().filter(|metric| metric.kind == Kind::Counter);
        for Metric { place, .. } in counters {
            let cells =
                place.cells().map(|cell| word_of(&mapping, cell)).collect::<Option<Vec<_>>>();
            let mark = place.mark.map(|mark| word_of(&mapping, mark));
            match (cells, mark) {
                (Some(cells), None) => {
                    for cell in cells {
                        cell.store(0, Ordering::Relaxed);
                    }
                }
                (Some(cells), Some(Some(mark))) => {
                    counter::move_up(mark, || {
                        let cells = cells.iter().map(|cell| cell.load(Ordering::Relaxed));
                        cells.fold(0, u64::wrapping_add)
                    });
                }
                _ => return Err(CUT_SHORT),
            }
        }
        Ok(())
    }
}

const CUT_SHORT: ReadCause = ReadCause::Fault(Fault::Damaged("it is cut short"));

fn cause(error: io::Error) -> ReadCause {
    match error.kind() {
        io::ErrorKind::NotFound => ReadCause::Absent,
        io::ErrorKind::UnexpectedEof => CUT_SHORT,
        _ => ReadCause::Io(error),
    }
}

/// Whether there is a regular file.
fn look(path: &Path) -> Result<(), ReadCause> {
    let metadata = std::fs::metadata(path).map_err(cause)?;
    if metadata.is_file() {
        Ok(())
    } else {
        Err(ReadCause::NoRegularFile(sys::what_it_is(metadata.file_type())))
    }
}

fn describe(file: &File) -> Result<Description, ReadCause> {
    let metadata = file.metadata().map_err(ReadCause::Io)?;
    if !metadata.is_file() {
        return Err(ReadCause::NoRegularFile(sys::what_it_is(metadata.file_type())));
    }
    let len = metadata.len();
    if len == 0 {
        return Err(ReadCause::Empty);
    }
    let header = read(file, usize::try_from(len).map_or(HEADER_LEN, |len| len.min(HEADER_LEN)))?;
    let description = layout::description_len(&header, len).map_err(ReadCause::Fault)?;
    layout::decode(&read(file, description)?, len).map_err(ReadCause::Fault)
}

fn read(file: &File, len: usize) -> Result<Vec<u8>, ReadCause> {
    let mut bytes = vec![0; len];
    sys::read_at(file, &mut bytes, 0).map_err(cause)?;
    Ok(bytes)
}

/// The word at that offset, unless it lies outside of what is mapped or is not aligned.
#[allow(unsafe_code)] // the process that counts and this one share the word, and both must change it atomically
fn word_of(mapping: &sys::Mapping, offset: u64) -> Option<&AtomicU64> {
    let offset = usize::try_from(offset).ok()?;
    if offset % 8 != 0 || offset.checked_add(8)? > mapping.len() {
        return None;
    }
    // SAFETY: the eight bytes are mapped, readable and writable, for as long as `mapping` is borrowed, and aligned,
    // since the mapping begins on a page. Every bit pattern is a `u64`, and everybody changes them atomically.
    Some(unsafe { AtomicU64::from_ptr(mapping.as_mut_ptr().add(offset).cast()) })
}
