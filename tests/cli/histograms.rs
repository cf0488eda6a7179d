//! Histograms, floats and peaks in each output format of the command.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use papyra_metrics::{
    Histogram, Metrics, buckets,
    publish::{Published, Reader},
};

use crate::command::{COMMAND, CommandOutput, run};
use crate::common::Backend;
use crate::watch::{Terminal, words};

/// A directory with the files of two engines. The first engine is running, and the second engine was killed.
struct Engines {
    directory: tempfile::TempDir,
    running: Backend,
}

impl Engines {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut running = Backend::engine(&directory.path().join("a.metrics"));
        let mut killed = Backend::engine(&directory.path().join("b.metrics"));
        for line in ["append 70", "append 80", "size 4096", "fill 0.25", "queue 7"] {
            running.request(line);
        }
        for line in ["append 90", "append 1200", "lookup 3", "fill 0.5", "queue 9"] {
            killed.request(line);
        }
        killed.kill();
        Self { directory, running }
    }

    fn run(&self, arguments: &str) -> CommandOutput {
        run(self.directory.path(), arguments)
    }
}

#[test]
fn show_prints_figures_in_human_readable_units() {
    let engines = Engines::start();
    assert_eq!(
        engines.run("show a.metrics").out,
        "appends: 2\n\
         append: count 2, mean 75 µs, p50 75 µs, p99 99.5 µs, max ≤ 100 µs\n\
         lookup: count 0\n\
         record_size: count 1, mean 4 KiB, p50 4 KiB, p99 4 KiB, max ≤ 4 KiB\n\
         fill_ratio: 0.25\n\
         longest_queue: 7\n"
    );
}

#[test]
fn distributions_of_several_processes_add_up_and_ratios_and_peaks_do_not() {
    let engines = Engines::start();
    let output = engines.run("show .");
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(
        output.out.starts_with(
            "appends: 4\nappend: count 4, mean 360 µs, p50 88.6 µs, p99 1.2 ms, max ≤ 2 ms\n"
        ),
        "{}",
        output.out
    );
    assert!(output.out.ends_with("fill_ratio: 0.375\nlongest_queue: 9\n"), "{}", output.out);
}

#[test]
fn a_table_has_the_histograms_below_the_numbers() {
    let engines = Engines::start();
    let output = engines.run("show --format table .");
    let lines: Vec<String> = output
        .out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let at = |name: &str| lines.iter().position(|line| line.starts_with(name)).unwrap();
    assert_eq!(lines[at("metric")], "metric value kind unit description");
    assert_eq!(lines[at("fill_ratio")], "fill_ratio 0.375 gauge");
    assert_eq!(lines[at("histogram")], "histogram count mean p50 p99 max description");
    assert_eq!(
        lines[at("append ")],
        "append 4 360 µs 88.6 µs 1.2 ms ≤ 2 ms How long an append takes."
    );
    assert!(at("longest_queue") < at("histogram") && at("histogram") < at("append "));
    assert_eq!(lines.iter().filter(|line| line.is_empty()).count(), 1, "{}", output.out);
    // If there are no histograms, there is no second table.
    let _backend = Backend::publishing(&engines.directory.path().join("c.metrics"));
    assert!(!engines.run("show --format table c.metrics").out.contains("histogram"));
}

