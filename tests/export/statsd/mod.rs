//! Tests the `StatsD` exporter. Some tests send to a real daemon, which they may kill and restart. The other tests
//! receive the datagrams on a socket.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use papyra_metrics::Metrics;
use papyra_metrics::persistence::PersistenceMetrics;
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, Periodic, Progress, Registry};
use papyra_metrics_export_tests::{StatsDaemon, directory, free_port};

use crate::log::{LogMetrics, open};

mod histograms;

fn map<const LEN: usize>(values: [(&str, i64); LEN]) -> BTreeMap<String, i64> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn the_daemon_receives_each_increment_once_over_flushes_resets_and_a_restart() {
    let registry = Registry::with_prefix("papyra.storage").unwrap();
    let (orders, users) = (open(&registry, "orders"), open(&registry, "users"));
    let daemon = StatsDaemon::start("statsd-totals", free_port());
    let mut statsd = StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();

    let mut counted = 0;
    let mut count = |n: u64| {
        orders.records_written.add(n);
        users.bytes_written.add(10 * n);
        // A drain sets a plain atomic to zero. The exporter notices the drain only because the next value is lower than
        // the previous one.
        users.compactions.fetch_add(10 - n, Relaxed);
        counted += i64::try_from(n).unwrap();
    };
    for n in 1..=5 {
        count(n);
        assert_eq!(statsd.export().unwrap(), Progress::Done);
        orders.reset();
        users.drain();
    }
    let mut first = daemon.wait_for("papyra.storage.orders.records_written", 15);
    first.retain(|name, _| name.starts_with("papyra") || name.ends_with("bad_lines_seen"));
    assert_eq!(
        first,
        map([
            ("papyra.storage.orders.records_written", 15),
            ("papyra.storage.users.written_bytes", 150),
            ("papyra.storage.users.compactions", 9 + 8 + 7 + 6 + 5),
            ("statsd.bad_lines_seen", 0),
        ])
    );

    let port = daemon.port;
    drop(daemon);
    for n in 6..=9 {
        count(n);
        assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
        orders.reset();
    }
    let daemon = StatsDaemon::start("statsd-totals-again", port);
    count(10);
    statsd.export().unwrap();
    let second = daemon.wait_for("papyra.storage.orders.records_written", counted - 15);
    assert_eq!(second["papyra.storage.users.written_bytes"], 10 * (counted - 15));
    assert_eq!(second["papyra.storage.users.compactions"], 4 + 3 + 2 + 1);
    assert_eq!(counted, 55);
}

#[test]
fn gauges_arrive_unchanged_and_repeatedly_even_below_zero() {
    let registry = Registry::new();
    let metrics = open(&registry, "orders");
    let daemon = StatsDaemon::start("statsd-gauges", free_port());
    let mut statsd = StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    for level in [7, -5, -7, 0, i64::from(i32::MIN), 3, -1] {
        metrics.open_segments.set(level);
        metrics.records_written.inc();
        statsd.export().unwrap();
    }
    daemon.wait_for("orders.records_written", 7);
    assert_eq!(daemon.ask("gauges").unwrap()["orders.open_segments"], -1);
}

#[test]
fn the_last_counts_of_a_backend_are_sent_and_a_reopened_one_continues() {
    let registry = Registry::new();
    let daemon = StatsDaemon::start("statsd-reopened", free_port());
    let mut statsd = StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    for opened in 0..6 {
        let metrics = open(&registry, "orders");
        metrics.records_written.add(10);
        if opened % 2 == 0 {
            statsd.export().unwrap();
        }
        metrics.records_written.add(1);
        drop(metrics);
        if opened % 3 == 0 {
            statsd.export().unwrap();
        }
    }
    statsd.export().unwrap();
    daemon.wait_for("orders.records_written", 66);
}

#[test]
fn thousands_of_series_arrive_completely_in_the_daemon() {
    let registry = Registry::with_prefix("papyra").unwrap();
    // The daemon may not get time to read before everything is sent. So there are only as many backends as the receive
    // buffer of the daemon has room for.
    let backends: Vec<_> = (0..600)
        .map(|i| {
            let metrics = Arc::new(PersistenceMetrics::default());
            registry.register(metrics.clone(), &[("backend", &format!("b{i}"))]).unwrap();
            metrics
        })
        .collect();
    let daemon = StatsDaemon::start("statsd-thousands", free_port());
    let statsd = StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    let periodic = Periodic::spawn(Duration::from_secs(3600), statsd).unwrap();
    for (i, metrics) in (1..).zip(&backends) {
        metrics.records_written.add(i);
        metrics.compaction_errors.add(2 * i);
        metrics.scan_runs.add(1);
        metrics.write_errors.add(7);
    }
    periodic.stop().unwrap();
    let counters = daemon.wait_for("papyra.b599.write_errors", 7);
    let sum = |end: &str| -> i64 {
        counters.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value).sum()
    };
    assert_eq!(sum(".records_written"), 180_300);
    assert_eq!(sum(".compaction_errors"), 360_600);
    assert_eq!((sum(".scan_runs"), sum(".write_errors")), (600, 4200));
}

