//! The differences between two schemas.

use std::fmt;

use super::label_set::LabelSet;
use super::model::{Family, Schema};

const BOUNDS: &str = "bucket bounds";
const COMPONENT: &str = "component";
const HELP: &str = "help";
const KIND: &str = "kind";
const OBJECTIVE: &str = "objective";
const ROLE: &str = "role";
const UNIT: &str = "unit";

/// A difference between two schemas, usually between a lock file and the declared metrics. `Display` writes the old and
/// the new state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The metric's exported name, with the labels of a series if the change concerns that series alone.
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
    /// Returns the metric's exported name, with the labels of a series if the change concerns that series alone.
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

    /// Returns the earlier value of the property that has changed. Returns `None` if the property was not set, and for an
    /// addition or removal.
    pub fn old_value(&self) -> Option<&str> {
        match &self.kind {
            ChangeKind::Changed { old, .. } => old.as_deref(),
            ChangeKind::Added | ChangeKind::Removed => None,
        }
    }

    /// Returns the new value of the property that has changed. Returns `None` if the property is not set, and for an
    /// addition or removal.
    pub fn new_value(&self) -> Option<&str> {
        match &self.kind {
            ChangeKind::Changed { new, .. } => new.as_deref(),
            ChangeKind::Added | ChangeKind::Removed => None,
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
                let [old, new] = [old, new].map(|value| match value {
                    Some(value) => format!("`{value}`"),
                    None => "none".to_owned(),
                });
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
    compare(KIND, Some(old.kind.to_string()), Some(new.kind.to_string()));
    compare(UNIT, old.unit.clone(), new.unit.clone());
    compare(COMPONENT, old.component.clone(), new.component.clone());
    let role = |family: &Family| family.is_error_counter.then(|| "errors".to_owned());
    compare(ROLE, role(old), role(new));
    compare(HELP, Some(old.help.clone()), Some(new.help.clone()));
    // The bounds are unknown if the histogram was absent, for example in a flattened `Option` that is `None`.
    if let (Some(old), Some(new)) = (&old.bounds, &new.bounds) {
        compare(BOUNDS, Some(old.join(" ")), Some(new.join(" ")));
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

/// Compares the objectives of the series that exist in both families. A family is uniform if all of its series have the
/// same objective, or if no series has an objective. If both families are uniform, reports at most one change, without
/// labels.
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
        let [old, new] = [old, new].map(|objective| objective.map(ToString::to_string));
        let kind = ChangeKind::Changed { property: OBJECTIVE, old, new };
        changes.push(Change { metric, kind });
        if is_uniform {
            break;
        }
    }
}
