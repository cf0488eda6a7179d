//! The description at the beginning of a file: the publishing process, the metrics, and the location of each value.

use std::{string::String, time::SystemTime, vec::Vec};

use crate::histogram::OwnedScale;
use crate::{Kind, Objective};

pub(super) const MAGIC: [u8; 8] = *b"\x89papyra\n";
pub(super) const BYTE_ORDER: u32 = 0x0102_0304;
/// The version of the format that is written. Version 1, which is read too, has shorter entries.
pub(super) const VERSION: u32 = 2;
pub(super) const HEADER_LEN: usize = 64;
/// Length of an entry in a file without objectives.
pub(super) const ENTRY_LEN: usize = 88;
pub(super) const ENTRY_LEN_VERSION_1: usize = 64;
/// Length of an entry in a file with objectives.
pub(super) const ENTRY_LEN_WITH_OBJECTIVE: usize = 104;
/// The flag that marks an error counter in an entry.
pub(super) const IS_ERROR_COUNTER: u32 = 1;
/// Length of a label: name and value, each as offset and length.
pub(super) const LABEL_LEN: usize = 16;
/// Length of a bound.
pub(super) const BOUND_LEN: usize = 8;
/// The offset of the first byte that the checksum covers. The checksum is in the four bytes before it.
pub(super) const CHECKED_FROM: usize = 20;
/// The maximum length of a description. A hundred thousand metrics take a third of this length.
pub(super) const MAX_DESCRIPTION: u64 = 64 << 20;
/// The maximum length of the values. Thirty thousand sharded counters fit.
pub(super) const MAX_VALUES: u64 = 256 << 20;
/// The maximum number of histograms in a file. Each histogram takes 2 KiB of a reader's memory, but may take much less
/// space in the file.
pub(super) const MAX_HISTOGRAMS: usize = 1 << 16;

/// A metric of a published file.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The name, and the labels in braces if there are any.
    pub(super) series: String,
    pub(super) name_len: usize,
    pub(super) prefix_len: usize,
    pub(super) form: Form,
    pub(super) help: String,
    pub(super) unit: Option<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) objective: Option<Objective>,
    pub(super) is_error_counter: bool,
    pub(super) location: Location,
}

/// The content of a metric's cells.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// The cells add up to a count.
    Counter,
    /// The cells add up to a signed number.
    Gauge,
    /// A single cell with the bits of an `f64`.
    Float,
    /// A single cell with the highest value.
    Peak,
    /// Each cell has a count and a sum for each bucket.
    Histogram(OwnedScale),
}

impl Form {
    /// Returns the number of words of a cell.
    pub(super) fn cell_words(&self) -> u64 {
        match self {
            Self::Histogram(scale) => 2 * scale.buckets() as u64,
            _ => 1,
        }
    }
}

impl Metric {
    /// Returns the name, including its prefixes. The name matches `[a-zA-Z_][a-zA-Z0-9_]*`.
    pub fn name(&self) -> &str {
        &self.series[..self.name_len]
    }

    /// Returns the key of the metric in a snapshot: the name, or `name{label=value}` if the metric has labels.
    pub fn series(&self) -> &str {
        &self.series
    }

    /// Returns the labels, as pairs of name and value, in declaration order. Names match `[a-zA-Z_][a-zA-Z0-9_]*`, values
    /// `[a-z0-9_]+`.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the length of the prefixes at the beginning of the name, in bytes.
    pub fn prefix_len(&self) -> usize {
        self.prefix_len
    }

    /// Returns the kind: counter, gauge or histogram.
    pub fn kind(&self) -> Kind {
        match self.form {
            Form::Counter => Kind::Counter,
            Form::Gauge | Form::Float | Form::Peak => Kind::Gauge,
            Form::Histogram(_) => Kind::Histogram,
        }
    }

    /// Returns the help text, which may be empty. It may contain any characters, including control characters.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// Returns the unit of the exported values, or `None` if the metric has no unit. A unit matches `[a-z0-9_]+`.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// Returns the service level objective, or `None` if the metric has no objective. Only histograms can have one.
    pub fn objective(&self) -> Option<Objective> {
        self.objective
    }

    /// Returns whether the metric is a [`Peak`](crate::Peak), a gauge of the highest value since the last reset. To combine the
    /// peaks of several processes, take the highest value, not the sum.
    pub fn is_peak(&self) -> bool {
        matches!(self.form, Form::Peak)
    }

    /// Returns whether the metric is marked as an error counter.
    pub fn is_error_counter(&self) -> bool {
        self.is_error_counter
    }
}

/// The process that publishes a file, as recorded in the file.
#[derive(Clone, Debug)]
pub struct Process {
    pub(super) pid: u32,
    pub(super) program: String,
    pub(super) since: SystemTime,
}

impl Process {
    /// Describes the current process.
    pub(super) fn current() -> Self {
        let program = std::env::args_os().next().unwrap_or_default();
        let program = std::path::Path::new(&program).file_name().unwrap_or_default();
        Self {
            pid: std::process::id(),
            program: program.to_string_lossy().into_owned(),
            since: SystemTime::now(),
        }
    }

    /// Returns the process id in the process's own pid namespace.
    ///
    /// The id does not identify the process: another process may have the same id, later or in another namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the name of the program. It may contain any characters, including control characters.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Returns the time at which the process began to publish.
    pub fn since(&self) -> SystemTime {
        self.since
    }
}

/// The positions of the atomics of a metric. Offsets are in bytes from the beginning of the values while a file is written, and
/// from the beginning of the file in a [`Description`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Location {
    pub(super) first: u64,
    pub(super) cells: u32,
    pub(super) stride: u64,
    pub(super) baseline: Option<u64>,
}

impl Location {
    /// Returns the offset of each cell.
    pub(super) fn cells(self) -> impl Iterator<Item = u64> {
        (0..u64::from(self.cells)).map(move |cell| self.first + cell * self.stride)
    }

    /// Returns the location of the word with this index in each cell and in the baseline.
    pub(super) fn word(self, word: u64) -> Self {
        let distance = 8 * word;
        Self {
            first: self.first + distance,
            baseline: self.baseline.map(|baseline| baseline + distance),
            ..self
        }
    }
}

/// The decoded beginning of a file.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) process: Process,
    pub(super) metrics: Vec<Metric>,
    /// The offsets at which the values begin and end.
    pub(super) values: core::ops::Range<u64>,
}
