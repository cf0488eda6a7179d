//! Tests the subcommands `describe` and `dashboard`, which read the descriptors of metrics.

use std::fs;
use std::path::Path;

use papyra_metrics::publish::{Published, Reader};
use papyra_metrics::{Counter, Descriptor, FineLatency, Gauge, Histogram, Metrics};
use papyra_metrics_export::schema::{Dashboard, Schema};

use crate::command::{CommandOutput, run, run_program};
use crate::common::Backend;
use crate::labelled::StoreMetrics;

const ORDERS: &str = env!("CARGO_BIN_EXE_papyra-metrics-tests-orders");

/// Runs a command that must succeed, and returns its output.
fn out(directory: &Path, arguments: &str) -> String {
    let CommandOutput { out, err, code } = run(directory, arguments);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{arguments}");
    out
}

/// Runs a command that must fail without output, and returns its message.
fn refused(directory: &Path, arguments: &str) -> String {
    let CommandOutput { out, err, code } = run(directory, arguments);
    assert_eq!((out.as_str(), code), ("", Some(1)), "{arguments}: {err}");
    err
}

#[test]
fn describe_prints_the_lock_file_of_a_running_process() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = Published::<StoreMetrics>::create(dir.path().join("store.metrics")).unwrap();
    let schema = Schema::of(&StoreMetrics::default());
    let text = out(dir.path(), "describe store.metrics");
    assert_eq!(text, schema.to_string());
    assert!(text.contains("\nlatency_seconds\n  kind histogram\n  unit seconds\n"), "{text}");
    assert!(text.contains("\n  series op=\"get\"\n"), "{text}");
    // `describe` prints the same text after values have changed. For a lock file that contains this text, it prints the
    // same text too.
    metrics.data.syncs.add(5);
    fs::write(dir.path().join("metrics.lock"), &text).unwrap();
    for path in ["store.metrics", "metrics.lock", "."] {
        if path == "." {
            fs::remove_file(dir.path().join("metrics.lock")).unwrap();
        }
        assert_eq!(out(dir.path(), &format!("describe {path}")), text);
    }
    let prefixed = out(dir.path(), "describe --prefix my.shop store.metrics");
    assert_eq!(prefixed, schema.with_prefix("my_shop").to_string());
}

#[test]
fn a_process_that_was_killed_and_the_processes_of_a_directory_are_described() {
    let dir = tempfile::tempdir().unwrap();
    let killed = Backend::publishing(&dir.path().join("a.metrics"));
    killed.kill();
    let _running = Backend::publishing(&dir.path().join("b.metrics"));
    let killed = out(dir.path(), "describe a.metrics");
    assert!(killed.contains("\nwritten_bytes\n  kind counter\n  unit bytes\n"), "{killed}");
    assert_eq!(out(dir.path(), "describe ."), killed);
    // The output has the metrics of all processes. A file that is not a metrics file causes only a note.
    let _other = Backend::engine(&dir.path().join("c.metrics"));
    fs::write(dir.path().join("notes"), "not a metrics file").unwrap();
    let all = run(dir.path(), "describe .");
    assert!(all.out.contains("\nlookup_seconds\n") && all.out.contains("\ncache_hits\n"));
    assert!(all.err.starts_with("note: ") && all.err.lines().count() == 1, "{}", all.err);
}

#[test]
fn processes_that_disagree_about_a_metric_are_an_error_that_names_both() {
    #[derive(Default, Metrics)]
    struct A {
        depth: Counter,
        #[metrics(unit = "bytes")]
        queue_bytes: Gauge,
        append: Histogram,
    }
    #[derive(Default, Metrics)]
    struct B {
        depth: Gauge,
        queue_bytes: Gauge,
        append: Histogram<FineLatency>,
    }
    #[derive(Default, Metrics)]
    struct Other {
        width: Counter,
    }
    let dir = tempfile::tempdir().unwrap();
    let _other = Published::<Other>::create(dir.path().join("0.metrics")).unwrap();
    let _a = Published::<A>::create(dir.path().join("a.metrics")).unwrap();
    let _b = Published::<B>::create(dir.path().join("b.metrics")).unwrap();
    let conflicts = [
        "the buckets of `append_seconds` in ./b.metrics differ from those in ./a.metrics",
        "`depth` is a counter in ./a.metrics and a gauge in ./b.metrics",
        "`queue_bytes` has the unit `bytes` in ./a.metrics and no unit in ./b.metrics",
    ];
    let errors = conflicts
        .map(|conflict| format!("error: {conflict}; give the path of only one of these files\n"));
    assert_eq!(refused(dir.path(), "describe ."), errors.concat());
    // If several files agree with each other, a conflict with another file is reported only once.
    let _c = Published::<A>::create(dir.path().join("a2.metrics")).unwrap();
    assert_eq!(refused(dir.path(), "describe ."), errors.concat());
}

