//! An append-only log of records in a file. The length and the checksum of each record precede its payload:
//!
//! ```text
//! length: u32 LE | CRC-32 of the payload: u32 LE | payload
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use papyra_metrics::{Counter, Gauge, Histogram, Metered, Metrics, Sizes, metrics};

const HEADER_LEN: u64 = 8;
/// The maximum length of a payload in bytes: 16 MiB. A larger length in a file is reported as a torn tail.
const MAX_PAYLOAD_LEN: u32 = 16 << 20;

/// The metrics of a log.
#[derive(Debug, Default, Metrics)]
pub(crate) struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    /// Records read back.
    records_read: Counter,
    /// Bytes appended, including framing.
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    /// Scans of the whole log.
    scan_runs: Counter,
    /// Damaged records and torn tails found by scans.
    anomalies_detected: Counter,
    /// Recoveries, which remove a torn tail.
    recovery_runs: Counter,
    /// Compactions, which remove damaged records.
    compactions: Counter,
    /// Appends that returned an error.
    #[metrics(errors)]
    write_errors: Counter,
    /// Reads that returned an error.
    read_errors: Counter,
    /// Scans that returned an error.
    scan_errors: Counter,
    /// Recoveries that returned an error.
    recovery_errors: Counter,
    /// Compactions that returned an error.
    compaction_errors: Counter,
    /// Size of the log on disk.
    #[metrics(unit = "bytes")]
    size_bytes: Gauge,
    /// How long an append takes.
    write: Histogram,
    /// How long it takes to make appends durable.
    sync: Histogram,
    /// How long it takes to read all records.
    read: Histogram,
    /// How long a scan takes.
    scan: Histogram,
    /// How long a recovery takes.
    recovery: Histogram,
    /// How long a compaction takes.
    compaction: Histogram,
    /// Sizes of the records appended, without framing.
    record_size: Histogram<Sizes>,
}

/// The result of a scan.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Offsets of the intact records.
    pub(crate) intact: Vec<u64>,
    /// Offsets of records with a wrong checksum.
    pub(crate) damaged: Vec<u64>,
    /// The offset of a record that is incomplete or has an impossible length. No record after it can be found.
    pub(crate) torn_tail: Option<u64>,
}

impl Report {
    fn anomalies(&self) -> u64 {
        self.damaged.len() as u64 + u64::from(self.torn_tail.is_some())
    }
}

/// An append-only log of records in a file.
#[derive(Debug)]
pub(crate) struct RecordLog {
    path: PathBuf,
    file: File,
    metrics: LogMetrics,
}

impl Metered for RecordLog {
    fn metrics(&self) -> Option<&dyn Metrics> {
        Some(&self.metrics)
    }
}

