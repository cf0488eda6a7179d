//! Tests the Prometheus formats with the tools of Prometheus and with a Prometheus server that scrapes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use papyra_metrics::persistence::PersistenceMetrics;
use papyra_metrics::{Counter, Gauge, Instrument, Kind, Metrics, Value};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Format, Prometheus, Sample, encode, serve};
use papyra_metrics_export_tests::{Scraper, find, wait_for};
use serde_json::{Value as Json, json};

#[derive(Default, Metrics)]
struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    /// Payload "bytes" \ appended.
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    /// The name already has the exported suffix.
    reads_total: Counter,
    open_segments: Gauge,
    #[metrics(unit = "seconds", help = "One\nand\r two.")]
    uptime_seconds: Gauge,
}

struct Fixture {
    registry: Registry,
    orders: Arc<LogMetrics>,
    _odd: Arc<LogMetrics>,
}

const ODD: &str = "back\\slash \"quoted\"\nnext line, {brace} = ü \u{1f980}";

fn fixture() -> Fixture {
    let registry = Registry::with_prefix("papyra.log").unwrap();
    let (orders, odd) = (Arc::new(LogMetrics::default()), Arc::new(LogMetrics::default()));
    registry.register(orders.clone(), &[("backend", "orders"), ("zone", "eu")]).unwrap();
    registry.register(odd.clone(), &[("backend", ODD)]).unwrap();
    orders.records_written.add(3);
    orders.open_segments.set(-4);
    orders.bytes_written.add(u64::MAX);
    odd.records_written.add(1);
    odd.open_segments.set(i64::MIN);
    Fixture { registry, orders, _odd: odd }
}

pub(crate) fn encoded(registry: &Registry, format: Format) -> String {
    let mut text = String::new();
    Prometheus::new(registry).encode(format, &mut text);
    text
}

#[test]
fn integers_of_every_length_are_written_exactly() {
    #[derive(Default, Metrics)]
    struct Numbers {
        count: Counter,
        level: Gauge,
        depth: Gauge,
    }

    let powers = || (0..20).map(|exponent| 10_u64.pow(exponent));
    // The numbers below contain each digit at each position, and the smallest and the largest number of each length.
    let multiples = (2..=9).flat_map(|digit| powers().filter_map(move |it| it.checked_mul(digit)));
    let mixed = powers().map(|power| 12_345_678_901_234_567_890 / power);
    let mut all: Vec<u64> = powers().flat_map(|it| [it - 1, it]).chain(multiples).collect();
    all.extend(mixed.chain([u64::MAX]));
    all.sort_unstable();

    let (registry, numbers) = (Registry::new(), Arc::new(Numbers::default()));
    registry.register(numbers.clone(), &[]).unwrap();
    let prometheus = Prometheus::new(&registry);
    for n in all {
        numbers.count.add(n - numbers.count.get());
        let level = i64::try_from(n).unwrap_or(i64::MAX);
        numbers.level.set(level);
        numbers.depth.set(-level);
        let text = prometheus.scrape(None).body;
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected =
            [format!("count_total {n}"), format!("level {level}"), format!("depth {}", -level)];
        assert_eq!(samples, expected);
    }
}

