//! Datagrams of lines, and the position in the current pass. A pass goes over all series once and sends their lines.

use papyra_metrics::Tally;

/// A position in the pass over all series: the index of the next series, the index of the next part of that series, and
/// the number of series that are left in the pass. Only a histogram has several parts.
#[derive(Clone, Copy, Default)]
pub(super) struct Position {
    pub(super) next: usize,
    pub(super) part: usize,
    pub(super) left: usize,
}

/// The total of one part of a series in a datagram. Before the datagram is sent, this is the new total. Afterwards, it
/// is the previous total, which is restored if the network reports a failed delivery.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    /// The index of the series.
    pub(super) series: usize,
    pub(super) serial: u64,
    pub(super) part: usize,
    pub(super) total: Tally,
}

/// A datagram that is being filled with lines.
#[derive(Default)]
pub(super) struct Datagram {
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
    /// The position of the datagram's first part. If a datagram of several parts is too long, the pass returns to this
    /// position. After any other error, the next pass begins with the series at this position.
    pub(super) start: Position,
    pub(super) parts: usize,
}

impl Datagram {
    pub(super) fn has_room(&self, lines: &str, max_bytes: usize) -> bool {
        self.text.is_empty() || self.text.len() + 1 + lines.len() <= max_bytes
    }

    pub(super) fn push(&mut self, at: Position, lines: &str, mark: Option<Mark>) {
        if self.text.is_empty() {
            self.start = at;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(lines);
        self.marks.extend(mark);
        self.parts += 1;
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.marks.clear();
        self.parts = 0;
    }
}
