//! Tests how histograms are sent. A `StatsD` daemon receives their buckets, counts, sums and quantiles. A `DogStatsD`
//! server receives distributions.

// The receivers calculate with floats. The counts of these tests are so small that floats represent them exactly.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::{Distribution, FloatGauge, Histogram, Latency, Metrics, Sizes};
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, Progress, Registry};
use papyra_metrics_export_tests::{StatsDaemon, free_port, wait_for};

use super::receive;

#[derive(Default, Metrics)]
struct Latencies {
    append: Histogram,
    record_size: Histogram<Sizes>,
    fill: FloatGauge,
}

fn open(registry: &Registry, name: &str) -> Arc<Latencies> {
    let metrics = Arc::new(Latencies::default());
    registry.register(metrics.clone(), &[("backend", name)]).unwrap();
    metrics
}

/// A source of random values of all magnitudes. Each value is recorded both in the exported histogram and in `append`.
/// The expected counters are computed from `append`.
struct Source {
    state: u64,
    append: Histogram,
}

impl Source {
    fn new() -> Self {
        Self { state: 1, append: Histogram::new() }
    }

    fn record(&mut self, metrics: &Latencies, values: usize) {
        for _ in 0..values {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = Duration::from_nanos(self.state >> (24 + self.state % 40));
            metrics.append.record(value);
            self.append.record(value);
        }
    }

    /// Returns the counters that the daemon should have: the buckets, the count and the sum.
    fn counters(&self, name: &str) -> BTreeMap<String, f64> {
        let total = self.append.total().erase();
        let mut counters = BTreeMap::new();
        for bucket in total.buckets().filter(|bucket| bucket.count() > 0) {
            let bound = match bucket.upper() {
                upper if upper.is_infinite() => "inf".to_owned(),
                upper if upper < 1e-4 => format!("{upper:e}").replace("e-", "e-0"),
                upper => format!("{upper:?}").replace('.', "_"),
            };
            counters.insert(format!("{name}_bucket_{bound}"), bucket.count() as f64);
        }
        counters.insert(format!("{name}_count"), total.count() as f64);
        counters.insert(format!("{name}_sum"), total.sum());
        counters
    }
}

/// Waits until the daemon has the expected count of a histogram. Then asserts that the daemon has exactly the expected
/// counters of this histogram.
#[track_caller]
fn assert_counted(daemon: &StatsDaemon, name: &str, expected: &BTreeMap<String, f64>) {
    let count = format!("{name}_count");
    let counters = wait_for(&count, || {
        let counters = daemon.numbers("counters").unwrap();
        (counters.get(&count) == expected.get(&count)).then_some(counters)
    });
    let counters_of_histogram = counters.iter().filter(|(counter, _)| counter.starts_with(name));
    let names: Vec<_> = counters_of_histogram.map(|(counter, _)| counter).collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>());
    for (counter, value) in expected {
        let difference = (counters[counter] - value).abs();
        assert!(difference <= 1e-9 * value, "{counter} is {}, not {value}", counters[counter]);
    }
    assert_eq!(counters.get("statsd.bad_lines_seen"), Some(&0.0));
}

