//! Tests the command `papyra-metrics`, and a backend that offers the same subcommands in its own command line.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::common::Backend;
use crate::forgery::forged;
use papyra_metrics::{
    Counter, Gauge, Metrics,
    persistence::PersistenceMetrics,
    publish::{Published, Reader},
};

pub(crate) const COMMAND: &str = env!("CARGO_BIN_EXE_papyra-metrics-tests-command");
const ORDERS: &str = env!("CARGO_BIN_EXE_papyra-metrics-tests-orders");

/// The output and exit status of a command.
#[derive(Debug, PartialEq)]
pub(crate) struct CommandOutput {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }
}

pub(crate) fn run(directory: &Path, arguments: &str) -> CommandOutput {
    run_program(COMMAND, directory, arguments)
}

pub(crate) fn run_program(program: &str, directory: &Path, arguments: &str) -> CommandOutput {
    let mut command = Command::new(program);
    command.current_dir(directory).args(arguments.split_whitespace()).env_remove("ORDERS_METRICS");
    command.output().unwrap().into()
}

/// A directory with the files of two backends. The first backend is running, and the second backend was killed.
struct Service {
    directory: tempfile::TempDir,
    running: Backend,
    /// The process id of the backend that was killed.
    killed: u32,
}

impl Service {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut running = Backend::publishing(&directory.path().join("a.metrics"));
        let mut killed = Backend::publishing(&directory.path().join("b.metrics"));
        for line in ["write 12", "fail 1", "open 4"] {
            running.request(line);
        }
        for line in ["write 30", "open -1", "hit 5"] {
            killed.request(line);
        }
        let pid = killed.pid();
        killed.kill();
        Self { directory, running, killed: pid }
    }

    fn run(&self, arguments: &str) -> CommandOutput {
        run(self.directory.path(), arguments)
    }

    /// Returns `running` or `ended`, for the process that the line describes. Returns `nobody` if the line describes
    /// neither of the two processes.
    fn state_in(&self, line: &str) -> &'static str {
        let line = line.strip_prefix("./").unwrap_or(line);
        let started = |name: &str, pid: u32, state: &str| {
            line.starts_with(&format!(
                "{name}: papyra-metrics-tests-backend (pid {pid}), {state} since 20"
            ))
        };
        if started("a.metrics", self.running.pid(), "running, publishing") {
            "running"
        } else if started("b.metrics", self.killed, "ended, had been publishing") {
            "ended"
        } else {
            "nobody"
        }
    }
}

#[test]
fn show_prints_the_metrics_and_names_the_process() {
    let service = Service::start();
    let output = service.run("show a.metrics");
    assert_eq!(
        output.out,
        "records_written: 12\nbytes_written: 1200\nwrite_errors: 1\nopen_segments: 4\ncache_hits: 0\n"
    );
    assert_eq!(output.code, Some(0));
    assert_eq!(service.state_in(&output.err), "running");
    assert!(output.err.ends_with(" ago)\n"), "{}", output.err);

    let output = service.run("show b.metrics");
    assert!(output.out.starts_with("records_written: 30\n"));
    assert_eq!(service.state_in(&output.err), "ended");
    assert_eq!(output.code, Some(0));
}

#[test]
fn processes_are_added_up_once_each() {
    let service = Service::start();
    let sum = "records_written: 42\nbytes_written: 4200\nwrite_errors: 1\nopen_segments: 3\ncache_hits: 5\n";
    std::os::unix::fs::symlink("a.metrics", service.directory.path().join("link")).unwrap();
    fs::create_dir(service.directory.path().join("directory")).unwrap();
    fs::write(service.directory.path().join(".hidden"), "not ours").unwrap();
    for paths in ["a.metrics b.metrics", ".", ". a.metrics ./b.metrics", "a.metrics . link"] {
        let output = service.run(&format!("show {paths}"));
        assert_eq!((output.out.as_str(), output.code), (sum, Some(0)), "{paths}: {}", output.err);
        assert_eq!(output.err.lines().count(), 2);
    }
}

