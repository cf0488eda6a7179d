//! Starts the backend process and sends commands to it.

#![allow(dead_code)] // each test needs only some of it

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A backend in a separate process. The process ends at the latest when this value is dropped, because its standard
/// input closes.
pub(crate) struct Backend {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Backend {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_papyra-metrics-tests-backend"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        Self { child, to, from }
    }

    /// Starts a backend that publishes at the path.
    pub(crate) fn publishing(path: &Path) -> Self {
        let mut backend = Self::start();
        assert_eq!(backend.tell(&format!("publish {}", path.display())), "ok");
        backend
    }

    /// Starts a backend that publishes distributions, floats and peaks at the path.
    pub(crate) fn engine(path: &Path) -> Self {
        let mut backend = Self::start();
        assert_eq!(backend.tell(&format!("publish-engine {}", path.display())), "ok");
        backend
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command, and returns the answer.
    pub(crate) fn tell(&mut self, line: &str) -> String {
        self.ask(line);
        self.answer()
    }

    /// Sends a command, and does not wait for the answer, which [`answer`](Self::answer) returns.
    pub(crate) fn ask(&mut self, line: &str) {
        writeln!(self.to, "{line}").unwrap();
    }

    /// Waits for the next answer.
    pub(crate) fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// Kills the backend with `SIGKILL`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Closes the backend's standard input, so that it exits normally.
    pub(crate) fn end(self) {
        let Self { mut child, to, .. } = self;
        drop(to);
        assert!(child.wait().unwrap().success());
    }
}
