//! Metrics that are in no registry, such as those read from a file.

use std::collections::HashSet;
use std::sync::Arc;

use papyra_metrics::{ExpositionName, Value};

use super::Format;
use super::exposition::Exposition;
use crate::family::{Families, FamilyBuilder, sample_suffixes};
use crate::series::SeriesId;
use crate::series::values::Reading;
use crate::{Labels, RegisterError};

/// One sample of a metric that is in no registry. Fill the fields that it has over [`Sample::new`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sample<'a> {
    /// The metric's name as the backend has it; units and suffixes are added as everywhere.
    pub name: &'a str,
    /// How many bytes of the name are prefixes, over which a unit does not move to the end.
    pub prefix_len: usize,
    /// What it measures; empty where nobody says.
    pub help: &'a str,
    /// The base unit of its values.
    pub unit: Option<&'a str>,
    /// Labels, as name and value.
    pub labels: &'a [(&'a str, &'a str)],
    /// The number, and whether it is a counter's or a gauge's.
    pub value: Value,
}

impl<'a> Sample<'a> {
    /// A sample of that name, with neither help nor unit nor labels.
    pub fn new(name: &'a str, value: Value) -> Self {
        Self { name, prefix_len: 0, help: "", unit: None, labels: &[], value }
    }
}

/// Writes samples as a whole exposition. Those of one name form one family, in the order in which they come.
///
/// ```
/// use papyra_metrics::Value;
/// use papyra_metrics_export::prometheus::{Format, Sample, encode};
///
/// let mut sample = Sample::new("bytes_written", Value::Counter(118));
/// sample.unit = Some("bytes");
/// sample.labels = &[("backend", "orders")];
/// let text = encode(Format::Text, [sample])?;
/// assert!(text.ends_with("written_bytes_total{backend=\"orders\"} 118\n"));
/// # Ok::<(), papyra_metrics_export::RegisterError>(())
/// ```
///
/// # Errors
///
/// A name that is none, a label that is none, one name with two kinds or units, or two samples of one name and
/// the same labels. Samples of a kind that this crate does not know are left out.
pub fn encode<'a>(
    format: Format,
    samples: impl IntoIterator<Item = Sample<'a>>,
) -> Result<String, RegisterError> {
    let mut families = Families::default();
    let (mut distinct, mut series, mut numbers) = (HashSet::new(), Vec::new(), Vec::new());
    let prefix = Arc::default();
    for Sample { name, prefix_len, help, unit, labels, value } in samples {
        let labels = Arc::new(Labels::new(labels.iter().copied())?);
        let kind = value.kind();
        if sample_suffixes(kind).is_none() {
            continue;
        }
        let mut builder = FamilyBuilder::new(&prefix, 1);
        builder.add(ExpositionName::new(name, prefix_len, kind, unit), kind, unit, help)?;
        let Some(family) = builder.finish(&labels).next() else { continue };
        let family = families.find_or_add(family)?;
        let Some(number) = Reading::new(kind, &value).ok().and_then(Reading::number) else {
            continue;
        };
        let id = SeriesId { family, labels };
        if !distinct.insert((Arc::as_ptr(&id.family), Arc::clone(&id.labels))) {
            return Err(id.duplicate_error());
        }
        series.push(id);
        numbers.push(number);
    }
    let mut text = String::new();
    Exposition::new(format, series.iter().zip(0..)).write(&numbers, &mut text);
    Ok(text)
}
