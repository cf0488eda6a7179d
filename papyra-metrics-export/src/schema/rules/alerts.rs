//! Creates the alerts for each metric.

use papyra_metrics::Kind;

use super::AlertRules;
use super::promql::{rate, selector, summed_over};
use super::yaml::{Alert, Group};
use crate::schema::label_set::LabelSet;
use crate::schema::model::{Family, Schema};
use crate::schema::objective::Objective;
use crate::schema::roles::{Operations, Role};

const CRITICAL: &str = "critical";
const WARNING: &str = "warning";

/// The window over which error ratios, and the progress of operations in flight, are measured. It contains several
/// scrapes at the default interval of one minute.
const WINDOW: &str = "5m";

/// A burn rate, the long window over which it is measured, and a short window. An alert fires only if the rate is
/// exceeded in both windows: the short window ends the alert soon after its cause has ended.
struct BurnRate {
    factor: f64,
    window: &'static str,
    recent: &'static str,
}

/// Burn rates from Google's "The Site Reliability Workbook", chapter 5: 2 % of a 30-day budget in an hour, and 5 % in 6 hours.
const FAST: [BurnRate; 2] = [
    BurnRate { factor: 14.4, window: "1h", recent: "5m" },
    BurnRate { factor: 6.0, window: "6h", recent: "30m" },
];
/// Burn rates from the same chapter: 10 % of the budget in a day, and 10 % in 3 days.
const SLOW: [BurnRate; 2] = [
    BurnRate { factor: 3.0, window: "1d", recent: "2h" },
    BurnRate { factor: 1.0, window: "3d", recent: "6h" },
];

/// Returns the groups of alerts that are not empty, and a line for each metric that could have an alert but has none.
pub(super) fn groups(rules: &AlertRules<'_>) -> (Vec<Group>, Vec<String>) {
    let mut without = Vec::new();
    let (mut errors, mut objectives, mut in_flight) = (Vec::new(), Vec::new(), Vec::new());
    for (name, family) in &rules.schema.families {
        match rules.schema.role(name) {
            Some(Role::Errors) => errors.push(errors_alert(rules, name, family)),
            Some(Role::InFlight) => match rules.schema.operations_of_in_flight(name) {
                Some(operations) => in_flight.push(stuck_alert(rules, name, family, operations)),
                None => without.push(format!(
                    "No alert for {name}: no metric with a matching name counts the finished operations."
                )),
            },
            None => {}
        }
        objectives.extend(objective_alerts(name, family));
    }
    let groups = [
        Group { name: "papyra-metrics-errors", alerts: errors },
        Group { name: "papyra-metrics-objectives", alerts: objectives },
        Group { name: "papyra-metrics-in-flight", alerts: in_flight },
        Group { name: "papyra-metrics-availability", alerts: availability_alerts(rules.schema) },
    ];
    (groups.into_iter().filter(|group| !group.alerts.is_empty()).collect(), without)
}

fn errors_alert(rules: &AlertRules<'_>, name: &str, family: &Family) -> Alert {
    let errors = format!("{name}_total");
    let Some(operations) = rules.schema.operations_of_errors(name) else {
        return Alert {
            name: camel_case(name, "Occur"),
            expression: format!("{} > 0", rate(&errors, WINDOW, &family.label_names())),
            pending: Some("10m".to_owned()),
            severity: WARNING,
            summary: format!("{INSTANCE}: {name} keeps growing"),
            description: described(
                family,
                &format!("{name}: {{{{ $value | humanize }}}} errors per second."),
            ),
        };
    };
    let (own, others) = summed_labels(rules.schema, family, operations);
    let errors = rate(&errors, WINDOW, &own);
    let all = rate(&operations.sample(), WINDOW, &others);
    let all = if operations.includes_errors() { all } else { format!("({errors} + {all})") };
    let percent = rules.max_error_percent;
    Alert {
        name: camel_case(name, "High"),
        expression: format!("{errors}\n  / {all}\n  > {}", percent / 100.0),
        pending: Some("5m".to_owned()),
        severity: CRITICAL,
        summary: format!(
            "{INSTANCE}: {{{{ $value | humanizePercentage }}}} of operations fail ({name})"
        ),
        description: described(
            family,
            &format!(
                "{name} exceeds {percent}% of the operations that {} counts.",
                operations.name()
            ),
        ),
    }
}

fn stuck_alert(
    rules: &AlertRules<'_>,
    name: &str,
    family: &Family,
    operations: Operations<'_>,
) -> Alert {
    let (own, others) = summed_labels(rules.schema, family, operations);
    let minutes = rules.stuck_after_minutes;
    Alert {
        name: camel_case(name, "Stuck"),
        expression: format!(
            "{} > 0\n  and {} == 0",
            summed_over(name, &own),
            rate(&operations.sample(), WINDOW, &others)
        ),
        pending: Some(format!("{minutes}m")),
        severity: CRITICAL,
        summary: format!("{INSTANCE}: {{{{ $value }}}} operations are stuck ({name})"),
        description: described(
            family,
            &format!(
                "{name} is above zero, and {} has not grown for {minutes} minutes.",
                operations.name()
            ),
        ),
    }
}

