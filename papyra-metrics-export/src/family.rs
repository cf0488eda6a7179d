//! What all series of one name have in common, over all backends.

use std::collections::HashMap;
use std::sync::Arc;

use papyra_metrics::{ExpositionName, Kind};

use crate::error::MetricDefinition;
use crate::{Labels, RegisterError};

/// All series of one name.
#[derive(Debug)]
pub(crate) struct Family {
    /// The exported name, prefix included, without a counter's `_total`.
    pub(crate) name: String,
    /// The same without the unit, with the dots of the prefix.
    pub(crate) dotted: String,
    /// How many bytes of `name` and of `dotted` are the prefix.
    pub(crate) prefix_len: usize,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<String>,
    pub(crate) help: String,
    /// The labels of the backend that was registered first, for messages.
    backend: String,
}

impl Family {
    pub(crate) fn new(
        prefix: &str,
        name: ExpositionName<'_>,
        kind: Kind,
        unit: Option<&str>,
        help: &str,
        backend: &Labels,
    ) -> Result<Self, RegisterError> {
        let dot = if prefix.is_empty() { "" } else { "." };
        let before = format!("{prefix}{dot}");
        let dotted = format!("{before}{}", name.without_unit());
        let name = format!("{}{name}", before.replace('.', "_"));
        if !is_name(&name) {
            return Err(RegisterError::MetricName { name });
        }
        Ok(Self {
            name,
            dotted,
            prefix_len: before.len(),
            kind,
            unit: unit.map(str::to_owned),
            help: help.to_owned(),
            backend: backend.to_string(),
        })
    }

    fn meaning(&self) -> MetricDefinition {
        MetricDefinition {
            name: self.name.clone(),
            kind: self.kind,
            unit: self.unit.clone(),
            backend: self.backend.clone(),
        }
    }

    /// Whether both may be one: help is the first one's.
    fn means(&self, other: &Self) -> bool {
        (&self.name, self.kind, &self.unit) == (&other.name, other.kind, &other.unit)
    }
}

/// Whether this matches `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(crate) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The families that are known, none of which shares the name of a sample with another.
#[derive(Default)]
pub(crate) struct Families {
    all: Vec<Arc<Family>>,
    /// Each name that a sample may have, and whose it is.
    by_sample: HashMap<String, Arc<Family>>,
}

impl Families {
    pub(crate) fn all(&self) -> &[Arc<Family>] {
        &self.all
    }

    /// The family of this name, which from now on is this one if there was none; `None` for a kind that is not
    /// known here.
    pub(crate) fn find_or_add(
        &mut self,
        family: Family,
    ) -> Result<Option<Arc<Family>>, RegisterError> {
        let Some(suffixes) = suffixes(family.kind) else { return Ok(None) };
        let names = suffixes.iter().map(|suffix| [&family.name, *suffix].concat());
        let names: Vec<String> = names.collect();
        for name in &names {
            match self.by_sample.get(name) {
                Some(known) if known.means(&family) => return Ok(Some(Arc::clone(known))),
                Some(known) => {
                    return Err(RegisterError::Clash {
                        new: Box::new(family.meaning()),
                        earlier: Box::new(known.meaning()),
                    });
                }
                None => {}
            }
        }
        let family = Arc::new(family);
        self.by_sample.extend(names.into_iter().map(|name| (name, Arc::clone(&family))));
        self.all.push(Arc::clone(&family));
        Ok(Some(family))
    }

    /// Forgets these families, but for those that somebody else has come to use meanwhile.
    pub(crate) fn forget(&mut self, families: Vec<Arc<Family>>) {
        for family in families {
            let suffixes = suffixes(family.kind).unwrap_or_default();
            // Here, in the list, and once for each sample's name.
            if Arc::strong_count(&family) == 2 + suffixes.len() {
                self.all.retain(|known| !Arc::ptr_eq(known, &family));
                self.by_sample.retain(|_, known| !Arc::ptr_eq(known, &family));
            }
        }
    }
}

/// What the names of a family's samples may end in, or `None` for a kind that is not known here. papyra-metrics
/// checks the same within one struct.
fn suffixes(kind: Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::Counter => Some(&["", "_total", "_created"]),
        Kind::Gauge => Some(&[""]),
        _ => None,
    }
}
