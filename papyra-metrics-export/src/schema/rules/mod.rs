//! Alert rules for Prometheus, generated from the declared metrics.

mod alerts;
mod promql;
mod yaml;

use std::fmt;

use super::model::Schema;

/// Alert rules for Prometheus. `Display` writes the YAML of a rule file. The same schema always gives the same text.
///
/// | alert | fires if | severity |
/// |---|---|---|
/// | `…High` | for 5 minutes, more than 1 % of the operations in the last 5 minutes have failed | critical |
/// | `…Occur` | errors keep occurring for 10 minutes, and the number of operations is not known | warning |
/// | `…BudgetBurnsFast` | the error budget of an objective would be used up in about 2 days at the rate of the last hour, or in 5 days at the rate of the last 6 hours | critical |
/// | `…BudgetBurnsSlowly` | the error budget would be used up in 10 days at the rate of the last day, or in 30 days at the rate of the last 3 days | warning |
/// | `…Stuck` | operations are in flight, and no operation has finished for 15 minutes | critical |
/// | `…ScrapeFails` | a process that exported these metrics cannot be scraped for 5 minutes | critical |
/// | `…Absent` | no process has exported these metrics for 5 minutes | critical |
///
/// The metric that counts the operations of an error counter or of a gauge `…_in_flight` is found by name; see
/// [Roles](#roles).
///
/// ```
/// use papyra_metrics::{Counter, Histogram, Metrics};
/// use papyra_metrics_export::schema::{AlertRules, Schema};
///
/// #[derive(Default, Metrics)]
/// struct LogMetrics {
///     #[metrics(errors)]
///     append_errors: Counter,
///     #[metrics(objective(within = "100ms", of = 99.9))]
///     append: Histogram,
/// }
///
/// let schema = Schema::of(&LogMetrics::default()).with_prefix("shop");
/// let rules = AlertRules::new(&schema).to_string();
/// assert!(rules.contains("- alert: ShopAppendErrorsHigh\n"));
/// assert!(rules.contains("rate(shop_append_seconds_bucket{le=\"0.1\"}[1h])"));
/// ```
///
/// # Roles
///
/// A counter counts errors if its field is marked with `errors`, or if its name ends in `errors`, `failures` or
/// `failed`. A gauge counts operations in flight if its name ends in `in_flight`. The rest of the name is the name of
/// the operations, in singular or plural. The first of these metrics that exists counts the operations:
///
/// | metric | example for `append_errors` | counts |
/// |---|---|---|
/// | a histogram of durations | `append` (`append_seconds`) | operations that returned |
/// | a counter ending in `calls`, `attempts`, `runs`, `requests`, `operations`, `ops`, `started` or `starts` | `append_calls` | all operations |
/// | a counter with the name of the operations | `appends` | all operations |
/// | a counter ending in `ok`, `successes`, `succeeded` or `completed` | `append_ok` | operations that succeeded |
///
/// If none of them exists, the only histogram of durations whose name begins with the same words counts the operations:
/// `wal_append` for `wal_errors`.
///
/// # Objectives
///
/// The alerts of an [objective](papyra_metrics::Objective) measure in two windows how fast its error budget is used up:
/// with the factor 2, twice as fast as the objective allows. Windows and factors are those that chapter 5 of Google's
/// "The Site Reliability Workbook" recommends for an objective over 30 days. Values are summed over all instances of a
/// job. If a factor times the budget is 100 % or more, the factor can never be reached and is left out.
#[derive(Clone, Debug)]
pub struct AlertRules<'a> {
    schema: &'a Schema,
    max_error_percent: f64,
    stuck_after_minutes: u32,
}

impl<'a> AlertRules<'a> {
    /// Creates the rules for the metrics in a schema.
    pub fn new(schema: &'a Schema) -> Self {
        Self { schema, max_error_percent: 1.0, stuck_after_minutes: 15 }
    }

    /// Sets the percentage of failed operations above which an alert fires. The default is 1.
    #[must_use]
    pub fn with_max_error_percent(self, max_error_percent: f64) -> Self {
        Self { max_error_percent, ..self }
    }

    /// Sets the number of minutes without a finished operation after which operations in flight are considered stuck.
    /// The default is 15.
    #[must_use]
    pub fn with_stuck_after_minutes(self, stuck_after_minutes: u32) -> Self {
        Self { stuck_after_minutes, ..self }
    }
}

/// Writes the YAML of a rule file.
impl fmt::Display for AlertRules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (groups, without) = alerts::groups(self);
        yaml::write(f, &groups, &without)
    }
}