#[test]
fn the_text_format_is_byte_exact() {
    let Fixture { registry, .. } = &fixture();
    let odd = r#"backend="back\\slash \"quoted\"\nnext line, {brace} = ü 🦀""#;
    assert_eq!(
        encoded(registry, Format::Text),
        format!(
            r#"# HELP papyra_log_records_written_total Records appended.
# TYPE papyra_log_records_written_total counter
papyra_log_records_written_total{{backend="orders",zone="eu"}} 3
papyra_log_records_written_total{{{odd}}} 1
# HELP papyra_log_written_bytes_total Payload "bytes" \\ appended.
# TYPE papyra_log_written_bytes_total counter
papyra_log_written_bytes_total{{backend="orders",zone="eu"}} 18446744073709551615
papyra_log_written_bytes_total{{{odd}}} 0
# HELP papyra_log_reads_total The name already has the exported suffix.
# TYPE papyra_log_reads_total counter
papyra_log_reads_total{{backend="orders",zone="eu"}} 0
papyra_log_reads_total{{{odd}}} 0
# HELP papyra_log_open_segments open segments
# TYPE papyra_log_open_segments gauge
papyra_log_open_segments{{backend="orders",zone="eu"}} -4
papyra_log_open_segments{{{odd}}} -9223372036854775808
# HELP papyra_log_uptime_seconds One\nand{cr} two.
# TYPE papyra_log_uptime_seconds gauge
papyra_log_uptime_seconds{{backend="orders",zone="eu"}} 0
papyra_log_uptime_seconds{{{odd}}} 0
"#,
            cr = '\r'
        )
    );
}

#[test]
fn openmetrics_is_byte_exact() {
    let registry = Registry::new();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    assert_eq!(
        encoded(&registry, Format::OpenMetrics),
        format!(
            r#"# TYPE records_written counter
# HELP records_written Records appended.
records_written_total 0
# TYPE written_bytes counter
# UNIT written_bytes bytes
# HELP written_bytes Payload \"bytes\" \\ appended.
written_bytes_total 0
# TYPE reads counter
# HELP reads The name already has the exported suffix.
reads_total 0
# TYPE open_segments gauge
# HELP open_segments open segments
open_segments 0
# TYPE uptime_seconds gauge
# UNIT uptime_seconds seconds
# HELP uptime_seconds One\nand{cr} two.
uptime_seconds 0
# EOF
"#,
            cr = '\r'
        )
    );
}

#[test]
fn the_accept_header_chooses_the_format_with_the_highest_weight() {
    use Format::{OpenMetrics, Text};
    let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                        text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
                        text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    for (accept, expected) in [
        (prometheus_2, OpenMetrics),
        (prometheus_3, OpenMetrics),
        ("", Text),
        ("*/*", Text),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Text),
        ("application/*", OpenMetrics),
        ("application/*;q=0.5, text/*;q=0.6", Text),
        ("application/openmetrics-text", OpenMetrics),
        ("APPLICATION/OpenMetrics-Text; Version=\"1.0.0\"", OpenMetrics),
        ("application/openmetrics-text;q=0", Text),
        ("application/openmetrics-text;q=0,*/*", Text),
        ("application/openmetrics-text;q=0.000,text/plain;q=0", Text),
        ("application/openmetrics-text;q=0.001", OpenMetrics),
        ("text/plain, application/openmetrics-text", OpenMetrics),
        ("text/plain;q=0.9, application/openmetrics-text;q=0.8", Text),
        ("text/plain;q=0.9, application/openmetrics-text;q=0.8, */*", Text),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.1", Text),
        ("application/openmetrics-text;version=2.0.0", Text),
        ("application/openmetrics-text;q=none,text/plain;q=0.1", Text),
        ("application/openmetrics-text;q=7,text/plain;q=0.1", Text),
        ("text/plain;q=0.5;version=0.0.4,application/openmetrics-text ; q = 0.7", OpenMetrics),
        ("nonsense;;q,,/", Text),
    ] {
        assert_eq!(Format::accepted(accept), expected, "{accept}");
    }
    assert_eq!(
        OpenMetrics.content_type(),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert_eq!(Text.content_type(), "text/plain; version=0.0.4; charset=utf-8");
}

/// Runs a program with this text as its standard input and returns its output.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

#[test]
fn promtool_accepts_the_text_format() {
    let Fixture { registry, .. } = &fixture();
    let standard = Arc::new(PersistenceMetrics::default());
    let other = Registry::with_prefix("papyra").unwrap();
    other.register(standard.clone(), &[("backend", "standard")]).unwrap();
    for registry in [registry, &other] {
        let text = encoded(registry, Format::Text);
        let output = run(Command::new(find("promtool")).args(["check", "metrics"]), &text);
        assert!(output.status.success(), "{output:?}\n{text}");
    }
}

