//! Tests the HTTP server over real sockets, with every form of a request, and with clients and backends that misbehave.

use std::env;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::iter;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::panic_any;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use papyra_metrics::{Counter, Instrument, Kind, Metrics, Value};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{self, Prometheus, Server, serve};
use papyra_metrics_export_tests::wait_for;

#[derive(Default, Metrics)]
struct LogMetrics {
    /// Records appended.
    records_written: Counter,
}

fn backend(registry: &Registry, name: &str) -> Arc<LogMetrics> {
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[("backend", name)]).unwrap();
    metrics
}

/// Returns the metrics of a backend that has written 3 records, and a server that exports these metrics.
fn fixture() -> (Arc<LogMetrics>, Server) {
    let registry = Registry::new();
    let metrics = backend(&registry, "orders");
    metrics.records_written.add(3);
    (metrics, serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap())
}

const BODY: &str = "# HELP records_written_total Records appended.\n\
                    # TYPE records_written_total counter\n\
                    records_written_total{backend=\"orders\"} 3\n";
pub(crate) const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

pub(crate) fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Sends this request and returns the response.
pub(crate) fn request(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    answer(stream)
}

fn assert_is_scrape(answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect(answer);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", BODY.len())), "{head}");
    assert!(head.ends_with("\r\nConnection: close"), "{head}");
    assert_eq!(body, BODY);
}

#[test]
fn a_scrape_is_answered_in_every_form_of_an_http_request() {
    let (_metrics, server) = fixture();
    let address = server.local_addr();
    for form in [
        SCRAPE,
        "GET /metrics?collect=all HTTP/1.0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\naccept: text/html\r\nACCEPT: */*;q=0.1\r\n\r\n",
        // RFC 9112, 3.2.2: a server must accept the absolute form.
        "GET http://localhost:9100/metrics HTTP/1.1\r\nHost: localhost:9100\r\n\r\n",
        "GET HTTP://localhost/metrics?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: [fe80::1%25eth0]:9100 \r\n\r\n",
        // RFC 9112, 2.2: empty lines before a request are ignored, and a line may end in LF alone.
        "\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        "\n\r\n\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /metrics HTTP/1.1\nHost: x\n\n",
        // A body is read and ignored. A second request is ignored too, because the server closes the connection after
        // the first request.
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_is_scrape(&request(address, form));
    }
    let open_metrics =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n";
    assert!(request(address, open_metrics).ends_with("\n# EOF\n"));
}

#[test]
fn a_request_may_arrive_byte_by_byte_and_its_sender_may_shut_down_early() {
    let (_metrics, server) = fixture();
    let mut stream = connect(server.local_addr());
    stream.set_nodelay(true).unwrap();
    for byte in SCRAPE.bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    assert_is_scrape(&answer(stream));
}

