//! Tests alert rules. `promtool` accepts the rules and runs unit tests of them. In a real Prometheus server, the alerts
//! fire only for real faults.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use papyra_metrics::persistence::PersistenceMetrics;
use papyra_metrics::{Counter, Family, Gauge, Histogram, IoErrorKind, Label, Metrics, metrics};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Prometheus, serve};
use papyra_metrics_export::schema::{AlertRules, Schema};
use papyra_metrics_export_tests::{Scraper, directory, find, wait_for};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Default, Metrics)]
struct StoreMetrics {
    /// Appends that returned an error: {{ a "template" }}, C:\temp.
    #[metrics(errors)]
    append_errors: Family<IoErrorKind, Counter>,
    /// How long an append takes.
    #[metrics(objective(within = "100ms", of = 99.9))]
    append: Histogram,
    appends_in_flight: Gauge,
    /// Syncs that failed.
    sync_failures: Counter,
    scan_ok: Counter,
    scan_errors: Counter,
    /// How long a request takes.
    #[metrics(objective(within = "1ms", of = 90))]
    request: Family<Op, Histogram>,
}

fn rule_file(name: &str, rules: &str) -> (PathBuf, PathBuf) {
    let directory = directory(name);
    let path = directory.join("rules.yml");
    fs::write(&path, rules).unwrap();
    (directory, path)
}

fn promtool(arguments: &[&str], path: &Path) -> Output {
    Command::new(find("promtool")).args(arguments).arg(path).output().unwrap()
}

fn rules_of_store() -> String {
    let schema = Schema::of(&StoreMetrics::default()).with_prefix("shop");
    AlertRules::new(&schema).to_string()
}

#[test]
fn promtool_accepts_the_rules_of_all_kinds_of_metrics() {
    let ready_made = Schema::of(&PersistenceMetrics::default());
    let registry = Registry::with_prefix("papyra").unwrap();
    let metrics = Arc::new(StoreMetrics::default());
    registry
        .register(metrics.clone(), &[("db", "a \"quoted\"\nname: {{ x }} # \\ \u{202e}")])
        .unwrap();
    let of_registry = Schema::of_registry(&registry);
    assert!(of_registry.to_string().contains("objective 99.9% within 0.1\n"));
    let strict =
        AlertRules::new(&ready_made).with_max_error_percent(0.05).with_stuck_after_minutes(3);
    for rules in [
        rules_of_store(),
        AlertRules::new(&ready_made).to_string(),
        AlertRules::new(&of_registry).to_string(),
        AlertRules::new(&Schema::default()).to_string(),
        strict.to_string(),
    ] {
        let (_, path) = rule_file("rules-accepted", &rules);
        let output = promtool(&["check", "rules"], &path);
        assert!(output.status.success(), "{rules}\n{output:?}");
    }
    assert!(strict.to_string().contains("\n            > 0.0005\n"), "{strict}");
}

#[test]
fn a_lock_file_and_its_struct_give_the_same_rules() {
    let schema = Schema::of(&StoreMetrics::default());
    let path = directory("rules-of-a-lock-file").join("metrics.lock");
    schema.write(&path).unwrap();
    let read = Schema::read(&path).unwrap();
    assert_eq!(read, schema);
    assert_eq!(AlertRules::new(&read).to_string(), AlertRules::new(&schema).to_string());
}

#[test]
fn each_role_and_objective_has_its_alerts_except_burn_rates_that_cannot_be_reached() {
    let rules = rules_of_store();
    let alerts: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(
        alerts,
        [
            "ShopAppendErrorsHigh",
            "ShopScanErrorsHigh",
            "ShopSyncFailuresOccur",
            "ShopAppendSecondsBudgetBurnsFast",
            "ShopAppendSecondsBudgetBurnsSlowly",
            "ShopRequestSecondsBudgetBurnsFast",
            "ShopRequestSecondsBudgetBurnsSlowly",
            "ShopAppendsInFlightStuck",
            "ShopAppendErrorsScrapeFails",
            "ShopAppendErrorsAbsent",
        ]
    );
    assert!(rules.contains("> 14.4 * 0.001\n") && !rules.contains("14.4 * 0.1\n"), "{rules}");
    assert!(rules.contains("> 6 * 0.1\n"), "{rules}");
}