#[test]
fn without_metrics_nothing_is_printed_and_the_exit_code_is_1() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    fs::write(dir.path().join("text"), "a metric\n  kind of\n").unwrap();
    fs::write(dir.path().join("binary"), [0x89, 0xff]).unwrap();
    fs::create_dir(dir.path().join("none")).unwrap();
    for (path, message) in [
        ("missing", "metrics: <unavailable> (cannot read metrics from \"missing\": no such file)"),
        ("empty", "metrics: <unavailable> (cannot read metrics from \"empty\": the file is empty)"),
        ("none", "metrics: <unavailable> (none: the directory has no files)"),
        (
            "text",
            "error: text: neither a metrics file nor a lock file (line 2: `of` is not a kind; \
             expected `counter`, `gauge` or `histogram`)",
        ),
        ("binary", "error: `binary`: reading it failed: stream did not contain valid UTF-8"),
    ] {
        assert_eq!(refused(dir.path(), &format!("describe {path}")), format!("{message}\n"));
    }
    let usage = run(dir.path(), "describe --prefix 9 missing");
    assert_eq!(usage.code, Some(2));
    assert!(usage.err.contains("invalid value '9' for '--prefix <PREFIX>'"), "{}", usage.err);
    assert_eq!(run(dir.path(), "describe").code, Some(2));
}

#[test]
fn a_backend_in_the_same_process_is_described_and_one_without_metrics_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let lock = include_str!("../../papyra-metrics/persistence.lock");
    let output = run_program(ORDERS, dir.path(), "metrics describe");
    assert_eq!((output.out.as_str(), output.code), (lock, Some(0)));
    let output = run_program(ORDERS, dir.path(), "no-metrics describe");
    assert_eq!((output.out.as_str(), output.code), ("", Some(1)));
    assert_eq!(output.err, "metrics: <unavailable> (this backend has no metrics)\n");
    let output = run_program(ORDERS, dir.path(), "published describe");
    assert_eq!(output.code, Some(2));
}

#[test]
fn a_process_and_its_lock_file_give_the_same_dashboard() {
    let dir = tempfile::tempdir().unwrap();
    let _metrics = Published::<StoreMetrics>::create(dir.path().join("store.metrics")).unwrap();
    let schema = Schema::of(&StoreMetrics::default());
    schema.write(dir.path().join("metrics.lock")).unwrap();
    let json = Dashboard::new(&schema).to_string();
    for path in ["store.metrics", "metrics.lock"] {
        assert_eq!(out(dir.path(), &format!("dashboard {path}")), json);
    }
    let schema = schema.with_prefix("shop");
    let dashboard = Dashboard::new(&schema).with_title("Orders");
    let dashboard = dashboard.with_label("db").unwrap().with_label("zone").unwrap();
    assert_eq!(
        out(
            dir.path(),
            "dashboard --prefix shop --title Orders --label db --label zone metrics.lock"
        ),
        dashboard.to_string()
    );
    refused(dir.path(), "dashboard missing");
    let usage = run(dir.path(), "dashboard --label job metrics.lock");
    assert_eq!(usage.code, Some(2));
    assert!(usage.err.contains("invalid value 'job' for '--label <LABEL>'"), "{}", usage.err);
}

#[test]
fn help_texts_are_escaped_when_printed() {
    struct Hostile(Counter);
    impl Metrics for Hostile {
        fn descriptors(&self) -> &[Descriptor] {
            const { &[Descriptor::counter("a").with_help("\u{1b}[2J\u{202e}\n  kind \"x\"\\ größe")] }
        }
        fn walk(&self, walker: &mut dyn papyra_metrics::Walker) {
            walker.instrument(&self.0);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let schema = Schema::of(&Hostile(Counter::new()));
    schema.write(dir.path().join("metrics.lock")).unwrap();
    let text = out(dir.path(), "describe metrics.lock");
    assert!(
        text.ends_with("\n  help \\u{1b}[2J\\u{202e}\\n  kind \\\"x\\\"\\\\ größe\n"),
        "{text}"
    );
    assert_eq!(Schema::read(dir.path().join("metrics.lock")).unwrap(), schema);
}

#[test]
fn the_schema_of_a_published_file_is_that_of_the_struct() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.metrics");
    let _metrics = Published::<StoreMetrics>::create(&path).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(Schema::of_published(&reader).unwrap(), Schema::of(&StoreMetrics::default()));
}
