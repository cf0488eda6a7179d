//! Runs `watch` in a real pseudo-terminal, interprets the output, and checks the resulting screen.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use crate::command::COMMAND;
use crate::common::Backend;
use papyra_metrics::{Counter, Metrics, publish::Published};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A terminal in which the command runs.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    written: Receiver<Vec<u8>>,
    pub(crate) screen: vt100::Parser,
    raw: Vec<u8>,
    master: Box<dyn MasterPty + Send>,
    /// The path of the terminal device, which `stty` opens to read the modes of the terminal.
    tty: std::path::PathBuf,
    /// The modes of the terminal before the command ran.
    before: String,
    /// Keeps the terminal open after the command has ended, so that the modes of the terminal can still be read.
    slave: Option<std::fs::File>,
}

impl Terminal {
    pub(crate) fn start(
        directory: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        Self::sized(20, 100, directory, arguments, environment)
    }

    pub(crate) fn sized(
        rows: u16,
        cols: u16,
        directory: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_papyra-metrics-tests-command"));
        command.args(arguments);
        command.cwd(directory);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        command.env_remove("COLUMNS");
        command.env_remove("LINES");
        for (name, value) in environment {
            command.env(name, value);
        }
        let tty = pair.master.tty_name().unwrap();
        let before = stty(&tty, &["-g"]);
        let child = pair.slave.spawn_command(command).unwrap();
        let slave = std::fs::File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(&tty)
            .ok();
        drop(pair.slave);
        let keys = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, written) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        // The command treats a terminal without a size as 80 × 24, and so does the interpreter.
        let shown = |size, otherwise| if size == 0 { otherwise } else { size };
        let screen = vt100::Parser::new(shown(rows, 24), shown(cols, 80), 0);
        Self {
            child,
            keys,
            written,
            screen,
            raw: Vec::new(),
            master: pair.master,
            tty,
            before,
            slave,
        }
    }

    /// Waits until the text on the screen satisfies the condition, and returns the text.
    pub(crate) fn until(&mut self, condition: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + LONG;
        loop {
            let shown = self.screen.screen().contents();
            if condition(&shown) {
                return shown;
            }
            match self.written.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(error) => panic!("{error}; the terminal shows:\n{shown}"),
            }
        }
    }

    pub(crate) fn until_screen(&mut self, condition: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + LONG;
        while !condition(self.screen.screen()) {
            let bytes = self.written.recv_timeout(end.saturating_duration_since(Instant::now()));
            self.screen.process(&bytes.expect("the terminal showed it within a minute"));
        }
    }

    /// Waits until a signal has suspended the command.
    fn until_stopped(&self) {
        let end = Instant::now() + LONG;
        let stat = format!("/proc/{}/stat", self.child.process_id().unwrap());
        while std::fs::read_to_string(&stat).unwrap().rsplit(") ").next().unwrap().as_bytes()[0]
            != b'T'
        {
            assert!(Instant::now() < end, "the command does not stop");
            std::thread::yield_now();
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let status = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.unwrap().success());
    }

    /// Returns the modes of the terminal, as `stty -g` prints them.
    fn modes(&self) -> String {
        stty(&self.tty, &["-g"])
    }

    fn set_modes(&self, modes: &str) {
        stty(&self.tty, &[modes.trim()]);
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the command ends. Returns the exit code, the screen, and the whole output.
    pub(crate) fn end(mut self) -> (u32, vt100::Parser, Vec<u8>) {
        drop((self.master, self.slave));
        let end = Instant::now() + LONG;
        loop {
            match self.written.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                // The command has closed the terminal.
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("the command does not end");
                }
            }
        }
        (self.child.wait().unwrap().exit_code(), self.screen, self.raw)
    }
}

fn stty(tty: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("stty")
        .arg("-F")
        .arg(tty)
        .args(arguments)
        .output()
        .expect("this test needs `stty` of coreutils to read the modes of a terminal");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The time limit of a test. Only a test that fails waits so long.
const LONG: Duration = Duration::from_secs(60);

/// Returns the words of the first line whose first word is `name`. Returns no words if there is no such line.
pub(crate) fn words<'a>(shown: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = shown.lines().map(str::split_whitespace).map(Iterator::collect::<Vec<_>>);
    lines.find(|words| words.first() == Some(&name)).unwrap_or_default()
}