/// Unit tests for `promtool`: each test has the values of series over time, and the alerts that must fire.
const CASES: &str = r#"
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - name: healthy
    interval: 1m
    input_series:
      - {series: 'up{job="shop",instance="a"}', values: '1+0x400'}
      - {series: 'shop_append_errors_total{job="shop",instance="a",error_kind="other"}', values: '0+1x400'}
      - {series: 'shop_append_seconds_count{job="shop",instance="a"}', values: '0+1000x400'}
      - {series: 'shop_append_seconds_bucket{job="shop",instance="a",le="0.1"}', values: '0+1000x400'}
      - {series: 'shop_appends_in_flight{job="shop",instance="a"}', values: '3+0x400'}
      - {series: 'shop_sync_failures_total{job="shop",instance="a"}', values: '7+0x400'}
      - {series: 'shop_scan_ok_total{job="shop",instance="a"}', values: '0+100x400'}
      - {series: 'shop_scan_errors_total{job="shop",instance="a"}', values: '0+0x400'}
    promql_expr_test:
      - {expr: 'ALERTS', eval_time: 390m, exp_samples: []}
  - name: errors of two kinds add up, and each process is evaluated separately
    interval: 1m
    input_series:
      - {series: 'up{job="shop",instance="a"}', values: '1+0x60'}
      - {series: 'shop_append_errors_total{job="shop",instance="a",error_kind="other"}', values: '0+8x60'}
      - {series: 'shop_append_errors_total{job="shop",instance="a",error_kind="storage_full"}', values: '0+8x60'}
      - {series: 'shop_append_errors_total{job="shop",instance="b",error_kind="other"}', values: '0+1x60'}
      - {series: 'shop_append_seconds_count{job="shop",instance="a"}', values: '0+1000x60'}
      - {series: 'shop_append_seconds_count{job="shop",instance="b"}', values: '0+1000x60'}
      - {series: 'shop_scan_ok_total{job="shop",instance="a"}', values: '0+98x60'}
      - {series: 'shop_scan_errors_total{job="shop",instance="a"}', values: '0+2x60'}
      - {series: 'shop_sync_failures_total{job="shop",instance="a"}', values: '0+1x60'}
    alert_rule_test:
      - alertname: ShopAppendErrorsHigh
        eval_time: 30m
        exp_alerts:
          - exp_labels: {job: shop, instance: a, severity: critical}
            exp_annotations:
              summary: 'a: 1.6% of operations fail (shop_append_errors)'
              description: 'Appends that returned an error: {{ a "template" }}, C:\temp. shop_append_errors exceeds 1% of the operations that shop_append_seconds counts.'
      - alertname: ShopScanErrorsHigh
        eval_time: 30m
        exp_alerts:
          - exp_labels: {job: shop, instance: a, severity: critical}
            exp_annotations:
              summary: 'a: 2% of operations fail (shop_scan_errors)'
              description: 'shop_scan_errors exceeds 1% of the operations that shop_scan_ok counts.'
      - alertname: ShopSyncFailuresOccur
        eval_time: 30m
        exp_alerts:
          - exp_labels: {job: shop, instance: a, severity: warning}
            exp_annotations:
              summary: 'a: shop_sync_failures keeps growing'
              description: 'Syncs that failed. shop_sync_failures: 16.67m errors per second.'
  - name: all instances together miss the objective twenty times as often as its budget allows
    interval: 1m
    input_series:
      - {series: 'shop_append_seconds_count{job="shop",instance="a"}', values: '0+500x120'}
      - {series: 'shop_append_seconds_count{job="shop",instance="b"}', values: '0+500x120'}
      - {series: 'shop_append_seconds_bucket{job="shop",instance="a",le="0.1"}', values: '0+500x120'}
      - {series: 'shop_append_seconds_bucket{job="shop",instance="b",le="0.1"}', values: '0+480x120'}
      - {series: 'shop_request_seconds_count{job="shop",instance="a",op="get"}', values: '0+100x120'}
      - {series: 'shop_request_seconds_bucket{job="shop",instance="a",op="get",le="0.001"}', values: '0+30x120'}
      - {series: 'shop_request_seconds_count{job="shop",instance="a",op="put"}', values: '0+100x120'}
      - {series: 'shop_request_seconds_bucket{job="shop",instance="a",op="put",le="0.001"}', values: '0+95x120'}
    promql_expr_test:
      - expr: 'count by (alertname, op) (ALERTS{alertstate="firing",alertname=~".*Budget.*"})'
        eval_time: 110m
        exp_samples:
          - {labels: '{alertname="ShopAppendSecondsBudgetBurnsFast"}', value: 1}
          - {labels: '{alertname="ShopAppendSecondsBudgetBurnsSlowly"}', value: 1}
          - {labels: '{alertname="ShopRequestSecondsBudgetBurnsFast",op="get"}', value: 1}
          - {labels: '{alertname="ShopRequestSecondsBudgetBurnsSlowly",op="get"}', value: 1}
  - name: the alert for a fast burn ends with the burn, though the long window still contains it
    interval: 1m
    input_series:
      - {series: 'shop_append_seconds_count{job="shop",instance="a"}', values: '0+1000x85'}
      - {series: 'shop_append_seconds_bucket{job="shop",instance="a",le="0.1"}', values: '0+900x30 28000+1000x54'}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertname="ShopAppendSecondsBudgetBurnsFast"})', eval_time: 30m, exp_samples: [{labels: '{}', value: 1}]}
      - {expr: 'ALERTS{alertname="ShopAppendSecondsBudgetBurnsFast"}', eval_time: 75m, exp_samples: []}
  - name: operations in flight that do not finish
    interval: 1m
    input_series:
      - {series: 'shop_appends_in_flight{job="shop",instance="a"}', values: '2+0x60'}
      - {series: 'shop_append_seconds_count{job="shop",instance="a"}', values: '0+10x20 200+0x40'}
      - {series: 'shop_appends_in_flight{job="shop",instance="idle"}', values: '0+0x60'}
      - {series: 'shop_append_seconds_count{job="shop",instance="idle"}', values: '5+0x60'}
    alert_rule_test:
      - {alertname: ShopAppendsInFlightStuck, eval_time: 35m, exp_alerts: []}
      - alertname: ShopAppendsInFlightStuck
        eval_time: 50m
        exp_alerts:
          - exp_labels: {job: shop, instance: a, severity: critical}
            exp_annotations:
              summary: 'a: 2 operations are stuck (shop_appends_in_flight)'
              description: 'shop_appends_in_flight is above zero, and shop_append_seconds has not grown for 15 minutes.'
  - name: a process that cannot be scraped, beside one that never exported these metrics
    interval: 1m
    input_series:
      - {series: 'up{job="shop",instance="a"}', values: '1+0x10 0+0x30'}
      - {series: 'up{job="web",instance="c"}', values: '0+0x40'}
      - {series: 'shop_append_errors_total{job="shop",instance="a",error_kind="other"}', values: '0+0x10 stale'}
    promql_expr_test:
      - expr: 'count by (alertname, instance) (ALERTS{alertstate="firing"})'
        eval_time: 30m
        exp_samples:
          - {labels: '{alertname="ShopAppendErrorsScrapeFails",instance="a"}', value: 1}
          - {labels: '{alertname="ShopAppendErrorsAbsent"}', value: 1}