/// Returns the labels to sum over, so that both sides of an expression have the same labels: first the labels that only
/// `family` has, then the labels that only the family of `operations` has.
fn summed_labels<'a>(
    schema: &'a Schema,
    family: &'a Family,
    operations: Operations<'_>,
) -> (Vec<&'a str>, Vec<&'a str>) {
    let own = family.label_names();
    let others =
        schema.families.get(operations.name()).map(Family::label_names).unwrap_or_default();
    let only_own = own.iter().copied().filter(|label| !others.contains(label)).collect();
    let only_others = others.iter().copied().filter(|label| !own.contains(label)).collect();
    (only_own, only_others)
}

fn objective_alerts(name: &str, family: &Family) -> Vec<Alert> {
    let objectives: Vec<(LabelSet, &Objective)> = match family.common_objective() {
        Some(objective) => vec![(LabelSet::default(), objective)],
        None => family.objectives.iter().map(|(labels, it)| (labels.clone(), it)).collect(),
    };
    let alerts = objectives.into_iter().flat_map(|(labels, objective)| {
        let fast = (&FAST, "BudgetBurnsFast", CRITICAL);
        let slow = (&SLOW, "BudgetBurnsSlowly", WARNING);
        [fast, slow].into_iter().filter_map(move |(rates, suffix, severity)| {
            let expression = burn_expression(name, &labels, objective, rates)?;
            Some(Alert {
                name: camel_case(name, suffix),
                expression,
                pending: None,
                severity,
                summary: format!(
                    "{{{{ $labels.job }}}}: {{{{ $value | humanizePercentage }}}} of the values of {name} exceed {}",
                    objective.within()
                ),
                description: described(
                    family,
                    &format!(
                        "The objective is that {}% of the values of {name} are within {}{}.",
                        objective.percent(),
                        objective.within(),
                        family.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default()
                    ),
                ),
            })
        })
    });
    alerts.collect()
}

/// Returns an expression that is true if one of the burn rates is exceeded in both of its windows. Returns `None` if no
/// burn rate can be reached.
fn burn_expression(
    name: &str,
    labels: &LabelSet,
    objective: &Objective,
    rates: &[BurnRate],
) -> Option<String> {
    let budget = objective.budget();
    let reachable = rates.iter().filter(|rate| rate.factor * budget < 1.0);
    let alternatives = reachable.map(|rate| {
        let BurnRate { factor, window, recent } = rate;
        let [window, recent] = [window, recent].map(|window| {
            let missed = missed_share(name, labels, objective, window);
            format!("{missed} > {factor} * {budget}")
        });
        format!("(\n{}\n  and\n{}\n)", indented(&window), indented(&recent))
    });
    let alternatives: Vec<_> = alternatives.collect();
    (!alternatives.is_empty()).then(|| alternatives.join("\nor\n"))
}

/// Returns an expression for the share of values above the bound of the objective, over all instances of a job.
fn missed_share(name: &str, labels: &LabelSet, objective: &Objective, window: &str) -> String {
    let labels: Vec<(&str, &str)> = labels.iter().collect();
    let with_bound: Vec<_> =
        [("le", objective.within())].into_iter().chain(labels.clone()).collect();
    let within = selector(&format!("{name}_bucket"), &with_bound);
    let all = selector(&format!("{name}_count"), &labels);
    format!(
        "1 - {}\n  / {}",
        rate(&within, window, &["instance", "le"]),
        rate(&all, window, &["instance"])
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Returns the alerts for processes that have stopped exporting. A single metric represents all metrics of a process.
fn availability_alerts(schema: &Schema) -> Vec<Alert> {
    let families = || schema.families.iter();
    let counter = families().find(|(_, family)| family.kind == Kind::Counter);
    let Some((name, family)) = counter.or_else(|| families().next()) else { return Vec::new() };
    let sample = match family.kind {
        Kind::Counter => format!("{name}_total"),
        Kind::Histogram => format!("{name}_count"),
        _ => name.clone(),
    };
    let scrape_fails = Alert {
        name: camel_case(name, "ScrapeFails"),
        expression: format!("up == 0\n  and on (job, instance) present_over_time({sample}[1h])"),
        pending: Some("5m".to_owned()),
        severity: CRITICAL,
        summary: format!("{INSTANCE}: cannot be scraped"),
        description: format!(
            "A process that exported {sample} within the last hour has not been scraped for 5 minutes."
        ),
    };
    let absent = Alert {
        name: camel_case(name, "Absent"),
        expression: format!("absent({sample})"),
        pending: Some("5m".to_owned()),
        severity: CRITICAL,
        summary: format!("No process exports {sample}"),
        description: format!("There has been no series of {sample} for 5 minutes."),
    };
    vec![scrape_fails, absent]
}

const INSTANCE: &str = "{{ $labels.instance }}";

/// Returns the help text of a metric, followed by a description of the event. The help text is escaped, because
/// Prometheus interprets a description as a template.
fn described(family: &Family, event: &str) -> String {
    if family.help.is_empty() {
        return event.to_owned();
    }
    format!("{} {event}", family.help.replace("{{", "{{ \"{{\" }}"))
}

/// Returns a name in camel case followed by a suffix: `ShopAppendErrorsHigh` for `shop_append_errors` and `High`.
fn camel_case(name: &str, suffix: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    });
    words.chain([suffix.to_owned()]).collect()
}
