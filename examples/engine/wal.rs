//! The write-ahead log. A write is acknowledged when its record is written. If `is_synced`, the record must also be on
//! the disk. Records that are waiting at the same time are written and synced together, in one frame:
//!
//! ```text
//! payload length: u32 | CRC-32 of segment, offset and payload: u32 | payload: entries
//! ```
//!
//! A frame is written only after the previous frame. So an invalid frame at the end is a write that was never
//! acknowledged, and an invalid frame before a valid frame is damage. Without `is_synced`, this does not hold after a
//! power failure. The checksum includes the position of the frame, so that a value that contains the bytes of a frame is
//! not mistaken for a frame.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::codec::{self, Decoder};
use super::error::Error;
use super::manifest::sync_directory;
use super::metrics::{SharedMetrics, metrics};

const HEADER: usize = 8;

pub(crate) struct Wal {
    directory: PathBuf,
    /// Whether a write is on the disk when it is acknowledged. If not, the write may still be in the memory of the
    /// operating system.
    is_synced: bool,
    metrics: SharedMetrics,
    queue: Mutex<Queue>,
    /// Notified when a batch has been written or has failed.
    batch_ended: Condvar,
    segment: Mutex<Segment>,
}

#[derive(Default)]
struct Queue {
    batch: Arc<Batch>,
    payload: Vec<u8>,
    records: u64,
    sequence: u64,
    is_committing: bool,
    is_stopped: bool,
}

/// The outcome of the records that are written together.
#[derive(Default)]
struct Batch(OnceLock<Result<(), Error>>);

struct Segment {
    number: u64,
    file: File,
    len: u64,
}

pub(crate) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}.wal"))
}

impl Wal {
    /// Begins a log in a new segment.
    pub(crate) fn create(
        directory: &Path,
        number: u64,
        is_synced: bool,
        metrics: SharedMetrics,
    ) -> Result<Self, Error> {
        let segment = Mutex::new(Segment::create(directory, number, is_synced)?);
        let directory = directory.to_owned();
        let (queue, batch_ended) = Default::default();
        Ok(Self { directory, is_synced, metrics, queue, batch_ended, segment })
    }

    /// Appends a record, waits until it is written (and synced, if `is_synced`), and returns its sequence number.
    /// Sequence numbers increase.
    pub(crate) fn append(&self, key: &[u8], value: Option<&[u8]>) -> Result<u64, Error> {
        let mut queue = self.queue.lock();
        if queue.is_stopped {
            return Err(Error::Stopped);
        }
        codec::put_entry(&mut queue.payload, key, value);
        queue.records += 1;
        queue.sequence += 1;
        let sequence = queue.sequence;
        let batch = Arc::clone(&queue.batch);
        loop {
            if let Some(outcome) = batch.0.get() {
                return outcome.clone().map(|()| sequence);
            }
            if queue.is_committing {
                self.batch_ended.wait(&mut queue);
            } else {
                self.commit_batch(&mut queue);
            }
        }
    }

    /// Writes all waiting records as one batch. Further records queue up in the meantime.
    fn commit_batch(&self, queue: &mut MutexGuard<'_, Queue>) {
        let batch = std::mem::take(&mut queue.batch);
        let payload = std::mem::take(&mut queue.payload);
        let records = std::mem::take(&mut queue.records);
        queue.is_committing = true;
        let outcome = MutexGuard::unlocked(queue, || self.commit(&payload, records));
        queue.is_committing = false;
        queue.is_stopped |= matches!(outcome, Err(Failure { is_stop: true, .. }));
        let _ = batch.0.set(outcome.map_err(|failure| failure.error));
        self.batch_ended.notify_all();
    }

