//! Encodes a description as the first bytes of a file.

use std::{time::SystemTime, vec::Vec};

use super::description::{
    BYTE_ORDER, CHECKED_FROM, ENTRY_LEN, HEADER_LEN, Location, MAGIC, MAX_DESCRIPTION, MAX_VALUES,
    Process, VERSION,
};
use crate::{Descriptor, Kind};

/// Alignment of the values: they share no cache line with the description, and some processors fetch lines in pairs.
const CACHE_LINES: usize = 128;

/// Encodes the description of a file, padded up to where its values begin. Locations are relative to that.
///
/// `values_len` and `values_align` describe the values. Returns `None` if the file would be longer than readers accept.
pub(super) fn encode(
    process: &Process,
    metrics: &[(&Descriptor, Location)],
    values_len: usize,
    values_align: usize,
) -> Option<Vec<u8>> {
    let mut strings =
        StringTable { start: HEADER_LEN + metrics.len() * ENTRY_LEN, bytes: Vec::new() };
    let program = strings.push(&process.program)?;
    let names = metrics.iter().map(|(metric, _)| {
        let unit = metric.unit().unwrap_or_default();
        Some([strings.push(metric.name())?, strings.push(metric.help())?, strings.push(unit)?])
    });
    let names: Vec<_> = names.collect::<Option<_>>()?;
    let values =
        (strings.start + strings.bytes.len()).next_multiple_of(values_align.max(CACHE_LINES));
    if u64::try_from(values).ok()? > MAX_DESCRIPTION || u64::try_from(values_len).ok()? > MAX_VALUES
    {
        return None;
    }

    let mut out = Vec::with_capacity(values);
    out.extend(MAGIC);
    put_u32(&mut out, BYTE_ORDER);
    put_u32(&mut out, VERSION);
    put_u32(&mut out, 0); // the checksum, which is written last
    put_u32(&mut out, u32::try_from(ENTRY_LEN).ok()?);
    put_u64(&mut out, u64::try_from(values + values_len).ok()?);
    put_u64(&mut out, u64::try_from(values).ok()?);
    put_u32(&mut out, u32::try_from(metrics.len()).ok()?);
    put_u32(&mut out, process.pid);
    let since = process.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    put_u64(&mut out, u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    put_string(&mut out, program);
    for ((metric, location), names) in metrics.iter().zip(names) {
        let values = u64::try_from(values).ok()?;
        for name in names {
            put_string(&mut out, name);
        }
        put_u32(&mut out, kind_to_number(metric.kind()));
        put_u32(&mut out, u32::try_from(metric.prefix_len).ok()?);
        put_u64(&mut out, values + location.first);
        put_u64(&mut out, location.stride);
        put_u64(&mut out, location.baseline.map_or(0, |baseline| values + baseline));
        put_u32(&mut out, location.cells);
        put_u32(&mut out, 0);
    }
    out.extend(strings.bytes);
    out.resize(values, 0);
    let checksum = crc32fast::hash(&out[CHECKED_FROM..]);
    out[CHECKED_FROM - 4..CHECKED_FROM].copy_from_slice(&checksum.to_ne_bytes());
    Some(out)
}

/// The strings after the entries. They do not overlap.
struct StringTable {
    start: usize,
    bytes: Vec<u8>,
}

impl StringTable {
    /// Appends a string and returns its offset and length.
    fn push(&mut self, text: &str) -> Option<(u32, u32)> {
        let offset = u32::try_from(self.start + self.bytes.len()).ok()?;
        self.bytes.extend(text.as_bytes());
        Some((offset, u32::try_from(text.len()).ok()?))
    }
}

fn put_u32(out: &mut Vec<u8>, n: u32) {
    out.extend(n.to_ne_bytes());
}

fn put_u64(out: &mut Vec<u8>, n: u64) {
    out.extend(n.to_ne_bytes());
}

fn put_string(out: &mut Vec<u8>, (offset, len): (u32, u32)) {
    put_u32(out, offset);
    put_u32(out, len);
}

fn kind_to_number(kind: Kind) -> u32 {
    match kind {
        Kind::Counter => 1,
        Kind::Gauge => 2,
        // No histogram can be part of a published struct.
        Kind::Histogram => 3,
    }
}
