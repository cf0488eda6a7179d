//! Labels: pairs of name and value that distinguish backends.

use std::fmt;

use papyra_metrics::DescriptorLabels;
use papyra_metrics::naming::{is_name, is_reserved_label};

use crate::RegisterError;

/// The labels of a backend, or of one of its series: pairs of name and value, ordered by name.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Labels(Box<[(String, String)]>);

impl Labels {
    /// Creates a set of labels. Checks their names, and leaves out labels whose value is empty, because monitoring
    /// systems treat such labels as absent.
    pub(crate) fn new<'a>(
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RegisterError> {
        let mut pairs = Vec::with_capacity(labels.size_hint().0);
        for (name, value) in labels {
            check_name(name)?;
            pairs.push((name.to_owned(), value.to_owned()));
        }
        Self::from_pairs(pairs)
    }

    /// Returns one set of these labels and the labels of a metric.
    pub(crate) fn with(&self, more: DescriptorLabels<'_>) -> Result<Self, RegisterError> {
        let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::from_pairs(self.0.iter().cloned().chain(more).collect())
    }

    fn from_pairs(mut pairs: Vec<(String, String)>) -> Result<Self, RegisterError> {
        pairs.sort();
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(RegisterError::DuplicateLabel { name: twice[0].0.clone() });
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs.into_boxed_slice()))
    }

    /// Returns the names and values, ordered by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the value of the label with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|&(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns whether there are no labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Checks that every monitoring system accepts the name of a label, and that Prometheus does not reserve it.
pub(crate) fn check_name(name: &str) -> Result<(), RegisterError> {
    if !is_name(name) {
        return Err(RegisterError::InvalidLabelName { name: name.to_owned() });
    }
    if is_reserved_label(name) {
        return Err(RegisterError::ReservedLabel { name: name.to_owned() });
    }
    Ok(())
}

impl fmt::Display for Labels {
    /// Writes the labels as `{backend="orders",zone="eu"}`. Values are escaped as in Rust string literals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
