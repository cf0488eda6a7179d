//! A derived struct with families, fixed labels and errors by kind is published in a file and registered. Each receiver
//! must have all series of the struct with the right values, even if the value of a label contains every special
//! character of the formats.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use papyra_metrics::publish::{Published, Reader};
use papyra_metrics::{Counter, Family, Gauge, Histogram, Kind, Label, Metrics, metrics};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::otlp::Otlp;
use papyra_metrics_export::prometheus::{Format, Prometheus, serve};
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, Registry, RegistryReader};
use papyra_metrics_export_tests::{Scraper, StatsDaemon, find, free_port, number, wait_for};

use crate::opentelemetry::receiver::{Pipeline, Received, Receiver};
use crate::otlp_collector::start_collector;
use crate::prometheus::{encoded, parsed, run};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Clone, Copy, Label)]
enum Outcome {
    Hit,
    Miss,
}

#[derive(Clone, Copy, Label)]
#[metrics(label = "kind")]
enum ErrorKind {
    NotFound,
    #[metrics(name = "full")]
    StorageFull,
    Other,
}

impl From<&io::Error> for ErrorKind {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::StorageFull => Self::StorageFull,
            _ => Self::Other,
        }
    }
}

#[derive(Default, Metrics)]
#[metrics(labels(component = "engine"))]
struct EngineMetrics {
    /// Requests.
    requests: Family<(Op, Outcome), Counter>,
    /// Failed requests.
    #[metrics(errors)]
    failures: Family<ErrorKind, Counter>,
    #[metrics(name = "lookups", labels(cache = "block"))]
    block_lookups: Counter,
    queued: Family<Op, Gauge>,
    #[metrics(name = "lookups", labels(cache = "row"))]
    row_lookups: Counter,
    #[metrics(flatten, labels(file = "log"))]
    log: FileMetrics,
    /// How long a request takes.
    request: Family<Op, Histogram>,
    #[metrics(flatten, labels(file = "table"))]
    table: FileMetrics,
}

#[derive(Default, Metrics)]
struct FileMetrics {
    /// Bytes written.
    #[metrics(unit = "bytes")]
    written: Counter,
}

/// The value of the label `db`, which the registration adds.
const DB: &str = "a \"b\" c:\\d\ne,f|g#h@i;j=k{l}m/ü \u{1f980}";

struct Engine {
    metrics: Arc<Published<EngineMetrics>>,
    registry: Registry,
    file: tempfile::TempDir,
}

impl Engine {
    fn new() -> Self {
        let file = tempfile::tempdir().unwrap();
        let metrics = Published::create(file.path().join("engine")).unwrap();
        let registry = Registry::with_prefix("papyra").unwrap();
        let metrics = Arc::new(metrics);
        registry.register(Arc::clone(&metrics), &[("db", DB)]).unwrap();
        Self { metrics, registry, file }
    }

    #[metrics(errors)]
    fn fail(&self, kind: io::ErrorKind) -> io::Result<()> {
        Err(kind.into())
    }

    #[metrics(errors = failures, errors_by = |_| ErrorKind::NotFound)]
    fn miss(&self) -> Result<(), &'static str> {
        Err("nothing there")
    }

    /// Sets each gauge to its number in [`SERIES`]. Adds half of the number to each counter and to the count of each
    /// histogram, so that two calls of this function add up to the number.
    fn work(&self) {
        let metrics = &self.metrics;
        metrics.requests[(Op::Get, Outcome::Hit)].add(3);
        metrics.requests[(Op::Put, Outcome::Miss)].inc();
        self.fail(io::ErrorKind::StorageFull).unwrap_err();
        self.fail(io::ErrorKind::NotFound).unwrap_err();
        self.miss().unwrap_err();
        metrics.row_lookups.add(4);
        metrics.queued[Op::Get].set(7);
        metrics.queued[Op::Put].set(-2);
        metrics.log.written.add(2048);
        metrics.request[Op::Put].record_n(Duration::from_millis(3), 2);
        metrics.reset();
    }
}