#[test]
fn json_has_each_distribution_as_an_object() {
    let engines = Engines::start();
    let output = engines.run("show --format json .");
    let json: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(json["append"]["count"], 4);
    assert!((json["append"]["sum"].as_f64().unwrap() - 0.001_44).abs() < 1e-12);
    let buckets = json["append"]["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 29);
    let bucket = buckets.iter().find(|bucket| bucket["le"] == 0.0001).unwrap();
    assert_eq!(bucket["count"], 3);
    assert!(buckets[28]["le"].is_null());
    assert_eq!(json["fill_ratio"], 0.375);
    // For a single process, the output is the serialized snapshot of the metrics.
    let one: serde_json::Value =
        serde_json::from_str(&engines.run("show --format json a.metrics").out).unwrap();
    let reader = Reader::open(engines.directory.path().join("a.metrics")).unwrap();
    assert_eq!(one, serde_json::to_value(reader.snapshot().unwrap()).unwrap());
}

#[test]
fn the_prometheus_format_has_classic_buckets_of_each_process() {
    let engines = Engines::start();
    engines.run("reset a.metrics");
    let output = engines.run("show --format prometheus a.metrics");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let labels = format!("path=\"a.metrics\",pid=\"{}\"", engines.running.pid());
    for line in [
        "# HELP append_seconds How long an append takes.".to_owned(),
        "# TYPE append_seconds histogram".to_owned(),
        format!("append_seconds_bucket{{{labels},le=\"5e-05\"}} 0"),
        format!("append_seconds_bucket{{{labels},le=\"0.0001\"}} 2"),
        format!("append_seconds_bucket{{{labels},le=\"1.0\"}} 2"),
        format!("append_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
        format!("append_seconds_sum{{{labels}}} 0.00015"),
        format!("append_seconds_count{{{labels}}} 2"),
        format!("record_size_bytes_sum{{{labels}}} 4096"),
        format!("fill_ratio{{{labels}}} 0.25"),
    ] {
        assert!(output.out.lines().any(|shown| shown == line), "{line}\n{}", output.out);
    }
}

#[test]
fn histograms_of_one_name_with_different_buckets_cannot_be_added_up() {
    buckets!(Coarse: std::time::Duration = [1ms, 1s]);
    #[derive(Default, Metrics)]
    struct Other {
        append: Histogram<Coarse>,
    }
    let engines = Engines::start();
    let _other = Published::<Other>::create(engines.directory.path().join("other")).unwrap();
    for command in ["show", "watch -n 1"] {
        let output = engines.run(&format!("{command} a.metrics other"));
        assert_eq!((output.out.as_str(), output.code), ("", Some(1)), "{command}");
        assert_eq!(
            output.err,
            "error: the buckets of `append` in other differ from those in a.metrics, so they cannot be added up; \
             show each process with `--each`\n"
        );
    }
    assert_eq!(engines.run("show --each a.metrics other").code, Some(0));
}

#[test]
fn reset_empties_histograms_and_peaks_and_counts_both() {
    let mut engines = Engines::start();
    let output = engines.run("reset a.metrics");
    assert!(output.out.ends_with(": reset 1 counter, 3 histograms and 1 peak\n"), "{}", output.out);
    assert_eq!(
        engines.running.request("engine-snapshot"),
        "appends: 0; append: count 0; lookup: count 0; record_size: count 0; fill_ratio: 0.25; longest_queue: 0"
    );
    assert!(engines.run("show --totals a.metrics").out.contains("append: count 2, mean 75 µs"));
}

#[test]
fn lines_have_the_rate_the_quantiles_and_the_bar_chart_of_each_interval() {
    let mut engines = Engines::start();
    let mut watch = Command::new(COMMAND)
        .current_dir(engines.directory.path())
        .args(["watch", "--interval", "0.05", "a.metrics"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = |start: &str| -> String {
        let mut found = lines.by_ref().filter_map(|line| {
            let (_, line) = line.split_once(' ').unwrap();
            line.starts_with(start).then(|| line.to_owned())
        });
        found.next().unwrap()
    };
    // The first line has no rate, because there is no earlier reading to compare with.
    assert_eq!(next("append:"), "append: 2");
    assert_eq!(next("append: 2 ("), "append: 2 (0.0/s)");
    engines.running.request("append 1200");
    let line = next("append: 3 (");
    let (rate, details) = line.split_once("/s)").unwrap();
    assert!(!rate.ends_with("(0.0"), "{line}");
    assert_eq!(details, ", p50 1.2 ms, p99 1.2 ms, p999 1.2 ms, 50 µs     █ 2 ms");
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn a_terminal_shows_quantiles_and_the_bar_chart_until_nothing_is_recorded() {
    let mut engines = Engines::start();
    for (arguments, environment) in [
        (&["watch", "-i", "0.1", "a.metrics"][..], &[][..]),
        (&["watch", "-i", "0.1", "--each", "."], &[("NO_COLOR", "1")]),
    ] {
        let mut terminal = Terminal::start(engines.directory.path(), arguments, environment);
        terminal.until(|shown| words(shown, "append").get(2) == Some(&"0.0"));
        for value in ["70", "80", "90", "1200"] {
            engines.running.request(&format!("append {value}"));
        }
        let shown = terminal.until(|shown| words(shown, "append").len() > 5);
        assert_eq!(
            words(&shown, "histogram"),
            ["histogram", "count", "per", "second", "p50", "p99", "p999", "distribution"]
        );
        let append = words(&shown, "append").join(" ");
        assert!(append.contains(" µs ") && append.ends_with(" 2 ms"), "{append}");
        assert!(append.contains('█'), "{append}");
        // The table of counters and gauges comes before the table of histograms.
        assert!(shown.find("longest_queue").unwrap() < shown.find("histogram").unwrap());
        terminal.until(|shown| words(shown, "append").len() == 3);
        // If the filter leaves only histograms, the screen has only the header of the histograms.
        terminal.press("/record_size\r");
        terminal.until(|shown| {
            !shown.contains("longest_queue")
                && words(shown, "histogram").len() == 8
                && words(shown, "metric").is_empty()
        });
        terminal.press("q");
        assert_eq!(terminal.end().0, 0);
    }
}

#[test]
fn the_option_plain_prints_lines_on_a_terminal() {
    let engines = Engines::start();
    let arguments = ["watch", "--plain", "-n", "1", "a.metrics"];
    let (code, screen, raw) = Terminal::start(engines.directory.path(), &arguments, &[]).end();
    assert_eq!(code, 0);
    assert!(screen.screen().contents().contains(" append: 2"), "{}", screen.screen().contents());
    assert!(!raw.contains(&0x1b));
}

#[test]
fn tiny_terminals_show_the_count_of_a_histogram() {
    let engines = Engines::start();
    for (rows, columns) in [(2, 30), (1, 40), (8, 24), (5, 10)] {
        let arguments = ["watch", "-i", "0.1", "a.metrics"];
        let mut terminal =
            Terminal::sized(rows, columns, engines.directory.path(), &arguments, &[]);
        terminal.until_screen(vt100::Screen::alternate_screen);
        terminal.press("/record_size\r");
        terminal
            .until(|shown| shown.lines().any(|line| line.split_whitespace().nth(1) == Some("1")));
        terminal.press("q");
        assert_eq!(terminal.end().0, 0, "{rows} × {columns}");
    }
}

#[test]
fn files_of_version_1_and_2_are_shown_together() {
    let engines = Engines::start();
    let old = include_bytes!("../publish/version-1.metrics");
    fs::write(engines.directory.path().join("old.metrics"), old).unwrap();
    let output = engines.run("show a.metrics old.metrics");
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(output.out.contains("append: count 2") && output.out.contains("records_written: 5"));
}
