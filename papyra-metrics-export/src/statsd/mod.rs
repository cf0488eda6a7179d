//! Sends metrics to StatsD: increments of counters and values of gauges, in datagrams to the StatsD daemon or to a
//! daemon that supports DogStatsD.

use std::collections::VecDeque;
use std::fmt::{self, Debug};
use std::io;
use std::mem;
use std::net::ToSocketAddrs;
#[cfg(unix)]
use std::path::Path;
use std::time::{Duration, Instant};

use papyra_metrics::{Kind, Tally};

use crate::reader::PerSeries;
use crate::registry::{ProblemReport, SeriesView};
use crate::series::histogram::HistogramReading;
use crate::series::number::Form;
use crate::{Export, Problem, Progress, Registry, RegistryReader};
use datagram::{Datagram, Mark, Position};
use lines::SentSeries;
use socket::{SendError, Socket};

mod datagram;
mod lines;
mod socket;

/// A datagram to another machine counts as received if the network has reported no failed delivery within this time.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends the metrics of a registry to a StatsD daemon. Each [`export`](Export::export) sends the increments since the
/// last export.
///
/// ```
/// use papyra_metrics_export::{Periodic, Registry, statsd::StatsD};
/// use std::time::Duration;
///
/// let registry = Registry::with_prefix("papyra").unwrap();
/// let statsd = StatsD::udp(&registry, "127.0.0.1:8125")?;
/// let periodic = Periodic::spawn(Duration::from_secs(10), statsd)?;
/// // … the application runs, and at its end:
/// drop(periodic); // sends the last increments
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Counters are sent as increments (`papyra.orders.records_written:12|c`), gauges as their values. A zero precedes a
/// negative gauge value in the same datagram, because StatsD interprets a signed value as a change of the gauge. A
/// gauge that is NaN or infinite is not sent, because StatsD has no such values, so the daemon keeps the last value. The
/// registry's prefix and the values of the labels come first in a name; with [`with_tags`](Self::with_tags), the labels
/// are tags instead. Characters that StatsD does not accept in a name or a tag become `_`, so two values of a label
/// should not differ only in such characters. Daemons calculate in floats, and round integers over 2⁵³.
///
/// # Histograms
///
/// A histogram is sent in the exported unit, as
///
/// - the increment of each bucket that has grown, such as `append_seconds_bucket_0_005:3|c`, and of `…_bucket_inf` for
///   values above the last bound. The buckets are not cumulative.
/// - the increments of its `…_count` and of its `…_sum`.
/// - the gauges `….p50` and `….p99`, which are quantiles of the values recorded since these gauges were last sent.
///   Without new values, these gauges are not sent, so the daemon keeps the last quantiles.
///
/// With [`with_tags`](Self::with_tags), a histogram is a distribution of DogStatsD instead. The new values of each
/// bucket are sent as one line with their mean and a sample rate: `append_seconds:0.003|d|@0.25` represents four values.
///
/// # Delivery
///
/// An export never blocks. Values that could not be sent are part of a later export:
///
/// - A Unix socket reports each datagram that was not delivered.
/// - UDP on the same machine reports a datagram that was not received. Only this datagram and later ones are sent
///   again.
/// - UDP to another machine reports a failed delivery later, without naming the datagram. All increments that were sent
///   within the second before the report are sent again, even if they have arrived. A datagram that the network drops
///   is lost without a report.
///
/// So that the daemon's buffer does not overflow, an export stops after [`with_burst`](Self::with_burst) datagrams and
/// returns [`Progress::More`]. Values that a daemon has received and loses when it stops are not sent again.
///
/// A line that the socket rejects as too long is left out, and [`Registry::problems`] reports its series. All other
/// lines are sent, including those of the same histogram.
///
/// # Processes that fork
///
/// Every exporter starts from zero: its first export sends the lifetime totals. A forked process inherits the totals of
/// its parent, but the parent sends these totals too. The child must therefore create a new exporter with
/// [`with_current_baseline`](Self::with_current_baseline), and must not use an exporter of its parent.
pub struct StatsD {
    reader: RegistryReader,
    problems: ProblemReport,
    socket: Socket,
    /// Whether the next pass opens a new socket first.
    renews_socket: bool,
    with_tags: bool,
    max_bytes: usize,
    /// The current maximum size of datagrams. It is smaller than `max_bytes` if the socket has a smaller limit.
    limit: usize,
    burst: usize,
    /// For each series, the values that were already sent.
    sent: PerSeries<SentSeries>,
    position: Position,
    datagram: Datagram,
    /// A buffer for the lines of one part of a series.
    lines: String,
    /// Datagrams, oldest first, for which a report of a failed delivery may still arrive.
    unconfirmed: VecDeque<Unconfirmed>,
    /// The series from which a part was left out in the current pass, because the part is too long for a datagram:
    /// the index of each series, and the problem to report.
    left_out: Vec<(usize, Problem)>,
    /// The serial numbers of the series in `problems`.
    reported: Vec<u64>,
}

