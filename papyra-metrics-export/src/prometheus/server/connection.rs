//! Serves one client: receives the request, sends the response, and closes the connection in a way that lets the
//! response arrive.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::super::Format;
use super::http::{self, Received, Response};

/// The time limit for a client, from the connection to the last byte of the response.
pub(super) const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit, after the response, for discarding further data from the client and waiting until the client closes
/// the connection.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// The number of bytes that a client may send after the response. If it sends more, the connection is closed.
const MAX_DRAINED_BYTES: usize = 1024 * 1024;

/// A client's connection, which never blocks.
pub(super) struct Connection {
    stream: TcpStream,
    state: State,
    connected_at: Instant,
    /// The time at which the connection is closed, regardless of its state.
    pub(super) deadline: Instant,
}

enum State {
    /// Receiving the request. Contains the bytes received so far.
    Receiving(Vec<u8>),
    /// Waiting for the result of a scrape.
    Waiting,
    /// Sending the response. Contains the number of bytes sent so far.
    Sending(Response, usize),
    /// Discarding what the client still sends after the response. Contains the number of bytes discarded so far. If a
    /// connection is closed while data is unread, the operating system resets it, and a reset can destroy the response
    /// before the client has read it (RFC 9112, 9.6).
    Draining(usize),
}

/// The next step of the server for a connection.
#[derive(Clone, Copy)]
pub(super) enum Next {
    /// Nothing. The connection waits for its socket, or for the result of its scrape.
    Wait,
    /// The connection needs the result of a scrape in this format.
    Scrape(Format),
    /// The connection is to be closed.
    Close,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, now: Instant) -> Self {
        // Without `TCP_NODELAY`, the operating system may delay the body until the head is acknowledged. Errors are
        // ignored, because the response is correct without the option.
        let _ = stream.set_nodelay(true);
        let state = State::Receiving(Vec::new());
        Self { stream, state, connected_at: now, deadline: now + CLIENT_TIMEOUT }
    }

    /// Returns the time since the connection was accepted.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.connected_at)
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Returns whether the request is complete, but the response has not been sent completely.
    pub(super) fn is_in_progress(&self) -> bool {
        matches!(self.state, State::Waiting | State::Sending(..))
    }

    /// Returns whether the whole response was sent.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self.state, State::Draining(_))
    }

    /// Returns whether this body is being sent to the client.
    pub(super) fn is_sending(&self, body: &Arc<String>) -> bool {
        matches!(&self.state, State::Sending(response, _) if Arc::ptr_eq(&response.body, body))
    }

    /// Begins to send the response, and sends as much as the socket accepts.
    pub(super) fn respond(&mut self, response: Response, now: Instant) -> Next {
        self.state = State::Sending(response, 0);
        self.advance(now)
    }

    /// Receives and sends until the socket would block.
    pub(super) fn advance(&mut self, now: Instant) -> Next {
        loop {
            match self.step(now) {
                Ok(Some(next)) => return next,
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Wait,
                // The connection is broken, usually because the client has closed it.
                Err(_) => return Next::Close,
            }
        }
    }

    fn step(&mut self, now: Instant) -> io::Result<Option<Next>> {
        match &mut self.state {
            State::Receiving(received) => {
                let mut part = [0; 2048];
                let length = self.stream.read(&mut part)?;
                if length == 0 {
                    return Ok(Some(Next::Close));
                }
                received.extend_from_slice(&part[..length]);
                match http::parse(received) {
                    Received::Incomplete => {}
                    Received::Scrape(format) => {
                        self.state = State::Waiting;
                        return Ok(Some(Next::Scrape(format)));
                    }
                    Received::Answered(response) => self.state = State::Sending(response, 0),
                }
            }
            // Without this check, a connection that the client has reset would stay open until the scrape ends. A
            // client that has only shut down its sending side still waits for the response.
            State::Waiting => {
                return self.stream.take_error()?.map_or(Ok(Some(Next::Wait)), Err);
            }
            State::Sending(response, sent) => {
                let unsent = response.unsent(*sent);
                if unsent.is_empty() {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.state = State::Draining(0);
                    self.deadline = self.deadline.min(now + DRAIN_TIMEOUT);
                    return Ok(None);
                }
                // The head and the body are written separately: a vectored write can raise SIGPIPE, which ends an
                // application that does not ignore the signal.
                let length = self.stream.write(unsent)?;
                if length == 0 {
                    return Err(ErrorKind::WriteZero.into());
                }
                *sent += length;
            }
            State::Draining(discarded) => {
                let mut part = [0; 8192];
                let length = self.stream.read(&mut part)?;
                *discarded += length;
                if length == 0 || *discarded > MAX_DRAINED_BYTES {
                    return Ok(Some(Next::Close));
                }
            }
        }
        Ok(None)
    }
}

impl Response {
    /// Returns the unsent rest of the head, or the unsent rest of the body if the head was sent.
    fn unsent(&self, sent: usize) -> &[u8] {
        let (head, body) = (self.head.as_bytes(), self.body.as_bytes());
        if sent < head.len() { &head[sent..] } else { &body[sent - head.len()..] }
    }
}
