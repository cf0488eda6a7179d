//! Panels that have no position yet.

use super::promql::Query;

/// A panel that has no id and no position yet. `layout` assigns both.
pub(super) struct Draft {
    /// The key of the panel, which is unique in its dashboard. The id of the panel is derived from the key, so that
    /// links to the panel remain valid when other panels are added.
    pub(super) key: String,
    pub(super) title: String,
    /// The description in Markdown.
    pub(super) description: String,
    pub(super) chart: Chart,
    /// Grafana's id of the unit.
    pub(super) unit: String,
    pub(super) queries: Vec<Query>,
    /// The expected number of series in the panel.
    pub(super) series: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Chart {
    /// Lines, for values that must not be added up.
    Lines,
    /// Lines for quantiles, on a logarithmic scale.
    Quantiles,
    /// Stacked areas, for the parts of a sum.
    Stack,
    /// Stacked areas, for numbers of errors. If there is only one series, it is red.
    Errors,
    Heatmap,
    /// A single number.
    Number,
}

/// Escapes a text so that Grafana does not replace parts of it by the values of variables.
pub(super) fn without_variables(text: &str) -> String {
    // Grafana has no escape for `$name`, `${name}` and `[[name]]`. An invisible word joiner after `$` or `[` prevents
    // the replacement.
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
