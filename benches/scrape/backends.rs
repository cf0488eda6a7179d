//! Backends with ten counters, with fifty counters, and with ten histograms.

use std::time::Duration;

use papyra_metrics::{Counter, Histogram, Metrics};

/// Ten counters. A backend has one or five of these sets.
#[derive(Default, Metrics)]
pub(crate) struct Ten {
    records_written: Counter,
    records_read: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    #[metrics(unit = "bytes")]
    bytes_read: Counter,
    scan_runs: Counter,
    recovery_runs: Counter,
    compactions: Counter,
    write_errors: Counter,
    read_errors: Counter,
    scan_errors: Counter,
}

#[derive(Default, Metrics)]
pub(crate) struct Fifty {
    #[metrics(flatten, prefix = "log_")]
    log: Ten,
    #[metrics(flatten, prefix = "index_")]
    index: Ten,
    #[metrics(flatten, prefix = "cache_")]
    cache: Ten,
    #[metrics(flatten, prefix = "snapshots_")]
    snapshots: Ten,
    #[metrics(flatten, prefix = "replica_")]
    replica: Ten,
}

/// Ten histograms. Each has 28 bounds, and exports 31 samples: 29 buckets, the sum and the count.
#[derive(Default, Metrics)]
pub(crate) struct Histograms {
    write: Histogram,
    read: Histogram,
    scan: Histogram,
    recovery: Histogram,
    compaction: Histogram,
    sync: Histogram,
    seal: Histogram,
    lookup: Histogram,
    merge: Histogram,
    upload: Histogram,
}

impl Histograms {
    fn all(&self) -> [&Histogram; 10] {
        let Self { write, read, scan, recovery, compaction, .. } = self;
        let Self { sync, seal, lookup, merge, upload, .. } = self;
        [write, read, scan, recovery, compaction, sync, seal, lookup, merge, upload]
    }
}

/// A type of backend.
pub(crate) trait Backend: Metrics + Default + Send + Sync + 'static {
    /// The number of samples of one backend in a scrape.
    const SAMPLES: usize;

    /// Adds different amounts to some of the counters, or records different numbers of durations in each histogram, so
    /// that the values have different numbers of digits.
    fn count(&self, n: u64);

    /// Adds one to each counter, or records the same durations in each histogram.
    fn count_all(&self);
}

impl Backend for Ten {
    const SAMPLES: usize = 10;

    fn count(&self, n: u64) {
        count(&[self], n);
    }

    fn count_all(&self) {
        count_all(&[self]);
    }
}

impl Fifty {
    fn parts(&self) -> [&Ten; 5] {
        [&self.log, &self.index, &self.cache, &self.snapshots, &self.replica]
    }
}

impl Backend for Fifty {
    const SAMPLES: usize = 50;

    fn count(&self, n: u64) {
        count(&self.parts(), n);
    }

    fn count_all(&self) {
        count_all(&self.parts());
    }
}

impl Backend for Histograms {
    const SAMPLES: usize = 310;

    fn count(&self, n: u64) {
        for (i, histogram) in (1..).zip(self.all()) {
            for bit in 0..37 {
                histogram.record_n(Duration::from_nanos(1 << bit), (n + 1) * i * bit);
            }
        }
    }

    fn count_all(&self) {
        for histogram in self.all() {
            (0..37).for_each(|bit| histogram.record(Duration::from_nanos(1 << bit)));
        }
    }
}

fn count(parts: &[&Ten], n: u64) {
    for (i, part) in (1..).zip(parts) {
        part.records_written.add(n * i * 7919);
        part.bytes_written.add(n * i * 1_048_573);
        part.scan_errors.add(1);
    }
}

fn count_all(parts: &[&Ten]) {
    for part in parts {
        let Ten { records_written, records_read, bytes_written, bytes_read, .. } = part;
        let Ten { scan_runs, recovery_runs, compactions, .. } = part;
        let Ten { write_errors, read_errors, scan_errors, .. } = part;
        let log = [records_written, records_read, bytes_written, bytes_read];
        let runs = [scan_runs, recovery_runs, compactions];
        let errors = [write_errors, read_errors, scan_errors];
        log.into_iter().chain(runs).chain(errors).for_each(Counter::inc);
    }
}