#[test]
fn each_shows_processes_separately() {
    let service = Service::start();
    let output = service.run("show --each a.metrics b.metrics");
    assert_eq!(output.code, Some(0));
    let blocks: Vec<_> = output.out.split("\n\n").collect();
    assert_eq!(blocks.len(), 2, "{}", output.out);
    for (block, state, first) in
        [(blocks[0], "running", "records_written: 12"), (blocks[1], "ended", "records_written: 30")]
    {
        let (title, rest) = block.strip_prefix("# ").unwrap().split_once('\n').unwrap();
        assert_eq!(service.state_in(title), state);
        assert!(rest.starts_with(first));
    }
}

#[test]
fn json_is_an_object_of_names_and_numbers_or_an_array_of_processes() {
    let service = Service::start();
    let output = service.run("show --format json .");
    let json: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "records_written": 42, "bytes_written": 4200, "write_errors": 1, "open_segments": 3, "cache_hits": 5
        })
    );
    assert_eq!(output.err.lines().count(), 2);

    let output = service.run("show --format json --each .");
    let json: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(json[0]["pid"], service.running.pid());
    assert_eq!(json[0]["running"], true);
    assert_eq!(json[1]["path"], "./b.metrics");
    assert_eq!(json[1]["program"], "papyra-metrics-tests-backend");
    assert_eq!(json[1]["running"], false);
    assert!(json[1]["since"].as_str().unwrap().ends_with('Z'));
    assert_eq!(json[1]["metrics"]["open_segments"], -1);

    assert_eq!(service.run("show --format json nothing").out, "null\n");
    assert_eq!(service.run("show --format json --each nothing").out, "[]\n");
}

#[test]
fn the_prometheus_format_has_totals_under_their_exported_names() {
    let service = Service::start();
    service.run("reset .");
    let output = service.run("show --format prometheus a.metrics");
    assert_eq!(output.code, Some(0));
    let labels = format!("{{path=\"a.metrics\",pid=\"{}\"}}", service.running.pid());
    assert_eq!(
        output.out.replace(&labels, ""),
        "# HELP records_written_total Records written.\n\
         # TYPE records_written_total counter\n\
         records_written_total 12\n\
         # HELP written_bytes_total Payload bytes written.\n\
         # TYPE written_bytes_total counter\n\
         written_bytes_total 1200\n\
         # HELP write_errors_total write errors\n\
         # TYPE write_errors_total counter\n\
         write_errors_total 0\n\
         # HELP open_segments open segments\n\
         # TYPE open_segments gauge\n\
         open_segments 4\n\
         # HELP cache_hits_total cache hits\n\
         # TYPE cache_hits_total counter\n\
         cache_hits_total 0\n"
    );
    assert_eq!(output.out.matches(&labels).count(), 5);
    assert_eq!(service.run("show -f prometheus nothing").out, "# metrics: <unavailable>\n");
    let output = run_program(ORDERS, service.directory.path(), "metrics show -f prometheus");
    assert!(
        output.out.contains("\nrecords_written_total 3\n")
            && output.out.contains("\nwritten_bytes_total 0\n")
    );
}

#[test]
fn a_prometheus_series_does_not_fall_when_another_process_ends() {
    let service = Service::start();
    let series = || -> Vec<String> {
        let output = service.run("show --format prometheus .");
        let lines = output.out.lines().filter(|line| line.starts_with("records_written_total"));
        lines.map(str::to_owned).collect()
    };
    let running = format!(
        "records_written_total{{path=\"./a.metrics\",pid=\"{}\"}} 12",
        service.running.pid()
    );
    let ended =
        format!("records_written_total{{path=\"./b.metrics\",pid=\"{}\"}} 30", service.killed);
    assert_eq!(series(), [running.clone(), ended]);
    fs::remove_file(service.directory.path().join("b.metrics")).unwrap();
    assert_eq!(series(), [running]);
}

