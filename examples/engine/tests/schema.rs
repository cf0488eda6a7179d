//! The lock file, the dashboard and the alert rules in this directory match the declared metrics.

use papyra_metrics_engine_example::metrics::EngineMetrics;
use papyra_metrics_export::schema::{self, AlertRules, Dashboard, Schema, SchemaError};

#[test]
fn the_metrics_are_those_of_the_lock_file() -> Result<(), SchemaError> {
    schema::check::<EngineMetrics>("metrics.lock").map(drop)
}

#[test]
fn the_dashboard_and_the_alerts_are_those_of_the_metrics() {
    let schema = Schema::of(&EngineMetrics::default());
    for (file, committed, generated) in [
        ("dashboard", include_str!("../dashboard.json"), Dashboard::new(&schema).to_string()),
        ("rules", include_str!("../alerts.yml"), AlertRules::new(&schema).to_string()),
    ] {
        assert!(committed == generated, "generate it again: `papyra-metrics {file} metrics.lock`");
    }
}
