//! A function whose errors are counted by hand and by attributes. The calls that are measured do not fail.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use metered::{ErrorCount, metered};
use papyra_metrics::{Counter, Metrics, metrics};

#[derive(Debug)]
pub struct Full;

#[cold]
#[inline(never)]
fn full() -> Full {
    black_box(Full)
}

/// The work of the measured functions. It can fail, and it writes to memory, so that the compiler does not remove it.
#[inline]
pub fn put(slots: &[AtomicU64], at: usize) -> Result<u64, Full> {
    let Some(slot) = slots.get(at) else { return Err(full()) };
    slot.store(1, Ordering::Relaxed);
    Ok(at as u64)
}

/// The work of `put` in an `async fn`. The compiler cannot see that the future is ready immediately.
async fn put_later(slots: &[AtomicU64], at: usize) -> Result<u64, Full> {
    if black_box(false) {
        std::future::pending::<()>().await;
    }
    put(slots, at)
}

#[derive(Default)]
pub struct Bare {
    slots: [AtomicU64; 8],
    errors: AtomicU64,
}

impl Bare {
    /// Does the work and counts nothing.
    #[inline(never)]
    pub fn uncounted(&self, at: usize) -> Result<u64, Full> {
        put(&self.slots, at)
    }

    pub async fn uncounted_later(&self, at: usize) -> Result<u64, Full> {
        put_later(&self.slots, at).await
    }

    #[inline(never)]
    pub fn by_hand(&self, at: usize) -> Result<u64, Full> {
        let result = put(&self.slots, at);
        if result.is_err() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    pub async fn by_hand_later(&self, at: usize) -> Result<u64, Full> {
        let result = put_later(&self.slots, at).await;
        if result.is_err() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        result
    }
}

#[derive(Default, Metrics)]
pub struct LogMetrics {
    #[metrics(errors)]
    errors: Counter,
}

#[derive(Default)]
pub struct Ours {
    slots: [AtomicU64; 8],
    metrics: LogMetrics,
}

impl Ours {
    #[metrics(errors)]
    #[inline(never)]
    pub fn put(&self, at: usize) -> Result<u64, Full> {
        put(&self.slots, at)
    }

    #[metrics(errors)]
    pub async fn put_later(&self, at: usize) -> Result<u64, Full> {
        put_later(&self.slots, at).await
    }
}

#[derive(Default)]
pub struct Metered {
    slots: [AtomicU64; 8],
    metrics: MeteredMetrics,
}

#[metered(registry = MeteredMetrics)]
impl Metered {
    #[measure(ErrorCount)]
    #[inline(never)]
    pub fn put(&self, at: usize) -> Result<u64, Full> {
        put(&self.slots, at)
    }

    #[measure(ErrorCount)]
    pub async fn put_later(&self, at: usize) -> Result<u64, Full> {
        put_later(&self.slots, at).await
    }
}

/// Polls a future once, and returns its output if it is ready.
#[inline]
pub fn poll<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