/// Returns the datagrams that have arrived on a socket that takes the place of the daemon.
fn receive(socket: &UdpSocket) -> Vec<String> {
    socket.set_nonblocking(true).unwrap();
    let mut datagram = vec![0; 65536];
    let datagrams =
        std::iter::from_fn(|| socket.recv(&mut datagram).ok().map(|len| datagram[..len].to_vec()));
    datagrams.map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

#[test]
fn datagrams_are_packed_up_to_their_size_and_never_split_related_lines() {
    let registry = Registry::with_prefix("p").unwrap();
    let backends: Vec<_> = (0..9).map(|i| open(&registry, &format!("b{i}"))).collect();
    for metrics in &backends {
        metrics.records_written.add(100);
        metrics.open_segments.set(-3);
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut statsd =
        StatsD::udp(&registry, socket.local_addr().unwrap()).unwrap().with_max_bytes(120);
    statsd.export().unwrap();
    let datagrams = receive(&socket);
    assert!(datagrams.iter().all(|datagram| datagram.len() <= 120), "{datagrams:?}");
    assert_eq!(datagrams.len(), 6, "{datagrams:?}");
    assert_eq!(datagrams[0].lines().next(), Some("p.b0.records_written:100|c"));
    assert!(datagrams.iter().all(|datagram| {
        datagram.matches("open_segments:0|g\n").count()
            == datagram.matches("open_segments:-3|g").count()
    }));

    // Counters that have not changed are not sent again, but all gauges are. The maximum size is now less than the
    // length of a line, so each datagram has one line. Only the two lines of a negative gauge stay together.
    let mut statsd = statsd.with_max_bytes(1);
    backends[4].bytes_written.add(1);
    statsd.export().unwrap();
    let datagrams = receive(&socket);
    assert_eq!(datagrams.len(), 10);
    assert!(datagrams.contains(&"p.b4.written_bytes:1|c".to_owned()));
    assert!(datagrams.contains(&"p.b0.open_segments:0|g\np.b0.open_segments:-3|g".to_owned()));
}

#[test]
fn no_datagram_of_several_parts_exceeds_the_maximum_size() {
    let registry = Registry::with_prefix("p").unwrap();
    let backends: Vec<_> = (0..3).map(|i| open(&registry, &format!("b{i}"))).collect();
    for metrics in &backends {
        metrics.records_written.add(100);
        metrics.open_segments.set(-3);
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for max_bytes in 0..220 {
        let statsd = StatsD::udp(&registry, socket.local_addr().unwrap()).unwrap();
        statsd.with_max_bytes(max_bytes).export().unwrap();
        for datagram in receive(&socket) {
            // The two lines of a negative gauge are one part.
            let parts = datagram.matches("|c").count() + datagram.matches(":-3|g").count();
            assert!(datagram.len() <= max_bytes || parts == 1, "{max_bytes}: {datagram}");
        }
    }
}

#[test]
fn an_export_is_split_into_bursts() {
    let registry = Registry::new();
    let backends: Vec<_> = (0..5).map(|i| open(&registry, &format!("b{i}"))).collect();
    for metrics in &backends {
        metrics.records_written.inc();
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd = StatsD::udp(&registry, socket.local_addr().unwrap()).unwrap();
    let mut statsd = statsd.with_max_bytes(1).with_burst(4);
    assert_eq!(statsd.export().unwrap(), Progress::More);
    assert_eq!(receive(&socket).len(), 4);
    // The counter of `b0` was already sent in this pass over the backends, so this increment is sent in the next pass.
    backends[0].records_written.inc();
    assert_eq!(statsd.export().unwrap(), Progress::More);
    assert_eq!(receive(&socket).len(), 4);
    assert_eq!(statsd.export().unwrap(), Progress::Done);
    assert_eq!(receive(&socket), ["b4.records_written:1|c", "b4.open_segments:0|g"]);
    while statsd.export().unwrap() == Progress::More {}
    assert_eq!(receive(&socket)[0], "b0.records_written:1|c");
}

#[test]
fn labels_are_parts_of_names_or_tags_and_cannot_break_a_line() {
    let registry = Registry::new();
    let metrics = Arc::new(LogMetrics::default());
    let odd = "a.b:c|d#e,f@g\nh i/ü";
    registry.register(metrics.clone(), &[("zone", "eu"), ("backend", odd)]).unwrap();
    metrics.records_written.inc();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();

    StatsD::udp(&registry, address).unwrap().export().unwrap();
    assert_eq!(
        receive(&socket),
        ["a_b_c_d_e_f_g_h_i__.eu.records_written:1|c\na_b_c_d_e_f_g_h_i__.eu.open_segments:0|g"]
    );
    StatsD::udp(&registry, address).unwrap().with_tags().export().unwrap();
    assert_eq!(
        receive(&socket),
        ["records_written:1|c|#backend:a.b:c_d_e_f_g_h_i/_,zone:eu\n\
          open_segments:0|g|#backend:a.b:c_d_e_f_g_h_i/_,zone:eu"]
    );

    // The daemon accepts lines with tags and lines without tags.
    let daemon = StatsDaemon::start("statsd-labels", free_port());
    StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap().with_tags().export().unwrap();
    StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap().export().unwrap();
    let counters = daemon.wait_for("a_b_c_d_e_f_g_h_i__.eu.records_written", 1);
    assert_eq!(counters["statsd.bad_lines_seen"], 0);
}

/// Receives all datagrams that have arrived on a Unix socket, and adds the values of the counters to `sums`.
fn add_up(socket: &UnixDatagram, sums: &mut BTreeMap<String, i64>) {
    socket.set_nonblocking(true).unwrap();
    let mut datagram = vec![0; 65536];
    while let Ok(len) = socket.recv(&mut datagram) {
        for line in std::str::from_utf8(&datagram[..len]).unwrap().lines() {
            if let Some((name, value)) =
                line.strip_suffix("|c").and_then(|line| line.split_once(':'))
            {
                *sums.entry(name.to_owned()).or_default() += value.parse::<i64>().unwrap();
            }
        }
    }
}

#[test]
fn a_unix_daemon_that_is_late_slow_and_restarted_loses_nothing() {
    let path = directory("statsd-unix").join("daemon.sock");
    let registry = Registry::new();
    let backends: Vec<_> = (0..40).map(|i| open(&registry, &format!("b{i}"))).collect();
    let mut statsd = StatsD::unix(&registry, &path).unwrap().with_max_bytes(60);
    let count = || backends.iter().for_each(|metrics| metrics.records_written.add(3));
    let mut sums = BTreeMap::new();

    count();
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::NotFound);

    // The daemon does not read yet, so the buffer of its socket is full long before everything is sent.
    let daemon = UnixDatagram::bind(&path).unwrap();
    count();
    while statsd.export().is_ok_and(|progress| progress == Progress::More) {}
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::WouldBlock);
    add_up(&daemon, &mut sums);
    assert!(sums.len() < 40, "the buffer held everything");

    // Now the daemon reads after each export. When it is restarted, it has read everything that was sent.
    for _ in 0..3 {
        let _ = statsd.export();
        add_up(&daemon, &mut sums);
    }
    drop(daemon);
    count();
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    fs::remove_file(&path).unwrap();
    let daemon = UnixDatagram::bind(&path).unwrap();
    // The gauges of all backends are sent again in each pass, and they fill the buffer too. So it takes several exports
    // to send every counter.
    for _ in 0..100 {
        let _ = statsd.export();
        add_up(&daemon, &mut sums);
    }
    let expected: BTreeMap<_, _> = (0..40).map(|i| (format!("b{i}.records_written"), 9)).collect();
    assert_eq!(sums, expected);
}

#[test]
fn after_a_full_buffer_the_next_export_begins_with_the_line_that_was_not_sent() {
    let path = directory("statsd-unix-full").join("daemon.sock");
    let daemon = UnixDatagram::bind(&path).unwrap();
    daemon.set_nonblocking(true).unwrap();
    let registry = Registry::new();
    let backends: Vec<_> = (0..1000).map(|i| open(&registry, &format!("b{i}"))).collect();
    let statsd = StatsD::unix(&registry, &path).unwrap();
    let mut statsd = statsd.with_max_bytes(1).with_burst(usize::MAX);
    for metrics in &backends {
        metrics.records_written.inc();
    }
    // The export sends until the buffer is full, and asks to be called again. It is an error if nothing can be sent.
    assert_eq!(statsd.export().unwrap(), Progress::More);
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut lines = Vec::new();
    let mut datagram = [0; 100];
    while lines.len() < 2000 {
        while let Ok(len) = daemon.recv(&mut datagram) {
            lines.push(String::from_utf8_lossy(&datagram[..len]).into_owned());
        }
        statsd.export().unwrap();
    }
    let expected = (0..1000)
        .flat_map(|i| [format!("b{i}.records_written:1|c"), format!("b{i}.open_segments:0|g")]);
    assert!(lines.iter().take(2000).eq(&expected.collect::<Vec<_>>()), "{lines:?}");
}

#[test]
fn the_last_level_of_a_closed_backend_is_sent_once() {
    let registry = Registry::new();
    let metrics = open(&registry, "orders");
    metrics.open_segments.set(3);
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
    drop(metrics);
    for expected in [&["orders.open_segments:3|g"][..], &[], &[]] {
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), expected);
    }
}

