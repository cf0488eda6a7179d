//! Samples of metrics that are not registered, such as metrics that were read from a file.

use std::collections::HashSet;
use std::iter;
use std::sync::Arc;

use papyra_metrics::{ExpositionName, Value};

use super::Format;
use super::exposition::Exposition;
use crate::family::{Families, FamilyBuilder};
use crate::series::SeriesId;
use crate::series::exported::ExportedValues;
use crate::series::histogram::Buckets;
use crate::series::number::{Form, number_of};
use crate::{Labels, RegisterError};

/// A sample of a metric that is not registered. [`Sample::new`] creates one; the other fields can be set afterwards.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sample<'a> {
    /// The name of the metric as the backend declares it. The exported name ends in the unit, as in [`ExpositionName`],
    /// and `_total` follows it in the samples of a counter.
    pub name: &'a str,
    /// The length of the name's prefixes in bytes. A unit that is part of a prefix is not moved to the end of the name.
    pub prefix_len: usize,
    /// The help text. It may be empty.
    pub help: &'a str,
    /// The exported unit of the values, such as `seconds`.
    pub unit: Option<&'a str>,
    /// The labels, as pairs of name and value.
    pub labels: &'a [(&'a str, &'a str)],
    /// The value. Its variant determines the kind of the metric.
    pub value: Value,
}

impl<'a> Sample<'a> {
    /// Creates a sample without help, unit and labels.
    pub fn new(name: &'a str, value: Value) -> Self {
        Self { name, prefix_len: 0, help: "", unit: None, labels: &[], value }
    }
}

/// Returns a complete exposition of these samples. Samples of the same name form one family and keep their order.
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
/// Returns an error if a name or a label is invalid, if samples of one name differ in kind, unit or buckets, or if two
/// samples have the same name and labels.
pub fn encode<'a>(
    format: Format,
    samples: impl IntoIterator<Item = Sample<'a>>,
) -> Result<String, RegisterError> {
    let mut families = Families::default();
    let (mut distinct, mut series) = (HashSet::new(), Vec::new());
    let mut values = ExportedValues::default();
    let prefix = Arc::default();
    for Sample { name, prefix_len, help, unit, labels, value } in samples {
        let labels = Arc::new(Labels::new(labels.iter().copied())?);
        let kind = value.kind();
        let mut builder = FamilyBuilder::new(&prefix, &labels, 1);
        let name = ExpositionName::new(name, prefix_len, kind, unit);
        builder.add(name, kind, unit, help, iter::empty());
        let family = families.find_or_add(&builder.finish()?, 0)?;
        let id = SeriesId { family, labels };
        if !distinct.insert((id.family.address(), Arc::clone(&id.labels))) {
            return Err(id.duplicate_error());
        }
        let value_index = values.numbers.len();
        if let Value::Histogram(distribution) = &value {
            let known = id.family.buckets_or_set(distribution);
            if !known.are_those_of(distribution) {
                let buckets = Buckets::of(distribution);
                return Err(id.family.conflicting_buckets(known, &buckets, &id.labels));
            }
            values.push_histogram(distribution.tallies());
            series.push((id, value_index, Form::Histogram));
        } else if let Ok((form, number)) = number_of(kind, &value) {
            values.numbers.push(number);
            series.push((id, value_index, form));
        }
    }
    let mut text = String::new();
    let series = series.iter().map(|(id, value_index, form)| (id, *value_index, *form));
    Exposition::new(format, series).write(&values, &mut text);
    Ok(text)
}
