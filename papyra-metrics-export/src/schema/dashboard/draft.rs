//! A panel without a position.

use super::promql::Query;

/// A panel without an id and a position.
pub(super) struct Draft {
    /// Identifies the panel in its dashboard. The panel's id is derived from the key, so that links to the panel remain
    /// valid if others are added.
    pub(super) key: String,
    pub(super) title: String,
    /// The description in Markdown.
    pub(super) description: String,
    pub(super) chart: Chart,
    /// Grafana's id of the unit.
    pub(super) unit: String,
    pub(super) queries: Vec<Query>,
    /// The expected number of series.
    pub(super) series: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Chart {
    /// Lines whose values must not be added up.
    Lines,
    /// Quantiles, which may differ by orders of magnitude.
    Quantiles,
    /// Parts of a sum.
    Stack,
    /// Parts of a sum of errors, in red if there is only one.
    Errors,
    Heatmap,
    /// One number.
    Number,
}

/// Escapes a text so that Grafana substitutes no variables of the dashboard in it.
pub(super) fn without_variables(text: &str) -> String {
    // Grafana has no escape for `$name`, `${name}` and `[[name]]`, so an invisible word joiner separates sign and name.
    text.replace('$', "$\u{2060}").replace("[[", "[\u{2060}[")
}

#[cfg(test)]
mod tests {
    use super::without_variables;

    #[test]
    fn an_escaped_text_has_no_grafana_variables() {
        for (text, expected) in [
            ("costs 5 $", "costs 5 $\u{2060}"),
            ("$job ${job} [[job]]", "$\u{2060}job $\u{2060}{job} [\u{2060}[job]]"),
            ("[[[job]]]", "[\u{2060}[[job]]]"),
        ] {
            assert_eq!(without_variables(text), expected);
        }
    }
}
