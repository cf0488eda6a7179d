//! Tests the JSON of the Grafana dashboard, and runs its queries in a real Prometheus server that scrapes the example
//! `engine_metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::publish::Reader;
use papyra_metrics::{
    Counter, Descriptor, Family, FloatGauge, Gauge, Histogram, IoErrorKind, Metrics, Peak, Sizes,
    Walker, buckets,
};
use papyra_metrics_export::schema::{Dashboard, Schema};
use papyra_metrics_export::{RegisterError, Registry};
use papyra_metrics_export_tests::{Scraper, wait_for};
use serde_json::Value as Json;

use crate::examples::{Running, example};

const LOCK: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/export/engine_metrics/metrics.lock");

fn parse(dashboard: &Dashboard<'_>) -> Json {
    serde_json::from_str(&dashboard.to_string()).unwrap()
}

/// Returns all panels, including those of collapsed rows.
fn panels(dashboard: &Json) -> Vec<&Json> {
    let items = dashboard["panels"].as_array().unwrap();
    let inner = items.iter().flat_map(|item| item["panels"].as_array().into_iter().flatten());
    items.iter().filter(|item| item["type"] != "row").chain(inner).collect()
}

fn panel<'a>(dashboard: &'a Json, title: &str) -> &'a Json {
    let found = panels(dashboard).into_iter().find(|panel| panel["title"] == title);
    found.unwrap_or_else(|| panic!("no panel `{title}` in {dashboard:#}"))
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn exprs(panel: &Json) -> Vec<&str> {
    panel["targets"].as_array().unwrap().iter().map(|target| text(&target["expr"])).collect()
}

/// Replaces the variables of an expression by their values, as Grafana does.
fn interpolate(expr: &str, selected: &[(&str, &str)]) -> String {
    let mut expr = expr.replace("$__rate_interval", "10s");
    for (name, value) in selected {
        expr = expr.replace(&format!("${name}\""), &format!("{value}\""));
    }
    assert!(!expr.contains('$'), "{expr}");
    expr
}

fn series(scraper: &Scraper, query: &str) -> Vec<Json> {
    let answer = scraper.get("query", &[("query", query)]);
    let result = answer.and_then(|answer| answer["data"]["result"].as_array().cloned());
    result.unwrap_or_default()
}

fn number(series: &Json) -> f64 {
    text(&series["value"][1]).parse().unwrap()
}