#[test]
fn values_rates_and_bars_follow_the_process_until_q() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    backend.request("write 12");
    backend.request("open 3");
    let mut terminal =
        Terminal::start(directory.path(), &["watch", "--interval", "0.1", "log.metrics"], &[]);
    let shown = terminal.until(|shown| words(shown, "records_written").get(1) == Some(&"12"));
    assert!(shown.starts_with(&format!(
        "log.metrics: papyra-metrics-tests-backend (pid {}), running, publishing since 20",
        backend.pid()
    )));
    assert_eq!(words(&shown, "metric"), ["metric", "value", "per", "second", "recent"]);
    assert_eq!(words(&shown, "open_segments")[1], "3");
    assert!(terminal.screen.screen().alternate_screen());

    backend.request("write 30");
    let shown = terminal.until(|shown| {
        let words = words(shown, "records_written");
        words.get(1) == Some(&"42") && words.get(3).is_some_and(|bars| bars.contains('█'))
    });
    // A gauge has bars but no rate.
    let gauge = words(&shown, "open_segments");
    assert_eq!((gauge.len(), gauge[1]), (3, "3"), "{shown}");
    terminal.until(|shown| words(shown, "records_written").get(2) == Some(&"0.0"));

    // A process that has ended stays on the screen until another process replaces its file.
    backend.kill();
    terminal.until(|shown| shown.contains("ended, had been publishing since"));
    let mut backend = Backend::publishing(&path);
    backend.request("write 7");
    terminal.until(|shown| words(shown, "records_written").get(1) == Some(&"7"));

    terminal.press("q");
    let (code, screen, _) = terminal.end();
    assert_eq!(code, 0);
    assert!(!screen.screen().alternate_screen());
    assert!(!screen.screen().hide_cursor());
}

#[test]
fn the_terminal_is_restored_after_keys_and_signals() {
    let directory = tempfile::tempdir().unwrap();
    let _backend = Backend::publishing(&directory.path().join("log.metrics"));
    for (how, succeeds) in [
        ("\x1b", true),
        ("\x03", true),
        ("TERM", true),
        ("INT", true),
        ("QUIT", false),
        ("HUP", false),
        ("USR1", false),
    ] {
        let mut terminal = Terminal::start(directory.path(), &["watch", "."], &[]);
        let before = terminal.before.clone();
        terminal.until(|shown| shown.contains("records_written"));
        assert_ne!(terminal.modes(), before, "the terminal is in raw mode");
        if how.len() > 1 {
            terminal.signal(how);
        } else {
            terminal.press(how);
        }
        let code = terminal.child.wait().unwrap();
        assert_eq!(code.success(), succeeds, "{how:?}: {code:?}");
        assert_eq!(terminal.modes(), before, "{how:?}");
        let (_, screen, _) = terminal.end();
        assert!(!screen.screen().alternate_screen() && !screen.screen().hide_cursor(), "{how:?}");
    }
}

#[test]
fn a_stopped_watch_restores_the_terminal_and_sets_it_up_again_when_continued() {
    let directory = tempfile::tempdir().unwrap();
    let mut backend = Backend::publishing(&directory.path().join("log.metrics"));
    for signal in ["TSTP", "STOP"] {
        let mut terminal = Terminal::start(directory.path(), &["watch", "-i", "0.1", "."], &[]);
        let before = terminal.before.clone();
        terminal.until(|shown| shown.contains("records_written"));
        let raw = terminal.modes();
        terminal.signal(signal);
        terminal.until_stopped();
        if signal == "TSTP" {
            terminal.until_screen(|screen| !screen.alternate_screen() && !screen.hide_cursor());
            assert_eq!(terminal.modes(), before);
        } else {
            // After this signal, the command cannot reset the modes. A shell resets them when a job has stopped, so the
            // test does this too.
            terminal.set_modes(&before);
        }
        backend.request("write 7");
        terminal.signal("CONT");
        let shows_seven = |shown: &str| words(shown, "records_written").get(1) == Some(&"7");
        terminal.until(|shown| shows_seven(shown) && shown.contains("q quits"));
        let end = Instant::now() + LONG;
        while terminal.modes() != raw {
            assert!(Instant::now() < end, "the terminal is not raw again");
        }
        terminal.until_screen(vt100::Screen::alternate_screen);
        terminal.press("q");
        assert_eq!(terminal.end().0, 0);
        // Resets the counters, so that the next signal is tested with the same numbers.
        papyra_metrics::publish::Reader::reset(directory.path().join("log.metrics")).unwrap();
    }
}