struct Unconfirmed {
    sent_at: Instant,
    /// The totals that the parts in this datagram had before it was sent. They are restored if the network reports a
    /// failed delivery.
    marks: Vec<Mark>,
}

impl StatsD {
    /// Creates an exporter to a daemon that listens on UDP. A host name is resolved once, by this call. If the host
    /// name has several addresses and sending to one of them fails, the next export tries the next address.
    ///
    /// # Errors
    ///
    /// Returns an error if the name cannot be resolved, or if the operating system refuses a socket for each of its
    /// addresses. A daemon that is not running yet is not an error.
    pub fn udp(registry: &Registry, address: impl ToSocketAddrs + Debug) -> io::Result<Self> {
        Ok(Self::new(registry, Socket::udp(&address)?))
    }

    /// Creates an exporter to a daemon that listens on a Unix datagram socket at this path. Neither the daemon nor the
    /// socket has to exist yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the path is too long for a socket, contains a zero byte or is empty, or if the operating system
    /// refuses a socket.
    #[cfg(unix)]
    pub fn unix(registry: &Registry, path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(registry, Socket::unix(path.as_ref())?))
    }

    fn new(registry: &Registry, socket: Socket) -> Self {
        Self {
            reader: RegistryReader::with_closed(registry),
            problems: registry.report(),
            socket,
            renews_socket: false,
            with_tags: false,
            max_bytes: 1432,
            limit: 1432,
            burst: 32,
            sent: PerSeries::new(),
            position: Position::default(),
            datagram: Datagram::default(),
            lines: String::new(),
            unconfirmed: VecDeque::new(),
            left_out: Vec::new(),
            reported: Vec::new(),
        }
    }

    /// Sends labels as tags of DogStatsD (`records_written:12|c|#backend:orders`) instead of as parts of names.
    #[must_use]
    pub fn with_tags(mut self) -> Self {
        self.with_tags = true;
        for (series, sent) in self.reader.series().iter().zip(self.sent.iter_mut()) {
            sent.set_labels(&series.id, true);
        }
        self
    }

    /// Sets the maximum size of a datagram in bytes. The default is 1432, which fits into one Ethernet frame. A longer
    /// line is sent alone. If the socket rejects a datagram of several lines as too long, the maximum becomes half the
    /// length of that datagram. UDP allows at most 65,507 bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self.limit = bytes;
        self
    }

    /// Sets the number of datagrams after which an export pauses, so that the daemon can process them. Zero counts as
    /// one. The default is 32. The buffer of a Linux socket holds about 90 datagrams.
    #[must_use]
    pub fn with_burst(mut self, datagrams: usize) -> Self {
        self.burst = datagrams.max(1);
        self
    }

    /// Sends only what is counted from now on, as if the current totals had been sent already.
    ///
    /// Use this in a forked process, because the parent process sends what was counted before the fork.
    ///
    /// ```
    /// use papyra_metrics::{Counter, Metrics};
    /// use papyra_metrics_export::{Export, Registry, statsd::StatsD};
    /// use std::{net::UdpSocket, sync::Arc};
    ///
    /// #[derive(Default, Metrics)]
    /// struct LogMetrics { records_written: Counter }
    ///
    /// let registry = Registry::new();
    /// let metrics = Arc::new(LogMetrics::default());
    /// registry.register(metrics.clone(), &[]).unwrap();
    /// metrics.records_written.add(1000); // in the parent process
    ///
    /// let daemon = UdpSocket::bind("127.0.0.1:0")?;
    /// let mut statsd = StatsD::udp(&registry, daemon.local_addr()?)?.with_current_baseline();
    /// metrics.records_written.add(2);
    /// statsd.export()?;
    /// let mut datagram = [0; 100];
    /// let length = daemon.recv(&mut datagram)?;
    /// assert_eq!(&datagram[..length], b"records_written:2|c");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn with_current_baseline(mut self) -> Self {
        // What is left of an earlier export is not sent.
        self.position.left = 0;
        self.datagram.clear();
        self.unconfirmed.clear();
        self.refresh();
        for (series, sent) in self.reader.series().iter().zip(self.sent.iter_mut()) {
            match histogram(&self.reader, series) {
                Some(reading) => sent.skip(reading),
                None if series.id.family.kind == Kind::Counter => {
                    sent.skip_total(self.reader.numbers()[series.value_index].total());
                }
                None => {}
            }
        }
        self.reader.delivered();
        self
    }

    /// Reads the registry and updates the list of known series.
    fn refresh(&mut self) {
        if self.reader.refresh() {
            let with_tags = self.with_tags;
            self.sent.update(self.reader.series(), |id| SentSeries::new(id, with_tags));
        }
    }

    /// Begins a pass over all series, at the series at which the last pass ended.
    fn begin(&mut self) {
        let now = Instant::now();
        match self.socket.take_report() {
            Some(_) => self.roll_back(),
            None => self.confirm(now),
        }
        if self.renews_socket {
            self.socket.renew();
            (self.renews_socket, self.limit) = (false, self.max_bytes);
        }
        self.refresh();
        // If the last pass ended within a series, the series is sent from its first part. Parts that were already sent
        // have no increment and need no line.
        self.position.part = 0;
        self.position.left = self.reader.series().len();
        self.left_out.clear();
    }

    /// Removes the datagrams that need not be sent again, because a report of a failed delivery would have arrived by
    /// now.
    fn confirm(&mut self, now: Instant) {
        let is_confirmed = |datagram: &Unconfirmed| {
            now.saturating_duration_since(datagram.sent_at) >= REPORT_TIMEOUT
        };
        while self.unconfirmed.front().is_some_and(is_confirmed) {
            self.unconfirmed.pop_front();
        }
    }

    /// Restores the previous totals of all unconfirmed datagrams, so that the next pass sends their increments again.
    fn roll_back(&mut self) {
        for Unconfirmed { marks, .. } in self.unconfirmed.drain(..).rev() {
            for Mark { serial, part, total, .. } in marks {
                // A series may have been removed since the datagram was sent.
                if let Some(sent) = self.sent.find_mut(serial) {
                    sent.roll_back(part, total);
                }
            }
        }
        self.renews_socket = true;
    }

    /// Adds parts of series to the datagram until the next part does not fit or the pass ends.
    fn fill(&mut self) {
        let mut lines = mem::take(&mut self.lines);
        while self.position.left > 0 {
            let next = self.position.next % self.reader.series().len();
            let at = Position { next, ..self.position };
            let mark = self.write_lines(at, &mut lines);
            if !lines.is_empty() {
                if !self.datagram.has_room(&lines, self.limit) {
                    break;
                }
                self.datagram.push(at, &lines, mark);
            }
            self.position = if at.part + 1 < self.sent.get(next).len() {
                Position { part: at.part + 1, ..at }
            } else {
                Position { next: next + 1, part: 0, left: at.left - 1 }
            };
        }
        self.lines = lines;
    }

    /// Sends the datagram and records its totals. Returns `false` if the datagram was too long. Its lines are then sent
    /// in shorter datagrams or, if it contains only one part, left out.
    fn send(&mut self) -> io::Result<bool> {
        let sent = match self.socket.send(self.datagram.text.as_bytes()) {
            Ok(()) => {
                self.record_sent();
                Ok(true)
            }
            Err(SendError::TooLong) => {
                self.shorten();
                Ok(false)
            }
            Err(SendError::Full(error)) => Err(self.postpone(error)),
            Err(SendError::NotSent(error)) => {
                self.renews_socket = true;
                Err(self.postpone(error))
            }
            Err(SendError::Lost(error)) => {
                self.roll_back();
                Err(self.postpone(error))
            }
        };
        self.datagram.clear();
        sent
    }

    /// Ends the pass after a failed datagram. The next pass begins with the first series of this datagram and not with
    /// the first series of the reader, so that a slow daemon receives all series in turn.
    fn postpone(&mut self, error: io::Error) -> io::Error {
        self.position = Position { left: 0, ..self.datagram.start };
        error
    }

    fn record_sent(&mut self) {
        let now = Instant::now();
        if self.socket.reports_at_once() {
            // On this machine, a report for an earlier datagram would have arrived before this datagram was sent.
            self.unconfirmed.clear();
        } else {
            self.confirm(now);
        }
        let mut marks = mem::take(&mut self.datagram.marks);
        for Mark { series, serial, part, total } in &mut marks {
            if let Some(sent) = self.sent.find_mut(*serial) {
                let reading = histogram(&self.reader, &self.reader.series()[*series]);
                *total = sent.record(*part, *total, reading);
            }
        }
        self.unconfirmed.push_back(Unconfirmed { sent_at: now, marks });
    }

    /// Handles a datagram that was too long. Reduces the limit and returns to the first part of the datagram. If the
    /// datagram contains only one part, leaves out this part instead.
    fn shorten(&mut self) {
        let Datagram { text, start, parts, .. } = &self.datagram;
        if *parts > 1 {
            self.limit = text.len() / 2;
            self.position = *start;
            return;
        }
        if self.left_out.last().is_some_and(|(series, _)| *series == start.next) {
            return;
        }
        let line = text.split(':').next().unwrap_or_default();
        let name: String = line.chars().take(64).collect();
        let message = format!(
            "the StatsD line of `{name}…` has {} bytes, which exceeds the maximum size of a datagram; shorten the \
             labels",
            text.len()
        );
        let SeriesView { id, serial, .. } = &self.reader.series()[start.next];
        let problem = Problem::new(id.labels.to_string(), message);
        // Reported at once, because a pass to a slow daemon may never be complete.
        if !self.reported.contains(serial) {
            self.reported.push(*serial);
            self.problems.add(problem.clone());
        }
        self.left_out.push((start.next, problem));
    }

    /// Writes the unsent lines of one part of a counter or histogram, or the value of a gauge. Returns the new total of
    /// the part. Returns `None` for a gauge, or if there is nothing to send.
    fn write_lines(&self, at: Position, lines: &mut String) -> Option<Mark> {
        lines.clear();
        let series = &self.reader.series()[at.next];
        let &SeriesView { ref id, serial, value_index, form, is_shown, .. } = series;
        let sent = self.sent.get(at.next);
        let number = self.reader.numbers()[value_index];
        // Counters and histograms of closed backends are written even if they are no longer shown, because the datagram
        // with their last counts may have been lost.
        let total = match (histogram(&self.reader, series), id.family.kind) {
            (Some(reading), _) => sent.write_part(at.part, reading, lines),
            (None, Kind::Counter) => sent.write_counter(number.total(), lines),
            (None, _) => {
                if is_shown {
                    sent.write_gauge(form, number, lines);
                }
                None
            }
        };
        total.map(|total: Tally| Mark { series: at.next, serial, part: at.part, total })
    }
}

