//! The bytes of the file: how they are written, and how they are read without trusting any of them.

use std::{
    collections::HashSet,
    string::{String, ToString},
    time::{Duration, SystemTime},
    vec::Vec,
};

use crate::{Descriptor, Kind, exposition};

pub(super) const MAGIC: [u8; 8] = *b"\x89papyra\n";
const BYTE_ORDER: u32 = 0x0102_0304;
const VERSION: u32 = 1;
pub(super) const HEADER_LEN: usize = 64;
const ENTRY_LEN: usize = 64;
/// Where the checksum ends and what it covers begins.
const CHECKED_FROM: usize = 20;
/// Of the description. A hundred thousand metrics take a third of it.
pub(super) const MAX_DESCRIPTION: u64 = 64 << 20;
/// Where values may begin: on cache lines of their own, which some processors fetch in pairs.
const CACHE_LINES: usize = 128;

/// A metric of a published file.
#[derive(Clone, Debug)]
pub struct Metric {
    pub(super) name: String,
    pub(super) prefix_len: usize,
    pub(super) kind: Kind,
    pub(super) help: String,
    pub(super) unit: Option<String>,
    pub(super) place: Place,
}

impl Metric {
    /// The name, prefixes included. It matches `[a-zA-Z_][a-zA-Z0-9_]*`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes of the name are prefixes. Names in exports put the unit behind the rest.
    pub fn prefix_len(&self) -> usize {
        self.prefix_len
    }

    /// Whether it is a counter or a gauge.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it measures; empty where nothing was said. Any text at all, control characters included.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// The base unit of its values. It matches `[a-z0-9_]+`.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }
}

/// The process that publishes a file, as it described itself.
#[derive(Clone, Debug)]
pub struct Process {
    pub(super) pid: u32,
    pub(super) program: String,
    pub(super) since: SystemTime,
}

impl Process {
    /// The process that runs this code.
    pub(super) fn this() -> Self {
        let program = std::env::args_os().next().unwrap_or_default();
        let program = std::path::Path::new(&program).file_name().unwrap_or_default();
        Self {
            pid: std::process::id(),
            program: program.to_string_lossy().into_owned(),
            since: SystemTime::now(),
        }
    }

    /// Its id, which another process may have by now if this one has ended.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The name of its program. Any text at all, control characters included.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// When it began to publish.
    pub fn since(&self) -> SystemTime {
        self.since
    }
}

/// Where the words of a metric are, in bytes from the beginning of the file or of the values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) first: u64,
    pub(super) cells: u32,
    pub(super) stride: u64,
    pub(super) mark: Option<u64>,
}

impl Place {
    /// The offset of each cell.
    pub(super) fn cells(self) -> impl Iterator<Item = u64> {
        (0..u64::from(self.cells)).map(move |cell| self.first + cell * self.stride)
    }
}

/// What a file says of itself.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) process: Process,
    pub(super) metrics: Vec<Metric>,
}

