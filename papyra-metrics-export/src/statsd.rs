//! StatsD: what has grown is sent in datagrams, to the StatsD daemon or one that speaks DogStatsD.
//!
//! The lines are those of <https://github.com/statsd/statsd/blob/master/docs/metric_types.md>, with tags as in
//! <https://docs.datadoghq.com/developers/dogstatsd/datagram_shell>.

use std::fmt::{self, Write};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use papyra_metrics::Kind;

use crate::reader::Seen;
use crate::slot::Meta;
use crate::{Export, Progress, Registry, RegistryReader};

/// Sends the metrics of a registry to a StatsD daemon, with each [`export`](Export::export) what has grown.
///
/// ```
/// use papyra_metrics_export::{Periodic, Registry, statsd::StatsD};
/// use std::time::Duration;
///
/// let registry = Registry::with_prefix("papyra").unwrap();
/// let statsd = StatsD::udp(&registry, "127.0.0.1:8125")?;
/// let periodic = Periodic::spawn(Duration::from_secs(10), statsd)?;
/// // … the application runs, and at its end:
/// # drop(periodic);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Counters go out as deltas (`papyra.orders.records_written:12|c`), gauges as they are, negative ones after a
/// zero in the same datagram, for a sign would mean a change. The registry's prefix and the values of the labels
/// come first in a name; with [`tags`](Self::tags) the labels are tags instead. What StatsD does not take in a
/// name or a tag becomes `_`; values of labels should differ in more than that. Daemons calculate in floats, and
/// round integers over 2⁵³.
///
/// # What is lost, and what is not
///
/// Nothing ever waits. What could not be sent is part of a later export: a Unix socket tells of everything that
/// was not delivered, a UDP socket that nobody listens on this machine or, a moment later, on another one. A
/// datagram that is lost on its way is lost: UDP tells nobody. So that a daemon's buffer does not overflow, an
/// export stops after [`burst`](Self::burst) datagrams and says that there is more. What a daemon had received
/// when it was stopped is the daemon's.
pub struct StatsD {
    reader: RegistryReader,
    socket: Socket,
    tags: bool,
    max_bytes: usize,
    burst: usize,
    /// What is known of each series, by its slot.
    marks: Vec<Vec<Mark>>,
    /// The series in the order of their numbers, the kind of each, and whether it is shown.
    series: Vec<((usize, usize), Kind, bool)>,
    /// Where this pass over the series goes on, and how many are left in it.
    next: usize,
    left: usize,
    datagram: Datagram,
}

enum Socket {
    Udp(UdpSocket),
    /// Not connected, so that a daemon may come back with a new socket.
    #[cfg(unix)]
    Unix(UnixDatagram, PathBuf),
}

/// What has been sent of a series.
struct Mark {
    name: String,
    /// What comes after the value: tags, if any.
    tags: String,
    /// The total up to which it was sent.
    sent: u64,
    /// The same before the export that has yet to prove to have arrived.
    confirmed: u64,
}

/// Lines that go out together, and what they say of counters.
#[derive(Default)]
struct Datagram {
    text: String,
    totals: Vec<((usize, usize), u64)>,
    /// The place of the first of its series.
    first: usize,
}

