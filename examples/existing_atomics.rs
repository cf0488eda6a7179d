//! A struct of atomics becomes a struct of metrics. Only the derive and one `skip` are added.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use papyra_metrics::Metrics;

/// The metrics of a client's connection pool.
#[derive(Debug, Default, Metrics)]
struct PoolStats {
    /// Connections handed out.
    acquired: AtomicU64,
    /// Requests for a connection that timed out.
    timeouts: AtomicU64,
    /// Connections in use.
    in_use: AtomicI64,
    #[metrics(skip)]
    timeout: Duration,
}

impl PoolStats {
    fn acquire(&self, waited: Duration) {
        if waited > self.timeout {
            self.timeouts.fetch_add(1, Ordering::Relaxed);
        } else {
            self.acquired.fetch_add(1, Ordering::Relaxed);
            self.in_use.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn release(&self) {
        self.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

fn main() {
    let stats = PoolStats { timeout: Duration::from_millis(50), ..PoolStats::default() };
    for waited in [0, 10, 80, 20] {
        stats.acquire(Duration::from_millis(waited));
    }
    stats.release();
    println!("{}", stats.snapshot());
}