#[test]
fn each_query_finds_series_in_a_prometheus_server_that_scrapes_the_example() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lsm.metrics");
    let mut command = example("engine_metrics", &[path.to_str().unwrap(), "127.0.0.1:0"]);
    let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut running = Running(process);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.split_once("http://").unwrap().1.split_once('/').unwrap().0;
    let scraper = Scraper::of(address, "dashboard");

    // The published file of the process and the lock file must give the same dashboard.
    let published = Schema::of_published(&Reader::open(&path).unwrap()).unwrap();
    let dashboard = Dashboard::new(&published).with_label("db").unwrap();
    let locked = Schema::read(LOCK).unwrap();
    assert_eq!(
        Dashboard::new(&locked).with_label("db").unwrap().to_string(),
        dashboard.to_string()
    );

    let dashboard = parse(&dashboard);
    let instance = address.replace('.', "\\\\.");
    let all = [("job", ".*"), ("instance", ".*"), ("db", ".*")];
    let selected = [("job", "papyra"), ("instance", &*instance), ("db", "(orders|users)")];
    let other = [("job", "papyra"), ("instance", &*instance), ("db", "users")];
    let mut queries = 0;
    for panel in panels(&dashboard) {
        let mut values = Vec::new();
        for target in panel["targets"].as_array().unwrap() {
            queries += 1;
            let expr = text(&target["expr"]);
            let found = wait_for(expr, || {
                let found = series(&scraper, &interpolate(expr, &all));
                Some(found).filter(|found| !found.is_empty())
            });
            let legend = text(&target["legendFormat"]);
            for label in legend.split("{{").skip(1).map(|part| part.split_once("}}").unwrap().0) {
                assert!(found.iter().all(|series| series["metric"][label].is_string()), "{expr}");
            }
            assert_eq!(series(&scraper, &interpolate(expr, &selected)).len(), found.len());
            assert_eq!(series(&scraper, &interpolate(expr, &other)), [] as [Json; 0], "{expr}");
            values.push(found);
        }
        match (text(&panel["type"]), text(&panel["title"])) {
            ("heatmap", _) => assert!(values[0].len() > 10),
            ("stat", _) => assert_eq!(values[0][0]["value"][1], "1"),
            (_, title) if title.ends_with("duration") => {
                let quantiles: Vec<_> = values.iter().map(|found| number(&found[0])).collect();
                assert!(quantiles.len() == 3 && quantiles.is_sorted(), "{title}: {quantiles:?}");
            }
            (_, title) if title.to_lowercase().ends_with("error ratio") => {
                let ratios = values.iter().flatten().map(number);
                assert!(ratios.into_iter().all(|ratio| (0.0..0.1).contains(&ratio)), "{title}");
            }
            _ => {}
        }
    }
    assert!(queries > 50, "{queries}");
    let by_op = panel(&dashboard, "Requests by op");
    assert_eq!(series(&scraper, &interpolate(exprs(by_op)[0], &all)).len(), 4);

    // The query of each variable finds the label values of the scraped series.
    for (name, value) in [("job", "papyra"), ("instance", address), ("db", "orders")] {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let query = variables.iter().find(|it| it["name"] == name).unwrap();
        let query = text(&query["query"]).strip_prefix("label_values(").unwrap();
        let (samples, label) = query.strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
        let samples = interpolate(samples, &all);
        let path = format!("label/{label}/values");
        let values = scraper.get(&path, &[("match[]", &samples)]).unwrap();
        assert_eq!(values["data"], serde_json::json!([value]), "{query}");
    }
}

buckets!(Pages: u64 = [1, 1000], unit = "pages");

#[derive(Default, Metrics)]
struct AllKinds {
    events: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    #[metrics(unit = "seconds")]
    stalled: Counter,
    #[metrics(unit = "pages")]
    evicted: Counter,
    #[metrics(unit = "bytes")]
    buffered: Gauge,
    depth: Gauge,
    fill_ratio: FloatGauge,
    longest_queue: Peak,
    #[metrics(unit = "seconds")]
    backup_timestamp: Gauge,
    sync: Histogram,
    record_size: Histogram<Sizes>,
    scanned: Histogram<Pages>,
    io_errors: Family<IoErrorKind, Counter>,
}

