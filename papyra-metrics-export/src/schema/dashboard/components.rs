//! Groups metrics into components by the first words of their names.

use super::metric::{Metric, is_same_word};

/// A component: metrics whose names begin with the same words.
pub(super) struct Component<'a, 'm> {
    /// The words with which the names of the component's metrics begin. Empty for the component that contains all
    /// remaining metrics.
    pub(super) words: Vec<&'a str>,
    pub(super) metrics: Vec<&'m Metric<'a>>,
}

/// The largest number of metrics in a group that is not split by the next word of the metrics' names.
const LARGE: usize = 12;

/// Groups metrics, which are ordered by name, into components. If some metrics fit into no component, a last component
/// contains them.
pub(super) fn of<'a, 'm>(metrics: &'m [Metric<'a>]) -> Vec<Component<'a, 'm>> {
    let mut components = Vec::new();
    let rest = split(metrics.iter().collect(), 0, &mut components);
    components.sort_by(|a: &Component<'_, '_>, b| a.words.cmp(&b.words));
    if !rest.is_empty() {
        components.push(Component { words: Vec::new(), metrics: rest });
    }
    components
}

/// Groups metrics into components by the word at `index` in the metrics' names. Returns the metrics that fit into no
/// component.
fn split<'a, 'm>(
    metrics: Vec<&'m Metric<'a>>,
    index: usize,
    components: &mut Vec<Component<'a, 'm>>,
) -> Vec<&'m Metric<'a>> {
    let mut groups: Vec<Vec<&Metric<'a>>> = Vec::new();
    let mut rest = Vec::new();
    for metric in metrics {
        let Some(word) = metric.words.get(index) else {
            rest.push(metric);
            continue;
        };
        let is_of = |group: &&mut Vec<&Metric<'_>>| {
            group.iter().any(|other| is_same_word(other.words[index], word))
        };
        match groups.iter_mut().find(is_of) {
            Some(group) => group.push(metric),
            None => groups.push(vec![metric]),
        }
    }
    for mut group in groups {
        if group.len() > LARGE {
            group = split(group, index + 1, components);
        }
        if group.len() < 2 {
            rest.append(&mut group);
        } else {
            components.push(Component { words: common_words(&group), metrics: group });
        }
    }
    rest.sort_by_key(|metric| metric.name);
    rest
}

/// Returns the words with which all names of a group begin. If the names contain both the singular and the plural of a
/// word, the singular is returned.
fn common_words<'a>(group: &[&Metric<'a>]) -> Vec<&'a str> {
    let [first, rest @ ..] = group else { return Vec::new() };
    let mut common = Vec::new();
    for (i, word) in first.words.iter().enumerate() {
        let of_others = || rest.iter().map(|metric| metric.words.get(i).copied());
        if !of_others().all(|other| other.is_some_and(|other| is_same_word(other, word))) {
            break;
        }
        let shortest = of_others().flatten().min_by_key(|other| other.len());
        common.push(shortest.filter(|other| other.len() < word.len()).unwrap_or(word));
    }
    common
}
