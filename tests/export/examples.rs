//! Tests that the examples run as their documentation says, and that their metrics arrive at receivers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use papyra_metrics_export_tests::{Scraper, StatsDaemon, find, free_port, wait_for};

use crate::opentelemetry::receiver::Receiver;
use crate::prometheus::run;

pub(crate) fn example(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--offline", "--quiet", "--example", name, "--"]).args(arguments);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/export"));
    command
}

/// A program that is killed when this value is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_prometheus_server_scrapes_the_examples() {
    for name in ["prometheus_endpoint", "prometheus_axum"] {
        let process = example(name, &["127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut running = Running(process);
        let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let (_, address) = first.split_once("http://").unwrap();
        let (address, _) = address.split_once('/').unwrap();
        let scraper = Scraper::of(address, name);
        scraper.wait_for("count(papyra_records_written_total)", "2");
        scraper.wait_for("papyra_records_written_total{backend=\"orders\"} > bool 10", "1");
        scraper.wait_for("papyra_write_errors_total{backend=\"orders\"} > bool 0", "1");
    }
}

#[test]
fn the_opentelemetry_example_prints_what_it_exports() {
    let output = example("opentelemetry", &["1"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in ["papyra.records_written", "papyra.written", "By", "backend: orders"] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn the_otlp_example_sends_to_a_collector_and_reports_an_unreachable_one() {
    let unreachable = format!("http://127.0.0.1:{}/v1/metrics", free_port());
    let output = example("otlp", &[&unreachable, "1"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("The last values could not be sent: "), "{text}");

    let collector = Receiver::start();
    let output = example("otlp", &[&collector.endpoint, "1"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let received = collector.received();
    assert!(received.totals["papyra.records_written backend=orders"] > 0, "{received:?}");
    assert!(received.totals["papyra.write_errors backend=users"] > 0, "{received:?}");
}

#[test]
fn the_statsd_example_sends_to_the_daemon_and_reports_unsent_counts() {
    let output = example("statsd", &[&format!("127.0.0.1:{}", free_port()), "1"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("The last counts could not be sent: "), "{text}");

    let daemon = StatsDaemon::start("statsd-example", free_port());
    let address = format!("127.0.0.1:{}", daemon.port);
    let output = example("statsd", &[&address, "1"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let counters = wait_for("the example's counts", || {
        daemon
            .ask("counters")
            .filter(|counters| counters.contains_key("papyra.users.written_bytes"))
    });
    assert!(counters["papyra.orders.records_written"] > 0, "{counters:?}");
    assert!(counters["papyra.users.written_bytes"] >= 100, "{counters:?}");
}

#[test]
fn the_engine_example_has_one_struct_one_file_and_one_scrape() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lsm.metrics");
    let mut command = example("engine_metrics", &[path.to_str().unwrap()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    let messages: Vec<_> =
        lines.by_ref().take_while(|line| !line.starts_with("published in ")).collect();
    let messages = messages.join("\n");
    assert!(path.metadata().unwrap().len() > 0);
    let output = process.wait_with_output().unwrap(); // closes the standard input first
    assert!(output.status.success(), "{output:?}");
    let scrape = String::from_utf8(output.stdout).unwrap();
    for expected in ["117 series in one struct", "corrupt blocks: 20", "full disks: 180"] {
        assert!(messages.contains(expected), "{messages}");
    }
    for expected in [
        "lsm_requests_total{db=\"orders\",op=\"get\"} 1000\n",
        "lsm_request_errors_total{db=\"orders\",error_kind=\"busy\"} 20\n",
        "lsm_cache_hits_total{block=\"data\",cache=\"memory\",db=\"orders\"} 940\n",
        "lsm_cache_hits_total{block=\"data\",cache=\"disk\",db=\"orders\"} 0\n",
        "lsm_object_store_operations_total{db=\"orders\",op=\"put\",outcome=\"ok\"} 7\n",
        "lsm_compaction_seconds_count{db=\"orders\",level=\"6\"} 1\n",
        "lsm_queued{db=\"orders\",queue=\"compaction\"} 0\n",
    ] {
        assert!(scrape.contains(expected), "{scrape}");
    }
    let output = run(Command::new(find("promtool")).args(["check", "metrics"]), &scrape);
    assert!(output.status.success(), "{output:?}");
}