    #[metrics(errors = wal.errors, errors_by = |failure| (&failure.error).into())]
    fn commit(&self, payload: &[u8], records: u64) -> Result<(), Failure> {
        let mut segment = self.segment.lock();
        let frame = segment.frame(payload);
        if let Err(error) = segment.file.write_all(&frame) {
            // A part of the frame may have been written. This part is cut off, so that later frames do not follow it.
            let is_stop = segment.file.set_len(segment.len).is_err();
            return Err(Failure { error: error.into(), is_stop });
        }
        if self.is_synced {
            // After a failed sync the contents of the disk are unknown, and a second sync would not report the failure.
            let synced = self.sync(&segment.file);
            synced.map_err(|error| Failure { error: error.into(), is_stop: true })?;
        }
        segment.len += frame.len() as u64;
        self.metrics.wal.records.add(records);
        self.metrics.wal.written.add(frame.len() as u64);
        Ok(())
    }

    #[metrics(time = wal.sync)]
    fn sync(&self, segment: &File) -> io::Result<()> {
        segment.sync_data()
    }

    /// Continues in a new segment. No thread may append during this call.
    pub(crate) fn rotate(&self, number: u64) -> Result<(), Error> {
        if self.queue.lock().is_stopped {
            return Err(Error::Stopped);
        }
        let mut segment = self.segment.lock();
        // A failed write may have been cut off. The cut must be durable before the next segment begins, because
        // recovery accepts an incomplete frame only in the last segment.
        if self.is_synced {
            segment.file.sync_all()?;
        }
        *segment = Segment::create(&self.directory, number, self.is_synced)?;
        Ok(())
    }

    /// Refuses all further records.
    pub(crate) fn stop(&self) {
        self.queue.lock().is_stopped = true;
    }
}

/// The error of a batch, and whether the log must stop.
struct Failure {
    error: Error,
    is_stop: bool,
}

impl Segment {
    fn create(directory: &Path, number: u64, is_synced: bool) -> Result<Self, Error> {
        let file = File::options().append(true).create_new(true).open(path(directory, number))?;
        sync_directory(directory, is_synced)?;
        Ok(Self { number, file, len: 0 })
    }

    fn frame(&self, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEADER + payload.len());
        codec::put_u32(&mut frame, payload.len());
        frame.extend(checksum(self.number, self.len, payload).to_le_bytes());
        frame.extend(payload);
        frame
    }
}

fn checksum(segment: u64, offset: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// The result of replaying a segment.
#[derive(Debug, PartialEq)]
pub(crate) struct Replayed {
    pub(crate) records: u64,
    /// Whether the segment ends with an invalid frame.
    pub(crate) is_torn: bool,
}

/// Calls `apply` with every record of a segment, in order.
pub(crate) fn replay(
    directory: &Path,
    number: u64,
    mut apply: impl FnMut(&[u8], Option<&[u8]>),
) -> Result<Replayed, Error> {
    let path = path(directory, number);
    let bytes = fs::read(&path)?;
    let (mut offset, mut records) = (0, 0);
    while offset < bytes.len() {
        let Some(payload) = valid_frame(&bytes, number, offset) else {
            let has_later =
                (offset + 1..bytes.len()).any(|at| valid_frame(&bytes, number, at).is_some());
            if has_later {
                return Err(Error::corrupt(&path, "a frame before the last one is not valid"));
            }
            return Ok(Replayed { records, is_torn: true });
        };
        let mut entries = Decoder(payload);
        while !entries.0.is_empty() {
            let entry = entries.entry();
            let (key, value) =
                entry.ok_or_else(|| Error::corrupt(&path, "a record is not valid"))?;
            apply(key, value);
            records += 1;
        }
        offset += HEADER + payload.len();
    }
    Ok(Replayed { records, is_torn: false })
}

/// Returns the payload of the frame at an offset, if the frame is complete, not empty, and has the right checksum.
fn valid_frame(bytes: &[u8], segment: u64, offset: usize) -> Option<&[u8]> {
    let mut decoder = Decoder(&bytes[offset..]);
    let (len, expected) = (decoder.len()?, decoder.u32()?);
    let payload = decoder.take(len)?;
    let is_valid = !payload.is_empty() && checksum(segment, offset as u64, payload) == expected;
    is_valid.then_some(payload)
}
