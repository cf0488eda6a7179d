//! The metrics of a flattened field, as the derive describes them.

use crate::Descriptor;

/// The metrics of one flattened field, and their position.
pub struct Flattened {
    /// The number of the struct's own metrics before the field.
    pub at: usize,
    /// The field's name, for error messages.
    pub field: &'static str,
    /// The prefix of each name.
    pub prefix: &'static str,
    /// The labels that each metric gets before its own.
    pub labels: Labels,
    /// The metrics of the field's type.
    pub metrics: &'static [Descriptor],
}

/// Names and values of labels.
pub type Labels = &'static [(&'static str, &'static str)];