#[test]
fn a_file_found_under_several_names_is_counted_once() {
    let service = Service::start();
    let at = |name: &str| service.directory.path().join(name);
    fs::hard_link(at("a.metrics"), at("c.metrics")).unwrap();
    std::os::unix::fs::symlink("a.metrics", at("d.metrics")).unwrap();
    std::os::unix::fs::symlink(service.directory.path(), at("again")).unwrap();
    for paths in [".", ". again", "c.metrics . ./again/d.metrics"] {
        let output = service.run(&format!("show --totals {paths}"));
        assert!(output.out.starts_with("records_written: 42\n"), "{paths}: {}", output.out);
        let output = service.run(&format!("reset {paths}"));
        assert_eq!(output.out.lines().count(), 2, "{paths}: {}", output.out);
    }
}

#[test]
fn paths_that_are_not_utf8_stay_distinct() {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &[u8]| directory.path().join(std::ffi::OsStr::from_bytes(name));
    let names: [&[u8]; 4] = [b"a\xfe", b"a\xff", b"a\\xff", "a\u{fffd}".as_bytes()];
    let metrics = names.map(|name| {
        let metrics = Published::<PersistenceMetrics>::create(path(name)).unwrap();
        metrics.records_written.inc();
        metrics
    });
    let output = run(directory.path(), "show --format prometheus .");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let series: std::collections::HashSet<_> =
        output.out.lines().filter(|line| line.starts_with("records_written_total")).collect();
    assert_eq!(series.len(), names.len(), "{}", output.out);
    let output = run(directory.path(), "show --format json --each .");
    let json: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    let paths: std::collections::HashSet<_> =
        json.as_array().unwrap().iter().map(|process| process["path"].to_string()).collect();
    assert_eq!(paths.len(), names.len(), "{}", output.out);
    drop(metrics);
}

#[test]
fn a_table_has_units_and_descriptions_and_no_colors_in_a_file() {
    let service = Service::start();
    let output = service.run("show --format table a.metrics");
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(service.state_in(lines[0]), "running");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(lines[1]), "metric value kind unit description");
    assert_eq!(words(lines[3]), "records_written 12 counter Records written.");
    assert_eq!(words(lines[4]), "bytes_written 1200 counter bytes Payload bytes written.");
    assert_eq!(words(lines[6]), "open_segments 4 gauge");
    assert!(!output.out.contains('\x1b'));
}

#[test]
fn missing_metrics_are_reported_and_are_not_an_error() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("directory")).unwrap();
    fs::write(directory.path().join("empty"), "").unwrap();
    assert!(Command::new("mkfifo").arg(directory.path().join("fifo")).status().unwrap().success());
    for path in ["nothing", "directory", "empty", "fifo", "/dev/null", "nothing empty fifo"] {
        for command in ["show", "show --each", "show --format table", "watch", "reset"] {
            let output = run(directory.path(), &format!("{command} {path}"));
            assert_eq!(
                (output.out.as_str(), output.code),
                ("metrics: <unavailable>\n", Some(0)),
                "{command} {path}: {}",
                output.err
            );
        }
    }
    let output = run(directory.path(), "show nothing");
    assert_eq!(
        output.err,
        "metrics: <unavailable> (cannot read metrics from \"nothing\": no such file)\n"
    );
}

#[test]
fn a_damaged_file_is_an_error_after_the_metrics_of_the_others() {
    let service = Service::start();
    let at = |name: &str| service.directory.path().join(name);
    let bytes = fs::read(at("b.metrics")).unwrap();
    fs::write(at("cut"), &bytes[..bytes.len() - 8]).unwrap();
    let output = service.run("show --totals .");
    assert!(output.out.starts_with("records_written: 42\n"));
    assert_eq!(output.code, Some(1));
    let errors: Vec<_> = output.err.lines().skip(2).collect();
    assert_eq!(
        errors,
        [
            "error: cannot read metrics from \"./cut\": the metrics file is damaged: the file is cut short"
        ]
    );
    for command in ["show", "watch", "reset"] {
        let output = service.run(&format!("{command} cut"));
        assert_eq!((output.out.as_str(), output.code), ("", Some(1)), "{command}: {}", output.err);
    }
}

