//! Properties of a family that determine its panels.

use std::collections::BTreeSet;

use papyra_metrics::Kind;

use crate::schema::label_set::LabelSet;
use crate::schema::model::{Family, Schema};
use crate::schema::roles::Role;

/// A family, and the properties that are derived from its name and labels.
pub(super) struct Metric<'a> {
    /// The exported name, without the suffixes of samples.
    pub(super) name: &'a str,
    pub(super) family: &'a Family,
    pub(super) role: Option<Role>,
    /// The words of the name, without the unit and without the words with which the names of all metrics begin. Never
    /// empty.
    pub(super) words: Vec<&'a str>,
    /// The labels by which the metric is broken down: all of its labels except those that are variables of the
    /// dashboard.
    pub(super) labels: Vec<&'a str>,
}

/// Returns all metrics of a schema, ordered by name, and the words with which the names of all metrics begin.
pub(super) fn all<'a>(schema: &'a Schema, variables: &[&str]) -> (Vec<Metric<'a>>, Vec<&'a str>) {
    let mut metrics: Vec<_> = schema
        .families
        .iter()
        .map(|(name, family)| {
            let labels = family.series.iter().flat_map(LabelSet::names);
            let labels: BTreeSet<_> = labels.filter(|name| !variables.contains(name)).collect();
            let labels = labels.into_iter().collect();
            let words = words(name, family.unit.as_deref());
            Metric { name, family, role: schema.role(name), words, labels }
        })
        .collect();
    let common = common_words(&metrics);
    for metric in &mut metrics {
        metric.words.drain(..common.len());
    }
    (metrics, common)
}

/// Returns the labels that all series have. These labels usually come from the registry, and become variables of the
/// dashboard. If the schema has only one family, returns no labels, because the labels that the metric itself declares
/// cannot be told apart from the labels of the registry.
pub(super) fn common_labels(schema: &Schema) -> Vec<&str> {
    if schema.families.len() < 2 {
        return Vec::new();
    }
    let mut series = schema.families.values().flat_map(|family| &family.series);
    let Some(first) = series.next() else { return Vec::new() };
    let mut common: Vec<&str> = first.names().collect();
    for labels in series {
        common.retain(|name| labels.names().any(|other| other == *name));
    }
    common
}

fn words<'a>(name: &'a str, unit: Option<&str>) -> Vec<&'a str> {
    let stem = unit.and_then(|unit| name.strip_suffix(unit)?.strip_suffix('_')).unwrap_or(name);
    let words: Vec<_> = stem.split('_').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { vec![name] } else { words }
}

/// Returns the words with which the names of all metrics begin. The last word of a name never counts, so that no name
/// becomes empty.
fn common_words<'a>(metrics: &[Metric<'a>]) -> Vec<&'a str> {
    let [first, rest @ ..] = metrics else { return Vec::new() };
    if rest.is_empty() {
        return Vec::new();
    }
    let shortest = metrics.iter().map(|metric| metric.words.len()).min().unwrap_or_default();
    let is_common = |i: &usize| rest.iter().all(|metric| metric.words[*i] == first.words[*i]);
    let len = (0..shortest.saturating_sub(1)).take_while(is_common).count();
    first.words[..len].to_vec()
}

impl Metric<'_> {
    pub(super) fn kind(&self) -> Kind {
        self.family.kind
    }

    pub(super) fn unit(&self) -> Option<&str> {
        self.family.unit.as_deref()
    }

    /// Returns the name of the samples; for a histogram, the name of the sample `_count`.
    pub(super) fn sample_name(&self) -> String {
        let suffix = match self.kind() {
            Kind::Counter => "_total",
            Kind::Histogram => "_count",
            _ => "",
        };
        format!("{}{suffix}", self.name)
    }

    /// Returns whether the metric is a counter of the operation that these words name. Both `requests` and
    /// `request_runs` count the operation `request`.
    pub(super) fn counts(&self, operation: &[&str]) -> bool {
        let Some((first, rest)) = self.words.split_at_checked(operation.len()) else {
            return false;
        };
        let is_named_so = operation.iter().zip(first).all(|(a, b)| is_same_word(a, b));
        let is_count = self.kind() == Kind::Counter && self.unit().is_none();
        is_named_so && is_count && matches!(rest, [] | ["attempts" | "calls" | "runs"])
    }

    /// Returns the number of different combinations of values that these labels have in the series of the metric.
    pub(super) fn combinations(&self, labels: &[&str]) -> usize {
        let series = self.family.series.iter();
        let values =
            series.map(|series| labels.iter().map(|name| series.value(name)).collect::<Vec<_>>());
        values.collect::<BTreeSet<_>>().len()
    }

    /// Returns the words of the name as a title, such as `Wal records`.
    pub(super) fn title(&self) -> String {
        title(&self.words)
    }
}

/// Joins words with spaces, and capitalizes the first letter.
pub(super) fn title(words: &[&str]) -> String {
    let text = words.join(" ");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text,
    }
}

/// Returns whether two words are equal or one is the plural of the other: `flush` and `flushes`, `query` and `queries`.
pub(super) fn is_same_word(a: &str, b: &str) -> bool {
    let is_plural = |plural: &str, word: &str| {
        plural.strip_suffix('s') == Some(word)
            || plural.strip_suffix("es") == Some(word)
            || plural.strip_suffix("ies").is_some_and(|stem| word.strip_suffix('y') == Some(stem))
    };
    a == b || is_plural(a, b) || is_plural(b, a)
}

#[cfg(test)]
mod tests {
    use super::{is_same_word, title, words};

    #[test]
    fn the_words_of_a_name_end_before_its_unit() {
        for (name, unit, expected) in [
            ("wal_append_seconds", Some("seconds"), &["wal", "append"][..]),
            ("wal_append_seconds", None, &["wal", "append", "seconds"]),
            ("bytes", Some("bytes"), &["bytes"]),
            ("__a__b_", None, &["a", "b"]),
            ("_", None, &["_"]),
        ] {
            assert_eq!(words(name, unit), expected);
        }
        assert_eq!(title(&["wal", "append"]), "Wal append");
    }

    #[test]
    fn words_are_the_same_in_singular_and_plural() {
        for (a, b, expected) in [
            ("request", "requests", true),
            ("flushes", "flush", true),
            ("query", "queries", true),
            ("caches", "cache", true),
            ("read", "write", false),
            ("class", "clas", true),
            ("log", "logged", false),
        ] {
            assert_eq!((is_same_word(a, b), is_same_word(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