#[test]
fn the_daemon_has_buckets_count_and_sum_over_resets_reopening_and_an_outage() {
    let registry = Registry::with_prefix("papyra").unwrap();
    let daemon = StatsDaemon::start("statsd-histograms", free_port());
    // The lines of one histogram do not fit into one datagram, and one call of `StatsD::export` does not send all of
    // its datagrams.
    let statsd = StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    let mut statsd = statsd.with_max_bytes(200).with_burst(2);
    let mut export = || {
        while statsd.export()? == Progress::More {}
        Ok::<(), std::io::Error>(())
    };
    let mut source = Source::new();
    let mut orders = open(&registry, "orders");
    for round in 0..6 {
        source.record(&orders, 50);
        export().unwrap();
        source.record(&orders, 5);
        match round {
            2 => orders.reset(),
            4 => {
                drop(orders);
                orders = open(&registry, "orders");
            }
            _ => {}
        }
    }
    export().unwrap();
    let name = "papyra.orders.append_seconds";
    assert_counted(&daemon, name, &source.counters(name));
    assert_eq!(registry.problems(), []);

    let port = daemon.port;
    drop(daemon);
    let mut missed = Source { append: Histogram::new(), ..source };
    for _ in 0..3 {
        missed.record(&orders, 20);
        assert_eq!(export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    let daemon = StatsDaemon::start("statsd-histograms-again", port);
    missed.record(&orders, 20);
    export().unwrap();
    assert_counted(&daemon, name, &missed.counters(name));
}

#[test]
fn quantiles_are_those_of_the_interval_and_stay_while_nothing_is_recorded() {
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    let daemon = StatsDaemon::start("statsd-quantiles", free_port());
    let mut statsd = StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    let mut earlier = orders.append.total();
    for (index, micros) in [3, 3000, 0, 40].into_iter().enumerate() {
        let index = f64::from(u32::try_from(index).unwrap());
        if micros > 0 {
            earlier = orders.append.total();
            for n in 1..=100 {
                orders.append.record(Duration::from_micros(micros * n));
            }
        }
        orders.fill.set(-index - 0.5);
        statsd.export().unwrap();
        let interval = orders.append.total().since(&earlier).erase();
        let gauges = wait_for("the gauges", || {
            let gauges = daemon.numbers("gauges").unwrap();
            (gauges.get("orders.fill") == Some(&(-index - 0.5))).then_some(gauges)
        });
        for (name, q) in [("p50", 0.5), ("p99", 0.99)] {
            let shown = gauges[&format!("orders.append_seconds.{name}")];
            assert_eq!(Some(shown), interval.quantile(q), "{name} after {micros}");
        }
        assert!(!gauges.contains_key("orders.record_size_bytes.p50"));
    }
}

#[test]
fn after_an_error_within_a_histogram_the_next_export_sends_all_of_its_parts() {
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = daemon.local_addr().unwrap();
    // Each part is a datagram of its own, and a call of `export` sends two of them.
    let statsd = StatsD::udp(&registry, address).unwrap();
    let mut statsd = statsd.with_max_bytes(1).with_burst(2);
    orders.append.record(Duration::from_millis(3));
    assert_eq!(statsd.export().unwrap(), Progress::More);
    let quantiles = |value: &str| {
        format!("orders.append_seconds.p50:{value}|g\norders.append_seconds.p99:{value}|g")
    };
    assert_eq!(
        receive(&daemon),
        [quantiles("0.003"), "orders.append_seconds_bucket_0_005:1|c".to_owned()]
    );
    drop(daemon);
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    orders.append.record(Duration::from_millis(7));
    let daemon = UdpSocket::bind(address).unwrap();
    while statsd.export().unwrap() == Progress::More {}
    let expected = [
        &quantiles("0.007"),
        "orders.append_seconds_bucket_0_01:1|c",
        "orders.append_seconds_count:2|c",
        "orders.append_seconds_sum:0.01|c",
        "orders.fill:0|g",
    ];
    assert_eq!(receive(&daemon), expected);
    // A histogram without new values is not sent.
    while statsd.export().unwrap() == Progress::More {}
    assert_eq!(receive(&daemon), ["orders.fill:0|g"]);
}

#[test]
fn a_histogram_whose_lines_are_too_long_is_one_problem_even_after_errors() {
    let registry = Registry::new();
    let long = open(&registry, &"x".repeat(70_000));
    for millis in [1, 30, 500] {
        long.append.record(Duration::from_millis(millis));
    }
    let orders = open(&registry, "orders");
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = daemon.local_addr().unwrap();
    let mut statsd = StatsD::udp(&registry, address).unwrap();
    drop(daemon);
    for _ in 0..2 {
        assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    let daemon = UdpSocket::bind(address).unwrap();
    orders.append.record(Duration::from_millis(3));
    statsd.export().unwrap();
    assert!(receive(&daemon).concat().contains("orders.append_seconds_count:1|c"));
    let problems = registry.problems();
    // The other problem is that of the gauge.
    assert_eq!(problems.len(), 2, "{problems:?}");
}

/// A distribution as a `DogStatsD` server aggregates it: the count of each bucket, and the sum of all values.
#[derive(Default)]
struct Aggregated {
    counts: Vec<u64>,
    sum: f64,
    lines: usize,
}

impl Aggregated {
    /// Decodes all datagrams that have arrived, and adds their values.
    fn receive(&mut self, daemon: &UdpSocket, bounds: &[f64]) {
        daemon.set_nonblocking(true).unwrap();
        self.counts.resize(bounds.len() + 1, 0);
        let mut buffer = [0; 1500];
        while let Ok(len) = daemon.recv(&mut buffer) {
            for line in std::str::from_utf8(&buffer[..len]).unwrap().lines() {
                let (name, rest) = line.split_once(':').unwrap();
                let mut parts = rest.split('|');
                let value: f64 = parts.next().unwrap().parse().unwrap();
                if parts.next() != Some("d") {
                    continue;
                }
                assert_eq!(name, "append_seconds", "{line}");
                let rate = parts.next().unwrap();
                let (rate, tags) = match rate.strip_prefix('@') {
                    Some(rate) => (rate.parse::<f64>().unwrap(), parts.next().unwrap()),
                    None => (1.0, rate),
                };
                assert_eq!((tags, parts.next()), ("#backend:orders", None));
                // Some agents truncate the reciprocal of the sample rate to an integer, as this line does. So the
                // exporter must send a rate whose reciprocal is not below the count.
                let count = (1.0 / rate) as u64;
                self.counts[bounds.partition_point(|&bound| bound < value)] += count;
                self.sum += value * count as f64;
                self.lines += 1;
            }
        }
    }

    #[track_caller]
    fn assert(&self, expected: &Distribution) {
        let counts: Vec<_> = expected.buckets().map(|bucket| bucket.count()).collect();
        assert_eq!(self.counts, counts);
        let difference = (self.sum - expected.sum()).abs();
        assert!(difference <= 1e-12 * expected.sum(), "{} is not {}", self.sum, expected.sum());
    }
}

#[test]
fn with_tags_a_histogram_is_a_distribution_whose_buckets_and_sum_are_exact() {
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    let bounds: Vec<_> =
        Histogram::<Latency>::new().get().erase().buckets().map(|it| it.upper()).collect();
    let bounds = &bounds[..bounds.len() - 1];
    let bind = |address: SocketAddr| UdpSocket::bind(address).unwrap();
    let daemon = bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    let address = daemon.local_addr().unwrap();
    let mut statsd = StatsD::udp(&registry, address).unwrap().with_tags().with_max_bytes(150);
    let (mut source, mut received) = (Source::new(), Aggregated::default());
    for _ in 0..20 {
        source.record(&orders, 300);
        while statsd.export().unwrap() == Progress::More {}
        received.receive(&daemon, bounds);
    }
    received.assert(&source.append.total().erase());
    // An export sends only one line for each bucket, even if the bucket has many new values.
    assert!(received.lines <= 20 * 29, "{}", received.lines);

    drop(daemon);
    for _ in 0..3 {
        source.record(&orders, 10);
        statsd.export().unwrap_err();
    }
    let daemon = bind(address);
    while statsd.export().unwrap() == Progress::More {}
    received.receive(&daemon, bounds);
    received.assert(&source.append.total().erase());
}

#[test]
fn with_the_current_baseline_only_later_values_are_sent() {
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    orders.append.record_n(Duration::from_secs(1), 1000);
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = daemon.local_addr().unwrap();
    let mut plain = StatsD::udp(&registry, address).unwrap().with_current_baseline();
    let mut tagged = StatsD::udp(&registry, address).unwrap().with_current_baseline().with_tags();
    orders.append.record(Duration::from_millis(3));
    let mut datagram = [0; 1500];
    let mut lines = |statsd: &mut StatsD| {
        statsd.export().unwrap();
        let len = daemon.recv(&mut datagram).unwrap();
        std::str::from_utf8(&datagram[..len])
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines(&mut plain),
        [
            "orders.append_seconds.p50:0.003|g",
            "orders.append_seconds.p99:0.003|g",
            "orders.append_seconds_bucket_0_005:1|c",
            "orders.append_seconds_count:1|c",
            "orders.append_seconds_sum:0.003|c",
            "orders.fill:0|g",
        ]
    );
    assert_eq!(
        lines(&mut tagged),
        ["append_seconds:0.003|d|#backend:orders", "fill:0|g|#backend:orders"]
    );
}
