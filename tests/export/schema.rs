//! Tests lock files. A check fails for changes that can break dashboards, and passes for all other changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use papyra_metrics::{
    Counter, Descriptor, Family, Gauge, Histogram, Label, Metrics, Sizes, Walker, buckets,
};
use papyra_metrics_export::Registry;
use papyra_metrics_export::schema::{self, Schema, SchemaError};

buckets!(pub Short: std::time::Duration = [1ms, 20ms, 1s]);

#[derive(Default, Metrics)]
struct LogMetrics {
    /// Records written.
    records_written: Counter,
    /// Bytes in a "buffer",
    /// of C:\temp.
    #[metrics(unit = "bytes")]
    buffered: Gauge,
    append: Histogram<Short>,
    record: Histogram<Sizes>,
}

const LOCK: &str = r#"# The exported metrics. Dashboards and alerts depend on them, so a test compares this file with the code.
# To accept a change, run the test with UPDATE_METRICS=1.

append_seconds
  kind histogram
  unit seconds
  bounds 0.001 0.02 1.0

buffered_bytes
  kind gauge
  unit bytes
  help Bytes in a \"buffer\", of C:\\temp.

record_bytes
  kind histogram
  unit bytes
  bounds 64.0 256.0 1024.0 4096.0 16384.0 65536.0 262144.0 1.048576e+06 4.194304e+06 1.6777216e+07 6.7108864e+07 2.68435456e+08 1.073741824e+09 4.294967296e+09 1.7179869184e+10 6.8719476736e+10

records_written
  kind counter
  help Records written.
"#;

fn lock_with(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metrics.lock");
    fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn a_lock_file_is_sorted_text_that_reads_back_unchanged() {
    let schema = Schema::of(&LogMetrics::default());
    assert_eq!(schema.to_string(), LOCK);
    let (_dir, path) = lock_with(LOCK);
    assert_eq!(Schema::read(&path).unwrap(), schema);
    schema.write(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), LOCK);
    assert!(schema::check::<LogMetrics>(&path).unwrap().changes().is_empty());
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1); // no temporary file is left
}

#[test]
fn additions_and_help_texts_pass_and_are_reported() {
    let (_dir, path) = lock_with(
        &LOCK
            .replace("\nrecords_written\n  kind counter\n  help Records written.\n", "")
            .replace("  help Bytes", "  help Octets"),
    );
    let report = schema::check::<LogMetrics>(&path).unwrap();
    assert_eq!(
        report.to_string(),
        format!(
            "{}: 4 metrics; not in the file yet (UPDATE_METRICS=1 writes it):\n  \
             `buffered_bytes` changes its help from `Octets in a \"buffer\", of C:\\temp.` to \
             `Bytes in a \"buffer\", of C:\\temp.`\n  `records_written` is new",
            path.display()
        )
    );
}

