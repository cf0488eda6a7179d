//! The differences between two schemas.

use std::fmt;

use super::label_set::LabelSet;
use super::model::{Family, Schema};

const COMPONENT: &str = "component";
const HELP: &str = "help";
const OBJECTIVE: &str = "objective";
const ROLE: &str = "role";

/// One difference between a lock file and the declared metrics. Its text names both states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name, with the labels if one series is concerned.
    metric: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Added,
    Removed,
    Changed { property: &'static str, old: Option<String>, new: Option<String> },
}

impl Change {
    /// Returns the metric's exported name, with labels if only one series of it is concerned.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Returns the property that has changed, such as `unit` or `bucket bounds`, or `None` for an addition or removal.
    pub fn property(&self) -> Option<&str> {
        match &self.what {
            What::Added | What::Removed => None,
            What::Changed { property, .. } => Some(property),
        }
    }

    /// Whether dashboards and alerts may depend on what has changed: everything but additions, help texts and
    /// components.
    ///
    /// Removing or changing an objective is breaking, because alerts guard it; so is removing the mark of an error counter.
    /// A new objective is an addition.
    pub fn is_breaking(&self) -> bool {
        match &self.what {
            What::Added => false,
            What::Removed => true,
            What::Changed { property, old, .. } => match *property {
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
        match &self.what {
            What::Added => write!(f, "`{metric}` is new"),
            What::Removed => write!(f, "`{metric}` is removed"),
            What::Changed { property, old, new } => {
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
            None => changes.push(Change { metric: name.clone(), what: What::Removed }),
        }
    }
    let added = new.families.keys().filter(|name| !old.families.contains_key(*name));
    changes.extend(added.map(|name| Change { metric: name.clone(), what: What::Added }));
    changes.sort_by(|a, b| a.metric.cmp(&b.metric));
    changes
}

fn compare(name: &str, old: &Family, new: &Family, changes: &mut Vec<Change>) {
    let mut compare = |property, old: Option<String>, new: Option<String>| {
        if old != new {
            let what = What::Changed { property, old, new };
            changes.push(Change { metric: name.to_owned(), what });
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
    // The bounds of a histogram that is absent now are unknown, so they are not reported as changed.
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
    changes.extend(removed.map(|it| Change { metric: series(it), what: What::Removed }));
    let added = new.series.difference(&old.series);
    changes.extend(added.map(|it| Change { metric: series(it), what: What::Added }));
}

/// Compares the objectives of the series that are in both. Reports a single change if all series of each family have the same
/// objective.
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
        let what = What::Changed { property: OBJECTIVE, old, new };
        changes.push(Change { metric, what });
        if is_uniform {
            break;
        }
    }
}
