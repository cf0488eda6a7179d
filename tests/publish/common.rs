//! Starts the backend process and sends commands to it.

#![allow(dead_code)] // a test binary uses only some of these functions

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A backend in a separate process. Dropping this value closes the standard input of the process, which ends the
/// process.
pub(crate) struct Backend {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Backend {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_papyra-metrics-tests-backend"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    /// Starts a backend that publishes its metrics at this path.
    pub(crate) fn publishing(path: &Path) -> Self {
        let mut backend = Self::start();
        assert_eq!(backend.request(&format!("publish {}", path.display())), "ok");
        backend
    }

    /// Starts a backend that publishes distributions, floats and peaks at this path.
    pub(crate) fn engine(path: &Path) -> Self {
        let mut backend = Self::start();
        assert_eq!(backend.request(&format!("publish-engine {}", path.display())), "ok");
        backend
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command, and returns the answer.
    pub(crate) fn request(&mut self, command: &str) -> String {
        self.send(command);
        self.receive()
    }

    /// Sends a command without waiting for the answer. [`receive`](Self::receive) returns the answer.
    pub(crate) fn send(&mut self, command: &str) {
        writeln!(self.stdin, "{command}").unwrap();
    }

    /// Waits for the next answer.
    pub(crate) fn receive(&mut self) -> String {
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// Kills the backend with `SIGKILL`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Closes the standard input of the backend, so that the backend exits normally.
    pub(crate) fn end(self) {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}