#[test]
fn breaking_changes_fail_with_both_states_and_the_way_to_accept_them() {
    let (_dir, path) = lock_with(
        &LOCK
            .replace("records_written", "records_in")
            .replace(
                "unit seconds\n  bounds 0.001 0.02 1.0",
                "unit milliseconds\n  bounds 1.0 20.0",
            )
            .replace("kind gauge", "kind counter"),
    );
    let error = schema::check::<LogMetrics>(&path).unwrap_err();
    let expected = format!(
        "metrics differ from `{}`, and dashboards and alerts may use them:
  `append_seconds` changes its unit from `milliseconds` to `seconds`
  `append_seconds` changes its bucket bounds from `1.0 20.0` to `0.001 0.02 1.0`
  `buffered_bytes` changes its kind from `counter` to `gauge`
  `records_in` is removed
  `records_written` is new
if this is intended, run this test with UPDATE_METRICS=1 and commit the file",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(format!("{error:?}"), expected); // `unwrap` prints the error in this form
    assert_eq!(
        fs::read_to_string(&path).unwrap().matches("records_in").count(),
        1,
        "the check changed the file"
    );
}

/// Hand-written metrics: two series with the same name.
struct Requests([(&'static str, &'static str); 2]);

impl Metrics for Requests {
    fn descriptors(&self) -> &[Descriptor] {
        const {
            &[
                Descriptor::counter("requests").with_labels(&[("op", "get"), ("outcome", "ok")]),
                Descriptor::counter("requests").with_labels(&[("op", "put"), ("outcome", "ok")]),
            ]
        }
    }

    fn walk(&self, walker: &mut dyn Walker) {
        self.0.iter().for_each(|_| walker.instrument(&Counter::new()));
    }
}

#[test]
fn the_lock_file_lists_and_compares_each_series_of_a_family() {
    let metrics = Requests(Default::default());
    let lock = "requests\n  kind counter\n  series op=\"get\",outcome=\"ok\"\n  series op=\"put\",outcome=\"ok\"\n";
    let schema = Schema::of(&metrics);
    assert!(schema.to_string().ends_with(lock), "{schema}");
    let (_dir, path) = lock_with(&lock.replace("op=\"put\"", "op=\"delete\""));
    let error = schema.check(&path).unwrap_err().to_string();
    assert!(
        error.contains("\n  `requests{op=\"delete\",outcome=\"ok\"}` is removed\n  `requests{op=\"put\",outcome=\"ok\"}` is new\n"),
        "{error}"
    );
}

#[test]
fn the_lock_file_of_a_registry_has_its_prefix_and_labels() {
    let registry = Registry::with_prefix("shop").unwrap();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[("db", "orders")]).unwrap();
    let text = Schema::of_registry(&registry).to_string();
    assert!(
        text.contains("\nshop_append_seconds\n  kind histogram\n  unit seconds\n  component shop\n  bounds 0.001 0.02 1.0\n  series db=\"orders\"\n"),
        "{text}"
    );
    let prefixed = Schema::of(&*metrics).with_prefix("shop");
    assert!(
        prefixed.to_string().contains("\nshop_records_written\n  kind counter\n  component shop\n")
    );
    assert_eq!(
        Schema::of(&*metrics).with_prefix("my.shop"),
        Schema::of(&*metrics).with_prefix("my_shop")
    );
    let both = prefixed.clone().with(Schema::of(&Requests(Default::default())));
    assert!(both.changes_since(&prefixed).iter().all(|change| !change.is_breaking()));
    assert_eq!(both.changes_since(&prefixed)[0].metric(), "requests");
}

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

#[derive(Default, Metrics)]
#[metrics(prefix = "wal_")]
struct Wal {
    #[metrics(errors)]
    failures: Counter,
    #[metrics(objective(within = "20ms", of = 99.9))]
    append: Histogram<Short>,
}

#[derive(Default, Metrics)]
struct Guarded {
    #[metrics(flatten)]
    wal: Wal,
    #[metrics(objective(within = "1s", of = 50))]
    request: Family<Op, Histogram<Short>>,
    #[metrics(name = "load", labels(of = "table"), objective(within = "1ms", of = 99))]
    load_table: Histogram<Short>,
    #[metrics(name = "load", labels(of = "index"))]
    load_index: Histogram<Short>,
}

const GUARDED: &str = "
load_seconds
  kind histogram
  unit seconds
  bounds 0.001 0.02 1.0
  objective 99% within 0.001 of=\"table\"
  series of=\"index\"
  series of=\"table\"

request_seconds
  kind histogram
  unit seconds
  bounds 0.001 0.02 1.0
  objective 50% within 1.0
  series op=\"get\"
  series op=\"put\"

wal_append_seconds
  kind histogram
  unit seconds
  component wal
  bounds 0.001 0.02 1.0
  objective 99.9% within 0.02

wal_failures
  kind counter
  component wal
  role errors
";