#[test]
fn a_line_that_is_too_long_for_a_datagram_is_left_out_and_reported() {
    let registry = Registry::new();
    let long = "x".repeat(70_000);
    let names = ["first", &long, "middle", &long[1..], "last"];
    let backends: Vec<_> = names.iter().map(|name| open(&registry, name)).collect();
    let count = || backends.iter().for_each(|metrics| metrics.records_written.add(3));
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
    for _ in 0..3 {
        count();
        assert_eq!(statsd.export().unwrap(), Progress::Done);
        assert_eq!(
            receive(&daemon),
            [
                "first.records_written:3|c\nfirst.open_segments:0|g",
                "middle.records_written:3|c\nmiddle.open_segments:0|g",
                "last.records_written:3|c\nlast.open_segments:0|g"
            ]
        );
        // Each of the two backends with a long name has two problems: one with its counter, and one with its gauge.
        let problems = registry.problems();
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems[0].backend.starts_with("{backend=\"xxx"), "{problems:?}");
        assert!(
            problems[0].message.ends_with(
                "…` has 70020 bytes, which exceeds the maximum size of a datagram; shorten the labels"
            ),
            "{}",
            problems[0].message
        );
    }
    // Once the exporter is dropped, its problems are no longer reported.
    drop(statsd);
    assert_eq!(registry.problems(), []);
}

