//! Code that has its atomics already: only the derive, and one `skip`, are new.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use papyra_metrics::Metrics;

/// What the connection pool of a client has done.
#[derive(Debug, Default, Metrics)]
struct PoolStats {
    /// Connections handed out.
    acquired: AtomicU64,
    /// Requests for a connection that gave up.
    timeouts: AtomicU64,
    /// Connections in use.
    in_use: AtomicI64,
    #[metrics(skip)]
    patience: Duration,
}

impl PoolStats {
    fn acquire(&self, waited: Duration) {
        if waited > self.patience {
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
    let stats = PoolStats { patience: Duration::from_millis(50), ..PoolStats::default() };
    for waited in [0, 10, 80, 20] {
        stats.acquire(Duration::from_millis(waited));
    }
    stats.release();
    println!("{}", stats.snapshot());
}