/// Returns the reading of a series, or `None` if the series is not a histogram.
fn histogram<'a>(
    reader: &'a RegistryReader,
    series: &'a SeriesView,
) -> Option<HistogramReading<'a>> {
    match series.form {
        Form::Histogram => reader.values().histogram(series.value_index, &series.id.family),
        _ => None,
    }
}

impl Export for StatsD {
    /// Sends the increments of counters and histograms since the last export, and the values of gauges.
    ///
    /// # Errors
    ///
    /// Returns the socket's first error, such as [`WouldBlock`](io::ErrorKind::WouldBlock) if a Unix daemon's buffer is
    /// full before the first datagram. Values that could not be sent are part of the next export. After an error other
    /// than `WouldBlock`, an exporter over UDP opens a new socket for the next export.
    fn export(&mut self) -> io::Result<Progress> {
        if self.position.left == 0 && self.datagram.text.is_empty() {
            self.begin();
        }
        let mut datagrams = 0;
        loop {
            self.fill();
            if self.datagram.text.is_empty() {
                break;
            }
            if datagrams == self.burst {
                return Ok(Progress::More);
            }
            match self.send() {
                Ok(was_sent) => datagrams += usize::from(was_sent),
                // A socket buffer is full: usually the daemon's receive buffer over a Unix socket, or the local send
                // buffer over UDP. The rest is sent after a pause.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && datagrams > 0 => {
                    return Ok(Progress::More);
                }
                Err(error) => return Err(self.socket.with_address(&error)),
            }
        }
        let left_out = mem::take(&mut self.left_out);
        let series = self.reader.series();
        self.reported = left_out.iter().map(|&(index, _)| series[index].serial).collect();
        self.problems.set(left_out.into_iter().map(|(_, problem)| problem).collect());
        self.reader.delivered();
        Ok(Progress::Done)
    }
}

