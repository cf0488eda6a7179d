//! What the tests share: the real servers, started on ports of their own and stopped again.

#![allow(clippy::missing_panics_doc)] // a test's way to fail

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Where `.ci/install` puts the servers.
pub fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers")
}

/// A program, from where `.ci/install` puts it or from `PATH`.
pub fn find(program: &str) -> PathBuf {
    let ours = [installed().join("bin"), installed().join("python/bin")];
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = ours.into_iter().chain(env::split_paths(&path));
    let found = places.find_map(|place| Some(place.join(program)).filter(|file| file.is_file()));
    found.unwrap_or_else(|| panic!("`{program}` is not there: run `.ci/install`, then try again"))
}

/// An empty directory for one test.
pub fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/tmp/export")
        .join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory.canonicalize().unwrap()
}

/// A port that nobody listens on, neither by TCP nor by UDP.
pub fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Asks again until there is an answer: other processes tell nobody when they are ready.
///
/// # Panics
///
/// After half a minute.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A server that is killed when the test is over, whatever its end.
#[derive(Debug)]
pub struct Server {
    process: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program whose output goes to a file.
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        let output = File::create(&log).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { process, log }
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("{}:\n{}", self.log.display(), self.log());
        }
    }
}
