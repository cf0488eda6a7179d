//! Tests histograms and floats in the Prometheus formats with the tools of Prometheus and with a Prometheus server.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use papyra_metrics::{
    Counter, Distribution, FineLatency, FloatGauge, Gauge, Histogram, Metrics, ShardedHistogram,
    Sizes, Value, buckets,
};
use papyra_metrics_export::prometheus::{Format, Prometheus, Sample, encode, serve};
use papyra_metrics_export::{RegisterError, Registry};
use papyra_metrics_export_tests::{Scraper, find};
use serde_json::json;

use crate::prometheus::{encoded, parsed, run};

buckets!(AppendTime: Duration = [100ns, 100us, 100ms, 1s, 100s]);
buckets!(Pages: u64 = [1, 1_000_000], unit = "pages");

#[derive(Default, Metrics)]
struct LogMetrics {
    /// How long an append takes.
    append: Histogram<AppendTime>,
    pages_per_scan: Histogram<Pages>,
    fill: FloatGauge,
    appended: Counter,
}

/// Returns a registry with two backends, and the backends. The second backend has set its gauge, and has counted
/// nothing.
fn fixture() -> (Registry, Arc<LogMetrics>, Arc<LogMetrics>) {
    let registry = Registry::with_prefix("papyra").unwrap();
    let (orders, users) = (Arc::new(LogMetrics::default()), Arc::new(LogMetrics::default()));
    registry.register(orders.clone(), &[("backend", "orders")]).unwrap();
    registry.register(users.clone(), &[("backend", "u\"s")]).unwrap();
    for nanoseconds in [1, 100, 101, 1_000_000_000, 2_500_000_000, 300_000_000_007] {
        orders.append.record(Duration::from_nanos(nanoseconds));
    }
    orders.pages_per_scan.record(7);
    orders.fill.set(0.75);
    orders.appended.add(6);
    users.fill.set(f64::NEG_INFINITY);
    (registry, orders, users)
}

#[test]
fn the_text_format_of_a_histogram_is_byte_exact() {
    let (registry, _orders, _users) = fixture();
    assert_eq!(
        encoded(&registry, Format::Text),
        r#"# HELP papyra_append_seconds How long an append takes.
# TYPE papyra_append_seconds histogram
papyra_append_seconds_bucket{backend="orders",le="1e-07"} 2
papyra_append_seconds_bucket{backend="orders",le="0.0001"} 3
papyra_append_seconds_bucket{backend="orders",le="0.1"} 3
papyra_append_seconds_bucket{backend="orders",le="1.0"} 4
papyra_append_seconds_bucket{backend="orders",le="100.0"} 5
papyra_append_seconds_bucket{backend="orders",le="+Inf"} 6
papyra_append_seconds_sum{backend="orders"} 303.500000209
papyra_append_seconds_count{backend="orders"} 6
papyra_append_seconds_bucket{backend="u\"s",le="1e-07"} 0
papyra_append_seconds_bucket{backend="u\"s",le="0.0001"} 0
papyra_append_seconds_bucket{backend="u\"s",le="0.1"} 0
papyra_append_seconds_bucket{backend="u\"s",le="1.0"} 0
papyra_append_seconds_bucket{backend="u\"s",le="100.0"} 0
papyra_append_seconds_bucket{backend="u\"s",le="+Inf"} 0
papyra_append_seconds_sum{backend="u\"s"} 0
papyra_append_seconds_count{backend="u\"s"} 0
# HELP papyra_per_scan_pages per scan pages
# TYPE papyra_per_scan_pages histogram
papyra_per_scan_pages_bucket{backend="orders",le="1.0"} 0
papyra_per_scan_pages_bucket{backend="orders",le="1e+06"} 1
papyra_per_scan_pages_bucket{backend="orders",le="+Inf"} 1
papyra_per_scan_pages_sum{backend="orders"} 7
papyra_per_scan_pages_count{backend="orders"} 1
papyra_per_scan_pages_bucket{backend="u\"s",le="1.0"} 0
papyra_per_scan_pages_bucket{backend="u\"s",le="1e+06"} 0
papyra_per_scan_pages_bucket{backend="u\"s",le="+Inf"} 0
papyra_per_scan_pages_sum{backend="u\"s"} 0
papyra_per_scan_pages_count{backend="u\"s"} 0
# HELP papyra_fill fill
# TYPE papyra_fill gauge
papyra_fill{backend="orders"} 0.75
papyra_fill{backend="u\"s"} -Inf
# HELP papyra_appended_total appended
# TYPE papyra_appended_total counter
papyra_appended_total{backend="orders"} 6
papyra_appended_total{backend="u\"s"} 0
"#
    );
}

