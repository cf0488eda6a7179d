//! `rules`: alert rules for Prometheus, from the declared metrics.

use std::io;

use clap::Args;
use papyra_metrics_export::schema::AlertRules;

use crate::schema::Declared;
use crate::source::Source;

/// Write alert rules for Prometheus
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The rules depend only on the metrics and the options, so they can be committed and compared. There are alerts for
  - errors: too many operations fail, or errors keep occurring,
  - objectives of histograms: the error budget is used up too fast,
  - operations in flight: none has finished for a long time,
  - processes: one cannot be scraped, or none exports these metrics.
Check the file with `promtool check rules`. A counter counts errors if it is marked with `#[metrics(errors)]`, or if its name ends \
in `errors`, `failures` or `failed`. Objectives are declared with `#[metrics(objective(…))]`.")]
pub struct Rules {
    #[command(flatten)]
    pub(crate) declared: Declared,

    /// Alert if more than this percentage of operations fail
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = parse_percent)]
    max_errors: f64,

    /// Alert if operations are in flight and none has finished for this long
    #[arg(long, value_name = "MINUTES", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    stuck_after: u32,
}

fn parse_percent(text: &str) -> Result<f64, String> {
    let percent: f64 =
        text.parse().map_err(|_| "expected a number above 0 and below 100".to_owned())?;
    if percent > 0.0 && percent < 100.0 {
        Ok(percent)
    } else {
        Err("expected a number above 0 and below 100".to_owned())
    }
}

impl Rules {
    pub(crate) fn run(&self, source: Source<'_>) -> io::Result<bool> {
        self.declared.print(source, |schema| {
            let rules = AlertRules::new(schema)
                .with_max_error_percent(self.max_errors)
                .with_stuck_after_minutes(self.stuck_after);
            Ok(rules.to_string())
        })
    }
}
