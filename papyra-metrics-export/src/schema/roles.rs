//! The roles of metrics: which counters count errors, which gauges count operations in flight, and which other metric
//! counts the operations of such a counter or gauge.
//!
//! The derive marks a struct's error counter. All other roles are derived from names; `docs/guide/alerts.md` lists the
//! rules.

use std::iter;

use papyra_metrics::Kind;

use super::label_set::LabelSet;
use super::model::{Family, Schema};

/// The role of a metric. Most metrics have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A counter of failed operations. Its field is marked with `errors`, or it has a name such as `write_errors`.
    Errors,
    /// A gauge of the operations that are currently running.
    InFlight,
}

/// The metric that counts operations. Contains the exported name of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operations<'a> {
    /// A histogram of the operations' durations. Its count includes failed operations.
    Timed(&'a str),
    /// A counter of calls, which includes failed calls.
    Calls(&'a str),
    /// A counter of successful operations.
    Successes(&'a str),
}

/// The name of an error counter ends in one of these words, unless its field is marked with `errors`.
const ERRORS: [&str; 3] = ["errors", "failures", "failed"];
/// The name of a counter of calls ends in one of these words, or is the plain name of the calls, such as `appends`.
const CALLS: [&str; 8] =
    ["calls", "attempts", "runs", "requests", "operations", "ops", "started", "starts"];
/// The name of a counter of successful operations ends in one of these words.
const SUCCESSES: [&str; 4] = ["ok", "successes", "succeeded", "completed"];
const IN_FLIGHT: &str = "in_flight";

impl<'a> Operations<'a> {
    /// Returns the exported name of the metric.
    pub(super) fn name(self) -> &'a str {
        match self {
            Self::Timed(name) | Self::Calls(name) | Self::Successes(name) => name,
        }
    }

    /// Returns the name of the sample that counts operations.
    pub(super) fn sample(self) -> String {
        match self {
            Self::Timed(name) => format!("{name}_count"),
            Self::Calls(name) | Self::Successes(name) => format!("{name}_total"),
        }
    }

    /// Returns whether the metric also counts failed operations.
    pub(super) fn includes_errors(self) -> bool {
        !matches!(self, Self::Successes(_))
    }
}

impl Schema {
    /// Returns the role of the metric with this name, or `None` if the metric has no role.
    pub(super) fn role(&self, name: &str) -> Option<Role> {
        let family = self.families.get(name)?;
        match family.kind {
            Kind::Counter if family.is_error_counter => Some(Role::Errors),
            Kind::Counter => ERRORS.contains(&last_word(name)).then_some(Role::Errors),
            Kind::Gauge => without_suffix(name, IN_FLIGHT).map(|_| Role::InFlight),
            _ => None,
        }
    }

    /// Finds the metric that counts the operations of the error counter `errors`.
    ///
    /// For `append_errors`, this is the first of `append_seconds`, `append_calls`, `appends` and `append_ok` that
    /// exists. If none exists, it is the only histogram of durations whose name begins with the same words, such as
    /// `wal_append_seconds` for `wal_errors`.
    pub(super) fn operations_of_errors(&self, errors: &str) -> Option<Operations<'_>> {
        let stem = errors.strip_suffix(last_word(errors))?.trim_end_matches('_');
        self.operations(stem, errors).or_else(|| self.only_timed(errors, stem))
    }

    /// Finds the metric that counts the operations of the gauge `in_flight`.
    pub(super) fn operations_of_in_flight(&self, in_flight: &str) -> Option<Operations<'_>> {
        let stem = without_suffix(in_flight, IN_FLIGHT)?;
        self.operations(stem, in_flight).or_else(|| self.only_timed(in_flight, stem))
    }

    fn operations(&self, stem: &str, other: &str) -> Option<Operations<'_>> {
        let forms = forms(stem);
        let timed = forms.iter().find_map(|form| self.timed(&joined(form, "seconds")));
        let counter = |names: &[&str]| {
            let named = forms.iter().flat_map(|form| names.iter().map(|name| joined(form, name)));
            named.filter(|name| name != other).find_map(|name| self.counter(&name))
        };
        let plain = || forms.iter().filter(|form| *form != other).find_map(|it| self.counter(it));
        timed
            .map(Operations::Timed)
            .or_else(|| counter(&CALLS).or_else(plain).map(Operations::Calls))
            .or_else(|| counter(&SUCCESSES).map(Operations::Successes))
    }

    /// Returns the only histogram of durations whose name begins with `stem`. If `stem` is the component of the metric
    /// `name`, returns the only histogram of durations in this component. Returns `None` if there is no such histogram,
    /// or more than one.
    fn only_timed(&self, name: &str, stem: &str) -> Option<Operations<'_>> {
        let component = self.families.get(name)?.component.as_deref();
        let is_component = component.unwrap_or_default() == stem;
        let begins = format!("{stem}_");
        let is_candidate = |other: &str, family: &Family| {
            if is_component {
                family.component.as_deref() == component
            } else {
                !stem.is_empty() && other.starts_with(&begins)
            }
        };
        let mut timed = self
            .families
            .iter()
            .filter(|(name, family)| is_candidate(name, family) && self.timed(name).is_some());
        let (first, _) = timed.next()?;
        timed.next().is_none().then_some(Operations::Timed(first))
    }

    fn timed(&self, name: &str) -> Option<&str> {
        let (name, family) = self.families.get_key_value(name)?;
        let is_timed = family.kind == Kind::Histogram && family.unit.as_deref() == Some("seconds");
        is_timed.then_some(name)
    }

    fn counter(&self, name: &str) -> Option<&str> {
        let (name, family) = self.families.get_key_value(name)?;
        let is_count = family.kind == Kind::Counter && family.unit.is_none();
        (is_count && self.role(name).is_none()).then_some(name)
    }
}