#[test]
fn openmetrics_of_a_histogram_without_labels_is_byte_exact() {
    #[derive(Default, Metrics)]
    struct Only {
        append: Histogram<AppendTime>,
    }
    let (registry, only) = (Registry::new(), Arc::new(Only::default()));
    registry.register(only.clone(), &[]).unwrap();
    only.append.record(Duration::from_millis(1500));
    assert_eq!(
        encoded(&registry, Format::OpenMetrics),
        r#"# TYPE append_seconds histogram
# UNIT append_seconds seconds
# HELP append_seconds append seconds
append_seconds_bucket{le="1e-07"} 0
append_seconds_bucket{le="0.0001"} 0
append_seconds_bucket{le="0.1"} 0
append_seconds_bucket{le="1.0"} 0
append_seconds_bucket{le="100.0"} 1
append_seconds_bucket{le="+Inf"} 1
append_seconds_sum 1.5
append_seconds_count 1
# EOF
"#
    );
}

#[test]
fn promtool_accepts_histograms_and_floats() {
    let (registry, _orders, users) = fixture();
    for fill in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-320, -1e300, 0.0] {
        users.fill.set(fill);
        let text = encoded(&registry, Format::Text);
        let output = run(Command::new(find("promtool")).args(["check", "metrics"]), &text);
        assert!(output.status.success(), "{output:?}\n{text}");
    }
}

#[test]
fn the_reference_parser_reads_histograms_and_floats_unchanged() {
    let (registry, orders, users) = fixture();
    orders.fill.set(1e-320);
    for fill in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        users.fill.set(fill);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("openmetrics.py");
        let text = encoded(&registry, Format::OpenMetrics);
        let output = run(Command::new(find("python")).arg(script), &text);
        assert!(output.status.success(), "{output:?}\n{text}");
    }
    users.fill.set(-1e300);
    let families = parsed(&encoded(&registry, Format::OpenMetrics));
    assert_eq!(families[0]["type"], "histogram");
    assert_eq!(families[0]["unit"], "seconds");
    assert_eq!(families[0]["help"], "How long an append takes.");
    let samples = families[0]["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 16);
    let labels = json!({"backend": "orders", "le": "0.0001"});
    assert_eq!(samples[1], json!(["papyra_append_seconds_bucket", labels, 3]));
    let labels = json!({"backend": "orders"});
    assert_eq!(samples[6], json!(["papyra_append_seconds_sum", labels, 303.500_000_209]));
    assert_eq!(families[2]["samples"][0][2], json!(1e-320));
    assert_eq!(families[2]["samples"][1][2], json!(-1e300));
}

#[test]
fn the_reference_parser_reads_all_ready_made_buckets() {
    #[derive(Default, Metrics)]
    struct ReadyMade {
        latency: Histogram,
        fine: ShardedHistogram<FineLatency>,
        size: Histogram<Sizes>,
    }
    let (registry, all) = (Registry::new(), Arc::new(ReadyMade::default()));
    registry.register(all.clone(), &[]).unwrap();
    all.fine.record(Duration::from_nanos(u64::MAX));
    all.size.record(u64::MAX);
    let families = parsed(&encoded(&registry, Format::OpenMetrics));
    let lens = families.as_array().unwrap().iter().map(|it| it["samples"].as_array().unwrap());
    assert_eq!(lens.map(Vec::len).collect::<Vec<_>>(), [31, 57, 19]);
}

#[test]
fn encoded_histograms_and_floats_are_written_like_those_of_backends() {
    let histogram = |value: Distribution, labels| {
        let mut sample = Sample::new("append", Value::Histogram(Box::new(value)));
        (sample.unit, sample.labels) = (Some("seconds"), labels);
        sample
    };
    let append: Histogram<AppendTime> = Histogram::new();
    append.record(Duration::from_micros(2));
    let (one, two): (&[_], &[_]) = (&[("pid", "1")], &[("pid", "2")]);
    let samples = [
        histogram(append.total().erase(), one),
        Sample::new("fill", Value::Float(f64::NAN)),
        histogram(append.get().erase(), two),
    ];
    let text = encode(Format::OpenMetrics, samples.clone()).unwrap();
    assert_eq!(
        text,
        r#"# TYPE append_seconds histogram
# UNIT append_seconds seconds
# HELP append_seconds append seconds
append_seconds_bucket{pid="1",le="1e-07"} 0
append_seconds_bucket{pid="1",le="0.0001"} 1
append_seconds_bucket{pid="1",le="0.1"} 1
append_seconds_bucket{pid="1",le="1.0"} 1
append_seconds_bucket{pid="1",le="100.0"} 1
append_seconds_bucket{pid="1",le="+Inf"} 1
append_seconds_sum{pid="1"} 0.000002
append_seconds_count{pid="1"} 1
append_seconds_bucket{pid="2",le="1e-07"} 0
append_seconds_bucket{pid="2",le="0.0001"} 1
append_seconds_bucket{pid="2",le="0.1"} 1
append_seconds_bucket{pid="2",le="1.0"} 1
append_seconds_bucket{pid="2",le="100.0"} 1
append_seconds_bucket{pid="2",le="+Inf"} 1
append_seconds_sum{pid="2"} 0.000002
append_seconds_count{pid="2"} 1
# TYPE fill gauge
# HELP fill fill
fill NaN
# EOF
"#
    );
    let other: Histogram = Histogram::new();
    let other = histogram(other.get().erase(), &[("pid", "3")]);
    let refused = encode(Format::Text, samples.into_iter().chain([other])).unwrap_err();
    assert!(matches!(refused, RegisterError::ConflictingDefinition { .. }), "{refused}");
}

