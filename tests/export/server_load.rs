//! Tests the HTTP server under load: with many clients at once, with clients that reset their connections, and with
//! clients that connect while `SIGSTOP` suspends the server's process.

use std::env;
use std::io::{BufRead, BufReader, Read, Write, stdin};
use std::iter;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use papyra_metrics::{Counter, Histogram, Metrics};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Prometheus, serve};
use papyra_metrics_export_tests::wait_for;
use socket2::SockRef;

use crate::server::{SCRAPE, answer, blocking_server, connect, request};

/// The maximum number of clients that the server keeps connected.
const MAX_CLIENTS: usize = 128;

fn ask(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(SCRAPE.as_bytes()).unwrap();
    stream
}

#[test]
fn clients_that_reset_their_connections_displace_no_client_that_waits() {
    let (_metrics, server, entries, release) = blocking_server();
    let waiting = ask(server.local_addr());
    entries.recv_timeout(Duration::from_secs(30)).unwrap();
    for _ in 0..4 * MAX_CLIENTS {
        let stream = ask(server.local_addr());
        // Closing this connection resets it.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    drop(release);
    assert!(answer(waiting).ends_with("\nblocking_total 1\n"));
}

#[test]
fn more_clients_than_the_server_connects_are_answered_one_after_the_other() {
    wait_for("all clients to be answered within half a second", || {
        let (_metrics, server, entries, release) = blocking_server();
        let begun = Instant::now();
        let first = ask(server.local_addr());
        entries.recv_timeout(Duration::from_secs(30)).unwrap();
        let clients: Vec<_> = (0..2 * MAX_CLIENTS).map(|_| ask(server.local_addr())).collect();
        drop(release);
        let answered = iter::once(first).chain(clients).filter_map(|mut stream| {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.ends_with("\nblocking_total 1\n").then_some(())
        });
        let answered = answered.count();
        // After half a second, a client may be disconnected for the next one.
        (begun.elapsed() < Duration::from_millis(500)).then(|| {
            assert_eq!(answered, 2 * MAX_CLIENTS + 1);
        })
    });
}

const CHILD: &str = "PAPYRA_TEST_STOPPED_SERVER";

/// This is not a test of its own: `a_full_server_disconnects_the_oldest_clients_even_if_many_connect_at_once` runs it
/// in a separate process, and suspends and resumes that process. Without the environment variable [`CHILD`], it does
/// nothing.
#[test]
fn serves_until_its_input_ends() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let (_metrics, server, entries, release) = blocking_server();
    println!("address: {}", server.local_addr());
    entries.recv().unwrap();
    println!("blocked: yes");
    let mut lines = stdin().lines();
    lines.next();
    drop(release);
    lines.next();
}

/// Reads lines until one contains `key`, and returns the text after the key.
fn next(output: &mut impl BufRead, key: &str) -> String {
    let mut lines = output.lines().map(Result::unwrap);
    let text = lines.find_map(|line| line.split_once(key).map(|(_, text)| text.trim().to_owned()));
    text.unwrap()
}

fn signal(process: &Child, name: &str) {
    let status = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_full_server_disconnects_the_oldest_clients_even_if_many_connect_at_once() {
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", "server_load::serves_until_its_input_ends", "--nocapture"])
        .env(CHILD, "yes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let address = next(&mut output, "address: ").parse().unwrap();
    let first = ask(address);
    next(&mut output, "blocked: ");
    signal(&process, "-STOP");
    // The process is suspended, so all these clients send their requests before the server accepts any of them.
    let later = iter::repeat_with(|| ask(address)).take(200);
    let mut clients: Vec<_> = iter::once(first).chain(later).collect();
    signal(&process, "-CONT");
    let latest = clients.split_off(clients.len() - MAX_CLIENTS);
    for oldest in clients {
        assert_eq!(answer(oldest), "");
    }
    let mut input = process.stdin.take().unwrap();
    input.write_all(b"release\n").unwrap();
    for stream in latest {
        assert!(answer(stream).ends_with("\nblocking_total 1\n"));
    }
    drop(input);
    assert!(process.wait().unwrap().success());
}

#[derive(Default, Metrics)]
struct LogMetrics {
    writes: Counter,
    append: Histogram,
}

/// Returns the value of a sample in a scrape.
fn value(scrape: &str, sample: &str) -> u64 {
    let mut lines = scrape.lines().filter_map(|line| line.strip_prefix(sample));
    lines.next().unwrap_or_else(|| panic!("no {sample} in {scrape}")).trim().parse().unwrap()
}

#[test]
fn each_of_many_scrapes_has_all_counts_before_it_and_none_after_it() {
    const CLIENTS: usize = 16;
    const SCRAPES: usize = 40;
    let registry = Registry::new();
    let log = Arc::new(LogMetrics::default());
    registry.register(log.clone(), &[("db", "log")]).unwrap();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let address = server.local_addr();
    let (begun, counted, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (begun_elsewhere, opened) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(SeqCst) {
                begun.fetch_add(1, SeqCst);
                log.writes.inc();
                log.append.record(Duration::from_micros(5));
                counted.fetch_add(1, SeqCst);
            }
        });
        // This thread opens and closes backends all the time, all with the same labels.
        scope.spawn(|| {
            while !is_over.load(SeqCst) {
                let users = Arc::new(LogMetrics::default());
                registry.register(users.clone(), &[("db", "users")]).unwrap();
                begun_elsewhere.fetch_add(3, SeqCst);
                users.writes.add(3);
                if opened.fetch_add(1, SeqCst) % 2 == 0 {
                    assert!(registry.unregister(&users));
                }
            }
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let (mut last, mut last_elsewhere) = (0, 0);
                    for _ in 0..SCRAPES {
                        let minimum = counted.load(SeqCst).max(last);
                        let scrape = request(address, SCRAPE);
                        let maximum = begun.load(SeqCst);
                        for name in ["writes_total", "append_seconds_count"] {
                            let now = value(&scrape, &format!("{name}{{db=\"log\"}}"));
                            assert!(
                                (minimum..=maximum).contains(&now),
                                "{minimum} {now} {maximum}"
                            );
                            last = now;
                        }
                        if scrape.contains("writes_total{db=\"users\"}") {
                            let now = value(&scrape, "writes_total{db=\"users\"}");
                            let maximum = begun_elsewhere.load(SeqCst);
                            assert!((last_elsewhere..=maximum).contains(&now), "{now} {maximum}");
                            last_elsewhere = now;
                        }
                    }
                })
            })
            .collect();
        let results: Vec<_> = clients.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, SeqCst);
        results.into_iter().for_each(Result::unwrap);
    });
    let scrape = request(address, SCRAPE);
    assert_eq!(value(&scrape, "writes_total{db=\"log\"}"), counted.load(SeqCst));
    assert_eq!(server.last_error(), None);
    assert_eq!(registry.problems(), []);
}
