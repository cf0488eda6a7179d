//! Starts real servers for the tests. Each server listens on a free port, and is stopped at the end of the test that
//! started the server.

#![allow(clippy::missing_panics_doc)] // tests fail by panicking

use std::collections::BTreeMap;
use std::env;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use papyra_metrics::Value;
use serde_json::Value as Json;

/// Returns the directory into which `.ci/install` installs the servers.
pub fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers")
}

/// Returns the path of a program that `.ci/install` has installed or that is in `PATH`.
pub fn find(program: &str) -> PathBuf {
    let local = [installed().join("bin"), installed().join("python/bin")];
    let path = env::var_os("PATH").unwrap_or_default();
    let mut directories = local.into_iter().chain(env::split_paths(&path));
    let found = directories.find_map(|it| Some(it.join(program)).filter(|file| file.is_file()));
    found.unwrap_or_else(|| {
        panic!("`{program}` is not installed; run `.ci/install`, then try again")
    })
}

/// Creates an empty directory for one test.
pub fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/tmp/export")
        .join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory.canonicalize().unwrap()
}

/// Returns a port that is free for both TCP and UDP.
pub fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Calls `ask` until it returns `Some`, because other processes do not report that they are ready.
///
/// # Panics
///
/// Panics if `ask` returns only `None` for 30 seconds.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "timed out after 30 seconds while waiting for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A server process that is killed when this value is dropped, even if the test panics.
#[derive(Debug)]
pub struct Server {
    process: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program, and writes its output to the file `log`.
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

    /// Returns what the server has printed so far.
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

/// A Prometheus server that scrapes one target every second.
#[derive(Debug)]
pub struct Scraper {
    _server: Server,
    port: u16,
}

impl Scraper {
    /// Starts a server that scrapes this target. The first scrape takes place some seconds later.
    pub fn of(target: &str, name: &str) -> Self {
        Self::with_rules(target, name, "groups: []\n")
    }

    /// Starts a server that scrapes this target, and that evaluates these rules every second.
    pub fn with_rules(target: &str, name: &str, rules: &str) -> Self {
        let port = free_port();
        let directory = directory(name);
        let config = directory.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs: [{{job_name: papyra, static_configs: [{{targets: [\"{target}\"]}}]}}]\n"
        );
        fs::write(&config, text).unwrap();
        fs::write(directory.join("rules.yml"), rules).unwrap();
        let mut command = Command::new(find("prometheus"));
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        Self { _server: Server::start(&mut command, directory.join("log")), port }
    }

    /// Sends a query to the server's API. Returns the answer, or `None` if the request fails.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Json> {
        let mut request = ureq::get(format!("http://127.0.0.1:{}/api/v1/{path}", self.port));
        for (name, value) in query {
            request = request.query(name, value);
        }
        let body = request.call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str(&body).ok()
    }

    /// Returns the value of the first series that the query finds, or `None` if the query fails or finds no series.
    pub fn query(&self, query: &str) -> Option<String> {
        let answer = self.get("query", &[("query", query)])?;
        answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    }

    /// Waits until the query returns this value.
    pub fn wait_for(&self, query: &str, value: &str) {
        wait_for(&format!("{query} to be {value}"), || {
            self.query(query).filter(|now| now == value)
        });
    }
}

/// A `StatsD` daemon. It flushes once an hour, so its sums are not reset during a test.
#[derive(Debug)]
pub struct StatsDaemon {
    _server: Server,
    /// The port on which the daemon receives datagrams.
    pub port: u16,
    admin: u16,
}

impl StatsDaemon {
    /// Starts the daemon, and waits until the daemon counts datagrams.
    pub fn start(name: &str, port: u16) -> Self {
        let admin = free_port();
        let directory = directory(name);
        let config = directory.join("config.js");
        let text = format!(
            "{{ address: '127.0.0.1', port: {port}, mgmt_address: '127.0.0.1', mgmt_port: {admin}, \
               flushInterval: 3600000, backends: [] }}"
        );
        fs::write(&config, text).unwrap();
        let stats = installed().join("statsd/node_modules/statsd/stats.js");
        assert!(
            stats.is_file(),
            "the StatsD daemon is not installed; run `.ci/install`, then try again"
        );
        let mut command = Command::new(find("node"));
        command.arg(stats).arg(config);
        let daemon =
            Self { _server: Server::start(&mut command, directory.join("log")), port, admin };
        // UDP has no acknowledgement. So the daemon is known to be ready only when it has counted a datagram.
        let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
        wait_for("the daemon to count", || {
            let _ = probe.send_to(b"probe:1|c", ("127.0.0.1", port));
            daemon.ask("counters")?.contains_key("probe").then_some(())
        });
        daemon
    }

    /// Returns the daemon's counters or gauges by name, or `None` if the daemon does not answer. `what` is `counters`
    /// or `gauges`.
    pub fn ask(&self, what: &str) -> Option<BTreeMap<String, i64>> {
        self.values(what)
    }

    /// Returns the daemon's counters or gauges by name, like [`ask`](Self::ask), but as floats.
    pub fn numbers(&self, what: &str) -> Option<BTreeMap<String, f64>> {
        self.values(what)
    }

    fn values<T: FromStr<Err: Debug>>(&self, what: &str) -> Option<BTreeMap<String, T>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(what.as_bytes()).ok()?;
        let mut text = String::new();
        let mut part = [0; 4096];
        while !text.contains("END\n") {
            let read = stream.read(&mut part).ok().filter(|&read| read > 0)?;
            text.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        let entries =
            text.trim_start_matches('{').split("END").next()?.trim().trim_end_matches('}');
        let entries = entries.split(',').filter_map(|entry| entry.rsplit_once(':'));
        let clean = |name: &str| name.trim().trim_matches('\'').to_owned();
        let values = entries.map(|(name, value)| (clean(name), value.trim().parse().unwrap()));
        Some(values.collect())
    }

    /// Waits until this counter of the daemon has this value, because the last datagrams may not have arrived yet.
    /// Returns all counters of the daemon.
    pub fn wait_for(&self, counter: &str, value: i64) -> BTreeMap<String, i64> {
        wait_for(&format!("{counter} to be {value}"), || {
            let counters = self.ask("counters").unwrap();
            (counters.get(counter) == Some(&value)).then_some(counters)
        })
    }
}

/// Returns the value of a counter or an integer gauge, or the count of a histogram.
pub fn number(value: &Value) -> i64 {
    let count = value.as_histogram().map(|it| i64::try_from(it.count()).unwrap());
    count.unwrap_or_else(|| value.as_i64().unwrap())
}
