//! Prepares the families of one backend: composes and checks their names.

use std::sync::{Arc, OnceLock};

use papyra_metrics::Kind;
use papyra_metrics::naming::{ExpositionName, is_name};

use super::{Batch, Texts};
use crate::{Labels, RegisterError};

pub(crate) struct FamilyBuilder {
    /// The names and other texts. They are stored as bytes and composed by copying, because formatting would slow down
    /// registrations considerably.
    text: Vec<u8>,
    families: Vec<Texts>,
    prefix: Arc<str>,
    backend: Arc<Labels>,
}

impl FamilyBuilder {
    pub(crate) fn new(prefix: &Arc<str>, backend: &Arc<Labels>, families: usize) -> Self {
        Self {
            text: Vec::with_capacity(64 * families),
            families: Vec::with_capacity(families),
            prefix: Arc::clone(prefix),
            backend: Arc::clone(backend),
        }
    }

    /// Adds a family. `labels` are the labels that its metrics have in addition to those of the backend.
    pub(crate) fn add<'l>(
        &mut self,
        name: ExpositionName<'_>,
        kind: Kind,
        unit: Option<&str>,
        help: &str,
        labels: impl ExactSizeIterator<Item = (&'l str, &'l str)>,
    ) {
        let text = &mut self.text;
        let start = text.len();
        if !self.prefix.is_empty() {
            text.extend(self.prefix.bytes().map(|byte| if byte == b'.' { b'_' } else { byte }));
            text.push(b'_');
        }
        let prefix_end = text.len();
        // Most pieces are empty, and skipping an empty piece is faster than copying zero bytes.
        let pieces = name.pieces().into_iter().filter(|piece| !piece.is_empty());
        pieces.for_each(|piece| text.extend_from_slice(piece));
        let name_end = text.len();
        let mut without_unit_end = name_end;
        if let Some(unit) = unit {
            // The exported name begins with the name without the unit.
            let pieces = name.without_unit().pieces();
            without_unit_end = prefix_end + pieces.iter().map(|piece| piece.len()).sum::<usize>();
            text.extend_from_slice(unit.as_bytes());
        }
        let unit_end = text.len();
        text.extend_from_slice(help.as_bytes());
        let help_end = text.len();
        if labels.len() > 0 {
            let mut names: Vec<&str> = labels.map(|(name, _)| name).collect();
            names.sort_unstable();
            text.extend_from_slice(names.join(",").as_bytes());
        }
        self.families.push(Texts {
            kind,
            has_unit: unit.is_some(),
            start,
            prefix_end,
            without_unit_end,
            name_end,
            unit_end,
            help_end,
            label_names_end: text.len(),
            buckets: OnceLock::new(),
        });
    }

    /// Returns the families.
    ///
    /// # Errors
    ///
    /// Returns an error if an exported name is not valid.
    pub(crate) fn finish(self) -> Result<Arc<Batch>, RegisterError> {
        let Self { text, families, prefix, backend } = self;
        // Only metric names can be invalid UTF-8, because they are composed of pieces of bytes. All other texts come
        // from strings.
        let (text, bytes) = match String::from_utf8(text) {
            Ok(text) => (text, Vec::new()),
            Err(error) => (String::new(), error.into_bytes()),
        };
        for Texts { start, name_end, .. } in &families {
            if !text.get(*start..*name_end).is_some_and(is_name) {
                let bytes = if bytes.is_empty() { text.as_bytes() } else { &bytes };
                let name = String::from_utf8_lossy(&bytes[*start..*name_end]).into_owned();
                return Err(RegisterError::InvalidMetricName { name });
            }
        }
        Ok(Arc::new(Batch { text, families, prefix, backend }))
    }
}