#[test]
fn a_value_is_shown_next_to_its_name_in_a_terminal_of_any_size() {
    let directory = tempfile::tempdir().unwrap();
    let mut backend = Backend::publishing(&directory.path().join("log.metrics"));
    backend.request("write 7");
    // The sizes include a terminal with more than 65,535 cells, and a terminal that does not know its size. Drawing the
    // largest terminal takes longer than the interval, but the command must still react to a key without delay.
    for (rows, columns) in
        [(4, 80), (2, 80), (1, 40), (8, 50), (8, 40), (8, 24), (300, 400), (70, 1000), (0, 0)]
    {
        let mut terminal =
            Terminal::sized(rows, columns, directory.path(), &["watch", "-i", "0.01", "."], &[]);
        let shown = terminal.until(|shown| words(shown, "records_written").get(1) == Some(&"7"));
        let rows = shown.lines().filter(|line| line.contains("records_written")).count();
        assert_eq!(rows, 1, "{shown}");
        terminal.press("q");
        assert_eq!(terminal.end().0, 0);
    }
    let terminal =
        Terminal::sized(0, 0, directory.path(), &["show", "--format", "table", "."], &[]);
    let (_, screen, _) = terminal.end();
    let shown = screen.screen().contents();
    assert_eq!(words(&shown, "records_written")[..3], ["records_written", "7", "counter"]);
}

#[test]
fn a_resized_terminal_is_redrawn() {
    let directory = tempfile::tempdir().unwrap();
    let _backend = Backend::publishing(&directory.path().join("log.metrics"));
    let mut terminal = Terminal::start(directory.path(), &["watch", "-i", "0.1", "."], &[]);
    terminal.until(|shown| shown.contains("cache_hits"));
    for (rows, cols) in [(4, 40), (300, 400), (1, 1), (24, 80)] {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        terminal.screen = vt100::Parser::new(rows, cols, 0);
        terminal.master.resize(size).unwrap();
        if cols > 1 {
            terminal.until(|shown| shown.contains("records_written"));
        }
    }
    terminal.until(|shown| shown.contains("q quits"));
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn keys_filter_sort_and_switch_to_totals() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.metrics");
    let mut backend = Backend::publishing(&path);
    backend.request("write 5");
    papyra_metrics::publish::Reader::reset(&path).unwrap();
    backend.request("write 2");
    let mut terminal = Terminal::start(directory.path(), &["watch", "-i", "0.1", "."], &[]);
    let value = |shown: &str| words(shown, "records_written").get(1).map(|word| (*word).to_owned());
    terminal.until(|shown| value(shown).as_deref() == Some("2"));
    terminal.press("t");
    let shown = terminal.until(|shown| value(shown).as_deref() == Some("7"));
    assert_eq!(words(&shown, "metric")[1], "total");
    terminal.press("/WRIT\r");
    terminal.until(|shown| !shown.contains("cache_hits") && shown.contains("write_errors"));
    terminal.press("\x1b");
    terminal.until(|shown| shown.contains("cache_hits"));
    terminal.press("s");
    let shown = terminal.until(|shown| shown.contains("by name"));
    let at = |name: &str| shown.find(name).unwrap();
    assert!(at("bytes_written") < at("cache_hits") && at("open_segments") < at("records_written"));
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn the_variable_no_color_disables_colors() {
    let directory = tempfile::tempdir().unwrap();
    let _backend = Backend::publishing(&directory.path().join("log.metrics"));
    let colors = |raw: &[u8]| {
        let raw = String::from_utf8_lossy(raw).into_owned();
        ["\x1b[3", "\x1b[4", "\x1b[9"].iter().any(|start| {
            raw.split(start).skip(1).any(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(0);
                // The codes 39 and 49 set the default colors, which are not counted as colors.
                rest[end..].starts_with('m') && end > 0 && !rest.starts_with('9')
            })
        })
    };
    for (environment, colored) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let mut watching = Terminal::start(directory.path(), &["watch", "."], environment);
        watching.until(|shown| shown.contains("q quits"));
        watching.press("q");
        let (_, _, raw) = watching.end();
        assert_eq!(colors(&raw), colored, "{}", String::from_utf8_lossy(&raw).escape_debug());

        let showing = Terminal::start(directory.path(), &["show", "."], environment);
        let (code, screen, raw) = showing.end();
        assert_eq!(code, 0);
        assert!(screen.screen().contents().contains("cache_hits: 0"));
        assert_eq!(
            raw.contains(&0x1b),
            colored,
            "{}",
            String::from_utf8_lossy(&raw).escape_debug()
        );
    }
}