/// Parses a text with the OpenMetrics reference parser.
pub(crate) fn parsed(text: &str) -> Json {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("openmetrics.py");
    let output = run(Command::new(find("python")).arg(script), text);
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_reference_parser_reads_the_original_values_from_openmetrics() {
    let Fixture { registry, .. } = &fixture();
    let orders = json!({"backend": "orders", "zone": "eu"});
    let odd = json!({"backend": ODD});
    let name = |name: &str| format!("papyra_log_{name}");
    let family =
        |base: &str, kind: &str, unit: &str, help: &str, sample: &str, values: [Json; 2]| {
            json!({
                "name": name(base), "type": kind, "unit": unit, "help": help,
                "samples": [[name(sample), orders, values[0]], [name(sample), odd, values[1]]],
            })
        };
    let expected = json!([
        family(
            "records_written",
            "counter",
            "",
            "Records appended.",
            "records_written_total",
            [json!(3), json!(1)]
        ),
        family(
            "written_bytes",
            "counter",
            "bytes",
            "Payload \"bytes\" \\ appended.",
            "written_bytes_total",
            [json!(u64::MAX), json!(0)]
        ),
        family(
            "reads",
            "counter",
            "",
            "The name already has the exported suffix.",
            "reads_total",
            [json!(0), json!(0)]
        ),
        family(
            "open_segments",
            "gauge",
            "",
            "open segments",
            "open_segments",
            [json!(-4), json!(i64::MIN)]
        ),
        family(
            "uptime_seconds",
            "gauge",
            "seconds",
            "One\nand\r two.",
            "uptime_seconds",
            [json!(0), json!(0)]
        ),
    ]);
    assert_eq!(parsed(&encoded(registry, Format::OpenMetrics)), expected);
    assert_eq!(parsed(&encoded(&Registry::new(), Format::OpenMetrics)), json!([]));
}

#[test]
fn a_unit_that_is_the_whole_name_is_not_declared() {
    #[derive(Default, Metrics)]
    struct Size {
        #[metrics(unit = "bytes")]
        bytes: Gauge,
    }
    let size = Arc::new(Size::default());
    let registry = Registry::new();
    registry.register(size.clone(), &[]).unwrap();
    let families = parsed(&encoded(&registry, Format::OpenMetrics));
    assert_eq!((&families[0]["name"], &families[0]["unit"]), (&json!("bytes"), &json!("")));
}

#[test]
fn absent_metrics_are_not_written() {
    #[derive(Default, Metrics)]
    struct Outer {
        #[metrics(flatten)]
        inner: Option<LogMetrics>,
    }
    let outer = Arc::new(Outer::default());
    let registry = Registry::new();
    registry.register(outer.clone(), &[]).unwrap();
    assert_eq!(encoded(&registry, Format::Text), "");
    assert_eq!(encoded(&registry, Format::OpenMetrics), "# EOF\n");
}

#[test]
fn every_scrape_equals_a_first_scrape_of_the_same_values() {
    let registry = Registry::new();
    let backends: Vec<_> = ["orders", "users", "ü"]
        .map(|name| {
            let metrics = Arc::new(LogMetrics::default());
            registry.register(metrics.clone(), &[("backend", name)]).unwrap();
            metrics
        })
        .into();
    let prometheus = Prometheus::new(&registry);
    // A Lehmer random number generator chooses the backends that change, and the size of the changes.
    let mut random = 42_u64;
    let mut random = move |below| {
        random = random * 48_271 % 0x7FFF_FFFF;
        random % below
    };
    let index = |random| usize::try_from(random).unwrap();
    for scrape in 0..400 {
        // Makes no change, one change, or many changes.
        let changes = [0, 1, 40][index(random(3))];
        for _ in 0..changes {
            let LogMetrics {
                records_written, bytes_written, open_segments, uptime_seconds, ..
            } = &*backends[index(random(3))];
            records_written.add(random(10));
            bytes_written.add(1 << random(64));
            open_segments.set(0_i64.wrapping_sub_unsigned(1 << random(64)));
            uptime_seconds.set(scrape - 200);
        }
        for format in [Format::Text, Format::OpenMetrics] {
            // `encode` appends the exposition to the text that the string already has.
            let mut text = "before ü\n".to_owned();
            prometheus.encode(format, &mut text);
            assert_eq!(text, format!("before ü\n{}", encoded(&registry, format)), "{scrape}");
        }
    }
}

#[test]
fn a_metric_that_cannot_be_read_at_first_is_written_once_it_can() {
    let registry = Registry::new();
    let metrics = Arc::new(Fragile::default());
    metrics.broken.panics.store(true, Relaxed);
    registry.register(metrics.clone(), &[]).unwrap();
    metrics.before.add(1);
    metrics.after.set(-3);
    let prometheus = Prometheus::new(&registry);
    let samples = || {
        let body = prometheus.scrape(None).body;
        body.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(samples(), "before_total 1");
    metrics.broken.panics.store(false, Relaxed);
    assert_eq!(samples(), "before_total 1, broken_total 2, after -3");

    // A metric that was read once and then cannot be read keeps its last value.
    metrics.broken.panics.store(true, Relaxed);
    metrics.before.add(1);
    metrics.after.set(-4);
    assert_eq!(samples(), "before_total 2, broken_total 2, after -3");
    assert_eq!(registry.problems()[0].message, "reading its metrics panicked: the disk has failed");
}

#[derive(Default, Metrics)]
struct Fragile {
    before: Counter,
    broken: Broken,
    after: Gauge,
}

/// An instrument that panics on request.
#[derive(Default)]
struct Broken {
    panics: AtomicBool,
}

impl Instrument for Broken {
    const KIND: Kind = Kind::Counter;

    fn value(&self) -> Value {
        assert!(!self.panics.load(Relaxed), "the disk has failed");
        Value::Counter(2)
    }

    fn reset(&self) {}

    fn take(&self) -> Value {
        self.value()
    }
}

#[test]
fn a_closed_backend_is_in_one_more_scrape_only() {
    let Fixture { registry, orders, _odd } = fixture();
    let prometheus = Prometheus::new(&registry);
    prometheus.scrape(None);
    orders.records_written.inc();
    drop(orders);
    assert!(prometheus.scrape(None).body.contains("{backend=\"orders\",zone=\"eu\"} 4\n"));
    let body = prometheus.scrape(None).body;
    assert!(!body.contains("orders") && body.contains("slash"), "{body}");

    let again = Arc::new(LogMetrics::default());
    registry.register(again.clone(), &[("backend", "orders"), ("zone", "eu")]).unwrap();
    again.records_written.inc();
    assert!(prometheus.scrape(None).body.contains("{backend=\"orders\",zone=\"eu\"} 5\n"));
}

#[test]
fn a_backend_is_scraped_correctly_after_a_later_one_is_closed() {
    let registry = Registry::new();
    let open = |name| {
        let metrics = Arc::new(LogMetrics::default());
        registry.register(metrics.clone(), &[("backend", name)]).unwrap();
        metrics
    };
    let (orders, users) = (open("orders"), open("users"));
    let prometheus = Prometheus::new(&registry);
    orders.records_written.add(12);
    prometheus.scrape(None);
    drop(users);
    for expected in 13..120 {
        orders.records_written.inc();
        let body = prometheus.scrape(None).body;
        let line = format!("\nrecords_written_total{{backend=\"orders\"}} {expected}\n");
        assert!(body.contains(&line), "{line}{body}");
    }
}

#[test]
fn with_linger_several_servers_see_the_last_counts_of_a_backend() {
    let Fixture { registry, orders, _odd } = fixture();
    let prometheus = Prometheus::new(&registry).with_linger(Duration::from_secs(3600));
    drop(orders);
    for _ in 0..3 {
        assert!(prometheus.scrape(None).body.contains("{backend=\"orders\",zone=\"eu\"} 3\n"));
    }
}

#[test]
fn encoded_samples_are_named_and_grouped_like_those_of_backends() {
    let sample = |name, backend, value| {
        let mut sample = Sample::new(name, value);
        sample.labels = backend;
        sample
    };
    let (one, two): (&[_], &[_]) = (&[("pid", "1")], &[("pid", "2")]);
    let mut bytes = sample("log_bytes_written", one, Value::Counter(7));
    (bytes.prefix_len, bytes.unit, bytes.help) = (4, Some("bytes"), "Bytes.");
    let samples = [
        sample("writes_total", one, Value::Counter(1)),
        bytes,
        sample("writes_total", two, Value::Counter(2)),
        sample("open", &[], Value::Gauge(-1)),
    ];
    assert_eq!(
        encode(Format::OpenMetrics, samples.clone()).unwrap(),
        r#"# TYPE writes counter
# HELP writes writes
writes_total{pid="1"} 1
writes_total{pid="2"} 2
# TYPE log_written_bytes counter
# UNIT log_written_bytes bytes
# HELP log_written_bytes Bytes.
log_written_bytes_total{pid="1"} 7
# TYPE open gauge
# HELP open open
open -1
# EOF
"#
    );
    let refused = |sample: Sample<'_>| {
        let samples = samples.iter().cloned().chain([sample]);
        encode(Format::Text, samples).unwrap_err().to_string()
    };
    assert_eq!(
        refused(sample("writes", two, Value::Counter(3))),
        "`writes` with the labels `{pid=\"2\"}` exists already; add a label that differs, such as `backend`"
    );
    assert_eq!(
        refused(sample("open", one, Value::Counter(3))),
        "`open` is a counter without a unit in backend `{pid=\"1\"}`, but a gauge without a unit in backend `{}`; rename \
         one of them, or use registries with different prefixes"
    );
    assert_eq!(
        refused(sample("no name", one, Value::Counter(3))),
        "`no name` is not a metric name; it must match `[a-zA-Z_][a-zA-Z0-9_]*`"
    );
}

#[test]
fn a_prometheus_server_scrapes_the_right_values_over_a_reset_and_a_closed_backend() {
    let Fixture { registry, orders, _odd } = fixture();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let scraper = Scraper::of(&server.local_addr().to_string(), "scrape");
    let written = "papyra_log_records_written_total{backend=\"orders\"}";
    scraper.wait_for(written, "3");
    scraper.wait_for("count(papyra_log_records_written_total)", "2");
    scraper.wait_for("papyra_log_open_segments{backend=\"orders\"}", "-4");
    assert_eq!(
        scraper.get("label/backend/values", &[]).unwrap()["data"],
        json!([ODD, "orders"]),
        "a label value did not arrive unchanged"
    );
    assert_eq!(
        scraper.get("metadata", &[("metric", "papyra_log_written_bytes")]).unwrap()["data"],
        json!({"papyra_log_written_bytes": [
            {"type": "counter", "help": "Payload \"bytes\" \\ appended.", "unit": "bytes"}
        ]})
    );

    orders.reset();
    orders.records_written.add(1);
    scraper.wait_for(written, "4");
    scraper.wait_for(&format!("resets({written}[1m])"), "0");

    orders.records_written.add(6);
    drop(orders);
    scraper.wait_for(&format!("last_over_time({written}[1m])"), "10");
    wait_for("the series to disappear", || scraper.query(written).is_none().then_some(()));
    scraper.wait_for("count(papyra_log_records_written_total)", "1");
    scraper.wait_for("up", "1");
}
