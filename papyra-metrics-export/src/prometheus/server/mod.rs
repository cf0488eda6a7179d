//! A small HTTP server for applications that have none.
//!
//! Built on `mio` and `httparse`, because one thread can then wait for any number of clients with nothing but these
//! small crates and `socket2`: `hyper` would bring an async runtime and 17 crates to everybody who formats metrics, and
//! `tiny_http` has had no release since 2022.

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
/// A name is resolved, and the server listens on all of its addresses, at one port: on `localhost:9100` clients find
/// it by IPv4 and by IPv6.
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
/// The server is meant for private networks: it has neither TLS nor authentication. An application that has an HTTP
/// server mounts [`Prometheus::scrape`] in it instead.
///
/// # Limits
///
/// A connection is for one request, whose head may have 16 KiB and 100 headers, and ends ten seconds after it began,
/// response included. At most 128 clients are connected; for the next one, the oldest that has not sent its request is
/// disconnected. So clients that are silent or slow, however many, delay no scrape. Scrapes run one after the other in
/// a thread of their own; clients that ask at the same time share one, and at most eight are kept for clients that
/// receive them slowly.
///
/// # Errors
///
/// Returns an error if the name cannot be resolved or an address cannot be listened on, which the error names, or if the
/// operating system refuses a thread or a file descriptor.
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
/// It does not survive a `fork`: the child process answers nothing, but holds the port as long as it runs.
#[must_use = "the server stops when it is dropped"]
pub struct Server {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    waker: Arc<Waker>,
    threads: Option<(Worker<()>, Worker<()>)>,
}

impl Server {
    /// Returns the first address that the server listens on. It contains the actual port if the server was started with port
    /// 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Returns every address that the server listens on.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns why the last scrape failed, or why a client could not be accepted after it; `None` if neither happened.
    ///
    /// A client whose scrape panicked receives the status 500, and the next scrape is tried.
    pub fn last_error(&self) -> Option<String> {
        self.shared.last_error.get()
    }

    /// Stops listening, and waits for the responses under way.
    ///
    /// Clients delay this for at most a second, and a scrape that does not return for another one: its thread then
    /// ends as soon as it does.
    pub fn stop(self) {}
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        // Needs no file descriptor, and fails only if the thread is about to wake up anyway.
        let _ = self.waker.wake();
        let Some((event_thread, scrape_thread)) = self.threads.take() else { return };
        // A scrape drops backends, and a backend may own the server. There is nothing to wait for then: both
        // threads end after this scrape.
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
