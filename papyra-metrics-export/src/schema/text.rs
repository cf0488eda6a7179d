//! Writes and parses the text of a lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use papyra_metrics::Kind;
use papyra_metrics::naming::{is_name, is_unit};

use super::escape::{escape, unescape};
use super::label_set::LabelSet;
use super::model::{Family, Schema};
use super::objective::Objective;

const HEADER: &str = "\
# The exported metrics. Dashboards and alerts depend on them, so a test compares this file with the code.
# To accept a change, run the test with UPDATE_METRICS=1.
";

/// The word after `role` that marks a counter of errors.
const ERRORS: &str = "errors";

const KINDS: [Kind; 3] = [Kind::Counter, Kind::Gauge, Kind::Histogram];

/// Writes the content of a lock file.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for (name, family) in &self.families {
            let Family { kind, unit, component, help, bounds, objectives, series, .. } = family;
            write!(f, "\n{name}\n  kind {kind}\n")?;
            if let Some(unit) = unit {
                writeln!(f, "  unit {unit}")?;
            }
            if let Some(component) = component {
                writeln!(f, "  component {component}")?;
            }
            if family.is_error_counter {
                writeln!(f, "  role {ERRORS}")?;
            }
            if !help.is_empty() {
                writeln!(f, "  help {}", escape(help))?;
            }
            if let Some(bounds) = bounds {
                writeln!(f, "  bounds {}", bounds.join(" "))?;
            }
            match family.common_objective() {
                Some(objective) => writeln!(f, "  objective {objective}")?,
                None => objectives
                    .iter()
                    .try_for_each(|(labels, it)| writeln!(f, "  objective {it} {labels}"))?,
            }
            // A family without labels has a single series with an empty set, which needs no line.
            for labels in series.iter().filter(|labels| series.len() > 1 || !labels.is_empty()) {
                writeln!(f, "{}", format!("  series {labels}").trim_end())?;
            }
        }
        Ok(())
    }
}

/// Parses the content of a lock file. An error contains the number of the line, counted from 1, and a description of
/// the problem.
pub(super) fn parse(text: &str) -> Result<Schema, (usize, String)> {
    let mut schema = Schema::default();
    let mut family: Option<(String, Draft)> = None;
    let mut finish = |family: Option<(String, Draft)>| match family {
        Some((name, draft)) => {
            let (line, family) = (draft.line, draft.finish(&name)?);
            match schema.families.insert(name.clone(), family) {
                None => Ok(()),
                Some(_) => Err((line, format!("`{name}` is listed twice"))),
            }
        }
        None => Ok(()),
    };
    for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim_end())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(property) = line.strip_prefix("  ") else {
            finish(family.take())?;
            family = Some((line.to_owned(), Draft::new(number)));
            continue;
        };
        let Some((_, draft)) = &mut family else {
            return Err((number, "a property comes before the first name".to_owned()));
        };
        draft.set(property).map_err(|problem| (number, problem))?;
    }
    finish(family)?;
    Ok(schema)
}

/// A family whose lines are being parsed.
struct Draft {
    line: usize,
    kind: Option<Kind>,
    unit: Option<String>,
    component: Option<String>,
    is_error_counter: bool,
    help: String,
    bounds: Option<Vec<String>>,
    /// The objectives that apply to single series.
    objectives: BTreeMap<LabelSet, Objective>,
    /// The objective that applies to all series.
    common_objective: Option<Objective>,
    series: BTreeSet<LabelSet>,
}

impl Draft {
    fn new(line: usize) -> Self {
        Self {
            line,
            kind: None,
            unit: None,
            component: None,
            is_error_counter: false,
            help: String::new(),
            bounds: None,
            objectives: BTreeMap::new(),
            common_objective: None,
            series: BTreeSet::new(),
        }
    }

    fn set(&mut self, property: &str) -> Result<(), String> {
        let (key, value) = property.split_once(' ').unwrap_or((property, ""));
        match key {
            "kind" => {
                let known = KINDS.into_iter().find(|kind| kind.to_string() == value);
                self.kind = Some(known.ok_or_else(|| {
                    format!("`{value}` is not a kind; expected `counter`, `gauge` or `histogram`")
                })?);
            }
            "unit" if !is_unit(value) => return Err(format!("`{value}` is not a unit")),
            "unit" => self.unit = Some(value.to_owned()),
            "component" => self.component = Some(value.to_owned()),
            "role" if value == ERRORS => self.is_error_counter = true,
            "role" => return Err(format!("`{value}` is not a role; expected `{ERRORS}`")),
            "objective" => self.set_objective(value)?,
            "help" => self.help = unescape(value),
            "bounds" => self.bounds = Some(value.split(' ').map(str::to_owned).collect()),
            "series" => {
                self.series.insert(parse_labels(value)?);
            }
            _ => {
                return Err(format!(
                    "unknown property `{key}`; expected `bounds`, `component`, `help`, `kind`, `objective`, `role`, `series` or `unit`"
                ));
            }
        }
        Ok(())
    }

    fn set_objective(&mut self, value: &str) -> Result<(), String> {
        let (objective, labels) = Objective::parse(value).ok_or_else(|| {
            format!("`{value}` is not an objective; expected a text such as `99.9% within 0.1`")
        })?;
        if labels.is_empty() {
            self.common_objective = Some(objective);
        } else {
            self.objectives.insert(parse_labels(labels)?, objective);
        }
        Ok(())
    }

    fn finish(mut self, name: &str) -> Result<Family, (usize, String)> {
        let Some(kind) = self.kind else {
            return Err((
                self.line,
                format!("`{name}` has no kind; each name is followed by `  kind …`"),
            ));
        };
        if !is_name(name) {
            return Err((self.line, format!("`{name}` is not the name of a metric")));
        }
        if self.series.is_empty() {
            self.series.insert(LabelSet::default());
        }
        if let Some(objective) = self.common_objective {
            self.objectives =
                self.series.iter().map(|it| (it.clone(), objective.clone())).collect();
        }
        let Self { unit, component, is_error_counter, help, bounds, objectives, series, .. } = self;
        Ok(Family { kind, unit, component, is_error_counter, help, bounds, objectives, series })
    }
}

fn parse_labels(text: &str) -> Result<LabelSet, String> {
    LabelSet::parse(text)
        .ok_or_else(|| format!("`{text}` is not a list of labels; expected `name=\"value\",…`"))
}
