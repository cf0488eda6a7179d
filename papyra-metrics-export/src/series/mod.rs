//! Series, their values, and the sources that the values are read from.

use std::sync::Arc;

use crate::family::Family;
use crate::{Labels, RegisterError};

pub(crate) mod collect;
pub(crate) mod exported;
mod form_run;
pub(crate) mod histogram;
pub(crate) mod listed;
pub(crate) mod number;
pub(crate) mod readings;
pub(crate) mod source;
pub(crate) mod values;

/// The name and the labels of a series.
#[derive(Clone, Debug)]
pub(crate) struct SeriesId {
    pub(crate) family: Family,
    pub(crate) labels: Arc<Labels>,
}

impl SeriesId {
    pub(crate) fn duplicate_error(&self) -> RegisterError {
        RegisterError::DuplicateSeries {
            name: self.family.name().to_owned(),
            labels: self.labels.to_string(),
        }
    }
}