#[test]
fn a_foreign_file_gives_a_note_if_found_in_a_directory_and_an_error_if_its_path_is_given() {
    let service = Service::start();
    fs::write(service.directory.path().join("text"), "records_written: 3\n").unwrap();
    let note = "note: cannot read metrics from \"./text\": not a metrics file\n";
    for command in ["show --totals", "show -f json --each", "watch -n 2 -i 0.01", "reset"] {
        let output = service.run(&format!("{command} --require ."));
        assert_eq!(output.code, Some(0), "{command}: {}", output.err);
        assert_eq!(output.err.matches(note).count(), 1, "{command}: {}", output.err);
        assert!(!output.out.is_empty());
        let output = service.run(&format!("{command} text"));
        assert_eq!((output.out.as_str(), output.code), ("", Some(1)), "{command}");
        assert_eq!(
            output.err, "error: cannot read metrics from \"text\": not a metrics file\n",
            "{command}"
        );
    }
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("text"), "nothing").unwrap();
    let output = run(elsewhere.path(), "show .");
    assert_eq!((output.out.as_str(), output.err.as_str()), ("metrics: <unavailable>\n", note));
    assert_eq!(output.code, Some(0));
    // If a directory has several files that are not metrics files, the command prints only one note.
    for name in ["a", "b", "c"] {
        fs::write(elsewhere.path().join(name), "nothing").unwrap();
    }
    let output = run(elsewhere.path(), "show .");
    assert_eq!(output.err, "note: 4 files in . are not metrics files\n");
    assert_eq!(output.code, Some(0));
}

#[test]
fn require_makes_a_path_without_metrics_a_failure() {
    let service = Service::start();
    fs::create_dir(service.directory.path().join("directory")).unwrap();
    fs::write(service.directory.path().join("empty"), "").unwrap();
    for command in ["show", "show -f json", "watch -n 1", "reset"] {
        for (paths, code) in [
            ("a.metrics", 0),
            (".", 0),
            (". a.metrics", 0),
            ("nothing", 1),
            ("empty", 1),
            ("directory", 1),
            ("a.metrics nothing", 1),
        ] {
            let output = service.run(&format!("{command} --require {paths}"));
            assert_eq!(output.code, Some(code), "{command} {paths}: {}", output.err);
            let output = service.run(&format!("{command} {paths}"));
            assert_eq!(output.code, Some(0), "{command} {paths}: {}", output.err);
        }
        let output = run_program(
            ORDERS,
            service.directory.path(),
            &format!("no-metrics {command} --require"),
        );
        assert_eq!(output.code, Some(1));
    }
}

#[test]
fn an_error_names_the_path_and_the_operation() {
    let output = run(Path::new("/"), "show /proc/1/nothing/x");
    assert_eq!(output.code, Some(0));
    let directory = tempfile::tempdir().unwrap();
    let name = "n".repeat(300);
    let output = run(directory.path(), &format!("show {name}"));
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .contains(&format!("cannot read metrics from \"{name}\": looking for the file: ")),
        "{}",
        output.err
    );
}

#[test]
fn metrics_that_cannot_be_added_up_are_an_error_that_names_the_option_each() {
    #[derive(Default, Metrics)]
    struct Other {
        records_written: Gauge,
    }
    #[derive(Default, Metrics)]
    struct Units {
        #[metrics(unit = "records")]
        records_written: Counter,
    }
    let service = Service::start();
    let at = |name: &str| service.directory.path().join(name);
    let _other = Published::<Other>::create(at("other")).unwrap();
    let _units = Published::<Units>::create(at("units")).unwrap();
    let output = service.run("show a.metrics other");
    assert_eq!((output.out.as_str(), output.code), ("", Some(1)));
    assert_eq!(
        output.err,
        "error: `records_written` is a counter in a.metrics and a gauge in other, so its values cannot be added up; \
         show each process with `--each`\n"
    );
    let output = service.run("show units a.metrics");
    assert!(output.err.contains("is a counter of records in units and a counter in a.metrics"));
    assert_eq!(service.run("show --each a.metrics other units").code, Some(0));
}

