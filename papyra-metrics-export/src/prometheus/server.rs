//! A small HTTP server for applications that have none: one path, two threads, and limits.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Prometheus, Scrape};

/// How long a client may take, from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many bytes a request may have; no scrape has a body.
const LONGEST_REQUEST: usize = 16 * 1024;
/// So that one slow client keeps nobody waiting.
const THREADS: usize = 2;

/// Answers `GET /metrics` on this address until the server is dropped.
///
/// It is meant for the inside of a network: it knows neither TLS nor passwords. An application that has an HTTP
/// server mounts [`Prometheus::scrape`] in it instead.
///
/// ```
/// use papyra_metrics_export::{Registry, prometheus::{Prometheus, serve}};
///
/// let server = serve(Prometheus::new(&Registry::new()), "127.0.0.1:0")?;
/// println!("scrape http://{}/metrics", server.local_addr());
/// server.stop();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Where the address cannot be listened on.
pub fn serve(prometheus: Prometheus, address: impl ToSocketAddrs) -> io::Result<Server> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared { listener, prometheus, stopping: AtomicBool::new(false) });
    let mut server = Server { address, shared, threads: Vec::new() };
    for _ in 0..THREADS {
        let shared = Arc::clone(&server.shared);
        let thread = thread::Builder::new().name("prometheus".to_owned());
        server.threads.push(thread.spawn(move || shared.answer())?);
    }
    Ok(server)
}

/// A running server. It stops when it is dropped.
#[must_use = "the server stops when it is dropped"]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    listener: TcpListener,
    prometheus: Prometheus,
    stopping: AtomicBool,
}

impl Server {
    /// Where it listens; with port 0, which port it was given.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, after the answers that are under way.
    pub fn stop(self) {}
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        for _ in &self.threads {
            // Wakes a thread that waits for the next client.
            let _ = TcpStream::connect_timeout(&address, PATIENCE);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Shared {
    fn answer(&self) {
        while !self.stopping.load(Ordering::SeqCst) {
            match self.listener.accept() {
                Ok((client, _)) if !self.stopping.load(Ordering::SeqCst) => {
                    // A client that is gone is its own affair.
                    let _ = self.answer_one(&client);
                }
                Ok(_) => {}
                // Out of file descriptors, most likely: until some are closed, trying again would spin.
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn answer_one(&self, client: &TcpStream) -> io::Result<()> {
        client.set_write_timeout(Some(PATIENCE))?;
        let response = match read_head(client)? {
            Some(head) => self.respond(&head),
            None => plain("431 Request Header Fields Too Large", "", "the request is too long\n"),
        };
        let mut writer = client;
        writer.write_all(response.as_bytes())?;
        client.shutdown(Shutdown::Write)
    }

    fn respond(&self, head: &str) -> String {
        let mut lines = head.lines();
        let mut request = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (request.next(), request.next());
        let path = target.map(|target| target.split('?').next().unwrap_or_default());
        match (method, path) {
            (Some("GET"), Some("/metrics")) => {
                let headers = lines.filter_map(|line| line.split_once(':'));
                let accept: Vec<_> = headers
                    .filter(|(name, _)| name.trim().eq_ignore_ascii_case("accept"))
                    .map(|(_, value)| value.trim())
                    .collect();
                let Scrape { content_type, body } = self.prometheus.scrape(Some(&accept.join(",")));
                let len = body.len();
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len}\r\n\
                     Connection: close\r\n\r\n{body}"
                )
            }
            // No body is written, so nothing goes out that a scrape would miss.
            (Some("HEAD"), Some("/metrics")) => {
                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned()
            }
            (Some(_), Some("/metrics")) => {
                plain("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "use GET\n")
            }
            (Some(_), Some(_)) => plain("404 Not Found", "", "the metrics are at /metrics\n"),
            _ => plain("400 Bad Request", "", "this is no HTTP request\n"),
        }
    }
}

/// The request up to its empty line, or `None` where it is too long.
fn read_head(mut client: &TcpStream) -> io::Result<Option<String>> {
    let deadline = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while head.len() <= LONGEST_REQUEST {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        client.set_read_timeout(Some(left))?;
        let read = client.read(&mut part)?;
        head.extend_from_slice(&part[..read]);
        if read == 0 || head.windows(4).any(|end| end == b"\r\n\r\n") {
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
    }
    Ok(None)
}

fn plain(status: &str, header: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{header}Content-Type: text/plain\r\nContent-Length: {len}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}