impl Debug for StatsD {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatsD").field("socket", &self.socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    //! Tests of delivery errors that the network reports late, as it does if the daemon is on another machine. The daemon
    //! is local, but `is_local` is false, except in one test. The error is caused by a datagram sent outside of an export.

    use std::net::UdpSocket;
    use std::sync::Arc;

    use papyra_metrics::{Counter, FloatGauge, Metrics};

    use super::{REPORT_TIMEOUT, Socket, StatsD};
    use crate::{Export, Progress, Registry};

    #[derive(Default, Metrics)]
    struct LogMetrics {
        reads: Counter,
        writes: Counter,
    }

    #[derive(Default, Metrics)]
    struct FillMetrics {
        fill: FloatGauge,
    }

    /// Restarts the daemon. Sends a datagram between the stop and the restart, so that the network reports a failed
    /// delivery.
    fn lose(daemon: UdpSocket, statsd: &StatsD) -> UdpSocket {
        let address = daemon.local_addr().unwrap();
        drop(daemon);
        let Socket::Udp(udp) = &statsd.socket else { panic!("not a UDP socket") };
        udp.socket.send(b"lost:1|c").unwrap();
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
        let mut statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
        let Socket::Udp(udp) = &mut statsd.socket else { panic!("not a UDP socket") };
        udp.is_local = false;
        (metrics, daemon, statsd)
    }

