//! Tests the subcommand `rules`, which generates alert rules for the metrics of a process.

use std::fs;

use papyra_metrics::publish::Published;
use papyra_metrics::{Counter, Histogram, Metrics};
use papyra_metrics_export::schema::{AlertRules, Schema};

use crate::command::{CommandOutput, run};

#[derive(Default, Metrics)]
struct LogMetrics {
    #[metrics(errors)]
    problems: Counter,
    /// How long an append takes.
    #[metrics(objective(within = "100ms", of = 99.9))]
    append: Histogram,
}

#[test]
fn a_process_its_struct_and_its_lock_file_give_the_same_rules() {
    let dir = tempfile::tempdir().unwrap();
    let _metrics = Published::<LogMetrics>::create(dir.path().join("log.metrics")).unwrap();
    let schema = Schema::of(&LogMetrics::default());
    schema.write(dir.path().join("metrics.lock")).unwrap();
    let prefixed = schema.clone().with_prefix("shop");
    for (options, expected) in [
        ("", AlertRules::new(&schema).to_string()),
        ("--prefix shop ", AlertRules::new(&prefixed).to_string()),
        (
            "--max-errors 0.5 --stuck-after 3 ",
            AlertRules::new(&schema)
                .with_max_error_percent(0.5)
                .with_stuck_after_minutes(3)
                .to_string(),
        ),
    ] {
        for path in ["log.metrics", "metrics.lock"] {
            let CommandOutput { out, err, code } =
                run(dir.path(), &format!("rules {options}{path}"));
            assert_eq!((err.as_str(), code), ("", Some(0)), "{options}{path}");
            assert_eq!(out, expected, "{options}{path}");
        }
    }
    // The names do not show that `problems` counts errors, or that `append` has an objective. Only the attributes of
    // the fields declare this.
    let rules = AlertRules::new(&schema).to_string();
    for alert in ["ProblemsHigh", "AppendSecondsBudgetBurnsFast", "ProblemsAbsent"] {
        assert!(rules.contains(&format!("- alert: {alert}\n")), "{rules}");
    }
}

#[test]
fn options_out_of_range_and_files_without_metrics_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("metrics.lock"), "a\n  kind gauge\n").unwrap();
    for (arguments, expected) in [
        ("rules --max-errors 100 metrics.lock", "expected a number above 0 and below 100"),
        ("rules --max-errors few metrics.lock", "expected a number above 0 and below 100"),
        ("rules --stuck-after 0 metrics.lock", "0 is not in 1.."),
    ] {
        let CommandOutput { out, err, code } = run(dir.path(), arguments);
        assert_eq!((out.as_str(), code), ("", Some(2)), "{arguments}");
        assert!(err.contains(expected), "{arguments}: {err}");
    }
    let CommandOutput { out, err, code } = run(dir.path(), "rules nowhere.metrics");
    assert_eq!((out.as_str(), code), ("", Some(1)), "{err}");
}