#[test]
fn reset_zeroes_the_counters_of_the_live_process_and_names_it() {
    let mut service = Service::start();
    let output = service.run("reset .");
    assert_eq!((output.err.as_str(), output.code), ("", Some(0)));
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!((service.state_in(lines[0]), service.state_in(lines[1])), ("running", "ended"));
    assert!(lines.iter().all(|line| line.ends_with(": reset 4 counters")), "{}", output.out);
    assert_eq!(
        service.running.request("snapshot"),
        "records_written: 0, bytes_written: 0, write_errors: 0, open_segments: 4, cache_hits: 0"
    );
    let output = service.run("show --totals .");
    assert!(output.out.starts_with("records_written: 42\n"));
}

#[test]
fn usage_errors_exit_with_2_and_say_what_is_expected() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        "",
        "show",
        "watch",
        "reset",
        "shwo x",
        "show --format xml x",
        "watch --interval 0 x",
        "watch --interval abc x",
        "watch --count 0 x",
        "completions powerlesshell",
    ] {
        let output = run(directory.path(), arguments);
        assert_eq!(
            (output.out.as_str(), output.code),
            ("", Some(2)),
            "{arguments}: {}",
            output.err
        );
        assert!(output.err.contains("Usage:") || output.err.contains("--help"), "{}", output.err);
    }
    let output = run(directory.path(), "watch --interval 0 x");
    let expected = "expected a number of seconds from 0.01 to 86400";
    assert!(output.err.contains(expected), "{}", output.err);
}

#[test]
fn help_completions_and_manual_pages_are_printed() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in ["--help", "show --help", "watch --help", "reset --help"] {
        let output = run(directory.path(), arguments);
        assert_eq!(output.code, Some(0));
        assert!(output.out.contains("Examples:\n  papyra-metrics "), "{}", output.out);
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(directory.path(), &format!("completions {shell}"));
        assert!(
            output.out.contains("papyra-metrics") && output.out.contains("interval"),
            "{shell}"
        );
    }
    // Bash accepts the generated script.
    let script = run(directory.path(), "completions bash").out;
    fs::write(directory.path().join("script"), script).unwrap();
    let complete = "source ./script; COMP_WORDS=(papyra-metrics sh); COMP_CWORD=1; \
                    _papyra__metrics papyra-metrics sh papyra-metrics; echo \"${COMPREPLY[@]}\"";
    let output: CommandOutput = Command::new("bash")
        .current_dir(directory.path())
        .args(["-c", complete])
        .output()
        .unwrap()
        .into();
    assert_eq!(output.out, "show\n", "{}", output.err);

    let page = run(directory.path(), "man");
    assert!(page.out.contains(".TH papyra-metrics 1") && page.out.contains("Examples:"));
    assert_eq!(run(directory.path(), "man --into .").code, Some(0));
    let page = fs::read_to_string(directory.path().join("papyra-metrics-watch.1")).unwrap();
    assert!(page.contains("interval"));
    let output = run(directory.path(), "man --into /no/such/directory");
    assert_eq!(output.code, Some(1));
    assert!(output.err.starts_with("error: cannot write manual pages into /no/such/directory: "));
}

/// Characters that a terminal interprets or does not show.
const INVISIBLE: [char; 9] = [
    '\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{ad}',
    '\u{2028}',
];

