//! Encodes a description as the first bytes of a file.

use std::{time::SystemTime, vec::Vec};

use super::description::{
    BOUND_LEN, BYTE_ORDER, CHECKED_FROM, ENTRY_LEN, ENTRY_LEN_WITH_OBJECTIVE, HEADER_LEN,
    IS_ERROR_COUNTER, LABEL_LEN, MAGIC, MAX_DESCRIPTION, MAX_HISTOGRAMS, MAX_VALUES, Process,
    VERSION,
};
use super::locate::Located;
use crate::atomic_layout::Form;
use crate::{Descriptor, Kind};

/// The minimum alignment of the values, so that they share no cache line with the description. Some processors fetch
/// two lines of 64 bytes together.
const MIN_VALUES_ALIGN: usize = 128;

/// Encodes the description of a file, with padding up to the values. The locations in `metrics` are relative to the values.
///
/// `values_len` and `values_align` are the length and the alignment of the values in bytes. Returns `None` if the file would
/// be longer, or have more histograms, than readers accept.
pub(super) fn encode(
    process: &Process,
    metrics: &[Located],
    values_len: usize,
    values_align: usize,
) -> Option<Vec<u8>> {
    let has_objectives = metrics.iter().any(|metric| metric.descriptor.objective().is_some());
    let entry_len = if has_objectives { ENTRY_LEN_WITH_OBJECTIVE } else { ENTRY_LEN };
    let mut strings =
        StringTable { start: HEADER_LEN + metrics.len() * entry_len, bytes: Vec::new() };
    let program = strings.push(process.program.as_bytes())?;
    let texts = metrics.iter().map(|metric| Texts::push(metric, &mut strings));
    let texts: Vec<_> = texts.collect::<Option<_>>()?;
    let values =
        (strings.start + strings.bytes.len()).next_multiple_of(values_align.max(MIN_VALUES_ALIGN));
    let histograms = metrics.iter().filter(|metric| matches!(metric.form, Form::Histogram(_)));
    if u64::try_from(values).ok()? > MAX_DESCRIPTION
        || u64::try_from(values_len).ok()? > MAX_VALUES
        || histograms.count() > MAX_HISTOGRAMS
    {
        return None;
    }

    let mut out = Vec::with_capacity(values);
    out.extend(MAGIC);
    put_u32(&mut out, BYTE_ORDER);
    put_u32(&mut out, VERSION);
    put_u32(&mut out, 0); // the checksum, which is written last
    put_u32(&mut out, u32::try_from(entry_len).ok()?);
    put_u64(&mut out, u64::try_from(values + values_len).ok()?);
    put_u64(&mut out, u64::try_from(values).ok()?);
    put_u32(&mut out, u32::try_from(metrics.len()).ok()?);
    put_u32(&mut out, process.pid);
    let since = process.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    put_u64(&mut out, u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    put_pair(&mut out, program);
    for (metric, texts) in metrics.iter().zip(texts) {
        put_metric(&mut out, metric, &texts, u64::try_from(values).ok()?)?;
        if has_objectives {
            put_objective(&mut out, metric.descriptor);
        }
    }
    out.extend(strings.bytes);
    out.resize(values, 0);
    let checksum = crc32fast::hash(&out[CHECKED_FROM..]);
    out[CHECKED_FROM - 4..CHECKED_FROM].copy_from_slice(&checksum.to_ne_bytes());
    Some(out)
}

/// Encodes the entry of a metric. The location in `metric` is relative to the values, whose offset in the file is `values`.
fn put_metric(out: &mut Vec<u8>, metric: &Located, texts: &Texts, values: u64) -> Option<()> {
    let Located { descriptor, location, form, .. } = metric;
    for text in [texts.name, texts.help, texts.unit] {
        put_pair(out, text);
    }
    put_u32(out, form_to_number(descriptor, *form));
    put_u32(out, u32::try_from(descriptor.prefix_len()).ok()?);
    put_u64(out, values + location.first);
    put_u64(out, location.stride);
    put_u64(out, location.baseline.map_or(0, |baseline| values + baseline));
    put_u32(out, location.cells);
    put_u32(out, if descriptor.is_error_counter() { IS_ERROR_COUNTER } else { 0 });
    put_pair(out, texts.labels);
    put_pair(out, texts.bounds);
    put_u64(out, if let Form::Histogram(scale) = form { scale.per_unit } else { 0 });
    Some(())
}

fn put_objective(out: &mut Vec<u8>, descriptor: &Descriptor) {
    let objective = descriptor.objective();
    put_u64(out, objective.map_or(0, |it| it.within_base_units()));
    put_u32(out, objective.map_or(0, |it| it.billionths()));
    put_u32(out, 0);
}

/// The positions of the strings and the lists of a metric, each as an offset and a length. The length is in bytes for a string,
/// and in items for a list.
struct Texts {
    name: (u32, u32),
    help: (u32, u32),
    unit: (u32, u32),
    labels: (u32, u32),
    bounds: (u32, u32),
}

impl Texts {
    fn push(metric: &Located, strings: &mut StringTable) -> Option<Self> {
        let descriptor = metric.descriptor;
        let mut labels = Vec::with_capacity(descriptor.labels().len() * LABEL_LEN);
        for (name, value) in descriptor.labels() {
            put_pair(&mut labels, strings.push(name.as_bytes())?);
            put_pair(&mut labels, strings.push(value.as_bytes())?);
        }
        let mut bounds = Vec::new();
        if let Form::Histogram(scale) = metric.form {
            scale.bounds.iter().for_each(|bound| put_u64(&mut bounds, *bound));
        }
        Some(Self {
            name: strings.push(descriptor.name().as_bytes())?,
            help: strings.push(descriptor.help().as_bytes())?,
            unit: strings.push(descriptor.unit().unwrap_or_default().as_bytes())?,
            labels: strings.push_list(&labels, LABEL_LEN)?,
            bounds: strings.push_list(&bounds, BOUND_LEN)?,
        })
    }
}

/// The strings and lists after the entries. No two of them overlap.
struct StringTable {
    start: usize,
    bytes: Vec<u8>,
}

impl StringTable {
    /// Appends a string and returns its offset and length.
    fn push(&mut self, text: &[u8]) -> Option<(u32, u32)> {
        self.push_list(text, 1)
    }

    /// Appends a list and returns its offset and the number of its items.
    fn push_list(&mut self, list: &[u8], item_len: usize) -> Option<(u32, u32)> {
        let offset = u32::try_from(self.start + self.bytes.len()).ok()?;
        self.bytes.extend(list);
        Some((offset, u32::try_from(list.len() / item_len).ok()?))
    }
}

fn put_u32(out: &mut Vec<u8>, n: u32) {
    out.extend(n.to_ne_bytes());
}

fn put_u64(out: &mut Vec<u8>, n: u64) {
    out.extend(n.to_ne_bytes());
}

fn put_pair(out: &mut Vec<u8>, (offset, len): (u32, u32)) {
    put_u32(out, offset);
    put_u32(out, len);
}

fn form_to_number(descriptor: &Descriptor, form: Form) -> u32 {
    match (form, descriptor.kind()) {
        (Form::Sum, Kind::Gauge) => 2,
        (Form::Sum, _) => 1,
        (Form::Histogram(_), _) => 3,
        (Form::Float, _) => 4,
        (Form::Peak, _) => 5,
    }
}
