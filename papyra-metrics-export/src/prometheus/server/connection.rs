//! One client: its request, the response, and an end that lets the response arrive.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::http::{self, Received, Response};

/// The time limit for a client, from its connection to the last byte of the response.
pub(super) const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// After the response, the end of the client's data is awaited for at most this time and this number of bytes.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_DRAINED_BYTES: usize = 1024 * 1024;

/// A client's connection, which never blocks.
pub(super) struct Connection {
    stream: TcpStream,
    state: State,
    /// The time at which the connection is closed in any state.
    pub(super) deadline: Instant,
}

enum State {
    /// Receives the request.
    Receiving(Vec<u8>),
    /// Waits for the scrape.
    Waiting,
    /// Sends the response, of which this many bytes are sent.
    Sending(Response, usize),
    /// Discards what the client still sends. To close a connection with unread data would reset it, and a reset can
    /// destroy the response on its way (RFC 9112, 9.6). This many bytes are discarded.
    Draining(usize),
}

/// The next step of a connection.
pub(super) enum Next {
    /// Advance the connection when the socket is ready.
    Ready,
    /// A scrape, with these `Accept` headers.
    Scrape { accept: String },
    /// To be closed.
    Close,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, now: Instant) -> Self {
        // Without the option, the body may be delayed behind the head. Errors are ignored, because nothing else depends on
        // it.
        let _ = stream.set_nodelay(true);
        Self { stream, state: State::Receiving(Vec::new()), deadline: now + CLIENT_TIMEOUT }
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Whether the client has sent a request and has not received all of the response.
    pub(super) fn is_in_progress(&self) -> bool {
        matches!(self.state, State::Waiting | State::Sending(..))
    }

    /// Whether the client has received the response.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self.state, State::Draining(_))
    }

    /// Whether the client is receiving this body.
    pub(super) fn is_sending(&self, body: &Arc<String>) -> bool {
        matches!(&self.state, State::Sending(response, _) if Arc::ptr_eq(&response.body, body))
    }

    /// Sends the response, as far as the socket takes it.
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
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Ready,
                // The client has closed the connection.
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
                    Received::Scrape { accept } => {
                        self.state = State::Waiting;
                        return Ok(Some(Next::Scrape { accept }));
                    }
                    Received::Answered(response) => self.state = State::Sending(response, 0),
                }
            }
            State::Waiting => return Ok(Some(Next::Ready)),
            State::Sending(response, sent) => {
                let unsent = response.unsent(*sent);
                if unsent.is_empty() {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.state = State::Draining(0);
                    self.deadline = self.deadline.min(now + DRAIN_TIMEOUT);
                    return Ok(None);
                }
                // Not both parts at once: a vectored write can raise SIGPIPE, which ends applications that have not
                // disabled it.
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
    /// Returns the rest of the head, or if that was sent, of the body.
    fn unsent(&self, sent: usize) -> &[u8] {
        let (head, body) = (self.head.as_bytes(), self.body.as_bytes());
        if sent < head.len() { &head[sent..] } else { &body[sent - head.len()..] }
    }
}