#[test]
fn invisible_characters_from_a_file_are_not_printed() {
    #[derive(Default, Metrics)]
    struct Hostile {
        #[metrics(
            help = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{ad}\u{2028}\nnext"
        )]
        writes: Counter,
    }
    let directory = tempfile::tempdir().unwrap();
    let name: String = INVISIBLE.iter().collect();
    let path = directory.path().join(&name);
    let metrics = Published::<Hostile>::create(&path).unwrap().keep();
    metrics.writes.inc();
    drop(metrics);
    // Replaces the beginning of the program name in the file, and updates the checksum. The module docs of
    // `papyra_metrics::publish` describe the header.
    let bytes = fs::read(&path).unwrap();
    let number = |at: usize| {
        usize::try_from(u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
    };
    let (program, len) = (number(56), number(60));
    let evil = &"\u{202e}\u{9b}evil".as_bytes()[..len.min(9)];
    let bytes = forged(&bytes, &[(program, evil)]);
    fs::write(&path, &bytes).unwrap();
    fs::write(directory.path().join(format!("foreign{name}")), "x").unwrap();
    fs::write(directory.path().join(format!("damaged{name}")), &bytes[..99]).unwrap();

    for command in [
        "show",
        "show --each",
        "show -f table",
        "show -f json",
        "show -f json --each",
        "show -f prometheus",
        "watch -n 1",
        "watch -n 1 --each",
        "reset",
    ] {
        let output = run(directory.path(), &format!("{command} ."));
        for text in [&output.out, &output.err] {
            let found = INVISIBLE.iter().find(|c| text.contains(**c));
            assert_eq!(found, None, "{command}: {}", text.escape_debug());
        }
        assert!(!output.out.is_empty(), "{command}: {}", output.err);
    }
    let output = run(directory.path(), "show --format table .");
    assert!(output.out.contains("\u{fffd}]0;owned\u{fffd}"), "{}", output.out);
    let output = run(directory.path(), "show -f json --each .");
    let json: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(json[0]["path"], format!("./{name}"));
}

#[test]
fn a_closed_pipe_is_not_an_error_and_a_full_disk_is() {
    let service = Service::start();
    let path = service.directory.path();
    let mut watching = Command::new(COMMAND)
        .args(["watch", "--interval", "0.01", "."])
        .current_dir(path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(watching.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with(" records_written: 42\n"), "{line}");
    // The reader of the pipe is dropped by now, so the pipe is closed.
    assert_eq!(watching.wait().unwrap().code(), Some(0));

    for arguments in ["show .", "show -f json .", "watch -n 1 .", "reset ."] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output: CommandOutput = Command::new(COMMAND)
            .args(arguments.split(' '))
            .current_dir(path)
            .stdout(full)
            .output()
            .unwrap()
            .into();
        assert_eq!(output.code, Some(1), "{arguments}");
        assert!(
            output.err.ends_with("error: No space left on device (os error 28)\n"),
            "{}",
            output.err
        );
    }
}