"#;

#[test]
fn promtool_unit_tests_fire_each_alert_for_its_fault_and_none_for_healthy_series() {
    let (directory, _) = rule_file("rules-unit-tests", &rules_of_store());
    let cases = directory.join("cases.yml");
    fs::write(&cases, CASES).unwrap();
    let output = promtool(&["test", "rules"], &cases);
    assert!(
        output.status.success(),
        "{}{}",
        rules_of_store(),
        String::from_utf8_lossy(&output.stdout)
    );
}

/// A log whose output can be replaced while a thread writes records.
struct Log {
    out: Mutex<Box<dyn Write + Send>>,
    metrics: Arc<StoreMetrics>,
}

impl Log {
    #[metrics(errors, time = append, in_flight = appends_in_flight)]
    fn append(&self, record: &[u8]) -> io::Result<()> {
        self.out.lock().unwrap().write_all(record)
    }

    fn replace(&self, out: impl Write + Send + 'static) {
        *self.out.lock().unwrap() = Box::new(out);
    }
}

/// Returns the names of the alerts that fire now.
fn firing(scraper: &Scraper) -> Option<BTreeSet<String>> {
    let answer = scraper.get("alerts", &[])?;
    let alerts = answer["data"]["alerts"].as_array()?.iter();
    let firing = alerts.filter(|alert| alert["state"] == "firing");
    Some(firing.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect())
}