/// A series: its name, the suffix for its unit, its kind, its labels, and its number after two calls of
/// [`Engine::work`]. The number of a histogram is its count.
type Known = (&'static str, &'static str, Kind, &'static [(&'static str, &'static str)], i64);

const SERIES: &[Known] = &[
    ("requests", "", Kind::Counter, &[("op", "get"), ("outcome", "hit")], 6),
    ("requests", "", Kind::Counter, &[("op", "get"), ("outcome", "miss")], 0),
    ("requests", "", Kind::Counter, &[("op", "put"), ("outcome", "hit")], 0),
    ("requests", "", Kind::Counter, &[("op", "put"), ("outcome", "miss")], 2),
    ("failures", "", Kind::Counter, &[("kind", "not_found")], 4),
    ("failures", "", Kind::Counter, &[("kind", "full")], 2),
    ("failures", "", Kind::Counter, &[("kind", "other")], 0),
    ("lookups", "", Kind::Counter, &[("cache", "block")], 0),
    ("lookups", "", Kind::Counter, &[("cache", "row")], 8),
    ("queued", "", Kind::Gauge, &[("op", "get")], 7),
    ("queued", "", Kind::Gauge, &[("op", "put")], -2),
    ("written", "_bytes", Kind::Counter, &[("file", "log")], 4096),
    ("written", "_bytes", Kind::Counter, &[("file", "table")], 0),
    ("request", "_seconds", Kind::Histogram, &[("op", "get")], 0),
    ("request", "_seconds", Kind::Histogram, &[("op", "put")], 4),
];

/// The name and the labels of a series at a receiver.
type Series = (String, BTreeMap<String, String>);

fn series<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Series {
    let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    (name.to_owned(), labels.collect())
}

/// Returns the series that a receiver should have, for the metrics of these kinds. The name of a series consists of the
/// prefix, the name in [`SERIES`], the suffix for the unit if `with_unit` is true, and the suffix for the kind.
fn expected(prefix: &str, with_unit: bool, kinds: &[(Kind, &str)]) -> BTreeMap<Series, i64> {
    let known = SERIES.iter().filter_map(|&(name, unit, kind, labels, number)| {
        let (_, suffix) = kinds.iter().find(|(known, _)| *known == kind)?;
        let unit = if with_unit { unit } else { "" };
        let common = [("component", "engine"), ("db", DB)];
        let labels = common.into_iter().chain(labels.iter().copied());
        Some((series(&format!("{prefix}{name}{unit}{suffix}"), labels), number))
    });
    known.collect()
}

/// Returns the samples that Prometheus should have, except the buckets and the sums of histograms.
fn expected_samples() -> BTreeMap<Series, i64> {
    let kinds = [(Kind::Counter, "_total"), (Kind::Gauge, ""), (Kind::Histogram, "_count")];
    expected("papyra_", true, &kinds)
}

fn is_bucket_or_sum(name: &str) -> bool {
    name.ends_with("_bucket") || name.ends_with("_sum")
}

#[test]
fn the_file_and_a_reader_of_the_registry_have_each_series() {
    let engine = Engine::new();
    engine.work();
    engine.work();
    let mut reader = RegistryReader::new(&engine.registry);
    let samples = reader
        .read()
        .map(|sample| (series(sample.name(), sample.labels().iter()), number(sample.value())));
    let samples: BTreeMap<_, _> = samples.collect();
    let kinds = [(Kind::Counter, ""), (Kind::Gauge, ""), (Kind::Histogram, "")];
    assert_eq!(samples, expected("papyra_", true, &kinds));

    let totals = Reader::open(engine.file.path().join("engine")).unwrap().totals().unwrap();
    assert_eq!(totals.len(), SERIES.len());
    for (name, _, _, labels, count) in SERIES {
        let labels = labels.iter().map(|(name, value)| format!("{name}={value}"));
        let labels: Vec<_> = ["component=engine".to_owned()].into_iter().chain(labels).collect();
        // In a key, the label of the outer struct comes before the labels of the fields.
        assert_eq!(number(&totals[&*format!("{name}{{{}}}", labels.join(","))]), *count);
    }
}

#[test]
fn the_reference_parser_reads_each_family_once_and_every_label_value_unchanged() {
    let engine = Engine::new();
    // In each family, the samples of this second backend are written next to the samples of the first backend.
    let other = Arc::new(EngineMetrics::default());
    engine.registry.register(Arc::clone(&other), &[("db", "b")]).unwrap();
    engine.work();
    engine.work();
    let text = encoded(&engine.registry, Format::OpenMetrics);
    let families = parsed(&text);
    let families = families.as_array().unwrap();
    let names: BTreeSet<_> = families.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!((families.len(), names.len()), (6, 6), "{names:?}");
    for head in ["# TYPE", "# HELP"] {
        assert_eq!(text.lines().filter(|line| line.starts_with(head)).count(), 6, "{text}");
    }
    let samples = families.iter().flat_map(|family| family["samples"].as_array().unwrap());
    let mut found = BTreeMap::new();
    for sample in samples {
        let name = sample[0].as_str().unwrap();
        let labels = sample[1].as_object().unwrap();
        if labels["db"] == DB && !is_bucket_or_sum(name) {
            let labels = labels.iter().map(|(name, value)| (&**name, value.as_str().unwrap()));
            #[allow(clippy::cast_possible_truncation)] // small integers
            found.insert(series(name, labels), sample[2].as_f64().unwrap() as i64);
        }
    }
    assert_eq!(found, expected_samples());
    let text = encoded(&engine.registry, Format::Text);
    let output = run(Command::new(find("promtool")).args(["check", "metrics"]), &text);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_prometheus_server_has_each_series() {
    let engine = Engine::new();
    engine.work();
    engine.work();
    let server = serve(Prometheus::new(&engine.registry), "127.0.0.1:0").unwrap();
    let scraper = Scraper::of(&server.local_addr().to_string(), "families");
    let found = wait_for("a scrape", || {
        let answer = scraper.get("query", &[("query", "{__name__=~\"papyra_.+\"}")])?;
        let result = answer["data"]["result"].as_array().filter(|result| !result.is_empty())?;
        let samples = result.iter().filter_map(|sample| {
            let mut labels = sample["metric"].as_object().unwrap().clone();
            labels.retain(|name, _| !["instance", "job"].contains(&name.as_str()));
            let name = labels.remove("__name__").unwrap();
            let name = name.as_str().filter(|name| !is_bucket_or_sum(name))?;
            let labels = labels.iter().map(|(name, value)| (&**name, value.as_str().unwrap()));
            let value = sample["value"][1].as_str().unwrap().parse::<i64>().unwrap();
            Some((series(name, labels), value))
        });
        Some(samples.collect::<BTreeMap<_, _>>())
    });
    assert_eq!(found, expected_samples());
}

/// Returns the series of this kind that an OpenTelemetry receiver should have, with the attributes in alphabetical
/// order.
fn expected_points(kind: Kind) -> BTreeMap<String, i64> {
    let expected = expected("papyra.", false, &[(kind, "")]);
    let points = expected.into_iter().map(|((name, labels), number)| {
        let mut labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        labels.sort();
        (format!("{name} {}", labels.join(" ")), number)
    });
    points.collect()
}

fn assert_received(received: &Received) {
    assert!(received.faults.is_empty(), "{:?}", received.faults);
    assert_eq!(received.totals, expected_points(Kind::Counter));
    assert_eq!(received.gauges, expected_points(Kind::Gauge));
    let counts = received.histograms.iter().map(|(name, buckets)| {
        (name.clone(), i64::try_from(buckets.counts.iter().sum::<u64>()).unwrap())
    });
    // The SDK has no series for a histogram without values.
    let expected = expected_points(Kind::Histogram).into_iter().filter(|(_, count)| *count > 0);
    let counts: BTreeMap<_, _> = counts.filter(|(_, count)| *count > 0).collect();
    assert_eq!(counts, expected.collect());
}

#[test]
fn the_sdk_of_opentelemetry_has_each_series_cumulative_and_as_deltas() {
    let engine = Engine::new();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&engine.registry);
    engine.work();
    pipeline.collect();
    engine.work();
    assert_received(&pipeline.collect());
}

#[test]
fn a_collector_has_each_series_over_otlp() {
    let engine = Engine::new();
    let backend = Receiver::start();
    let port = free_port();
    let url = backend.endpoint.trim_end_matches("/v1/metrics");
    let _collector = start_collector("otlp-families", port, url);
    let otlp = Otlp::new(&engine.registry);
    let mut otlp = otlp.into_http(&format!("http://127.0.0.1:{port}/v1/metrics")).unwrap();
    engine.work();
    otlp.export().unwrap();
    // The collector may change the order of two messages, so the second is sent only after the first has arrived.
    wait_for("the first message", || (!backend.received().totals.is_empty()).then_some(()));
    engine.work();
    otlp.export().unwrap();
    let last = expected_points(Kind::Counter);
    let received = wait_for("the second message", || {
        Some(backend.received()).filter(|received| received.totals == last)
    });
    assert_received(&received);
}

/// Replaces each character by `_`, except ASCII letters, ASCII digits and the characters in `allowed`.
fn sanitized(text: &str, allowed: &str) -> String {
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || allowed.contains(char);
    text.chars().map(|char| if is_allowed(char) { char } else { '_' }).collect()
}

#[test]
fn the_statsd_daemon_adds_up_each_series_in_names_and_as_tags() {
    let engine = Engine::new();
    let daemon = StatsDaemon::start("statsd-families", free_port());
    let statsd = || StatsD::udp(&engine.registry, ("127.0.0.1", daemon.port)).unwrap();
    let (mut plain, mut tagged) = (statsd(), statsd().with_tags());
    for _ in 0..2 {
        engine.work();
        plain.export().unwrap();
        tagged.export().unwrap();
    }
    // The daemon appends the tags to the name. In the tags, it replaces slashes and removes colons.
    let name_of = |(name, labels): &Series, is_tagged: bool| {
        if is_tagged {
            let tag = |(name, value): (&String, &String)| {
                format!(";{name}={}", sanitized(value, "_-./:").replace('/', "-").replace(':', ""))
            };
            format!("papyra.{name}{}", labels.iter().map(tag).collect::<String>())
        } else {
            let values = labels.values().map(|value| sanitized(value, "_-") + ".");
            format!("papyra.{}{name}", values.collect::<String>())
        }
    };
    let expected = |kind, suffix| {
        let expected = expected("", true, &[(kind, suffix)]);
        let named = expected.into_iter().flat_map(|(series, number)| {
            [false, true].map(|is_tagged| (name_of(&series, is_tagged), number))
        });
        named.collect::<BTreeMap<_, _>>()
    };
    // A counter that is zero is not sent.
    let counters: BTreeMap<_, _> =
        expected(Kind::Counter, "").into_iter().filter(|(_, total)| *total > 0).collect();
    let found = wait_for("the last datagram", || {
        let found = daemon.numbers("counters")?;
        counters.keys().all(|name| found.contains_key(name)).then_some(found)
    });
    let found: BTreeMap<_, _> =
        found.iter().map(|(name, n)| (name.clone(), n.to_string())).collect();
    assert_eq!(found["statsd.bad_lines_seen"], "0");
    for (name, total) in &counters {
        assert_eq!(found[name], total.to_string(), "{name}");
    }
    let (name, _) = expected(Kind::Histogram, "_count").into_iter().find(|it| it.1 > 0).unwrap();
    assert_eq!(found[&name], "4");
    let gauges = daemon.numbers("gauges").unwrap();
    for (name, value) in expected(Kind::Gauge, "") {
        assert_eq!(gauges[&name].to_string(), value.to_string(), "{name}");
    }
}

#[test]
fn metrics_exporter_prometheus_has_each_series() {
    let engine = Engine::new();
    let recorder = PrometheusBuilder::new().build_recorder();
    let exporter = recorder.handle();
    let mut facade = Facade::with_recorder(&engine.registry, recorder);
    for _ in 0..2 {
        engine.work();
        facade.export().unwrap();
    }
    let text = exporter.render();
    for ((name, labels), number) in expected_samples() {
        let escaped =
            |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<_> =
            labels.iter().map(|(name, it)| format!("{name}=\"{}\"", escaped(it))).collect();
        let sample = format!("{name}{{{}}} {number}", labels.join(","));
        assert!(text.lines().any(|line| line == sample), "{sample} is not in {text}");
    }
}