#[test]
fn an_invalid_request_is_answered_with_the_matching_status() {
    let (_metrics, server) = fixture();
    for (form, status) in [
        (
            "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "405 Method Not Allowed",
        ),
        ("GET /other HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("GET http://localhost HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("GET /metrics\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET http://localhost/metrics HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.1\r\nHost: x y\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.1\r\nHost: user@x\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.0\r\nHost: http://x/\r\n\r\n", "400 Bad Request"),
        ("\0\r\n\r\n", "400 Bad Request"),
        ("\u{16}\u{3}\u{1} a TLS handshake", "400 Bad Request"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"),
    ] {
        let answer = request(server.local_addr(), form);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{form}{answer}");
    }
    let allowed = request(server.local_addr(), "PUT /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(allowed.contains("\r\nAllow: GET, HEAD\r\n"), "{allowed}");
}

#[test]
fn a_request_that_is_too_long_receives_the_complete_answer() {
    let (_metrics, server) = fixture();
    let one_header = format!("Cookie: {}\r\n", "x".repeat(200_000));
    let many_headers = "A: b\r\n".repeat(200);
    for headers in [one_header, many_headers] {
        let long = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let answer = request(server.local_addr(), &long);
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\nthe request header is too long\n"), "{answer}");
    }
    // The answer also arrives if the client is still sending the body when the server refuses the request.
    let body = "x".repeat(500_000);
    let post = format!(
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = request(server.local_addr(), &post);
    assert!(answer.ends_with("\r\n\r\nuse GET\n"), "{answer}");
}

#[test]
fn head_has_no_body_and_does_not_deliver_the_last_counts_of_a_backend() {
    let (metrics, server) = fixture();
    drop(metrics);
    let head = "HEAD /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n";
    assert_eq!(
        request(server.local_addr(), head),
        "HTTP/1.1 200 OK\r\n\
         Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
         Connection: close\r\n\r\n"
    );
    let many_headers = "A: b\r\n".repeat(200);
    for (path, headers, status) in [
        ("/other", "", "404 Not Found"),
        ("http://x/", "", "404 Not Found"),
        ("/metrics", "Host: y\r\n", "400 Bad Request"),
        ("/metrics", "no header\r\n", "400 Bad Request"),
        ("/metrics", &*many_headers, "431 Request Header Fields Too Large"),
    ] {
        let head = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let answer = request(server.local_addr(), &head);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
    assert_is_scrape(&request(server.local_addr(), SCRAPE));
}

#[test]
fn hundreds_of_silent_and_slow_clients_delay_no_scrape() {
    let (_metrics, server) = fixture();
    let address = server.local_addr();
    let silent: Vec<_> = (0..500).map(|_| connect(address)).collect();
    for _ in 0..10 {
        assert_is_scrape(&request(address, SCRAPE));
    }
    // These clients send half of a request and then stop.
    let slow: Vec<_> = (0..500)
        .map(|_| {
            let mut stream = connect(address);
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHo").unwrap();
            stream
        })
        .collect();
    for _ in 0..10 {
        assert_is_scrape(&request(address, SCRAPE));
    }
    drop((silent, slow));
    server.stop();
}

/// Returns a registry and its backends. A scrape of this registry is far longer than the buffers of a socket.
fn long_scrape() -> (Registry, Vec<Arc<LogMetrics>>) {
    let registry = Registry::new();
    let name = "x".repeat(20_000);
    let backends = (0..600).map(|i| backend(&registry, &format!("{name}{i}"))).collect();
    (registry, backends)
}

#[test]
fn clients_that_do_not_read_their_answer_delay_neither_scrapes_nor_stop() {
    let (registry, backends) = long_scrape();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let address = server.local_addr();
    let _not_reading: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = connect(address);
            stream.write_all(SCRAPE.as_bytes()).unwrap();
            stream
        })
        .collect();
    let answer = request(address, SCRAPE);
    assert_eq!(answer.matches("records_written_total{").count(), backends.len());
    server.stop();
    assert!(TcpStream::connect(address).is_err(), "the port is still open");
}

#[test]
fn a_client_is_disconnected_after_the_time_limit_even_if_it_never_stops_sending() {
    let (registry, _backends) = long_scrape();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let mut receiving = connect(server.local_addr());
    receiving.write_all(SCRAPE.as_bytes()).unwrap();
    receiving.read_exact(&mut [0]).unwrap();
    let mut sending = connect(server.local_addr());
    sending.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    // The server sends nothing to this client, so a read times out until the server closes the connection.
    let is_disconnected = (0..300).any(|_| {
        let is_waiting = |error: io::Error| error.kind() == ErrorKind::WouldBlock;
        sending.write_all(b"G").is_err() || !sending.read(&mut [0]).is_err_and(is_waiting)
    });
    assert!(is_disconnected);
    // The client that connected before, and has received only a part of its response, was disconnected earlier.
    let mut rest = Vec::new();
    let _ = receiving.read_to_end(&mut rest);
    assert!(rest.len() < 12_000_000, "the response is complete");
    server.stop();
}

#[test]
fn only_the_latest_scrapes_are_kept_for_slow_clients() {
    let (registry, backends) = long_scrape();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let slow: Vec<_> = (0..12)
        .map(|_| {
            let mut stream = connect(server.local_addr());
            stream.write_all(SCRAPE.as_bytes()).unwrap();
            // Once the response to this client has begun, the request of the next client starts another scrape.
            stream.read_exact(&mut [0]).unwrap();
            stream
        })
        .collect();
    let is_whole = |mut stream: TcpStream| {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer.ends_with(format!("{}\"}} 0\n", backends.len() - 1).as_bytes())
    };
    let whole: Vec<_> = slow.into_iter().map(is_whole).collect();
    assert_eq!(whole, [[false; 4].as_slice(), &[true; 8]].concat());
}

/// A counter. Reading the counter blocks until the test drops the sender that belongs to `release`.
struct Blocking {
    entered: Sender<()>,
    release: Mutex<Receiver<()>>,
}

impl Instrument for Blocking {
    const KIND: Kind = Kind::Counter;

    fn value(&self) -> Value {
        let _ = self.entered.send(());
        let _ = self.release.lock().unwrap().recv();
        Value::Counter(1)
    }

    fn reset(&self) {}

    fn take(&self) -> Value {
        self.value()
    }
}

#[derive(Metrics)]
pub(crate) struct BlockingMetrics {
    blocking: Blocking,
}

/// Returns metrics, a server that exports them, a receiver and a sender. When a scrape begins to block, the receiver
/// gets a message. The scrape blocks until the sender is dropped.
pub(crate) fn blocking_server() -> (Arc<BlockingMetrics>, Server, Receiver<()>, Sender<()>) {
    let (entered, entries) = mpsc::channel();
    let (release, waits) = mpsc::channel();
    let blocking = Blocking { entered, release: Mutex::new(waits) };
    let metrics = Arc::new(BlockingMetrics { blocking });
    let registry = Registry::new();
    registry.register(metrics.clone(), &[]).unwrap();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    (metrics, server, entries, release)
}

#[test]
fn a_scrape_that_never_returns_delays_neither_other_requests_nor_stop() {
    let (_metrics, server, entries, release) = blocking_server();
    let address = server.local_addr();
    let mut waiting = connect(address);
    waiting.write_all(SCRAPE.as_bytes()).unwrap();
    entries.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(request(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
    server.stop();
    assert!(TcpStream::connect(address).is_err(), "the port is still open");
    assert_eq!(answer(waiting), "");
    drop(release);
}

#[test]
fn clients_that_ask_at_the_same_time_share_one_scrape() {
    let (_metrics, server, entries, release) = blocking_server();
    let ask = |accept: &str| {
        let mut stream = connect(server.local_addr());
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n").unwrap();
        stream
    };
    let first = ask("*/*");
    entries.recv_timeout(Duration::from_secs(30)).unwrap();
    // These requests arrive too late for the first scrape. When the server answers the request below, all of them have
    // arrived.
    let accepts = ["*/*", "*/*", "text/plain", "text/plain;q=0.5", "text/html"];
    let others: Vec<_> = accepts.into_iter().map(ask).collect();
    request(server.local_addr(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    drop(release);
    for stream in iter::once(first).chain(others) {
        assert!(answer(stream).ends_with("\nblocking_total 1\n"));
    }
    assert_eq!(entries.try_iter().count(), 1, "one scrape for all others");
}

#[test]
fn a_scrape_that_takes_too_long_is_reported_and_the_next_one_is_answered() {
    let (_metrics, server, entries, release) = blocking_server();
    let mut waiting = connect(server.local_addr());
    waiting.write_all(SCRAPE.as_bytes()).unwrap();
    entries.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(answer(waiting), "", "the connection is closed after the time limit");
    assert_eq!(server.last_error().as_deref(), Some("a scrape takes longer than 10s"));
    drop(release);
    let answer = request(server.local_addr(), SCRAPE);
    assert!(answer.ends_with("\nblocking_total 1\n"), "{answer}");
    assert_eq!(server.last_error(), None);
}

/// A value that panics when it is dropped. The payload of the panic also panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic_any(PanickingPayload);
    }
}

struct PanickingPayload;

impl Drop for PanickingPayload {
    fn drop(&mut self) {
        assert!(thread::panicking(), "a payload was dropped");
    }
}

#[derive(Metrics)]
struct PanickingMetrics {
    reads: Counter,
    #[metrics(skip)]
    _on_drop: PanicsOnDrop,
}

#[test]
fn the_server_survives_every_panic_in_a_scrape() {
    let (_metrics, registry) = {
        let registry = Registry::new();
        (backend(&registry, "orders"), registry)
    };
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    for _ in 0..4 {
        let metrics = Arc::new(PanickingMetrics { reads: Counter::new(), _on_drop: PanicsOnDrop });
        registry.register(metrics.clone(), &[]).unwrap();
        drop(metrics);
        let answer = request(server.local_addr(), SCRAPE);
        // If the panic reaches the server, only this scrape fails.
        if let Some(error) = server.last_error() {
            assert!(error.starts_with("the scrape panicked: "), "{error}");
            assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        } else {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        assert!(request(server.local_addr(), SCRAPE).starts_with("HTTP/1.1 200 "));
        assert_eq!(server.last_error(), None);
    }
}

/// A backend that owns the server which exports it.
#[derive(Metrics)]
struct Application {
    requests: Counter,
    #[metrics(skip)]
    server: Mutex<Option<Server>>,
    #[metrics(skip)]
    dropped: Sender<()>,
}

impl Drop for Application {
    fn drop(&mut self) {
        drop(self.server.get_mut().unwrap().take());
        let _ = self.dropped.send(());
    }
}

#[test]
fn a_server_stops_if_its_scrape_drops_the_application_that_owns_it() {
    let (dropped, is_dropped) = mpsc::channel();
    let application = Application { requests: Counter::new(), server: Mutex::new(None), dropped };
    let application = Arc::new(application);
    let registry = Registry::new();
    registry.register(application.clone(), &[]).unwrap();
    application.requests.inc();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let address = server.local_addr();
    *application.server.lock().unwrap() = Some(server);
    // Now the registry has the only reference, and the scrape drops it.
    drop(application);
    let answer = request(address, SCRAPE);
    assert!(answer.ends_with("\nrequests_total 1\n"), "{answer}");
    is_dropped.recv_timeout(Duration::from_secs(30)).unwrap();
    wait_for("the port to close", || TcpStream::connect(address).is_err().then_some(()));
}

#[test]
fn a_stopped_server_has_closed_its_port_and_released_the_registry() {
    let (metrics, server) = fixture();
    let address = server.local_addr();
    let silent = connect(address);
    let silent_too = connect(address);
    assert_eq!(Arc::strong_count(&metrics), 2);
    server.stop();
    assert_eq!(Arc::strong_count(&metrics), 1);
    for mut stream in [silent, silent_too] {
        // If the server had not accepted the connection yet, the connection is reset.
        let closed = stream.read(&mut [0]);
        assert!(
            closed
                .as_ref()
                .map_or_else(|it| it.kind() == ErrorKind::ConnectionReset, |&it| it == 0)
        );
    }
    TcpListener::bind(address).unwrap();
}

#[test]
fn every_address_of_a_resolved_name_answers() {
    let (metrics, server) = fixture();
    drop(server);
    let registry = Registry::new();
    registry.register(metrics.clone(), &[("backend", "orders")]).unwrap();
    let server = serve(Prometheus::new(&registry), "localhost:0").unwrap();
    assert!(server.local_addr().ip().is_loopback());
    for &address in server.local_addrs() {
        assert_is_scrape(&request(address, SCRAPE));
    }
    // One of these addresses is listed twice, and another address does not belong to this machine.
    let any: [SocketAddr; 4] =
        ["127.0.0.1:0", "192.0.2.1:0", "127.0.0.2:0", "127.0.0.1:0"].map(|it| it.parse().unwrap());
    let server = serve(Prometheus::new(&registry), &any[..]).unwrap();
    let [first, second] = server.local_addrs() else { panic!("{server:?}") };
    assert_eq!(first.port(), second.port());
    for &address in server.local_addrs() {
        assert_is_scrape(&request(address, SCRAPE));
    }
    // On most systems, the IPv6 socket also receives the IPv4 connections.
    for any in [["[::]:0", "0.0.0.0:0"], ["0.0.0.0:0", "[::]:0"]] {
        let any: [SocketAddr; 2] = any.map(|it| it.parse().unwrap());
        let server = serve(Prometheus::new(&registry), &any[..]).unwrap();
        let ipv4 = SocketAddr::from(([127, 0, 0, 1], server.local_addr().port()));
        assert_is_scrape(&request(ipv4, SCRAPE));
    }
}

#[test]
fn an_address_that_cannot_be_listened_on_is_an_error_that_names_it() {
    let serve = |address: &str| serve(Prometheus::new(&Registry::new()), address);
    let server = serve("127.0.0.1:0").unwrap();
    let taken = server.local_addr().to_string();
    let error = serve(&taken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("cannot listen on {taken}: ")), "{error}");
    let error = serve("192.0.2.1:9100").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert!(error.to_string().starts_with("cannot listen on 192.0.2.1:9100: "), "{error}");
    // The IPv6 socket receives the IPv4 connections to its own port, but not those to the port that is taken.
    let two: [SocketAddr; 2] = ["[::]:0", &*taken].map(|it| it.parse().unwrap());
    let error = prometheus::serve(Prometheus::new(&Registry::new()), &two[..]).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {taken}: ")), "{error}");
    for wrong in ["no-such-host.invalid:9100", "localhost", "localhost:port"] {
        let error = serve(wrong).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot resolve \"{wrong}\": ")), "{error}");
    }
}

/// Runs a test in a separate process, which may have at most 64 files open.
fn with_few_descriptors(test: &str, run: impl FnOnce()) {
    if env::var_os("FEW_DESCRIPTORS").is_some() {
        return run();
    }
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", &format!("server::{test}"), "--nocapture"])
        .env("FEW_DESCRIPTORS", "yes")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("1 passed"), "{report}");
}

/// Opens files until no file descriptors are left.
fn take_all_descriptors() -> Vec<File> {
    iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn a_process_without_descriptors_stops_its_server() {
    with_few_descriptors("a_process_without_descriptors_stops_its_server", || {
        let (_metrics, server) = fixture();
        assert_is_scrape(&request(server.local_addr(), SCRAPE));
        let _held = take_all_descriptors();
        server.stop();
    });
}

#[test]
fn a_client_that_connects_without_free_descriptors_is_answered_once_one_is_free() {
    with_few_descriptors(
        "a_client_that_connects_without_free_descriptors_is_answered_once_one_is_free",
        || {
            let (_metrics, server) = fixture();
            let mut held = take_all_descriptors();
            held.pop();
            // This connection takes the last descriptor.
            let mut client = connect(server.local_addr());
            client.write_all(SCRAPE.as_bytes()).unwrap();
            let error = wait_for("the server to report", || server.last_error());
            assert!(error.starts_with("cannot accept a client: "), "{error}");
            drop(held);
            assert_is_scrape(&answer(client));
            assert_eq!(server.last_error(), None);
        },
    );
}

#[test]
fn silent_clients_are_disconnected_to_free_descriptors_for_a_scrape() {
    with_few_descriptors(
        "silent_clients_are_disconnected_to_free_descriptors_for_a_scrape",
        || {
            let (_metrics, server) = fixture();
            let silent: Vec<_> = (0..10).map(|_| connect(server.local_addr())).collect();
            // The server accepts clients in order. Once this request is answered, all silent clients have been
            // accepted.
            assert_is_scrape(&request(server.local_addr(), SCRAPE));
            let is_open = |mut stream: &TcpStream| {
                stream.set_nonblocking(true).unwrap();
                stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
            };
            // In some rounds, the server closes the connection of a client so late that the test has already taken all
            // descriptors for the next client. The next client then gets the descriptor of the closed connection, and
            // the server does not disconnect a silent client.
            wait_for("the oldest silent client to be disconnected", || {
                let mut held = take_all_descriptors();
                held.pop();
                let mut client = connect(server.local_addr());
                client.write_all(SCRAPE.as_bytes()).unwrap();
                assert_is_scrape(&answer(client));
                (!is_open(&silent[0])).then_some(())
            });
            assert!(
                is_open(&silent[9]),
                "all silent clients were disconnected, not only the oldest"
            );
        },
    );
}
