//! The rows of the table: their order, and which of them are visible.

use super::rates::Line;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sort {
    Declared,
    Name,
    Value,
    Rate,
}

impl Sort {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Declared => Self::Name,
            Self::Name => Self::Value,
            Self::Value => Self::Rate,
            Self::Rate => Self::Declared,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Declared => "as declared",
            Self::Name => "by name",
            Self::Value => "by value",
            Self::Rate => "by rate",
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    Title(&'a str),
    /// The column headings of the histograms.
    Heading,
    Metric(&'a Line),
}

/// The column headings at the top of the table, for numbers or for histograms.
#[derive(Clone, Copy)]
pub(super) enum Header {
    Numbers,
    Histograms,
}

/// Returns the kind of header that the first metric needs, and the visible rows. A heading of histograms that comes
/// before any metric is left out, because the header already contains it.
pub(super) fn visible<'a>(entries: &[Entry<'a>], height: usize) -> (Header, Vec<Entry<'a>>) {
    let first = entries.iter().position(|entry| !matches!(entry, Entry::Title(_)));
    let header = match first.and_then(|first| entries.get(first)) {
        Some(Entry::Heading) => Header::Histograms,
        Some(Entry::Metric(line)) if line.is_histogram() => Header::Histograms,
        _ => Header::Numbers,
    };
    let is_header =
        |i: usize, entry: &Entry<'_>| Some(i) == first && matches!(entry, Entry::Heading);
    let shown = entries.iter().enumerate().filter(|(i, entry)| !is_header(*i, entry));
    (header, shown.map(|(_, entry)| *entry).take(height).collect())
}
