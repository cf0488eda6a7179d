//! The thread that serves all connections.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::connection::{CLIENT_TIMEOUT, Connection, Next};
use super::http::Response;
use super::scraper::Scraper;
use crate::last_error::LastError;

/// The largest number of connected clients. Each connection uses one of the application's file descriptors.
const MAX_CONNECTIONS: usize = 128;
/// The largest number of response bodies that are being sent at the same time. All clients that wait for one scrape
/// share its body. The limit bounds the memory of the server.
const MAX_BODIES: usize = 8;
/// The number of clients that each listener accepts before connected clients are served again. It is smaller than
/// `MAX_CONNECTIONS`, so that a full server usually reads the requests that have arrived before it closes connections
/// for more clients.
const MAX_ACCEPTS: usize = 32;
/// The minimum time for which a client that waits for its response is connected. In the meantime, a full server accepts
/// no other clients, which wait in the queue of the operating system.
const MIN_TIME: Duration = Duration::from_millis(500);
/// The pause before a full server checks again whether it can accept a client.
const FULL_PAUSE: Duration = Duration::from_millis(10);
/// The pause after a failed `accept`. The most likely reason is a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The time limit for responses that are being sent when the server stops.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// The token of the waker. Listeners have the first tokens, and connections have the tokens after those.
pub(super) const WAKER: Token = Token(usize::MAX);

/// The state that the handle of the server and its event loop share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) is_stopping: AtomicBool,
    pub(super) last_error: LastError,
}

pub(super) struct EventLoop {
    poll: Poll,
    listeners: Vec<TcpListener>,
    /// The connections by token. A later connection has a higher token, so the oldest connection is the first.
    connections: BTreeMap<usize, Connection>,
    next_token: usize,
    /// The time at which the server checks again for clients that wait to be accepted. `None` if no check is needed,
    /// because events report these clients.
    poll_listeners_at: Option<Instant>,
    /// The deadline for the remaining responses. `None` until the server is stopped.
    stop_at: Option<Instant>,
    scraper: Scraper,
    /// The response bodies that are being sent, the oldest first.
    bodies: VecDeque<Weak<String>>,
    shared: Arc<Shared>,
}

impl EventLoop {
    pub(super) fn new(
        poll: Poll,
        mut listeners: Vec<TcpListener>,
        scraper: Scraper,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        for (token, listener) in listeners.iter_mut().enumerate() {
            poll.registry().register(listener, Token(token), Interest::READABLE)?;
        }
        Ok(Self {
            poll,
            next_token: listeners.len(),
            listeners,
            connections: BTreeMap::new(),
            poll_listeners_at: None,
            stop_at: None,
            scraper,
            bodies: VecDeque::new(),
            shared,
        })
    }