#[test]
fn a_unix_socket_leaves_out_a_line_that_is_too_long_and_sends_later_what_does_not_fit_now() {
    let path = directory("statsd-unix-long").join("daemon.sock");
    let daemon = UnixDatagram::bind(&path).unwrap();
    let registry = Registry::new();
    // More than the send buffer of a Unix socket.
    let long = "x".repeat(500_000);
    let names = (0..40).map(|i| if i == 20 { long.clone() } else { format!("b{i}") });
    let backends: Vec<_> = names.map(|name| open(&registry, &name)).collect();
    for metrics in &backends {
        metrics.records_written.add(3);
    }
    let mut statsd = StatsD::unix(&registry, &path).unwrap().with_max_bytes(60);
    // The daemon does not read, so its buffer is full at some time. This error passes.
    while statsd.export().is_ok_and(|progress| progress == Progress::More) {}
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut sums = BTreeMap::new();
    for _ in 0..10 {
        let _ = statsd.export();
        add_up(&daemon, &mut sums);
    }
    let problems = registry.problems();
    assert_eq!(problems.len(), 2, "the counter and the gauge of one backend");
    for problem in problems {
        assert!(problem.message.contains("exceeds the maximum size of a datagram"), "{problem}");
    }
    let others = (0..40).filter(|i| *i != 20);
    let expected: BTreeMap<_, _> = others.map(|i| (format!("b{i}.records_written"), 3)).collect();
    assert_eq!(sums, expected);
}

#[test]
fn datagrams_are_shortened_to_the_limit_of_the_socket() {
    let registry = Registry::new();
    let names: Vec<_> = (0..1000).map(|i| format!("{i:0>150}")).collect();
    let backends: Vec<_> = names.iter().map(|name| open(&registry, name)).collect();
    for metrics in &backends {
        metrics.records_written.inc();
    }
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
    let mut statsd = statsd.with_max_bytes(usize::MAX).with_burst(1);
    let mut lines = BTreeSet::new();
    let mut is_done = false;
    while !is_done {
        is_done = statsd.export().unwrap() == Progress::Done;
        for line in receive(&daemon).iter().flat_map(|datagram| datagram.lines()) {
            let is_new = line.ends_with(":0|g") || lines.insert(line.to_owned());
            assert!(is_new, "sent twice: {line}");
        }
    }
    let expected = names.iter().map(|name| format!("{name}.records_written:1|c"));
    assert_eq!(lines, expected.collect());
    assert_eq!(registry.problems(), []);
}