/// Why bytes are no description.
#[derive(Debug)]
pub(super) enum Fault {
    NotMetrics,
    ByteOrder,
    Version(u32),
    Damaged(&'static str),
}

/// The description of a file, padded up to where its values of that length and alignment begin. Places are relative
/// to that. `None` where it would be too long.
pub(super) fn encode(
    process: &Process,
    metrics: &[(&Descriptor, Place)],
    values_len: usize,
    values_align: usize,
) -> Option<Vec<u8>> {
    let mut texts = Texts { at: HEADER_LEN + metrics.len() * ENTRY_LEN, bytes: Vec::new() };
    let program = texts.push(&process.program)?;
    let names = metrics.iter().map(|(metric, _)| {
        let unit = metric.unit().unwrap_or_default();
        Some([texts.push(metric.name())?, texts.push(metric.help())?, texts.push(unit)?])
    });
    let names: Vec<_> = names.collect::<Option<_>>()?;
    let values = (texts.at + texts.bytes.len()).next_multiple_of(values_align.max(CACHE_LINES));
    if u64::try_from(values).ok()? > MAX_DESCRIPTION {
        return None;
    }

    let mut out = Vec::with_capacity(values);
    out.extend(MAGIC);
    put_u32(&mut out, BYTE_ORDER);
    put_u32(&mut out, VERSION);
    put_u32(&mut out, 0); // the checksum, below
    put_u32(&mut out, u32::try_from(ENTRY_LEN).ok()?);
    put_u64(&mut out, u64::try_from(values + values_len).ok()?);
    put_u64(&mut out, u64::try_from(values).ok()?);
    put_u32(&mut out, u32::try_from(metrics.len()).ok()?);
    put_u32(&mut out, process.pid);
    let since = process.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    put_u64(&mut out, u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    put_text(&mut out, program);
    for ((metric, place), names) in metrics.iter().zip(names) {
        let values = u64::try_from(values).ok()?;
        for name in names {
            put_text(&mut out, name);
        }
        put_u32(&mut out, kind_to_number(metric.kind()));
        put_u32(&mut out, u32::try_from(metric.prefix_len).ok()?);
        put_u64(&mut out, values + place.first);
        put_u64(&mut out, place.stride);
        put_u64(&mut out, place.mark.map_or(0, |mark| values + mark));
        put_u32(&mut out, place.cells);
        put_u32(&mut out, 0);
    }
    out.extend(texts.bytes);
    out.resize(values, 0);
    let checksum = crc32fast::hash(&out[CHECKED_FROM..]);
    out[CHECKED_FROM - 4..CHECKED_FROM].copy_from_slice(&checksum.to_ne_bytes());
    Some(out)
}

/// The texts behind the entries. A text that is there already is not written again.
struct Texts {
    at: usize,
    bytes: Vec<u8>,
}

impl Texts {
    fn push(&mut self, text: &str) -> Option<(u32, u32)> {
        let at = u32::try_from(self.at + self.bytes.len()).ok()?;
        self.bytes.extend(text.as_bytes());
        Some((at, u32::try_from(text.len()).ok()?))
    }
}

fn put_u32(out: &mut Vec<u8>, n: u32) {
    out.extend(n.to_ne_bytes());
}

fn put_u64(out: &mut Vec<u8>, n: u64) {
    out.extend(n.to_ne_bytes());
}

fn put_text(out: &mut Vec<u8>, (at, len): (u32, u32)) {
    put_u32(out, at);
    put_u32(out, len);
}

fn kind_to_number(kind: Kind) -> u32 {
    match kind {
        Kind::Counter => 1,
        Kind::Gauge => 2,
    }
}

/// How long the description is, by the header: at most `file_len` and [`MAX_DESCRIPTION`].
pub(super) fn description_len(header: &[u8], file_len: u64) -> Result<usize, Fault> {
    if !header.starts_with(&MAGIC) {
        let cut = !header.is_empty() && MAGIC.starts_with(header);
        return Err(if cut { Fault::Damaged("it is cut short") } else { Fault::NotMetrics });
    }
    let header = Bytes(header);
    match header.u32(8)? {
        BYTE_ORDER => {}
        order if order.swap_bytes() == BYTE_ORDER => return Err(Fault::ByteOrder),
        _ => return Err(Fault::Damaged("its byte order is none")),
    }
    match header.u32(12)? {
        VERSION => {}
        version => return Err(Fault::Version(version)),
    }
    let (len, description) = (header.u64(24)?, header.u64(32)?);
    if file_len < HEADER_LEN as u64 || file_len < description {
        return Err(Fault::Damaged("it is cut short"));
    }
    if description < HEADER_LEN as u64 || description > len || description > MAX_DESCRIPTION {
        return Err(Fault::Damaged("its description has an impossible length"));
    }
    usize::try_from(description)
        .map_err(|_| Fault::Damaged("its description does not fit into memory"))
}

/// What a description says. `bytes` are as many as [`description_len`] has told.
pub(super) fn decode(bytes: &[u8], file_len: u64) -> Result<Description, Fault> {
    let bytes = Bytes(bytes);
    if bytes.u32(16)? != crc32fast::hash(bytes.get(CHECKED_FROM, bytes.0.len() - CHECKED_FROM)?) {
        return Err(Fault::Damaged("the checksum of its description is wrong"));
    }
    if bytes.u64(24)? > file_len {
        return Err(Fault::Damaged("it is cut short"));
    }
    let entry_len = bytes.u32(20)? as usize;
    let count = bytes.u32(40)? as usize;
    let texts = entry_len
        .checked_mul(count)
        .and_then(|entries| entries.checked_add(HEADER_LEN))
        .filter(|&end| entry_len >= ENTRY_LEN && end <= bytes.0.len())
        .ok_or(Fault::Damaged("its entries do not fit"))?;

    let mut words = Words { start: bytes.0.len() as u64, end: bytes.u64(24)?, left: 0 };
    words.left = (words.end - words.start) / 8;
    let mut metrics = Vec::with_capacity(count);
    for entry in 0..count {
        let entry = Bytes(bytes.get(HEADER_LEN + entry * entry_len, entry_len)?);
        metrics.push(decode_metric(&bytes, entry, texts, &mut words)?);
    }
    let mut names = HashSet::with_capacity(count);
    if !metrics.iter().all(|metric: &Metric| names.insert(metric.name.as_str())) {
        return Err(Fault::Damaged("two of its metrics have one name"));
    }
    let process = Process {
        pid: bytes.u32(44)?,
        program: bytes.text(&bytes, 56, texts)?.to_string(),
        since: SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_nanos(bytes.u64(48)?))
            .ok_or(Fault::Damaged("its process began at no time"))?,
    };
    Ok(Description { process, metrics })
}

fn decode_metric(
    bytes: &Bytes<'_>,
    entry: Bytes<'_>,
    texts: usize,
    words: &mut Words,
) -> Result<Metric, Fault> {
    let name = entry.text(bytes, 0, texts)?;
    let unit = entry.text(bytes, 16, texts)?;
    let prefix_len = entry.u32(28)? as usize;
    if !exposition::is_name(name.as_bytes()) || prefix_len > name.len() {
        return Err(Fault::Damaged("a metric has an impossible name"));
    }
    if !unit.is_empty() && !exposition::is_unit(unit.as_bytes()) {
        return Err(Fault::Damaged("a metric has an impossible unit"));
    }
    let kind = match entry.u32(24)? {
        1 => Kind::Counter,
        2 => Kind::Gauge,
        _ => return Err(Fault::Damaged("a metric is of an unknown kind")),
    };
    let mark = Some(entry.u64(48)?).filter(|&mark| mark != 0);
    let place =
        Place { first: entry.u64(32)?, stride: entry.u64(40)?, cells: entry.u32(56)?, mark };
    if !words.hold(place) {
        return Err(Fault::Damaged("a metric has its value outside of the file"));
    }
    Ok(Metric {
        name: name.to_string(),
        prefix_len,
        kind,
        help: entry.text(bytes, 8, texts)?.to_string(),
        unit: Some(unit).filter(|unit| !unit.is_empty()).map(str::to_string),
        place,
    })
}

/// The values, and how many words of them no metric has claimed. Without the latter, a small file could have a
/// reader add up the same words for hours.
struct Words {
    start: u64,
    end: u64,
    left: u64,
}

impl Words {
    fn hold(&mut self, place: Place) -> bool {
        let claimed = u64::from(place.cells) + u64::from(place.mark.is_some());
        let last = u64::from(place.cells)
            .checked_sub(1)
            .and_then(|steps| steps.checked_mul(place.stride))
            .and_then(|distance| distance.checked_add(place.first));
        let fit = claimed <= self.left
            && place.stride % 8 == 0
            && self.holds(place.first)
            && last.is_some_and(|last| self.holds(last))
            && place.mark.is_none_or(|mark| self.holds(mark));
        self.left = self.left.saturating_sub(claimed);
        fit
    }

    fn holds(&self, word: u64) -> bool {
        word % 8 == 0 && word >= self.start && word <= self.end.saturating_sub(8)
    }
}

#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn get(self, at: usize, len: usize) -> Result<&'a [u8], Fault> {
        at.checked_add(len)
            .and_then(|end| self.0.get(at..end))
            .ok_or(Fault::Damaged("it is cut short"))
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], Fault> {
        let bytes = self.get(at, N)?;
        bytes.try_into().map_err(|_| Fault::Damaged("it is cut short"))
    }

    fn u32(self, at: usize) -> Result<u32, Fault> {
        self.array(at).map(u32::from_ne_bytes)
    }

    fn u64(self, at: usize) -> Result<u64, Fault> {
        self.array(at).map(u64::from_ne_bytes)
    }

    /// The text of which offset and length stand here, in `all`. Texts begin at `texts`.
    fn text(self, all: &Bytes<'a>, at: usize, texts: usize) -> Result<&'a str, Fault> {
        let (offset, len) = (self.u32(at)? as usize, self.u32(at + 4)? as usize);
        let bytes = all.get(offset, len).ok().filter(|_| offset >= texts);
        bytes
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or(Fault::Damaged("a text is none"))
    }
}