#[test]
fn a_process_that_appears_has_no_rate_at_its_first_reading() {
    #[derive(Default, Metrics)]
    struct Later {
        records: Counter,
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    let _first = Published::<Later>::create(path("first")).unwrap();
    // `watch` skips files whose names begin with a dot. When this file is renamed, `watch` finds a process that has
    // already counted 1,000 records.
    let later = Published::<Later>::create(path(".later")).unwrap();
    later.records.add(1000);
    let mut watch = Command::new(COMMAND)
        .current_dir(directory.path())
        .args(["watch", "--each", "--interval", "0.05", "."])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = |start: &str| {
        let found = lines.by_ref().find(|line| line.contains(start)).unwrap();
        found.split_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(next("first"), "./first records: 0");
    assert_eq!(next("first"), "./first records: 0 (0.0/s)");
    fs::rename(path(".later"), path("later")).unwrap();
    assert_eq!(next("later"), "./later records: 1000");
    assert_eq!(next("later"), "./later records: 1000 (0.0/s)");
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn text_from_a_file_cannot_control_the_terminal() {
    #[derive(Default, Metrics)]
    struct Hostile {
        #[metrics(help = "\u{1b}]0;owned\u{7}")]
        writes: Counter,
    }
    let directory = tempfile::tempdir().unwrap();
    let _metrics =
        Published::<Hostile>::create(directory.path().join("\u{1b}]0;owned\u{7}")).unwrap();
    for format in ["text", "table", "json", "prometheus"] {
        for each in [&[][..], &["--each"]] {
            let arguments = [&["show", ".", "--format", format], each].concat();
            let (code, _, raw) = Terminal::start(directory.path(), &arguments, &[]).end();
            assert_eq!(code, 0);
            let raw = String::from_utf8(raw).unwrap();
            assert!(!raw.contains("\u{1b}]") && !raw.contains('\u{7}'), "{format}: {raw:?}");
        }
    }
}

#[test]
fn many_metrics_scroll_and_processes_are_shown_separately() {
    const VALUE: &str = " 555 "; // does not occur in a process id
    let directory = tempfile::tempdir().unwrap();
    let mut backends: Vec<_> = (0..8)
        .map(|worker| Backend::publishing(&directory.path().join(format!("worker-{worker}"))))
        .collect();
    backends[7].request("write 555");
    let mut terminal =
        Terminal::start(directory.path(), &["watch", "--each", "--interval", "0.1", "."], &[]);
    let shown = terminal.until(|shown| shown.contains("… and "));
    assert!(shown.contains("./worker-0") && !shown.contains(VALUE), "{shown}");
    for _ in 0..8 {
        terminal.press("\x1b[6~"); // page down, also past the end
    }
    terminal.until(|shown| shown.contains("./worker-7") && shown.contains(VALUE));
    terminal.press("\x1b[H"); // home
    terminal.until(|shown| !shown.contains(VALUE));
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn errors_are_printed_before_the_screen_is_entered() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("text"), "not ours").unwrap();
    let (code, screen, _) = Terminal::start(directory.path(), &["watch", "text"], &[]).end();
    assert_eq!(code, 1);
    assert!(
        screen
            .screen()
            .contents()
            .contains("error: cannot read metrics from \"text\": not a metrics file")
    );
    let (code, screen, _) = Terminal::start(directory.path(), &["watch", "nothing"], &[]).end();
    assert_eq!(code, 0);
    assert!(screen.screen().contents().contains("metrics: <unavailable>"));
}

#[test]
fn the_command_ends_when_its_terminal_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let _backend = Backend::publishing(&directory.path().join("log.metrics"));
    let size = PtySize { rows: 20, cols: 100, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_papyra-metrics-tests-command"));
    command.args(["watch", "."]);
    command.cwd(directory.path());
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut screen = vt100::Parser::new(20, 100, 0);
    let mut buffer = [0; 4096];
    while !screen.screen().contents().contains("q quits") {
        let len = reader.read(&mut buffer).unwrap();
        screen.process(&buffer[..len]);
    }
    drop((reader, pair.master));
    assert!(!child.wait().unwrap().success());
}