#[test]
fn after_a_daemon_dies_during_an_export_only_unreceived_lines_are_sent_again() {
    let registry = Registry::new();
    let backends: Vec<_> = (0..4).map(|i| open(&registry, &format!("b{i}"))).collect();
    let daemon = StatsDaemon::start("statsd-dies", free_port());
    let statsd = StatsD::udp(&registry, ("127.0.0.1", daemon.port)).unwrap();
    // A datagram has room for the two lines of one backend, and a call of `export` sends two datagrams.
    let mut statsd = statsd.with_max_bytes(50).with_burst(2);
    for metrics in &backends {
        metrics.records_written.add(5);
    }
    assert_eq!(statsd.export().unwrap(), Progress::More);
    daemon.wait_for("b1.records_written", 5);

    let port = daemon.port;
    drop(daemon);
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    backends[3].records_written.add(1);
    let daemon = StatsDaemon::start("statsd-dies-again", port);
    while statsd.export().unwrap() == Progress::More {}
    let mut counters = daemon.wait_for("b3.records_written", 6);
    counters.retain(|name, _| name.starts_with('b'));
    assert_eq!(counters, map([("b2.records_written", 5), ("b3.records_written", 6)]));
}

#[test]
fn with_the_current_baseline_only_later_counts_are_sent() {
    let registry = Registry::new();
    let metrics = open(&registry, "orders");
    metrics.records_written.add(1000);
    let closed = open(&registry, "closed");
    closed.records_written.add(7);
    drop(closed);
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
    let mut statsd = statsd.with_current_baseline().with_tags();
    metrics.records_written.add(2);
    let later = open(&registry, "later");
    later.records_written.add(3);
    let reopened = open(&registry, "closed");
    reopened.records_written.add(1);
    statsd.export().unwrap();
    let datagrams = receive(&daemon).join("\n");
    let mut counters: Vec<_> = datagrams.lines().filter(|line| line.contains("|c")).collect();
    counters.sort_unstable();
    assert_eq!(
        counters,
        [
            "records_written:1|c|#backend:closed",
            "records_written:2|c|#backend:orders",
            "records_written:3|c|#backend:later",
        ]
    );
}

#[test]
fn the_current_baseline_ends_an_export_whose_series_are_gone() {
    let registry = Registry::new();
    let metrics = open(&registry, "orders");
    metrics.records_written.add(1000);
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
    let mut statsd = statsd.with_max_bytes(1).with_burst(1);
    assert_eq!(statsd.export().unwrap(), Progress::More);
    assert!(registry.unregister(&metrics));
    registry.set_closed_retention(Duration::ZERO, 0);
    let mut statsd = statsd.with_current_baseline();
    assert_eq!(statsd.export().unwrap(), Progress::Done);
    assert_eq!(receive(&daemon).len(), 1);
}

#[test]
fn a_daemon_that_listens_on_another_address_of_its_name_is_found() {
    let registry = Registry::new();
    let metrics = open(&registry, "orders");
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let addresses = [nobody, daemon.local_addr().unwrap()];
    let mut statsd = StatsD::udp(&registry, &addresses[..]).unwrap();
    metrics.records_written.add(2);
    assert_eq!(statsd.export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    statsd.export().unwrap();
    assert_eq!(receive(&daemon), ["orders.records_written:2|c\norders.open_segments:0|g"]);
    // The counter has not changed, so only the gauge is sent.
    statsd.export().unwrap();
    assert_eq!(receive(&daemon), ["orders.open_segments:0|g"]);
}

#[test]
fn a_daemon_that_cannot_be_found_is_an_error_that_names_it() {
    let registry = Registry::new();
    for wrong in ["no address", "no-such-host.invalid:8125"] {
        let error = StatsD::udp(&registry, wrong).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot resolve \"{wrong}\": ")), "{error}");
    }
    let error = StatsD::udp(&registry, &[][..]).unwrap_err().to_string();
    assert_eq!(error, "[] resolves to no address");
    for wrong in [&"x".repeat(300), "a\0b", ""] {
        let error = StatsD::unix(&registry, wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with(&format!("cannot send to {wrong}: ")), "{error}");
    }
    // A daemon that is not running causes an error only when something is sent.
    let metrics = open(&registry, "orders");
    let port = free_port();
    let mut udp = StatsD::udp(&registry, ("127.0.0.1", port)).unwrap();
    let path = directory("statsd-nobody").join("daemon.sock");
    let mut unix = StatsD::unix(&registry, &path).unwrap();
    metrics.records_written.inc();
    let error = udp.export().unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot send to 127.0.0.1:{port}: ")), "{error}");
    let error = unix.export().unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot send to {}: ", path.display())), "{error}");
}
