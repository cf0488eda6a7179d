//! The thread that scrapes, so that user code never keeps the connections waiting.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use mio::Waker;

use super::super::{Prometheus, Scrape};
use crate::panics::catch;
use crate::worker::Worker;

/// Scrapes for one connection after the other.
pub(super) struct Scraper {
    /// `Accept` headers. Dropped to end the thread.
    jobs: Sender<String>,
    results: Receiver<Result<Scrape, String>>,
    /// The connection for which the thread scrapes.
    current: Option<usize>,
    queue: VecDeque<(usize, String)>,
}

impl Scraper {
    /// Starts the thread, which wakes the poll after each scrape.
    pub(super) fn spawn(
        prometheus: Prometheus,
        waker: Arc<Waker>,
    ) -> io::Result<(Self, Worker<()>)> {
        let (jobs, accepts) = mpsc::channel::<String>();
        let (sender, results) = mpsc::channel();
        let worker = Worker::spawn("prometheus scrape", move || {
            for accept in accepts {
                let scraped = catch(|| prometheus.scrape(Some(&accept)));
                // Both fail only if the server has stopped.
                let _ = sender.send(scraped);
                let _ = waker.wake();
            }
        })?;
        Ok((Self { jobs, results, current: None, queue: VecDeque::new() }, worker))
    }

    /// Adds a scrape for a connection.
    pub(super) fn push(&mut self, connection: usize, accept: String) {
        self.queue.push_back((connection, accept));
    }

    /// Removes the scrape of a connection that is closed.
    pub(super) fn remove(&mut self, connection: usize) {
        self.queue.retain(|&(queued, _)| queued != connection);
    }

    /// Starts the next scrape, if the thread is idle.
    pub(super) fn start_next(&mut self) {
        if self.current.is_some() {
            return;
        }
        let Some((connection, accept)) = self.queue.pop_front() else { return };
        // The thread ends only after `jobs` was dropped.
        if self.jobs.send(accept).is_ok() {
            self.current = Some(connection);
        }
    }

    /// The connection for which the thread scrapes.
    pub(super) fn current(&self) -> Option<usize> {
        self.current
    }

    /// Returns the result of the current scrape once it is there, and its connection.
    pub(super) fn finished(&mut self) -> Option<(usize, Result<Scrape, String>)> {
        let result = self.results.try_recv().ok()?;
        Some((self.current.take()?, result))
    }
}
