//! Tests how the command combines the values of several processes into one value.

use std::{fs, path::Path};

use papyra_metrics::{FloatGauge, Gauge, Metrics, Peak, publish::Published};

use crate::command::run;

#[derive(Default, Metrics)]
#[metrics(prefix = "max_")]
struct Gauges {
    depth: Gauge,
    /// A peak by its type; its name does not say so.
    burst: Peak,
    longest_queue: Gauge,
    #[metrics(unit = "percent")]
    filled: Gauge,
    hit_ratio: FloatGauge,
    #[metrics(unit = "seconds")]
    flush_timestamp: FloatGauge,
    quota: Gauge,
}

fn publish(directory: &Path, name: &str, factor: i32) -> Published<Gauges> {
    let published = Published::<Gauges>::create(directory.join(name)).unwrap();
    published.depth.set(i64::from(factor));
    published.burst.record(i64::from(10 * factor));
    published.longest_queue.set(i64::MAX - 10 + i64::from(factor));
    published.filled.set(i64::from(30 * factor));
    published.hit_ratio.set(0.25 * f64::from(factor));
    published.flush_timestamp.set(1e9 + f64::from(factor));
    published.quota.set(i64::MAX);
    published
}

#[test]
fn a_gauge_of_several_processes_is_their_sum_mean_or_highest_value() {
    let directory = tempfile::tempdir().unwrap();
    let _processes = [("a", 1), ("b", 3), ("c", 2)]
        .map(|(name, factor)| publish(directory.path(), name, factor));
    let expected = format!(
        "max_depth: 6\n\
         max_burst: 30\n\
         max_longest_queue: {}\n\
         max_filled: 60\n\
         max_hit_ratio: 0.5\n\
         max_flush_timestamp: 1000000003\n\
         max_quota: 27670116110564327000\n",
        i64::MAX - 7
    );
    for command in ["show .", "show --totals a b c"] {
        assert_eq!(run(directory.path(), command).out, expected);
    }
    let watched = run(directory.path(), "watch --count 1 --plain .").out;
    let lines = watched.lines().map(|line| line.split_once(' ').unwrap().1.to_owned() + "\n");
    assert_eq!(lines.collect::<String>(), expected);
    // The value of a single process is shown unchanged.
    assert!(run(directory.path(), "show a").out.contains("max_filled: 30\n"));
}

#[test]
fn a_copy_of_a_file_is_not_added_to_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let process = publish(directory.path(), "b.metrics", 1);
    let other = publish(directory.path(), "c.metrics", 2);
    let path = |name| directory.path().join(name);
    fs::copy(path("b.metrics"), path("a.backup")).unwrap();
    process.depth.set(5);
    let note = "note: a.backup is a copy of b.metrics, and is not counted\n";
    let files = "a.backup b.metrics c.metrics";
    let output = run(directory.path(), &format!("show {files}"));
    assert!(output.out.starts_with("max_depth: 7\n") && output.err.ends_with(note), "{output:?}");
    let output = run(directory.path(), &format!("watch --count 1 {files}"));
    assert!(output.out.contains(" max_depth: 7\n") && output.err.ends_with(note), "{output:?}");
    let output = run(directory.path(), &format!("show --format prometheus {files}"));
    assert_eq!(output.out.matches("\nmax_depth{").count(), 2, "{output:?}");
    // A copy is shown if no other path is given, or if `--each` is given.
    assert!(run(directory.path(), "show a.backup").out.starts_with("max_depth: 1\n"));
    let output = run(directory.path(), &format!("show --each {files}"));
    assert_eq!(output.out.matches("\nmax_depth: ").count(), 3, "{output:?}");
    // After the process has ended, two copies of its file are counted once.
    drop((process, other));
    fs::copy(path("a.backup"), path("d.backup")).unwrap();
    assert!(run(directory.path(), "show a.backup d.backup").out.starts_with("max_depth: 1\n"));
}