impl StatsD {
    /// Sends to a daemon that listens on UDP. A name is looked up once, here.
    ///
    /// # Errors
    ///
    /// Where the name is unknown, or no socket can be had. A daemon that is not there yet is none.
    pub fn udp(registry: &Registry, address: impl ToSocketAddrs) -> io::Result<Self> {
        let address = address.to_socket_addrs()?.next().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "the name of the StatsD daemon has no address")
        })?;
        let any = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        // Connected, to be told that nobody listens.
        socket.connect(address)?;
        Ok(Self::over(registry, Socket::Udp(socket)))
    }

    /// Sends to a daemon that listens on a Unix datagram socket, at this path whenever it is there.
    ///
    /// # Errors
    ///
    /// Where no socket can be had.
    #[cfg(unix)]
    pub fn unix(registry: &Registry, path: impl AsRef<Path>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self::over(registry, Socket::Unix(socket, path.as_ref().to_owned())))
    }

    fn over(registry: &Registry, socket: Socket) -> Self {
        Self {
            reader: RegistryReader::new(registry),
            socket,
            tags: false,
            max_bytes: 1432,
            burst: 32,
            marks: Vec::new(),
            series: Vec::new(),
            next: 0,
            left: 0,
            datagram: Datagram::default(),
        }
    }

    /// Sends labels as tags of DogStatsD (`records_written:12|c|#backend:orders`), not as parts of names.
    #[must_use]
    pub fn tags(mut self) -> Self {
        self.tags = true;
        self
    }

    /// How long a datagram may be; one line that is longer goes alone. 1432 bytes, unless this is called: what
    /// an Ethernet takes in one piece.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How many datagrams go out in one export before the daemon is given a moment. 32, unless this is called:
    /// the buffer of a Linux socket holds some 90. At least one is sent.
    #[must_use]
    pub fn burst(mut self, datagrams: usize) -> Self {
        self.burst = datagrams.max(1);
        self
    }

    /// Finds out whether the last export has arrived, as far as anybody tells.
    fn confirm(&mut self) -> io::Result<()> {
        let refused = match &self.socket {
            Socket::Udp(socket) => socket.take_error()?.is_some(),
            #[cfg(unix)]
            Socket::Unix(..) => false,
        };
        self.settle(refused);
        Ok(())
    }

    /// Takes back everything that is not confirmed, or confirms it.
    fn settle(&mut self, refused: bool) {
        for mark in self.marks.iter_mut().flatten() {
            if refused {
                mark.sent = mark.confirmed;
            } else {
                mark.confirmed = mark.sent;
            }
        }
    }

    /// Begins a pass over all series, where the last one stopped.
    fn begin(&mut self) -> io::Result<()> {
        self.confirm()?;
        if self.reader.refresh() {
            self.series.clear();
            for Seen { meta, id: (slot, place), is_shown, .. } in self.reader.series() {
                self.series.push(((slot, place), meta.family.kind, is_shown));
                self.marks.resize_with(self.marks.len().max(slot + 1), Vec::new);
                if self.marks[slot].len() == place {
                    self.marks[slot].push(Mark::new(meta, self.tags));
                }
            }
        }
        self.left = self.reader.numbers().len();
        Ok(())
    }

    /// Sends the datagram, and remembers what it said.
    fn send(&mut self) -> io::Result<()> {
        let bytes = self.datagram.text.as_bytes();
        let sent = match &self.socket {
            Socket::Udp(socket) => socket.send(bytes).and_then(|_| {
                // On this machine, the answer that nobody listens is there already.
                socket.take_error()?.map_or(Ok(()), Err)
            }),
            #[cfg(unix)]
            Socket::Unix(socket, path) => socket.send_to(bytes, path).map(drop),
        };
        let Datagram { text, totals, first } = &mut self.datagram;
        text.clear();
        if let Err(error) = sent {
            totals.clear();
            // The next pass begins with what was not sent, so that a daemon that takes little gets all in turn.
            (self.next, self.left) = (*first, 0);
            if matches!(self.socket, Socket::Udp(_)) && is_answer(&error) {
                self.settle(true);
            }
            return Err(error);
        }
        for ((slot, place), total) in totals.drain(..) {
            self.marks[slot][place].sent = total;
        }
        Ok(())
    }
}

/// Whether this is what a network answers to a datagram that was sent before.
fn is_answer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

impl Export for StatsD {
    /// Sends what has grown since the last export, and gauges as they are.
    ///
    /// # Errors
    ///
    /// The socket's first error, [`WouldBlock`](io::ErrorKind::WouldBlock) where a Unix daemon's buffer is full.
    /// What could not be sent is part of the next export.
    fn export(&mut self) -> io::Result<Progress> {
        if self.left == 0 && self.datagram.text.is_empty() {
            self.begin()?;
        }
        let mut datagrams = 0;
        let mut lines = String::new();
        while self.left > 0 {
            let place = self.next % self.series.len();
            let total = self.write_lines(place, &mut lines);
            if !lines.is_empty() && !self.datagram.has_room(&lines, self.max_bytes) {
                if datagrams == self.burst {
                    return Ok(Progress::More);
                }
                match self.send() {
                    Ok(()) => datagrams += 1,
                    // A daemon that has taken something is given a moment for the rest.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock && datagrams > 0 => {
                        return Ok(Progress::More);
                    }
                    Err(error) => return Err(error),
                }
            }
            self.datagram.add(place, &lines, total);
            self.next = place + 1;
            self.left -= 1;
        }
        if !self.datagram.text.is_empty() {
            if datagrams == self.burst {
                return Ok(Progress::More);
            }
            self.send()?;
        }
        self.reader.delivered();
        Ok(Progress::Done)
    }
}

impl StatsD {
    /// Writes what there is to say of a series, most often nothing; of a counter, up to which total.
    fn write_lines(&self, place: usize, lines: &mut String) -> Option<((usize, usize), u64)> {
        lines.clear();
        let (id, kind, is_shown) = self.series[place];
        let mark = &self.marks[id.0][id.1];
        let number = self.reader.numbers()[place];
        match kind {
            // Closed or not: its last counts may have had to wait. What was never read has none.
            Kind::Counter if number.total() != mark.sent => {
                let total = number.total();
                mark.write(lines, total.wrapping_sub(mark.sent), 'c');
                Some((id, total))
            }
            Kind::Gauge if is_shown => {
                let level = number.level();
                if level < 0 {
                    mark.write(lines, 0, 'g');
                    lines.push('\n');
                }
                mark.write(lines, level, 'g');
                None
            }
            _ => None,
        }
    }
}

