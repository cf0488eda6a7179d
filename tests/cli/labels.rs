//! Tests how the command shows labels and families.

use std::time::Duration;

use crate::command::run;
use crate::labelled::{Op, Outcome, StoreMetrics};
use crate::watch::{Terminal, words};
use papyra_metrics::publish::{Published, Reader};

struct Store {
    directory: tempfile::TempDir,
    metrics: Published<StoreMetrics>,
}

impl Store {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let metrics = Published::<StoreMetrics>::create(directory.path().join("a")).unwrap();
        metrics.requests[(Op::Get, Outcome::Ok)].add(3);
        metrics.wal.syncs.add(2);
        metrics.data.syncs.add(5);
        metrics.data.written.add(4096);
        metrics.latency[Op::Get].record(Duration::from_micros(80));
        metrics.slow_lookups.inc();
        Self { directory, metrics }
    }

    fn out(&self, arguments: &str) -> String {
        let output = run(self.directory.path(), arguments);
        assert_eq!(output.code, Some(0), "{}", output.err);
        output.out
    }
}

#[test]
fn series_of_one_name_are_shown_together() {
    let store = Store::new();
    assert_eq!(
        store.out("show a"),
        "requests{op=get,outcome=ok}: 3\n\
         requests{op=get,outcome=not_found}: 0\n\
         requests{op=put,outcome=ok}: 0\n\
         requests{op=put,outcome=not_found}: 0\n\
         syncs{component=wal}: 2\n\
         syncs{component=data}: 5\n\
         written{component=wal}: 0\n\
         written{component=data}: 4096\n\
         latency{op=get}: count 1, mean 80 µs, p50 80 µs, p99 80 µs, max ≤ 100 µs\n\
         latency{op=put}: count 0\n\
         hits{op=get}: 0\n\
         hits{op=put}: 0\n\
         lookups{path=slow}: 1\n"
    );
    let table = store.out("show --format table a");
    assert!(table.contains("syncs{component=data}"), "{table}");
}

#[test]
fn the_option_non_zero_hides_zeros_and_counts_them() {
    let store = Store::new();
    let show = |arguments: &str| run(store.directory.path(), arguments);
    let output = show("show --non-zero a");
    assert_eq!(
        output.out,
        "requests{op=get,outcome=ok}: 3\n\
         syncs{component=wal}: 2\n\
         syncs{component=data}: 5\n\
         written{component=data}: 4096\n\
         latency{op=get}: count 1, mean 80 µs, p50 80 µs, p99 80 µs, max ≤ 100 µs\n\
         lookups{path=slow}: 1\n"
    );
    assert!(output.err.ends_with("note: 7 series are zero and not shown\n"), "{}", output.err);
    let table = show("show -z --format table a").out;
    assert!(table.contains("syncs{component=wal}") && !table.contains("hits"), "{table}");
    let json: serde_json::Value = serde_json::from_str(&show("show -z -f json a").out).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 6);

    // A series is left out if the number that the command would show is zero. This number is the sum over all
    // processes. With `--each`, it is the value in one process, and with `--totals`, the total.
    let other = Published::<StoreMetrics>::create(store.directory.path().join("b")).unwrap();
    other.wal.syncs.add(10);
    assert_eq!(show("show -z .").out.lines().count(), 6);
    let each = show("show -z --each .");
    assert!(each.out.ends_with("\nsyncs{component=wal}: 10\n"), "{}", each.out);
    assert!(each.err.contains("note: 19 series are zero"), "{}", each.err);
    Reader::reset(store.directory.path().join("a")).unwrap();
    let output = show("show -z a");
    assert_eq!((output.out.as_str(), output.code), ("", Some(0)));
    assert_eq!(show("show -z --totals a").out.lines().count(), 6);

    let output = show("show -z -f prometheus a");
    let refused = "error: `--non-zero` cannot be combined with `--format prometheus`";
    assert!(output.err.starts_with(refused) && output.out.is_empty(), "{}", output.err);
    assert_eq!(output.code, Some(1));
    let lines = show("watch -z --count 1 --totals a").out;
    assert_eq!(lines.lines().count(), 6, "{lines}");
}

#[test]
fn series_of_several_processes_are_added_up_one_by_one() {
    let store = Store::new();
    let other = Published::<StoreMetrics>::create(store.directory.path().join("b")).unwrap();
    other.wal.syncs.add(10);
    other.latency[Op::Put].record(Duration::from_micros(10));
    let out = store.out("show .");
    for line in [
        "syncs{component=wal}: 12",
        "syncs{component=data}: 5",
        "latency{op=put}: count 1, mean 10 µs, p50 10 µs, p99 10 µs, max ≤ 10 µs",
    ] {
        assert!(out.lines().any(|shown| shown == line), "{line}\n{out}");
    }
}

#[test]
fn json_has_the_keys_of_a_snapshot() {
    let store = Store::new();
    let json: serde_json::Value = serde_json::from_str(&store.out("show -f json a")).unwrap();
    let snapshot = Reader::open(store.directory.path().join("a")).unwrap().snapshot().unwrap();
    assert_eq!(json, serde_json::to_value(snapshot).unwrap());
    assert_eq!(json["syncs{component=data}"], 5);
}

#[test]
fn the_prometheus_format_merges_labels_with_those_of_the_process() {
    let store = Store::new();
    let out = store.out("show -f prometheus a");
    let process = format!("path=\"a\",pid=\"{}\"", std::process::id());
    let syncs = format!(
        "# HELP syncs_total Syncs of the file.\n\
         # TYPE syncs_total counter\n\
         syncs_total{{component=\"wal\",{process}}} 2\n\
         syncs_total{{component=\"data\",{process}}} 5\n"
    );
    assert!(out.contains(&syncs), "{out}");
    for line in [
        format!("requests_total{{op=\"get\",outcome=\"ok\",{process}}} 3"),
        format!("written_bytes_total{{component=\"data\",{process}}} 4096"),
        format!("latency_seconds_bucket{{op=\"get\",{process},le=\"0.0001\"}} 1"),
        format!("latency_seconds_count{{op=\"put\",{process}}} 0"),
        format!("lookups_total{{exported_path=\"slow\",{process}}} 1"),
    ] {
        assert!(out.lines().any(|shown| shown == line), "{line}\n{out}");
    }
    // Each family has exactly one `# TYPE` line.
    for name in ["syncs_total", "requests_total", "latency_seconds"] {
        assert_eq!(out.matches(&format!("# TYPE {name} ")).count(), 1, "{name}\n{out}");
    }
}

#[test]
fn a_terminal_shows_and_filters_series() {
    let store = Store::new();
    let arguments = ["watch", "-i", "0.1", "a"];
    let mut terminal = Terminal::start(store.directory.path(), &arguments, &[]);
    terminal.until(|shown| words(shown, "syncs{component=data}").get(1) == Some(&"5"));
    terminal.press("/component=data\r");
    let shown = terminal.until(|shown| words(shown, "syncs{component=wal}").is_empty());
    assert_eq!(words(&shown, "written{component=data}")[1], "4096");
    store.metrics.data.syncs.inc();
    terminal.until(|shown| words(shown, "syncs{component=data}").get(1) == Some(&"6"));
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}
