//! A small HTTP server for applications that have none.
//!
//! The server is built on `mio`, `httparse` and `socket2`. One thread waits for all clients, and another thread
//! scrapes. The alternatives are less suitable: `hyper` would add an async runtime and 17 crates to every application
//! that formats metrics, and `tiny_http` has had no release since 2022.

use std::fmt::{self, Debug};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::{Poll, Waker};

use super::Prometheus;
use crate::worker::Worker;
use event_loop::{EventLoop, STOP_TIMEOUT, Shared, WAKER};
use scraper::Scraper;

mod connection;
mod event_loop;
mod http;
mod listen;
mod scraper;

/// Answers `GET /metrics` at this address until the server is dropped.
///
/// If the address contains a host name, the server listens on all addresses of that name, at one port: clients reach
/// `localhost:9100` by IPv4 and by IPv6.
///
/// ```
/// use papyra_metrics_export::{Registry, prometheus::{Prometheus, serve}};
///
/// let server = serve(Prometheus::new(&Registry::new()), "localhost:0")?;
/// println!("scrape http://{}/metrics", server.local_addr());
/// server.stop();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// The server is meant for private networks: it has neither TLS nor authentication. If an application already has an
/// HTTP server, call [`Prometheus::scrape`] in one of its handlers instead.
///
/// # Limits
///
/// Each connection serves one request, whose head may have up to 16 KiB and 100 headers. The connection is closed after
/// ten seconds, even if the response is not complete. At most 128 clients are connected. If a further client connects,
/// one of the 128 is disconnected, so that idle or slow clients never delay a scrape. The server disconnects the oldest
/// client whose response was sent. If there is no such client, it disconnects the oldest client that has not sent its
/// whole request. If all clients wait for or receive a response, it disconnects the oldest client, but not before half a
/// second has passed since that client connected. Scrapes run one after the other in a separate thread. Clients that
/// request the same format at the same time share one scrape, and at most eight response bodies are kept for clients
/// that receive them slowly.
///
/// # Errors
///
/// Returns an error if the name cannot be resolved, if the server cannot listen on an address (the error contains the
/// address), or if the operating system refuses a thread or a file descriptor.
pub fn serve(prometheus: Prometheus, address: impl ToSocketAddrs + Debug) -> io::Result<Server> {
    let listeners = listen::listen(&address)?;
    let addresses =
        listeners.iter().map(mio::net::TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let shared = Arc::new(Shared::default());
    let (scraper, scrape_thread) = Scraper::spawn(prometheus, Arc::clone(&waker))?;
    let event_loop = EventLoop::new(poll, listeners, scraper, Arc::clone(&shared))?;
    let event_thread = Worker::spawn("prometheus server", move || event_loop.run())?;
    Ok(Server { addresses, shared, waker, threads: Some((event_thread, scrape_thread)) })
}

/// A running server. Stops when it is dropped.
///
/// The server does not work in a forked child process: the child does not answer, but it occupies the port as long as
/// it runs.
#[must_use = "the server stops when it is dropped"]
pub struct Server {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    waker: Arc<Waker>,
    threads: Option<(Worker<()>, Worker<()>)>,
}

impl Server {
    /// Returns the first address that the server listens on. If the server was started with port 0, the address
    /// contains the actual port.
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Returns every address that the server listens on.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the most recent error: a scrape that panicked or takes too long, a client that could not be accepted, or
    /// the reason why the server has ended. The end of a scrape clears earlier errors. Returns `None` if there is no
    /// error.
    ///
    /// Panics of backends and panics in [`Prometheus::encode`] are reported by [`Registry::problems`] instead. If a
    /// scrape panics elsewhere, the clients that wait for it receive the status 500. Later scrapes are not affected.
    ///
    /// [`Registry::problems`]: crate::Registry::problems
    pub fn last_error(&self) -> Option<String> {
        self.shared.last_error.get()
    }

    /// Stops listening, and waits for the responses that are being sent.
    ///
    /// The wait for clients takes at most one second, and the wait for a running scrape at most one more second. If the
    /// scrape takes longer, the thread that runs it ends when the scrape returns.
    pub fn stop(self) {}
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        // Waking opens no file descriptor, and fails only if the thread is about to wake up anyway.
        let _ = self.waker.wake();
        let Some((event_thread, scrape_thread)) = self.threads.take() else { return };
        // A scrape may drop a backend that owns this server. The scrape thread then executes this code, and must not
        // wait for itself: both threads end after this scrape.
        if scrape_thread.is_current() {
            return;
        }
        let _ = event_thread.join(STOP_TIMEOUT + Duration::from_secs(1));
        let _ = scrape_thread.join(STOP_TIMEOUT);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
