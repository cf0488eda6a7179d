//! Tests that each exporter combines the labels of a metric with the labels of its registration.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use papyra_metrics::{Counter, Descriptor, Gauge, Histogram, Metrics, Walker};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::prometheus::{Format, Prometheus, serve};
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, RegisterError, Registry};
use papyra_metrics_export_tests::{Scraper, StatsDaemon, find, free_port, wait_for};

use crate::opentelemetry::receiver::Pipeline;
use crate::prometheus::{encoded, parsed, run};

/// Two families of series, and between them a gauge that has no labels of its own.
#[derive(Default)]
struct Requests {
    calls: [Counter; 2],
    open: Gauge,
    durations: [Histogram; 2],
}

const REQUESTS: &[Descriptor] = &[
    Descriptor::counter("requests").with_labels(&[("op", "get")]),
    Descriptor::counter("requests").with_labels(&[("op", "put")]),
    Descriptor::gauge("open"),
    Descriptor::histogram("duration").with_unit("seconds").with_labels(&[("op", "get")]),
    Descriptor::histogram("duration").with_unit("seconds").with_labels(&[("op", "put")]),
];

impl Metrics for Requests {
    fn descriptors(&self) -> &[Descriptor] {
        REQUESTS
    }

    fn walk(&self, walker: &mut dyn Walker) {
        walker.counters(&self.calls.each_ref());
        walker.gauges(&[&self.open]);
        self.durations.iter().for_each(|it| walker.instrument(it));
    }
}

/// Registers metrics, and returns the registry and the metrics. In alphabetical order, the label `op` of the metrics is
/// between the labels `backend` and `zone` of the registration.
fn registry() -> (Registry, Arc<Requests>) {
    let registry = Registry::with_prefix("papyra").unwrap();
    let requests = Arc::new(Requests::default());
    let handle = registry.with_labels(&[("zone", "eu")]);
    handle.register(requests.clone(), &[("backend", "orders")]).unwrap();
    requests.calls[0].add(3);
    requests.calls[1].add(4);
    requests.open.set(5);
    requests.durations[0].record(Duration::from_millis(1));
    requests.durations[1].record_n(Duration::from_millis(3), 2);
    (registry, requests)
}

#[test]
fn opentelemetry_has_labels_as_attributes() {
    let (registry, _requests) = registry();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let received = pipeline.collect();
    let attributes = |op: &str| format!("backend=orders op={op} zone=eu");
    let expected = [("get", 3), ("put", 4)]
        .map(|(op, total)| (format!("papyra.requests {}", attributes(op)), total));
    assert_eq!(received.totals, BTreeMap::from(expected));
    assert_eq!(received.gauges["papyra.open backend=orders zone=eu"], 5);
    for (op, count) in [("get", 1), ("put", 2)] {
        let buckets = &received.histograms[&format!("papyra.duration {}", attributes(op))];
        assert_eq!(buckets.counts.iter().sum::<u64>(), count);
    }
    assert_eq!(received.histograms.len(), 2);
}

#[test]
fn the_statsd_daemon_has_labels_in_names_and_as_tags() {
    let (registry, _requests) = registry();
    let daemon = StatsDaemon::start("statsd-labels", free_port());
    let statsd = || StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    statsd().export().unwrap();
    statsd().with_tags().export().unwrap();
    let last = "papyra.requests;backend=orders;op=put;zone=eu";
    let counters = wait_for("the last datagram", || {
        daemon.numbers("counters").filter(|counters| counters.contains_key(last))
    });
    let counter = |name: &str| counters[name].to_string();
    assert_eq!(counter(last), "4");
    assert_eq!(counter("papyra.requests;backend=orders;op=get;zone=eu"), "3");
    assert_eq!(counter("papyra.orders.get.eu.requests"), "3");
    assert_eq!(counter("papyra.orders.put.eu.requests"), "4");
    assert_eq!(counter("papyra.orders.get.eu.duration_seconds_bucket_0_001"), "1");
    assert_eq!(counter("papyra.orders.put.eu.duration_seconds_count"), "2");
    let gauges = daemon.numbers("gauges").unwrap();
    let gauge = |name: &str| gauges[name].to_string();
    assert_eq!(gauge("papyra.orders.eu.open"), "5");
    assert_eq!(gauge("papyra.open;backend=orders;zone=eu"), "5");
    assert_eq!(gauge("papyra.orders.get.eu.duration_seconds.p50"), "0.001");
}

#[test]
fn metrics_exporter_prometheus_has_the_labels() {
    let (registry, _requests) = registry();
    let recorder = PrometheusBuilder::new().build_recorder();
    let exporter = recorder.handle();
    Facade::with_recorder(&registry, recorder).export().unwrap();
    let text = exporter.render();
    for sample in [
        "papyra_requests_total{backend=\"orders\",op=\"get\",zone=\"eu\"} 3\n",
        "papyra_requests_total{backend=\"orders\",op=\"put\",zone=\"eu\"} 4\n",
        "papyra_open{backend=\"orders\",zone=\"eu\"} 5\n",
        "papyra_duration_seconds_count{backend=\"orders\",op=\"put\",zone=\"eu\"} 2\n",
    ] {
        assert!(text.contains(sample), "{sample} is not in {text}");
    }
}