/// Returns the values of a histogram's samples: the counts of the buckets, the sum, and the count.
fn values<'a>(text: &'a str, name: &str) -> (Vec<u64>, &'a str, u64) {
    let after = |suffix: &str| {
        let prefix = format!("{name}{suffix}");
        text.lines()
            .filter(move |line| line.starts_with(&prefix))
            .map(|line| line.rsplit_once(' ').map(|(_, value)| value).unwrap())
            .collect::<Vec<_>>()
    };
    let number = |text: &&str| text.parse().unwrap();
    (after("_bucket").iter().map(number).collect(), after("_sum")[0], number(&after("_count")[0]))
}

#[test]
fn scrapes_under_load_are_consistent_and_never_fall() {
    #[derive(Default, Metrics)]
    struct Loaded {
        plain: Histogram,
        sharded: ShardedHistogram,
        depth: Gauge,
    }
    let (registry, loaded) = (Registry::new(), Arc::new(Loaded::default()));
    registry.register(loaded.clone(), &[]).unwrap();
    let prometheus = Prometheus::new(&registry);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 1..=2_u64 {
            let (loaded, is_over) = (&loaded, &is_over);
            scope.spawn(move || {
                let mut random = seed;
                while !is_over.load(Relaxed) {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let value = Duration::from_nanos(1 << (random >> 59));
                    loaded.plain.record(value);
                    loaded.sharded.record(value);
                }
            });
        }
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                drop(loaded.drain());
                thread::yield_now();
            }
        });
        let mut text = String::new();
        let mut before = [vec![0; 29], vec![0; 29]];
        for scrape in 0..4000 {
            text.clear();
            let format = [Format::Text, Format::OpenMetrics][scrape % 2];
            prometheus.encode(format, &mut text);
            for (name, before) in ["plain_seconds", "sharded_seconds"].iter().zip(&mut before) {
                let (buckets, _, count) = values(&text, name);
                assert!(buckets.is_sorted(), "{text}");
                assert_eq!(buckets.last(), Some(&count), "{text}");
                assert!(buckets.iter().zip(&*before).all(|(now, before)| now >= before), "{text}");
                *before = buckets;
            }
        }
        is_over.store(true, Relaxed);
    });
    let text = encoded(&registry, Format::Text);
    for (name, total) in
        [("plain_seconds", loaded.plain.total()), ("sharded_seconds", loaded.sharded.total())]
    {
        let (_, sum, count) = values(&text, name);
        assert_eq!(count, total.count());
        let (seconds, fraction) = sum.split_once('.').unwrap_or((sum, ""));
        let written = format!("{seconds}{fraction:0<9}");
        assert_eq!(written.parse(), Ok(total.sum().as_nanos()), "{sum}");
    }
}

#[test]
fn a_prometheus_server_and_a_distribution_estimate_quantiles_in_the_same_bucket() {
    #[derive(Default, Metrics)]
    struct Timed {
        /// How long an append takes.
        append: Histogram,
    }
    let (registry, timed) = (Registry::with_prefix("papyra").unwrap(), Arc::new(Timed::default()));
    registry.register(timed.clone(), &[("backend", "orders")]).unwrap();
    for i in 0..10_000_u64 {
        timed.append.record(Duration::from_nanos(2_000 + i * i * 7));
    }
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let scraper = Scraper::of(&server.local_addr().to_string(), "histogram");
    scraper.wait_for("papyra_append_seconds_count{backend=\"orders\"}", "10000");
    scraper.wait_for("count(papyra_append_seconds_bucket)", "29");
    let total = timed.append.total().erase();
    let bucket = |value: f64| total.buckets().position(|bucket| value <= bucket.upper()).unwrap();
    for q in [0.01, 0.5, 0.9, 0.99, 0.999] {
        let query = format!("histogram_quantile({q}, papyra_append_seconds_bucket)");
        let theirs: f64 = scraper.query(&query).unwrap().parse().unwrap();
        let ours = total.quantile(q).unwrap();
        assert_eq!(bucket(theirs), bucket(ours), "{q}: {theirs} and {ours}");
    }
    let sum = scraper.query("papyra_append_seconds_sum").unwrap();
    assert_eq!(sum.parse(), Ok(total.sum()));
    assert_eq!(
        scraper.get("metadata", &[("metric", "papyra_append_seconds")]).unwrap()["data"],
        json!({"papyra_append_seconds": [
            {"type": "histogram", "help": "How long an append takes.", "unit": "seconds"}
        ]})
    );
    // A reopened backend continues the series of the closed backend.
    drop(timed);
    let again = Arc::new(Timed::default());
    registry.register(again.clone(), &[("backend", "orders")]).unwrap();
    again.append.record(Duration::from_secs(1000));
    scraper.wait_for("papyra_append_seconds_count", "10001");
    scraper.wait_for("resets(papyra_append_seconds_count[1m])", "0");
    scraper.wait_for("papyra_append_seconds_bucket{le=\"100.0\"}", "10000");
}