    /// Serves clients until the server is stopped.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(2 * MAX_CONNECTIONS);
        while !self.has_stopped(Instant::now()) {
            match self.poll.poll(&mut events, self.timeout(Instant::now())) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.report(format!("the server has ended: {error}"));
                    return;
                }
            }
            let now = Instant::now();
            let (from_listeners, from_connections): (Vec<_>, Vec<_>) =
                events.iter().map(Event::token).partition(|token| token.0 < self.listeners.len());
            for token in from_connections.into_iter().filter(|&token| token != WAKER) {
                self.advance(token.0, now);
            }
            self.respond(now);
            self.close_expired(now);
            // New clients come last: a full server closes idle connections to make room for them, and a connection is
            // not idle once its request has been read.
            for listener in from_listeners {
                self.accept(listener.0, now);
            }
            self.poll_listeners(now);
            self.scraper.start_next();
        }
    }

    /// Returns whether the server was stopped, and all responses are complete or `stop_at` has passed. If the server
    /// was stopped, first closes the listeners, and all connections except those that wait for or receive a response.
    fn has_stopped(&mut self, now: Instant) -> bool {
        if !self.shared.is_stopping.load(Ordering::Acquire) {
            return false;
        }
        self.listeners.clear();
        self.poll_listeners_at = None;
        self.close_all(|connection| !connection.is_in_progress());
        self.connections.is_empty() || now >= *self.stop_at.get_or_insert(now + STOP_TIMEOUT)
    }

    /// Returns the time until the next deadline, or `None` if there is no deadline.
    fn timeout(&self, now: Instant) -> Option<Duration> {
        let deadlines = self.connections.values().map(|connection| connection.deadline);
        let next = deadlines.chain(self.poll_listeners_at).chain(self.stop_at).min()?;
        Some(next.saturating_duration_since(now))
    }

    fn advance(&mut self, token: usize, now: Instant) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let next = connection.advance(now);
        self.proceed(token, next);
    }

    fn proceed(&mut self, token: usize, next: Next) {
        match next {
            Next::Wait => {}
            Next::Scrape(format) => self.scraper.push(token, format),
            Next::Close => self.close(token),
        }
    }

    /// If the running scrape has ended, sends its result to all clients that wait for it.
    fn respond(&mut self, now: Instant) {
        let Some((tokens, result)) = self.scraper.finished() else { return };
        self.shared.last_error.set(None);
        let response = result.map_or_else(
            |panic| {
                self.report(format!("the scrape panicked: {panic}"));
                Response::failed()
            },
            Response::scraped,
        );
        self.make_room(&response.body);
        for token in tokens {
            if let Some(connection) = self.connections.get_mut(&token) {
                let next = connection.respond(response.clone(), now);
                self.proceed(token, next);
            }
        }
    }

    /// Adds a body to the bodies that are being sent. If there are too many bodies, closes the connections that still
    /// receive the oldest body.
    fn make_room(&mut self, body: &Arc<String>) {
        self.bodies.retain(|body| body.strong_count() > 0);
        if self.bodies.len() >= MAX_BODIES {
            let oldest = self.bodies.pop_front().and_then(|body| body.upgrade());
            self.close_all(|connection| {
                oldest.as_ref().is_some_and(|it| connection.is_sending(it))
            });
        }
        self.bodies.push_back(Arc::downgrade(body));
    }

    fn close_expired(&mut self, now: Instant) {
        self.close_all(|connection| connection.deadline <= now);
    }

    fn close_all(&mut self, is_closed: impl Fn(&Connection) -> bool) {
        let closed = self.connections.iter().filter(|(_, connection)| is_closed(connection));
        for token in closed.map(|(&token, _)| token).collect::<Vec<_>>() {
            self.close(token);
        }
    }

    /// Accepts waiting clients after an event of a listener.
    fn accept(&mut self, listener: usize, now: Instant) {
        for accepted in 0..MAX_ACCEPTS {
            if !self.has_place(now) {
                self.poll_listeners_at = Some(now + FULL_PAUSE);
                return;
            }
            match self.listeners[listener].accept() {
                Ok((stream, _)) => self.add(stream, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if is_of_one_client(&error) => {}
                Err(error) => {
                    // Linux reports a lack of descriptors even if no client waits. But an event has reported a waiting
                    // client, and if none was accepted, this client still waits.
                    if accepted == 0 {
                        self.report(format!("cannot accept a client: {error}"));
                        // A client that was answered, or that has not sent a request, occupies a descriptor that
                        // another client needs.
                        self.evict();
                    }
                    self.poll_listeners_at = Some(now + ACCEPT_PAUSE);
                    return;
                }
            }
        }
        self.poll_listeners_at.get_or_insert(now);
    }

    /// Returns whether another client can be connected, possibly in place of one that is connected now.
    fn has_place(&self, now: Instant) -> bool {
        self.connections.len() < MAX_CONNECTIONS
            || self.connections.values().any(|connection| !connection.is_in_progress())
            || self.connections.values().next().is_some_and(|oldest| oldest.age(now) >= MIN_TIME)
    }

    /// If `poll_listeners_at` has passed, asks the operating system to report waiting clients again.
    fn poll_listeners(&mut self, now: Instant) {
        if self.poll_listeners_at.is_none_or(|time| time > now) {
            return;
        }
        self.poll_listeners_at = None;
        for (token, listener) in self.listeners.iter_mut().enumerate() {
            // This cannot fail, because the listener is registered.
            let _ = self.poll.registry().reregister(listener, Token(token), Interest::READABLE);
        }
    }

    fn add(&mut self, mut stream: TcpStream, now: Instant) {
        if self.connections.len() >= MAX_CONNECTIONS && !self.evict() {
            self.connections.keys().next().copied().inspect(|&oldest| self.close(oldest));
        }
        let token = self.next_token;
        self.next_token += 1;
        let interest = Interest::READABLE | Interest::WRITABLE;
        match self.poll.registry().register(&mut stream, Token(token), interest) {
            Ok(()) => {
                self.connections.insert(token, Connection::new(stream, now));
                // The request has often arrived already. It is read now, so that the connection is no longer idle
                // when the server makes room for the next client.
                self.advance(token, now);
            }
            Err(error) => self.report(format!("cannot accept a client: {error}")),
        }
    }

    /// Closes the oldest connection whose response was sent completely. If there is none, closes the oldest connection
    /// whose request is incomplete. Returns whether a connection was closed.
    fn evict(&mut self) -> bool {
        let mut connections = self.connections.iter();
        let answered = connections.find(|(_, connection)| connection.is_answered());
        let mut connections = self.connections.iter();
        let idle = answered.or_else(|| connections.find(|(_, it)| !it.is_in_progress()));
        idle.map(|(&token, _)| token).inspect(|&token| self.close(token)).is_some()
    }

    fn close(&mut self, token: usize) {
        let Some(mut connection) = self.connections.remove(&token) else { return };
        if self.scraper.remove(token) && connection.deadline <= Instant::now() {
            self.report(format!("a scrape takes longer than {CLIENT_TIMEOUT:?}"));
        }
        // A forked child process may also hold the socket, and then closing it here would not end the connection.
        let _ = connection.stream().shutdown(Shutdown::Both);
        let _ = self.poll.registry().deregister(connection.stream());
    }

    fn report(&self, message: String) {
        self.shared.last_error.set(Some(message));
    }
}

/// Returns whether the error concerns only the client that was to be accepted, so that other clients can still be
/// accepted.
fn is_of_one_client(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