#[test]
fn objectives_components_and_marks_are_written_and_read_back() {
    let schema = Schema::of(&Guarded::default());
    assert!(schema.to_string().ends_with(GUARDED), "{schema}");
    let (_dir, path) = lock_with(GUARDED);
    assert_eq!(Schema::read(&path).unwrap(), schema);
    let registry = Registry::new();
    let metrics = Arc::new(Guarded::default());
    registry.register(metrics.clone(), &[]).unwrap();
    assert_eq!(Schema::of_registry(&registry), schema);
}

/// Metrics that are absent until `inner` is set.
#[derive(Default)]
struct Late {
    inner: OnceLock<Wal>,
}

impl Metrics for Late {
    fn descriptors(&self) -> &[Descriptor] {
        static WAL: Wal = Wal { failures: Counter::new(), append: Histogram::new() };
        WAL.descriptors()
    }

    fn walk(&self, walker: &mut dyn Walker) {
        match self.inner.get() {
            Some(inner) => inner.walk(walker),
            None => walker.absent(2),
        }
    }
}

#[test]
fn the_lock_file_of_a_registry_lists_absent_metrics_as_that_of_the_struct_does() {
    let registry = Registry::new();
    let late = Arc::new(Late::default());
    registry.register(late.clone(), &[]).unwrap();
    let absent = Schema::of(&*late);
    assert!(absent.to_string().contains("\nwal_failures\n"), "{absent}");
    assert_eq!(Schema::of_registry(&registry), absent);
    // Once a histogram is present, its bounds are listed.
    late.inner.get_or_init(Wal::default);
    assert!(Schema::of_registry(&registry).to_string().contains("  bounds 0.001 0.02 1.0\n"));
    assert_eq!(Schema::of_registry(&registry), Schema::of(&*late));
}

#[test]
fn the_lock_file_of_a_registry_leaves_out_closed_backends_and_metrics_that_a_filter_refuses() {
    let registry = Registry::new();
    let open = Arc::new(LogMetrics::default());
    registry.with_filter(|it| it.name() != "append").register(open.clone(), &[]).unwrap();
    let [dropped, unregistered] = [(); 2].map(|()| Arc::new(Guarded::default()));
    registry.register(dropped.clone(), &[("db", "a")]).unwrap();
    registry.register(unregistered.clone(), &[("db", "b")]).unwrap();
    assert!(Schema::of_registry(&registry).to_string().contains("wal_failures"));
    drop(dropped);
    registry.unregister(&unregistered);
    let block = LOCK[LOCK.find("append_seconds").unwrap()..].split_once("\n\n").unwrap().0;
    assert_eq!(
        Schema::of_registry(&registry).to_string(),
        LOCK.replace(&format!("{block}\n\n"), "")
    );
}

#[test]
fn an_objective_that_is_removed_or_changed_fails_and_a_new_one_passes() {
    let schema = Schema::of(&Guarded::default());
    let check = |locked: String| {
        let (_dir, path) = lock_with(&locked);
        schema.check(&path).map(|report| report.to_string()).map_err(|error| error.to_string())
    };
    for (current, locked, change) in [
        (
            "99.9%",
            "99.5%",
            "`wal_append_seconds` changes its objective from `99.5% within 0.02` to `99.9% within 0.02`",
        ),
        (
            "50% within 1.0",
            "50% within 0.02",
            "`request_seconds` changes its objective from `50% within 0.02` to `50% within 1.0`",
        ),
        (
            "  series of=\"index\"",
            "  objective 1% within 1.0 of=\"index\"\n  series of=\"index\"",
            "`load_seconds{of=\"index\"}` changes its objective from `1% within 1.0` to none",
        ),
        ("wal_failures\n  kind counter\n  component wal", "wal_failures\n  kind counter", ""),
    ] {
        let checked = check(GUARDED.replacen(current, locked, 1));
        match change {
            "" => assert!(
                checked
                    .unwrap()
                    .contains("`wal_failures` changes its component from none to `wal`")
            ),
            change => assert!(checked.as_ref().unwrap_err().contains(change), "{checked:?}"),
        }
    }
    for (removed, change) in [
        (
            "  objective 99.9% within 0.02\n",
            "`wal_append_seconds` changes its objective from none to `99.9% within 0.02`",
        ),
        ("  role errors\n", "`wal_failures` changes its role from none to `errors`"),
    ] {
        let checked = check(GUARDED.replacen(removed, "", 1)).unwrap();
        assert!(checked.contains(change), "{checked}");
    }
    let marked = GUARDED
        .replace("  bounds 0.001 0.02 1.0\n  objective 50%", "  role errors\n  objective 50%");
    assert!(
        check(marked)
            .unwrap_err()
            .contains("`request_seconds` changes its role from `errors` to none")
    );
}

