//! The labels of one series.

use std::fmt;

use papyra_metrics::naming::is_name;

use super::escape::{escape, unescape};

/// The labels of a series, ordered by name, so that two sets are equal even if their labels were declared in a
/// different order. Empty for a metric without labels.
///
/// `Display` writes the labels as in a lock file: `op="get",outcome="ok"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LabelSet(Vec<(String, String)>);

impl LabelSet {
    pub(super) fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let labels = labels.into_iter();
        let mut labels: Vec<_> = labels.map(|(name, value)| (name.into(), value.into())).collect();
        labels.sort_unstable();
        Self(labels)
    }

    /// Parses labels as [`Display`](fmt::Display) writes them, in any order.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut labels = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (name, after) = rest.split_once("=\"")?;
            let end = closing_quote(after)?;
            if !is_name(name) {
                return None;
            }
            labels.push((name.to_owned(), unescape(&after[..end])));
            rest = &after[end + 1..];
            if !rest.is_empty() {
                rest = rest.strip_prefix(',').filter(|rest| !rest.is_empty())?;
            }
        }
        labels.sort_unstable();
        Some(Self(labels))
    }

    /// Returns the names and values, ordered by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the names, in alphabetical order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the value of the label with this name.
    #[cfg(feature = "dashboard")]
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the index of the first quote that is not escaped.
fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{name}=\"{}\"", escape(value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::LabelSet;

    #[test]
    fn labels_with_any_value_read_back_unchanged() {
        for labels in [
            &[][..],
            &[("op", "get")],
            &[("a", ""), ("b", "\\"), ("c", "say \"x\",y=\"z\""), ("d", "line\nline"), ("e", "ü$")],
        ] {
            let set = LabelSet::new(labels.iter().copied());
            assert_eq!(LabelSet::parse(&set.to_string()), Some(set));
        }
        assert_eq!(
            LabelSet::parse("b=\"2\",a=\"1\""),
            Some(LabelSet::new([("a", "1"), ("b", "2")]))
        );
    }

    #[test]
    fn text_that_is_not_a_list_of_labels_is_refused() {
        for text in [
            "op",
            "op=get",
            "op=\"get",
            "op=\"get\\\"",
            "op=\"a\",",
            "op=\"a\"b",
            "=\"a\"",
            "o p=\"a\"",
        ] {
            assert_eq!(LabelSet::parse(text), None, "{text}");
        }
    }
}
