//! The differences between two schemas.

use std::fmt;

use super::label_set::LabelSet;
use super::model::{Family, Schema};

const COMPONENT: &str = "component";
const HELP: &str = "help";
const OBJECTIVE: &str = "objective";
const ROLE: &str = "role";

/// A difference between two schemas, usually between a lock file and the declared metrics. `Display` writes the old and
/// the new state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The metric's exported name, with labels if only one series has changed.
    metric: String,
    kind: ChangeKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ChangeKind {
    Added,
    Removed,
    Changed { property: &'static str, old: Option<String>, new: Option<String> },
}

impl Change {
    /// Returns the metric's exported name, with labels if only one series has changed.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Returns the property that has changed, such as `unit` or `bucket bounds`, or `None` for an addition or removal.
    pub fn property(&self) -> Option<&str> {
        match &self.kind {
            ChangeKind::Added | ChangeKind::Removed => None,
            ChangeKind::Changed { property, .. } => Some(property),
        }
    }

    /// Returns whether the change can break dashboards and alerts. Every change is breaking, except for additions and
    /// for changes of help texts and components.
    ///
    /// Removing or changing an objective is breaking, because alerts depend on it, and so is removing the `errors` mark
    /// of a counter. A new objective or mark counts as an addition.
    pub fn is_breaking(&self) -> bool {
        match &self.kind {
            ChangeKind::Added => false,
            ChangeKind::Removed => true,
            ChangeKind::Changed { property, old, .. } => match *property {
                COMPONENT | HELP => false,
                OBJECTIVE | ROLE => old.is_some(),
                _ => true,
            },
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = &self.metric;
        match &self.kind {
            ChangeKind::Added => write!(f, "`{metric}` is new"),
            ChangeKind::Removed => write!(f, "`{metric}` is removed"),
            ChangeKind::Changed { property, old, new } => {
                let [old, new] = [old, new].map(|text| text.as_deref().unwrap_or("none"));
                write!(f, "`{metric}` changes its {property} from {old} to {new}")
            }
        }
    }
}

impl Schema {
    /// Returns the differences between an earlier schema and this one, ordered by name.
    pub fn changes_since(&self, earlier: &Self) -> Vec<Change> {
        between(earlier, self)
    }
}

fn between(old: &Schema, new: &Schema) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, old) in &old.families {
        match new.families.get(name) {
            Some(new) => compare(name, old, new, &mut changes),
            None => changes.push(Change { metric: name.clone(), kind: ChangeKind::Removed }),
        }
    }
    let added = new.families.keys().filter(|name| !old.families.contains_key(*name));
    changes.extend(added.map(|name| Change { metric: name.clone(), kind: ChangeKind::Added }));
    changes.sort_by(|a, b| a.metric.cmp(&b.metric));
    changes
}

fn compare(name: &str, old: &Family, new: &Family, changes: &mut Vec<Change>) {
    let mut compare = |property, old: Option<String>, new: Option<String>| {
        if old != new {
            let kind = ChangeKind::Changed { property, old, new };
            changes.push(Change { metric: name.to_owned(), kind });
        }
    };
    let quoted = |text: &str| Some(format!("`{text}`"));
    let bounds = |bounds: &[String]| quoted(&bounds.join(" "));
    compare("kind", quoted(&old.kind.to_string()), quoted(&new.kind.to_string()));
    compare("unit", old.unit.as_deref().and_then(quoted), new.unit.as_deref().and_then(quoted));
    let component = |family: &Family| family.component.as_deref().and_then(quoted);
    compare(COMPONENT, component(old), component(new));
    let role = |family: &Family| family.is_error_counter.then(|| "`errors`".to_owned());
    compare(ROLE, role(old), role(new));
    compare(HELP, quoted(&old.help), quoted(&new.help));
    // The bounds are unknown if the histogram was absent, for example in a flattened `Option` that is `None`.
    if let (Some(old), Some(new)) = (&old.bounds, &new.bounds) {
        compare("bucket bounds", bounds(old), bounds(new));
    }
    compare_objectives(name, old, new, changes);
    let series = |labels: &LabelSet| {
        if labels.is_empty() {
            format!("{name} without labels")
        } else {
            format!("{name}{{{labels}}}")
        }
    };
    let removed = old.series.difference(&new.series);
    changes.extend(removed.map(|it| Change { metric: series(it), kind: ChangeKind::Removed }));
    let added = new.series.difference(&old.series);
    changes.extend(added.map(|it| Change { metric: series(it), kind: ChangeKind::Added }));
}

/// Compares the objectives of the series that exist in both families. If, in each of the two families, all series have
/// the same objective or none has one, reports a single change.
fn compare_objectives(name: &str, old: &Family, new: &Family, changes: &mut Vec<Change>) {
    let is_common =
        |family: &Family| family.objectives.is_empty() || family.common_objective().is_some();
    let is_uniform = is_common(old) && is_common(new);
    for labels in old.series.intersection(&new.series) {
        let [old, new] = [old, new].map(|family| family.objectives.get(labels));
        if old == new {
            continue;
        }
        let is_whole = is_uniform || labels.is_empty();
        let metric = if is_whole { name.to_owned() } else { format!("{name}{{{labels}}}") };
        let [old, new] = [old, new].map(|objective| objective.map(|it| format!("`{it}`")));
        let kind = ChangeKind::Changed { property: OBJECTIVE, old, new };
        changes.push(Change { metric, kind });
        if is_uniform {
            break;
        }
    }
}