    #[test]
    fn a_float_gauge_is_sent_exactly_if_it_is_finite() {
        let registry = Registry::new();
        let fill = Arc::new(FillMetrics::default());
        registry.register(fill.clone(), &[]).unwrap();
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
        for value in [0.1, -0.1, -0.0, f64::MIN, f64::MAX, f64::MIN_POSITIVE, -5e-324] {
            for not_finite in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                fill.fill.set(not_finite);
                statsd.export().unwrap();
            }
            fill.fill.set(value);
            statsd.export().unwrap();
            let datagram = receive(&daemon);
            let zero = if value.is_sign_negative() { "fill:0|g\n" } else { "" };
            let line = datagram.strip_prefix(zero).unwrap();
            let sent = line.strip_prefix("fill:").and_then(|line| line.strip_suffix("|g"));
            let sent: f64 = sent.unwrap().parse().unwrap();
            assert_eq!(sent.to_bits(), value.to_bits(), "{datagram}");
        }
    }

    #[test]
    fn a_report_after_an_export_resends_unconfirmed_datagrams_only() {
        let (metrics, daemon, mut statsd) = start();
        metrics.reads.add(5);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:5|c");
        // The datagram now seems old enough that a report would have arrived. It is therefore confirmed and not sent
        // again.
        statsd.unconfirmed[0].sent_at -= REPORT_TIMEOUT;
        metrics.reads.add(2);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:2|c");
        let daemon = lose(daemon, &statsd);
        metrics.writes.add(1);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:2|c\nwrites:1|c");
    }

    #[test]
    fn a_report_resends_several_increments_of_a_counter_through_a_new_socket() {
        let (metrics, daemon, mut statsd) = start();
        for increment in [5, 2] {
            metrics.reads.add(increment);
            statsd.export().unwrap();
            assert_eq!(receive(&daemon), format!("reads:{increment}|c"));
        }
        let address = |statsd: &StatsD| {
            let Socket::Udp(udp) = &statsd.socket else { panic!("not a UDP socket") };
            udp.socket.local_addr().unwrap()
        };
        let before = address(&statsd);
        let daemon = lose(daemon, &statsd);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:7|c");
        assert_ne!(address(&statsd), before);
    }

    #[test]
    fn a_report_resends_nothing_from_before_the_baseline() {
        let (metrics, daemon, mut statsd) = start();
        metrics.reads.add(5);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:5|c");
        let mut statsd = statsd.with_current_baseline();
        let daemon = lose(daemon, &statsd);
        metrics.reads.add(1);
        statsd.export().unwrap();
        assert_eq!(receive(&daemon), "reads:1|c");
    }

    #[test]
    fn a_report_during_an_export_resends_all_of_the_export() {
        let (metrics, daemon, statsd) = start();
        let mut statsd = statsd.with_max_bytes(1).with_burst(1);
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

    #[test]
    fn a_late_report_of_this_machine_resends_the_last_datagram_only() {
        let (metrics, daemon, mut statsd) = start();
        let Socket::Udp(udp) = &mut statsd.socket else { panic!("not a UDP socket") };
        udp.is_local = true;
        let mut statsd = statsd.with_max_bytes(1);
        metrics.reads.add(5);
        metrics.writes.add(1);
        statsd.export().unwrap();
        let daemon = lose(daemon, &statsd);
        while statsd.export().unwrap() == Progress::More {}
        daemon.set_nonblocking(true).unwrap();
        assert_eq!(receive(&daemon), "writes:1|c");
        assert!(daemon.recv(&mut [0]).is_err());
    }
}