#[test]
fn watch_prints_lines_without_a_terminal() {
    let mut service = Service::start();
    let mut watching = Command::new(COMMAND)
        // `--count` ends the command if the expected output does not come.
        .args(["watch", "--interval", "0.05", "--count", "1200", "a.metrics"])
        .current_dir(service.directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = |start: &str| {
        let mut lines = lines.by_ref().map(Result::unwrap);
        lines.find(|line| line.split_once(' ').unwrap().1.starts_with(start)).unwrap()
    };
    assert!(next("records_written: 12").ends_with("12"));
    assert!(next("records_written: 12").ends_with("12 (0.0/s)"));
    service.running.request("write 100");
    let line = next("records_written: 112");
    let rate = line.split_once('(').unwrap().1.strip_suffix("/s)").unwrap();
    assert!(rate.parse::<f64>().unwrap() > 0.0, "{line}");
    // Rates are computed from totals, so a reset does not make a rate negative.
    Reader::reset(service.directory.path().join("a.metrics")).unwrap();
    assert!(next("records_written: 0").ends_with("0 (0.0/s)"));
    // The rate excludes events that a process counted before the command found the process.
    let elsewhere = tempfile::tempdir_in(service.directory.path()).unwrap();
    let mut late = Backend::publishing(&elsewhere.path().join("late"));
    late.request("write 1000");
    fs::rename(elsewhere.path().join("late"), service.directory.path().join("a.metrics")).unwrap();
    assert!(next("records_written: 1000").ends_with(": 1000"));
    assert!(next("records_written: 1000").ends_with(" (0.0/s)"));
    fs::remove_file(service.directory.path().join("a.metrics")).unwrap();
    // A removed file is reported as unavailable. If a new file appears at the path, the command reads the new file.
    service.running.request("drop");
    next("metrics: <unavailable>");
    let path = service.directory.path().join("a.metrics");
    service.running.request(&format!("publish {}", path.display()));
    service.running.request("write 5");
    next("records_written: 5");
    watching.kill().unwrap();
    watching.wait().unwrap();

    let output = service.run("watch --count 2 --interval 0.01 --each .");
    assert_eq!(output.out.lines().count(), 2 * 2 * 5);
    assert!(
        output
            .out
            .lines()
            .all(|line| line.contains(" ./a.metrics ") || line.contains(" ./b.metrics "))
    );
}

#[test]
fn a_backend_offers_the_commands_in_its_own_command_line() {
    let service = Service::start();
    let orders = |arguments: &str| run_program(ORDERS, service.directory.path(), arguments);

    // Without a path, the subcommands use the backend in the same process.
    let output = orders("metrics show");
    assert!(output.out.starts_with("records_written: 3\nrecords_read: 0\n"), "{}", output.out);
    assert_eq!((output.err.as_str(), output.code), ("records_written is 3\n", Some(0)));
    let output = orders("metrics show --format table");
    assert!(output.out.contains("Bytes written."), "{}", output.out);
    let output = orders("metrics reset");
    assert_eq!(output.out, "this process: reset 12 counters and 6 histograms\n");
    assert_eq!(output.err, "records_written is 0\n");
    let output = orders("metrics watch --count 2 --interval 0.01");
    assert_eq!(output.out.lines().count(), 2 * 18);

    // With a path, the subcommands read published files.
    let output = orders("metrics show .");
    assert!(output.out.starts_with("records_written: 42\n"));

    // A backend without metrics is reported as unavailable.
    for command in ["show", "watch", "reset"] {
        let output = orders(&format!("no-metrics {command}"));
        assert_eq!(
            (output.out.as_str(), output.code),
            ("metrics: <unavailable>\n", Some(0)),
            "{command}"
        );
    }

    // If the user gives no path, the default path is used, which is the value of `ORDERS_METRICS`. If that variable is
    // not set, there is no default path, and a path is required.
    let output = orders("published show");
    assert_eq!((output.out.as_str(), output.code), ("", Some(2)));
    assert!(output.err.starts_with("error: a path is required"));
    let output: CommandOutput = Command::new(ORDERS)
        .args(["published", "show"])
        .env("ORDERS_METRICS", service.directory.path())
        .output()
        .unwrap()
        .into();
    assert!(output.out.starts_with("records_written: 42\n"));
    assert!(orders("metrics show --help").out.contains(" metrics show [OPTIONS] [PATH]..."));
}

#[test]
fn eight_processes_under_load_add_up_exactly() {
    let directory = tempfile::tempdir().unwrap();
    let mut workers: Vec<_> = (0..8)
        .map(|worker| Backend::publishing(&directory.path().join(format!("worker-{worker}"))))
        .collect();
    for worker in &mut workers {
        worker.send("load 25000");
    }
    // While the processes count, readings never exceed the final sum.
    let shown = || -> u64 {
        let output = run(directory.path(), "show .");
        let first = output.out.lines().next().unwrap().to_owned();
        first.strip_prefix("records_written: ").unwrap().parse().unwrap()
    };
    assert!(shown() <= 800_000);
    for worker in &mut workers {
        assert_eq!(worker.receive(), "ok");
    }
    assert_eq!(shown(), 800_000);
    workers.into_iter().for_each(Backend::kill);
    assert_eq!(shown(), 800_000);
}
