//! `rules`: alert rules for Prometheus, from the declared metrics.

use std::io;

use clap::Args;
use papyra_metrics_export::schema::AlertRules;

use crate::schema::Declared;
use crate::source::Source;

/// Write alert rules for Prometheus
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The rules are the same for the same metrics, so that they can be committed and compared. They alert of
  - errors: more than 1 % of the operations fail over 5 minutes, or, if it is not known how many operations there are,
    errors keep occurring,
  - objectives of histograms, `#[metrics(objective(…))]`: the error budget is used up too fast,
  - operations in flight of which none finishes,
  - processes that cannot be scraped, or that are gone.
Check them with `promtool check rules`. Which metric counts errors and operations follows from marks and names.")]
pub struct Rules {
    #[command(flatten)]
    pub(crate) declared: Declared,

    /// Alert if more than this percentage of operations fail
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = parse_percent)]
    max_errors: f64,

    /// Alert if operations in flight make no progress for so long
    #[arg(long, value_name = "MINUTES", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    stuck_after: u32,
}

fn parse_percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_| "a percentage is a number".to_owned())?;
    if percent > 0.0 && percent < 100.0 {
        Ok(percent)
    } else {
        Err("a percentage is above 0 and below 100".to_owned())
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