#[test]
fn the_samples_of_a_family_are_written_together_below_one_type_line() {
    let (registry, _requests) = registry();
    // The members of a family are written together, even those of a backend that is registered later.
    let other = Arc::new(Requests::default());
    registry.register(other.clone(), &[("backend", "a"), ("zone", "us")]).unwrap();
    let text = encoded(&registry, Format::OpenMetrics);
    let heads: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    assert_eq!(
        heads,
        [
            "# TYPE papyra_requests counter",
            "# TYPE papyra_open gauge",
            "# TYPE papyra_duration_seconds histogram"
        ]
    );
    let samples = |name: &str| {
        let samples = text.lines().filter(|line| line.starts_with(name));
        samples.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        samples("papyra_requests_total"),
        [
            "papyra_requests_total{backend=\"orders\",op=\"get\",zone=\"eu\"} 3",
            "papyra_requests_total{backend=\"orders\",op=\"put\",zone=\"eu\"} 4",
            "papyra_requests_total{backend=\"a\",op=\"get\",zone=\"us\"} 0",
            "papyra_requests_total{backend=\"a\",op=\"put\",zone=\"us\"} 0",
        ]
    );
    let counts = samples("papyra_duration_seconds_count");
    let put = "papyra_duration_seconds_count{backend=\"orders\",op=\"put\",zone=\"eu\"} 2";
    assert_eq!((counts.len(), &*counts[1]), (4, put));
    // The reference parser refuses a text in which the samples of a family are not written together.
    assert_eq!(parsed(&text).as_array().unwrap().len(), 3);
    let output = run(
        Command::new(find("promtool")).args(["check", "metrics"]),
        &encoded(&registry, Format::Text),
    );
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_prometheus_server_sees_members_of_a_family_by_their_labels() {
    let (registry, _requests) = registry();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let scraper = Scraper::of(&server.local_addr().to_string(), "labels");
    scraper.wait_for("papyra_requests_total{op=\"put\"}", "4");
    scraper.wait_for("sum without (op) (papyra_requests_total{backend=\"orders\"})", "7");
    scraper.wait_for("papyra_duration_seconds_count{op=\"put\",zone=\"eu\"}", "2");
    let quantile = "histogram_quantile(1, sum by (op, le) (papyra_duration_seconds_bucket))";
    scraper.wait_for(&format!("{quantile} > 0.002"), "0.005");
    assert_eq!(
        scraper.get("label/op/values", &[]).unwrap()["data"],
        serde_json::json!(["get", "put"])
    );
}

/// Metrics that have descriptors, but whose values are absent.
struct Listing(&'static [Descriptor]);

impl Metrics for Listing {
    fn descriptors(&self) -> &[Descriptor] {
        self.0
    }

    fn walk(&self, walker: &mut dyn Walker) {
        walker.absent(self.0.len());
    }
}

#[test]
fn metrics_of_one_name_with_different_label_names_are_refused() {
    const BARE: &[Descriptor] = &[Descriptor::counter("requests")];
    const BY_OP: &[Descriptor] = &[Descriptor::counter("requests").with_labels(&[("op", "get")])];
    const OTHER_OP: &[Descriptor] =
        &[Descriptor::counter("requests").with_labels(&[("op", "scan")])];
    const BY_TWO: &[Descriptor] =
        &[Descriptor::counter("requests").with_labels(&[("outcome", "ok"), ("op", "get")])];
    const MIXED: &[Descriptor] = &[
        Descriptor::counter("requests").with_labels(&[("op", "get")]),
        Descriptor::counter("requests"),
    ];
    let listing = |list| Arc::new(Listing(list));
    let registry = Registry::new();
    let by_op = listing(BY_OP);
    registry.register(by_op.clone(), &[("backend", "a")]).unwrap();
    // A metric that has another value of the label `op` belongs to the same family.
    let other_op = listing(OTHER_OP);
    registry.register(other_op.clone(), &[("backend", "a")]).unwrap();
    for (list, has) in [(BARE, "no labels"), (BY_TWO, "the labels `op`, `outcome`")] {
        let refused = listing(list);
        let error = registry.register(refused.clone(), &[("backend", "b")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`requests` has {has} in backend `{{backend=\"b\"}}`, but the label `op` in backend \
                 `{{backend=\"a\"}}`; metrics with the same name must have the same label names"
            )
        );
    }
    let mixed = listing(MIXED);
    assert!(Registry::new().register(mixed.clone(), &[]).is_err());
}

#[test]
fn a_label_of_both_the_metric_and_the_registration_is_refused() {
    let (registry, requests) = (Registry::new(), Arc::new(Requests::default()));
    let error = registry.register(requests.clone(), &[("op", "all")]).unwrap_err();
    assert_eq!(error, RegisterError::DuplicateLabel { name: "op".to_owned() });
    let handle = registry.with_labels(&[("op", "all")]);
    assert!(handle.register(requests.clone(), &[]).is_err());
    registry.register(requests.clone(), &[]).unwrap();
}
