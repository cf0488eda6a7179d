//! Simulates a load, so that the dashboard shows data: records the values that an LSM engine would record.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use papyra_metrics::IoErrorKind;

use crate::Engine;
use crate::metrics::{Block, CacheMetrics, ErrorKind, Level, Op, Outcome, Queue, StoreOp};

const TICK: Duration = Duration::from_millis(50);

/// Simulates load until `wait` returns.
pub(crate) fn run_until<T>(engine: &Engine, wait: impl FnOnce() -> T) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let began = Instant::now();
            let mut load = Load { engine, random: 1, compactions_due: 0.0 };
            while !is_over.load(Ordering::Relaxed) {
                load.tick(began.elapsed().as_secs_f64());
                thread::sleep(TICK);
            }
        });
        wait();
        is_over.store(true, Ordering::Relaxed);
    });
}

struct Load<'a> {
    engine: &'a Engine,
    random: u64,
    /// The progress towards the next compaction. Each tick increases it. When it reaches 1, a compaction runs, and 1 is
    /// subtracted.
    compactions_due: f64,
}

impl Load<'_> {
    /// Returns a random number that is at least 0 and less than 1, from a linear congruential generator.
    #[allow(clippy::cast_precision_loss)] // a number of 24 bits is exact in a float
    fn random(&mut self) -> f64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 40) as f64 / f64::from(1 << 24)
    }

    /// Returns a random duration, which is usually close to `typical` seconds, and rarely much longer.
    fn duration(&mut self, typical: f64) -> Duration {
        let spread = (self.random() + self.random() + self.random() - 1.5) * 1.2;
        let stall = if self.random() < 0.01 { 12.0 } else { 1.0 };
        Duration::from_secs_f64(typical * spread.exp() * stall)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // numbers are small and positive
    fn tick(&mut self, seconds: f64) {
        let busy = 1.0 + 0.5 * (seconds / 23.0).sin() + 0.2 * (seconds / 5.0).sin();
        let metrics = &self.engine.metrics;
        for (op, share, typical) in [
            (Op::Get, 40.0, 0.000_15),
            (Op::Put, 25.0, 0.000_4),
            (Op::Delete, 4.0, 0.000_3),
            (Op::Scan, 3.0, 0.004),
        ] {
            let count = (share * busy * (0.8 + 0.4 * self.random())) as u64;
            metrics.requests[op].add(count);
            for _ in 0..count {
                let taken = self.duration(typical * busy);
                metrics.request[op].record(taken);
                match self.random() {
                    0.0..0.002 => metrics.request_errors[ErrorKind::Busy].inc(),
                    0.002..0.003 => metrics.request_errors[ErrorKind::Io].inc(),
                    0.003..0.0031 => metrics.request_errors[ErrorKind::Corrupt].inc(),
                    _ => {}
                }
            }
        }
        metrics.requests_in_flight.set((8.0 * busy * self.random()) as i64);
        metrics.longest_queue.record((12.0 * busy) as i64);
        for (queue, typical) in
            [(Queue::Flush, 1.5), (Queue::Compaction, 6.0), (Queue::Upload, 3.0)]
        {
            metrics.queued[queue].set((typical * busy * self.random()) as i64);
        }
        self.write((25.0 * busy) as u64);
        self.look_up(&metrics.memory_cache, 60.0 * busy, 0.9);
        self.look_up(&metrics.disk_cache, 6.0 * busy, 0.6);
        self.compactions_due += 0.08 * busy;
        if self.compactions_due >= 1.0 {
            self.compactions_due -= 1.0;
            self.compact(seconds);
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // numbers are small and positive
    fn write(&mut self, records: u64) {
        let metrics = &self.engine.metrics;
        for _ in 0..records {
            let size = (100.0 * (self.random() * 6.0).exp()) as u64;
            metrics.value_size.record(size);
            let taken = self.duration(0.000_06);
            metrics.wal.append.record(taken);
            if self.random() < 0.0005 {
                metrics.wal.errors[IoErrorKind::StorageFull].inc();
            } else {
                metrics.wal.records.inc();
                metrics.wal.appended.add(size);
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // numbers are small and positive
    fn look_up(&mut self, cache: &CacheMetrics, lookups: f64, hit_ratio: f64) {
        for (block, share) in [(Block::Data, 0.7), (Block::Index, 0.2), (Block::Filter, 0.1)] {
            let lookups = lookups * share;
            cache.hits[block].add((lookups * hit_ratio + self.random()) as u64);
            cache.misses[block].add((lookups * (1.0 - hit_ratio) + self.random()) as u64);
            cache.size[block].set((share * (1.0 + 0.1 * self.random()) * 256e6) as i64);
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // numbers are small and positive
    fn compact(&mut self, seconds: f64) {
        let metrics = &self.engine.metrics;
        // Levels with low numbers are compacted more often.
        let level = Level((self.random() * self.random() * 7.0) as usize);
        metrics.flushes.inc();
        let flushed = self.duration(0.08);
        metrics.flush.record(flushed);
        metrics.compactions[level].inc();
        let written = 8 << (20 + level.0.min(3));
        metrics.compacted[level].add(written);
        let typical = 0.3 * f64::from(1 << level.0.min(4));
        let taken = self.duration(typical);
        metrics.compaction[level].record(taken);
        metrics.tables[level]
            .set((4.0 + 10.0 * level.0 as f64 + 3.0 * (seconds / 11.0).sin()) as i64);
        for (op, typical) in [
            (StoreOp::Put, 0.045),
            (StoreOp::Get, 0.02),
            (StoreOp::List, 0.06),
            (StoreOp::Delete, 0.03),
        ] {
            let outcome = match self.random() {
                0.0..0.02 => Outcome::Throttled,
                0.02..0.03 => Outcome::Failed,
                0.03..0.05 => Outcome::NotFound,
                _ => Outcome::Ok,
            };
            metrics.object_store_operations[(op, outcome)].inc();
            let taken = self.duration(typical);
            metrics.object_store_operation[op].record(taken);
        }
    }
}