impl Datagram {
    fn has_room(&self, lines: &str, max_bytes: usize) -> bool {
        self.text.is_empty() || self.text.len() + 1 + lines.len() <= max_bytes
    }

    fn add(&mut self, place: usize, lines: &str, total: Option<((usize, usize), u64)>) {
        if lines.is_empty() {
            return;
        }
        if self.text.is_empty() {
            self.first = place;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(lines);
        self.totals.extend(total);
    }
}

impl Mark {
    fn new(Meta { family, labels }: &Meta, tags: bool) -> Self {
        let (prefix, _) = family.dotted.split_at(family.prefix_len);
        let (_, name) = family.name.split_at(family.prefix_len);
        let mut mark = Self { name: prefix.to_owned(), tags: String::new(), sent: 0, confirmed: 0 };
        for (label, value) in labels.iter() {
            if tags {
                mark.tags.push_str(if mark.tags.is_empty() { "|#" } else { "," });
                mark.tags.extend([label, ":"]);
                push_clean(value, "_-./:", &mut mark.tags);
            } else {
                push_clean(value, "_-", &mut mark.name);
                mark.name.push('.');
            }
        }
        mark.name.push_str(name);
        mark
    }

    fn write(&self, lines: &mut String, value: impl fmt::Display, letter: char) {
        let Self { name, tags, .. } = self;
        // Writing to a string cannot fail.
        let _ = write!(lines, "{name}:{value}|{letter}{tags}");
    }
}

/// Adds the text, with `_` for all but letters, digits and what else is allowed.
fn push_clean(text: &str, allowed: &str, out: &mut String) {
    let clean = |char: char| char.is_ascii_alphanumeric() || allowed.contains(char);
    out.extend(text.chars().map(|char| if clean(char) { char } else { '_' }));
}

impl fmt::Debug for StatsD {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket: &dyn fmt::Debug = match &self.socket {
            Socket::Udp(socket) => socket,
            #[cfg(unix)]
            Socket::Unix(_, path) => path,
        };
        f.debug_struct("StatsD").field("socket", socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    //! What only another machine's network does by itself: an answer that comes late. Here the socket is given
    //! one, by a datagram that nobody looks after.

    use std::net::UdpSocket;
    use std::sync::Arc;

    use papyra_metrics::{Counter, Metrics};

    use super::{Socket, StatsD};
    use crate::{Export, Progress, Registry};

    #[derive(Default, Metrics)]
    struct LogMetrics {
        reads: Counter,
        writes: Counter,
    }

    /// Has the daemon vanish, and the network tell so.
    fn lose(daemon: UdpSocket, statsd: &StatsD) -> UdpSocket {
        let address = daemon.local_addr().unwrap();
        drop(daemon);
        let Socket::Udp(socket) = &statsd.socket else { panic!("another socket") };
        socket.send(b"lost:1|c").unwrap();
        UdpSocket::bind(address).unwrap()
    }

    fn receive(daemon: &UdpSocket) -> String {
        let mut datagram = [0; 1500];
        let len = daemon.recv(&mut datagram).unwrap();
        String::from_utf8_lossy(&datagram[..len]).into_owned()
    }

    fn start() -> (Arc<LogMetrics>, UdpSocket, StatsD) {
        let registry = Registry::new();
        let metrics = Arc::new(LogMetrics::default());
        registry.register(metrics.clone(), &[]).unwrap();
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        let statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
        (metrics, daemon, statsd)
    }

    #[test]
    fn an_answer_after_an_export_has_all_of_it_sent_again() {
        let (metrics, daemon, mut statsd) = start();
        metrics.reads.add(5);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:5|c");
        // This proves to have arrived, for the next export hears nothing else.
        metrics.reads.add(2);
        statsd.export().unwrap();
        let daemon = lose(daemon, &statsd);
        metrics.writes.add(1);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:2|c\nwrites:1|c");
    }

    #[test]
    fn an_answer_during_an_export_has_all_of_it_sent_again() {
        let (metrics, daemon, statsd) = start();
        let mut statsd = statsd.max_bytes(1).burst(1);
        metrics.reads.add(5);
        metrics.writes.add(1);
        assert_eq!(statsd.export().unwrap(), Progress::More);
        let daemon = lose(daemon, &statsd);
        assert!(statsd.export().is_err());
        while statsd.export().unwrap() == Progress::More {}
        daemon.set_nonblocking(true).unwrap();
        let mut lines = [receive(&daemon), receive(&daemon)];
        lines.sort();
        assert_eq!(lines, ["reads:5|c", "writes:1|c"]);
    }
}