#[test]
fn a_marked_error_counter_has_a_ratio_to_calls_or_to_the_sum_of_both_outcomes() {
    #[derive(Default, Metrics)]
    struct Log {
        flush_ok: Counter,
        flush_failures: Counter,
        #[metrics(errors)]
        delete_problems: Counter,
        deletes: Counter,
        opened: Counter,
    }

    let schema = Schema::of(&Log::default());
    let dashboard = parse(&Dashboard::new(&schema));
    let expr = |title| {
        interpolate(exprs(panel(&dashboard, title))[0], &[("job", ".*"), ("instance", ".*")])
    };
    let rate = |name| format!(r#"sum(rate({name}_total{{job=~".*",instance=~".*"}}[10s]))"#);
    let [ok, failures] = ["flush_ok", "flush_failures"].map(rate);
    assert_eq!(expr("Flush error ratio"), format!("{failures} / ({failures} + {ok})"));
    let [problems, deletes] = ["delete_problems", "deletes"].map(rate);
    assert_eq!(expr("Delete error ratio"), format!("{problems} / {deletes}"));
}

#[test]
fn each_kind_and_unit_has_its_query_and_its_unit_in_grafana() {
    let schema = Schema::of(&AllKinds::default()).with_prefix("kv");
    let dashboard = parse(&Dashboard::new(&schema));
    let selector = r#"{job=~"$job",instance=~"$instance"}"#;
    // In the expressions, `S` stands for the selector.
    for (title, unit, expr) in [
        ("Events", "ops", "sum(rate(kv_events_totalS[$__rate_interval]))"),
        ("Written", "binBps", "sum(rate(kv_written_bytes_totalS[$__rate_interval]))"),
        ("Stalled", "percentunit", "sum(rate(kv_stalled_seconds_totalS[$__rate_interval]))"),
        ("Evicted", "count:pages/s", "sum(rate(kv_evicted_pages_totalS[$__rate_interval]))"),
        ("Buffered", "bytes", "sum(kv_buffered_bytesS)"),
        ("Depth", "short", "sum(kv_depthS)"),
        ("Fill ratio", "short", "avg(kv_fill_ratioS)"),
        ("Longest queue", "short", "max(kv_longest_queueS)"),
        ("Backup timestamp: age", "s", "time() - max(kv_backup_timestamp_secondsS)"),
        ("Sync rate", "ops", "sum(rate(kv_sync_seconds_countS[$__rate_interval]))"),
        (
            "Sync duration",
            "s",
            "histogram_quantile(0.5, sum by (le) (rate(kv_sync_seconds_bucketS[$__rate_interval])))",
        ),
        (
            "Sync duration: distribution",
            "s",
            "sum by (le) (increase(kv_sync_seconds_bucketS[$__rate_interval]))",
        ),
        (
            "Record size throughput",
            "binBps",
            "sum(rate(kv_record_size_bytes_sumS[$__rate_interval]))",
        ),
        (
            "Record size",
            "bytes",
            "histogram_quantile(0.5, sum by (le) (rate(kv_record_size_bytes_bucketS[$__rate_interval])))",
        ),
        (
            "Scanned",
            "count:pages",
            "histogram_quantile(0.5, sum by (le) (rate(kv_scanned_pages_bucketS[$__rate_interval])))",
        ),
        (
            "Io errors by error kind",
            "ops",
            "sum by (error_kind) (rate(kv_io_errors_totalS[$__rate_interval]))",
        ),
    ] {
        let panel = panel(&dashboard, title);
        assert_eq!(panel["fieldConfig"]["defaults"]["unit"], unit, "{title}");
        assert_eq!(exprs(panel)[0], expr.replace('S', selector), "{title}");
    }
    let heatmap = panel(&dashboard, "Sync duration: distribution");
    assert_eq!(heatmap["options"]["yAxis"]["unit"], "s");
    let scale =
        |title| &panel(&dashboard, title)["fieldConfig"]["defaults"]["custom"]["scaleDistribution"];
    assert_eq!(scale("Sync duration"), &serde_json::json!({"type": "log", "log": 10}));
    assert_eq!(scale("Depth"), &serde_json::json!({"type": "linear"}));
    assert_eq!(heatmap["targets"][0]["format"], "heatmap");
}

/// A metric whose help text has special characters of Grafana, JSON and Markdown.
struct Hostile(Counter);

const HELP: &str = "Costs 5 $ for \"$job\", ${instance:raw} and [[job]]; \\ ` <b>\n\u{1b} ü";

impl Metrics for Hostile {
    fn descriptors(&self) -> &[Descriptor] {
        const { &[Descriptor::counter("hostile").with_help(HELP)] }
    }

    fn walk(&self, walker: &mut dyn Walker) {
        walker.instrument(&self.0);
    }
}

#[test]
fn special_characters_of_texts_are_escaped_in_json_queries_and_variables() {
    let registry = Registry::new();
    let [hostile, log] = [Arc::new(Hostile(Counter::new())), Arc::new(Hostile(Counter::new()))];
    registry.register(hostile.clone(), &[("db", "a\"},$job{{x}}\n\\ü")]).unwrap();
    registry.register(log.clone(), &[("db", "$__all")]).unwrap();
    let metrics = Arc::new(AllKinds::default());
    registry.register(metrics.clone(), &[("db", "orders")]).unwrap();
    let schema = Schema::of_registry(&registry);
    for title in ["Größe $job", "\"quoted\" \\ \n", "${datasource}"] {
        let json = Dashboard::new(&schema).with_title(title).to_string();
        let dashboard: Json = serde_json::from_str(&json).unwrap();
        assert_eq!(dashboard["title"], title);
        let uid = text(&dashboard["uid"]);
        assert!(uid.len() <= 40 && uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        let panel = panel(&dashboard, "Hostile");
        let description = text(&panel["description"]);
        for variable in ["$job", "${", "[["] {
            assert!(!description.contains(variable), "{description:?}");
        }
        assert_eq!(description.replace('\u{2060}', ""), format!("{HELP}\n\n`hostile`"));
        assert_eq!(
            exprs(panel),
            [
                r#"sum(rate(hostile_total{job=~"$job",instance=~"$instance",db=~"$db"}[$__rate_interval]))"#
            ]
        );
        // Queries contain variables, not values of labels.
        assert!(!json.contains("a\\\"}"), "{json}");
    }
}

#[test]
fn common_labels_and_requested_labels_are_variables() {
    let names = |dashboard: &Dashboard<'_>| -> Vec<String> {
        let json = parse(dashboard);
        let list = json["templating"]["list"].as_array().unwrap();
        list.iter().map(|it| text(&it["name"]).to_owned()).collect()
    };
    let registry = Registry::with_prefix("shop").unwrap();
    let metrics = Arc::new(AllKinds::default());
    registry.register(metrics.clone(), &[("db", "orders"), ("zone", "a")]).unwrap();
    let schema = Schema::of_registry(&registry);
    let dashboard = Dashboard::new(&schema);
    assert_eq!(names(&dashboard), ["datasource", "job", "instance", "db", "zone"]);
    let json = parse(&dashboard);
    assert!(panels(&json).iter().any(|panel| panel["title"] == "Io errors by error kind"));
    let requested = dashboard.clone().with_label("datasource").unwrap().with_label("db").unwrap();
    assert_eq!(
        names(&requested),
        ["datasource", "job", "instance", "db", "zone", "label_datasource"]
    );
    assert!(requested.to_string().contains(r#"datasource=~\"$label_datasource\""#));
    let refused = |name: &str| Dashboard::new(&schema).with_label(name).unwrap_err();
    for name in ["a-b", ""] {
        assert_eq!(refused(name), RegisterError::InvalidLabelName { name: name.to_owned() });
    }
    for name in ["job", "le", "__x"] {
        assert_eq!(refused(name), RegisterError::ReservedLabel { name: name.to_owned() });
    }
    // In a schema with only one family, the labels of the metric and the labels of the registration cannot be
    // distinguished. So no label becomes a variable.
    let one = Schema::of(&Hostile(Counter::new()));
    assert_eq!(names(&Dashboard::new(&one)), ["datasource", "job", "instance"]);
    assert_eq!(names(&Dashboard::new(&Schema::default())), ["datasource"]);
}

/// Returns a schema of this many families. Each component has five families.
fn schema_of(families: usize) -> Schema {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metrics.lock");
    let families = (0..families).map(|i| {
        let (component, kind) = (i / 5, ["counter", "gauge", "histogram"][i % 3]);
        format!("app_c{component}_m{i}\n  kind {kind}\n  bounds 1.0 2.0\n  series op=\"a\"\n  series op=\"b\"\n")
    });
    std::fs::write(&path, families.collect::<String>()).unwrap();
    Schema::read(&path).unwrap()
}

#[test]
fn panels_fill_the_lines_of_their_rows_at_any_size() {
    for (schema, open_rows) in [
        (Schema::of(&Hostile(Counter::new())), 1),
        (schema_of(2), 1),
        (schema_of(10), 2),
        (schema_of(60), 1),
        (Schema::read(LOCK).unwrap(), 1),
        (Schema::of(&AllKinds::default()), 1),
    ] {
        let dashboard = parse(&Dashboard::new(&schema));
        let items = dashboard["panels"].as_array().unwrap();
        let rows = items.iter().filter(|item| item["type"] == "row");
        assert_eq!(rows.filter(|row| row["collapsed"] == false).count(), open_rows);
        let mut ids = BTreeSet::new();
        let mut lines: BTreeMap<(String, u64), Vec<(u64, u64)>> = BTreeMap::new();
        let mut y = 0;
        for item in items {
            assert!(ids.insert(item["id"].as_u64().unwrap()));
            let position = |item: &Json, key: &str| item["gridPos"][key].as_u64().unwrap();
            let inner = item["panels"].as_array().cloned().unwrap_or_default();
            assert_eq!(item["collapsed"] == true, !inner.is_empty());
            assert!(position(item, "y") >= y, "the items are not in order");
            y = position(item, "y");
            for panel in inner.iter().chain([item].into_iter().filter(|it| it["type"] != "row")) {
                assert!(panel == item || ids.insert(panel["id"].as_u64().unwrap()));
                assert!(position(panel, "y") > y || panel == item);
                let row = if panel == item { String::new() } else { text(&item["title"]).into() };
                let line = lines.entry((row, position(panel, "y"))).or_default();
                line.push((position(panel, "x"), position(panel, "w")));
            }
        }
        for (line, panels) in lines {
            let end = panels.iter().fold(0, |end, (x, w)| {
                assert_eq!(*x, end, "{line:?}: {panels:?}");
                end + w
            });
            assert_eq!(end, 24, "{line:?}: {panels:?}");
        }
    }
}

#[test]
fn the_same_metrics_give_the_same_text_and_additions_keep_ids() {
    let [a, b] = [false, true].map(|is_reversed| {
        let registry = Registry::new();
        let (kinds, hostile) = (Arc::new(AllKinds::default()), Arc::new(Hostile(Counter::new())));
        kinds.sync.record(Duration::from_micros(if is_reversed { 3 } else { 50 }));
        let mut all: [Arc<dyn Metrics + Send + Sync>; 2] = [kinds, hostile];
        if is_reversed {
            all.reverse();
        }
        for metrics in &all {
            registry.register(Arc::clone(metrics), &[("db", "orders")]).unwrap();
        }
        Dashboard::new(&Schema::of_registry(&registry)).to_string()
    });
    assert_eq!(a, b);
    let less = Schema::of(&AllKinds::default()).with_prefix("kv");
    let more = less.clone().with(Schema::of(&Hostile(Counter::new())).with_prefix("kv"));
    let [less, more] = [less, more].map(|schema| parse(&Dashboard::new(&schema)));
    assert_eq!(less["uid"], more["uid"]);
    for old in panels(&less) {
        let new = panel(&more, text(&old["title"]));
        assert_eq!(old["id"], new["id"], "{}", old["title"]);
    }
    assert_eq!(panels(&more).len(), panels(&less).len() + 1);
    let other = parse(&Dashboard::new(&Schema::default()).with_title("Kv 2"));
    assert_ne!(less["uid"], other["uid"]);
}

#[test]
fn descriptions_have_the_help_text_and_the_name() {
    let schema = Schema::read(Path::new(LOCK)).unwrap();
    let dashboard = parse(&Dashboard::new(&schema));
    assert_eq!(
        panel(&dashboard, "Requests by op")["description"],
        "Requests of clients.\n\n`lsm_requests`"
    );
    assert_eq!(panel(&dashboard, "Requests in flight")["targets"][0]["range"], true);
    let plain = parse(&Dashboard::new(&Schema::of(&AllKinds::default())));
    assert_eq!(panel(&plain, "Depth")["description"], "`depth`");
    assert_eq!(
        (dashboard["title"].as_str(), dashboard["uid"].as_str()),
        (Some("Lsm"), Some("papyra-lsm"))
    );
}
