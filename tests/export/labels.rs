//! Labels that metrics bring themselves, beside those of their registration, in each export.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use papyra_metrics::{Counter, Descriptor, Gauge, Histogram, Metrics, Walker};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, Registry};
use papyra_metrics_export_tests::{StatsDaemon, free_port, wait_for};

use crate::opentelemetry::receiver::Pipeline;

/// Two families, and a gauge without labels of its own between them.
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

/// A registry whose labels come before and after those of the metrics in the order of names.
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
fn opentelemetry_has_them_as_attributes() {
    let (registry, _requests) = registry();
    let pipeline = Pipeline::start();
    let _observed = pipeline.observe(&registry);
    let told = pipeline.collect();
    let attributes = |op: &str| format!("backend=orders op={op} zone=eu");
    let expected = [("get", 3), ("put", 4)]
        .map(|(op, total)| (format!("papyra.requests {}", attributes(op)), total));
    assert_eq!(told.totals, BTreeMap::from(expected));
    assert_eq!(told.gauges["papyra.open backend=orders zone=eu"], 5);
    for (op, count) in [("get", 1), ("put", 2)] {
        let buckets = &told.histograms[&format!("papyra.duration {}", attributes(op))];
        assert_eq!(buckets.counts.iter().sum::<u64>(), count);
    }
    assert_eq!(told.histograms.len(), 2);
}

#[test]
fn the_statsd_daemon_has_them_in_names_and_as_tags() {
    let (registry, _requests) = registry();
    let daemon = StatsDaemon::start("statsd-labels", free_port());
    let statsd = || StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    statsd().export().unwrap();
    statsd().tags().export().unwrap();
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
fn the_facades_prometheus_exporter_has_them_as_labels() {
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