impl Family {
    /// Returns the names of the labels of all series, in alphabetical order.
    pub(super) fn label_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.series.iter().flat_map(LabelSet::names).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn last_word(name: &str) -> &str {
    name.rsplit('_').next().unwrap_or(name)
}

/// Returns the name without the suffix and the `_` before the suffix. Returns `None` if the name does not end in the
/// suffix.
fn without_suffix<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    let stem = name.strip_suffix(suffix)?;
    if stem.is_empty() { Some(stem) } else { stem.strip_suffix('_') }
}

fn joined(stem: &str, word: &str) -> String {
    if stem.is_empty() { word.to_owned() } else { format!("{stem}_{word}") }
}

/// Returns a name together with its possible plurals and singulars.
fn forms(stem: &str) -> Vec<String> {
    if stem.is_empty() {
        return vec![String::new()];
    }
    let plurals = match stem.strip_suffix('y') {
        Some(rest) => vec![format!("{rest}ies"), format!("{stem}s")],
        None => vec![format!("{stem}s"), format!("{stem}es")],
    };
    let singulars = [("ies", "y"), ("es", ""), ("s", "")]
        .into_iter()
        .filter_map(|(plural, end)| Some(format!("{}{end}", stem.strip_suffix(plural)?)));
    iter::once(stem.to_owned()).chain(plurals).chain(singulars).collect()
}

#[cfg(test)]
mod tests {
    use papyra_metrics::persistence::PersistenceMetrics;
    use papyra_metrics::{Counter, Gauge, Histogram, Metrics};

    use super::Operations::{Calls, Successes, Timed};
    use super::{Operations, Role, Schema};

    fn operations<'a>(schema: &'a Schema, name: &str) -> Option<Operations<'a>> {
        match schema.role(name)? {
            Role::Errors => schema.operations_of_errors(name),
            Role::InFlight => schema.operations_of_in_flight(name),
        }
    }

    #[test]
    fn every_error_counter_of_persistence_metrics_has_known_operations() {
        let schema = Schema::of(&PersistenceMetrics::default());
        for operation in ["write", "read", "scan", "recovery", "compaction"] {
            let timed = format!("{operation}_seconds");
            let found = operations(&schema, &format!("{operation}_errors"));
            assert_eq!(found, Some(Timed(&timed)));
        }
        let schema = schema.with_prefix("papyra");
        let found = operations(&schema, "papyra_write_errors");
        assert_eq!(found, Some(Timed("papyra_write_seconds")));
        assert_eq!(schema.role("papyra_records_written"), None);
    }

    #[test]
    fn operations_are_found_by_name_and_a_marked_error_counter_may_have_any_name() {
        #[derive(Default, Metrics)]
        #[metrics(prefix = "wal_")]
        struct Wal {
            errors: Counter,
            records: Counter,
            append: Histogram,
        }
        #[derive(Default, Metrics)]
        struct Engine {
            #[metrics(flatten)]
            wal: Wal,
            queries: Counter,
            query_errors: Counter,
            query_failures: Counter,
            scan_runs: Counter,
            scan_errors: Counter,
            scans_in_flight: Gauge,
            flush_ok: Counter,
            flush_errors: Counter,
            sync_errors: Counter,
            merge_errors: Counter,
            merge_step: Histogram,
            load_errors: Counter,
            load_table: Histogram,
            load_index: Histogram,
            in_flight: Gauge,
            #[metrics(errors)]
            delete_problems: Counter,
            deletes: Counter,
        }
        let schema = Schema::of(&Engine::default());
        for (name, expected) in [
            ("wal_errors", Some(Timed("wal_append_seconds"))),
            ("query_errors", Some(Calls("queries"))),
            ("query_failures", Some(Calls("queries"))),
            ("scan_errors", Some(Calls("scan_runs"))),
            ("scans_in_flight", Some(Calls("scan_runs"))),
            ("flush_errors", Some(Successes("flush_ok"))),
            ("sync_errors", None),
            ("merge_errors", Some(Timed("merge_step_seconds"))),
            ("load_errors", None),
            ("in_flight", None),
            ("delete_problems", Some(Calls("deletes"))),
        ] {
            assert!(schema.role(name).is_some(), "{name}");
            assert_eq!(operations(&schema, name), expected, "{name}");
        }
    }
}