impl RecordLog {
    /// Opens the log, and creates it if it does not exist.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let log = Self { path: path.to_owned(), file, metrics: LogMetrics::default() };
        log.update_size_gauge()?;
        Ok(log)
    }

    /// Appends a record. After an error the log may end in a torn record; call `recover` before the next append.
    #[metrics(errors, ok = records_written, time = write)]
    pub(crate) fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        let written = write_record(&mut self.file, payload)?;
        self.metrics.bytes_written.add(written);
        self.metrics.size_bytes.add(written);
        self.metrics.record_size.record(payload.len() as u64);
        Ok(())
    }

    /// Makes appended records durable.
    #[metrics(errors, time = sync)]
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Reads all records. Fails at the first record that is damaged or torn.
    #[metrics(errors = read_errors, time = read)]
    pub(crate) fn read_all(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut reader = self.reader()?;
        let mut records = Vec::new();
        let mut at = 0;
        loop {
            match read_record(&mut reader)? {
                Frame::Record(payload) => {
                    at += HEADER_LEN + payload.len() as u64;
                    self.metrics.records_read.inc();
                    records.push(payload);
                }
                Frame::Damaged { .. } => {
                    return Err(bad_data(format!("damaged record at byte {at}")));
                }
                Frame::Torn => return Err(bad_data(format!("torn record at byte {at}"))),
                Frame::End => return Ok(records),
            }
        }
    }

    /// Checks every record, without changing anything.
    #[metrics(calls = scan_runs, errors = scan_errors, time = scan)]
    pub(crate) fn scan(&self) -> io::Result<Report> {
        let report = self.find_anomalies()?;
        self.metrics.anomalies_detected.add(report.anomalies());
        Ok(report)
    }

    fn find_anomalies(&self) -> io::Result<Report> {
        let mut reader = self.reader()?;
        let mut report = Report::default();
        let mut at = 0;
        loop {
            let len = match read_record(&mut reader)? {
                Frame::Record(payload) => {
                    report.intact.push(at);
                    payload.len() as u64
                }
                Frame::Damaged { len } => {
                    report.damaged.push(at);
                    len
                }
                Frame::Torn => {
                    report.torn_tail = Some(at);
                    return Ok(report);
                }
                Frame::End => return Ok(report),
            };
            at += HEADER_LEN + len;
        }
    }

    /// Removes a torn tail, so that records can be appended again. Returns the number of bytes removed.
    #[metrics(calls = recovery_runs, errors = recovery_errors, time = recovery)]
    pub(crate) fn recover(&mut self) -> io::Result<u64> {
        let Some(torn) = self.find_anomalies()?.torn_tail else { return Ok(0) };
        let cut = self.file.metadata()?.len() - torn;
        self.file.set_len(torn)?;
        self.file.sync_all()?;
        self.update_size_gauge()?;
        Ok(cut)
    }

    /// Replaces the log by a new log without the damaged records. Returns the number of records removed.
    #[metrics(calls = compactions, errors = compaction_errors, time = compaction)]
    pub(crate) fn compact(&mut self) -> io::Result<u64> {
        let mut fresh_path = self.path.clone().into_os_string();
        fresh_path.push(".compacting");
        // Uses `create_new`, so that no other file is overwritten.
        let fresh = File::create_new(&fresh_path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", Path::new(&fresh_path).display()))
        })?;
        let result = self.copy_intact(fresh).and_then(|dropped| {
            fs::rename(&fresh_path, &self.path)?;
            Ok(dropped)
        });
        if result.is_err() {
            // An error of the removal is ignored, because the first error is returned.
            let _ = fs::remove_file(&fresh_path);
        }
        let dropped = result?;
        self.file = OpenOptions::new().read(true).append(true).open(&self.path)?;
        self.update_size_gauge()?;
        Ok(dropped)
    }

    /// Copies the intact records to `fresh`. Returns the number of damaged records.
    fn copy_intact(&self, fresh: File) -> io::Result<u64> {
        let mut reader = self.reader()?;
        let mut fresh = BufWriter::new(fresh);
        let mut dropped = 0;
        loop {
            match read_record(&mut reader)? {
                Frame::Record(payload) => {
                    write_record(&mut fresh, &payload)?;
                }
                Frame::Damaged { .. } => dropped += 1,
                Frame::Torn => return Err(bad_data("the log has a torn tail; recover it first")),
                Frame::End => break,
            }
        }
        fresh.into_inner()?.sync_all()?;
        Ok(dropped)
    }

    fn reader(&self) -> io::Result<BufReader<&File>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        Ok(BufReader::new(file))
    }

    fn update_size_gauge(&self) -> io::Result<()> {
        self.metrics.size_bytes.set(self.file.metadata()?.len());
        Ok(())
    }
}

/// The result of reading a record.
enum Frame {
    Record(Vec<u8>),
    /// The checksum is wrong, but the length is known, so that the next record can be read.
    Damaged {
        len: u64,
    },
    /// The file ends within the record, or the length is impossible.
    Torn,
    End,
}

fn read_record(reader: &mut impl Read) -> io::Result<Frame> {
    let mut header = Vec::new();
    reader.take(HEADER_LEN).read_to_end(&mut header)?;
    let Ok([l0, l1, l2, l3, c0, c1, c2, c3]) = <[u8; 8]>::try_from(header.as_slice()) else {
        return Ok(if header.is_empty() { Frame::End } else { Frame::Torn });
    };
    let len = u32::from_le_bytes([l0, l1, l2, l3]);
    if len > MAX_PAYLOAD_LEN {
        return Ok(Frame::Torn);
    }
    let mut payload = Vec::new();
    reader.take(len.into()).read_to_end(&mut payload)?;
    Ok(if payload.len() as u64 != u64::from(len) {
        Frame::Torn
    } else if crc32fast::hash(&payload) == u32::from_le_bytes([c0, c1, c2, c3]) {
        Frame::Record(payload)
    } else {
        Frame::Damaged { len: len.into() }
    })
}

/// Writes the header and the payload in one call, so that no other record comes between them. Returns the number of bytes
/// written.
fn write_record(writer: &mut impl Write, payload: &[u8]) -> io::Result<u64> {
    let len = u32::try_from(payload.len()).ok().filter(|&len| len <= MAX_PAYLOAD_LEN);
    let len = len.ok_or_else(|| {
        let message =
            format!("record of {} bytes; at most {MAX_PAYLOAD_LEN} are allowed", payload.len());
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })?;
    let mut frame = Vec::with_capacity(payload.len() + 8);
    frame.extend(len.to_le_bytes());
    frame.extend(crc32fast::hash(payload).to_le_bytes());
    frame.extend(payload);
    writer.write_all(&frame)?;
    Ok(frame.len() as u64)
}

fn bad_data(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}