#[cfg(unix)]
#[test]
fn a_prometheus_server_fires_for_a_full_disk_a_stuck_append_and_a_closed_endpoint_and_not_before() {
    use std::os::unix::net::UnixStream;

    let registry = Registry::with_prefix("shop").unwrap();
    let metrics = Arc::new(StoreMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();

    // Replaces the minutes in the rules by a few seconds, so that the test is short.
    let mut rules = AlertRules::new(&Schema::of_registry(&registry)).to_string();
    for minutes in [5, 10, 15] {
        let (from, to) = (format!("{minutes}m"), if minutes == 5 { "5s" } else { "3s" });
        rules = rules.replace(&format!("[{from}]"), &format!("[{to}]"));
        rules = rules.replace(&format!("for: {from}\n"), "for: 3s\n");
    }
    let scraper = Scraper::with_rules(&server.local_addr().to_string(), "rules-fire", &rules);

    let file = directory("rules-fire-log").join("log");
    let out = Mutex::new(Box::new(fs::File::create(file).unwrap()) as Box<dyn Write + Send>);
    let log = Arc::new(Log { out, metrics });
    let (writer, is_over) = (Arc::clone(&log), Arc::new(AtomicBool::new(false)));
    let over = Arc::clone(&is_over);
    let writing = thread::spawn(move || {
        let record = vec![b'x'; 1 << 16];
        while !over.load(Ordering::Relaxed) {
            let _ = writer.append(&record[..1000]);
            // Nobody reads from the socket to which the log writes below. A few of these records fill the buffer of the
            // socket, and the next append blocks.
            let _ = writer.append(&record);
            thread::sleep(Duration::from_millis(5));
        }
    });

    // No alert fires during a dozen scrapes of a healthy backend. By then, the rules have been evaluated, and the
    // series in their queries exist.
    scraper.wait_for("count_over_time(up[1m]) >= bool 12", "1");
    for series in ["rate(shop_append_seconds_bucket{le=\"0.1\"}[5s])", "shop_appends_in_flight"] {
        assert!(scraper.query(series).is_some(), "{series}");
    }
    let evaluated = scraper.get("rules", &[]).unwrap();
    for group in evaluated["data"]["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            assert_eq!(rule["health"], "ok", "{rule}");
        }
    }
    assert_eq!(scraper.query("count(ALERTS)"), None);
    assert_eq!(firing(&scraper).unwrap(), BTreeSet::new());

    let fires = |name: &str| {
        wait_for(name, || firing(&scraper).filter(|firing| firing.contains(name)));
    };
    log.replace(OpenOptions::new().write(true).open("/dev/full").unwrap());
    fires("ShopAppendErrorsHigh");

    let (stream, unread) = UnixStream::pair().unwrap();
    log.replace(stream);
    fires("ShopAppendsInFlightStuck");
    drop(unread); // the blocked append returns an error
    is_over.store(true, Ordering::Relaxed);
    writing.join().unwrap();

    drop(server);
    fires("ShopAppendErrorsScrapeFails");
    fires("ShopAppendErrorsAbsent");
}