#[test]
fn a_missing_file_and_a_damaged_one_are_errors_that_name_the_fix() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metrics.lock");
    let error = schema::check::<LogMetrics>(&path).unwrap_err();
    assert!(matches!(error, SchemaError::Missing { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` does not exist; create it by running this test with UPDATE_METRICS=1",
            path.display()
        )
    );
    for (text, line, problem) in [
        ("  kind counter", 1, "a property comes before the first name"),
        (
            "a\n  kind summary",
            2,
            "`summary` is not a kind; expected `counter`, `gauge` or `histogram`",
        ),
        ("a\n  kind gauge\n  colour red", 3, "unknown property `colour`; expected"),
        ("\na\n\nb\n  kind gauge", 2, "`a` has no kind"),
        ("a\n  kind gauge\n\na\n  kind gauge", 4, "`a` is listed twice"),
        ("a{b}\n  kind gauge", 1, "`a{b}` is not the name of a metric"),
        ("a\n  kind gauge\n  unit MB/s", 3, "`MB/s` is not a unit"),
        ("a\n  kind gauge\n  series op=get", 3, "`op=get` is not a list of labels; expected `name"),
        ("a\n  kind gauge\n  role errers", 3, "`errers` is not a role; expected `errors`"),
        ("a\n  kind gauge\n  objective 99%", 3, "`99%` is not an objective; expected a text"),
        ("a\n  kind gauge\n  objective 99% within 1 op", 3, "`op` is not a list of labels"),
        ("<<<<<<< HEAD\na\n  kind gauge", 1, "`<<<<<<< HEAD` has no kind"),
    ] {
        fs::write(&path, text).unwrap();
        let error = schema::check::<LogMetrics>(&path).unwrap_err().to_string();
        assert!(error.contains(&format!(", line {line}: {problem}")), "{text:?}: {error}");
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    let error = schema::check::<LogMetrics>(&path).unwrap_err();
    assert!(
        format!("{error:?}").ends_with("reading it failed: stream did not contain valid UTF-8"),
        "{error:?}"
    );
    assert!(matches!(schema::check::<LogMetrics>(dir.path()), Err(SchemaError::Io { .. })));
}

const CHILD: &str = "PAPYRA_TEST_LOCK_FILE";

/// The test below runs this test in a process whose environment requests an update. Without the environment variable
/// [`CHILD`], this test does nothing.
#[test]
fn checks_the_lock_file_of_the_environment() {
    if let Some(path) = std::env::var_os(CHILD) {
        let report = schema::check::<LogMetrics>(Path::new(&path)).unwrap();
        assert!(report.is_updated());
    }
}

#[test]
fn the_file_is_created_replaced_and_repaired_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metrics.lock");
    for before in [None, Some("a\n  kind gauge\n"), Some("damaged\n")] {
        if let Some(text) = before {
            fs::write(&path, text).unwrap();
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["checks_the_lock_file_of_the_environment", "--nocapture"])
            .env(CHILD, &path)
            .env("UPDATE_METRICS", "1")
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(fs::read_to_string(&path).unwrap(), LOCK);
    }
}

#[test]
fn persistence_metrics_match_their_lock_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../papyra-metrics/persistence.lock");
    schema::check::<papyra_metrics::persistence::PersistenceMetrics>(path).unwrap();
}
