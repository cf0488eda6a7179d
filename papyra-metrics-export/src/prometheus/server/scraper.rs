//! The thread that scrapes, so that the code of backends never blocks the event loop.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use mio::Waker;

use super::super::{Format, Prometheus, Scrape};
use crate::panics::catch;
use crate::worker::Worker;

/// Runs the scrapes that connections wait for, one after the other. Connections that request the same format share a
/// scrape.
pub(super) struct Scraper {
    /// Sends the format of the next scrape to the thread. The thread ends when the sender is dropped.
    jobs: Sender<Format>,
    results: Receiver<Result<Scrape, String>>,
    is_scraping: bool,
    /// The connections that wait for the running scrape.
    current: Vec<usize>,
    queue: VecDeque<(usize, Format)>,
}

impl Scraper {
    /// Starts the thread, which wakes the event loop after each scrape.
    pub(super) fn spawn(
        prometheus: Prometheus,
        waker: Arc<Waker>,
    ) -> io::Result<(Self, Worker<()>)> {
        let (jobs, formats) = mpsc::channel();
        let (sender, results) = mpsc::channel();
        let worker = Worker::spawn("prometheus scrape", move || {
            for format in formats {
                let scraped = catch(|| prometheus.scrape_in(format));
                // Sending and waking fail only if the server has stopped.
                let _ = sender.send(scraped);
                let _ = waker.wake();
            }
        })?;
        Ok((
            Self { jobs, results, is_scraping: false, current: Vec::new(), queue: VecDeque::new() },
            worker,
        ))
    }

    /// Requests a scrape for a connection.
    pub(super) fn push(&mut self, connection: usize, format: Format) {
        self.queue.push_back((connection, format));
    }

    /// Removes a closed connection. Returns whether the running scrape is for this connection.
    pub(super) fn remove(&mut self, connection: usize) -> bool {
        self.queue.retain(|&(queued, _)| queued != connection);
        let current = self.current.iter().position(|&current| current == connection);
        current.map(|index| self.current.swap_remove(index)).is_some()
    }

    /// Starts the next scrape if none is running. The scrape is for the connection that has waited longest, and for all
    /// others that request the same format. There are two formats, so a client waits for at most three scrapes.
    pub(super) fn start_next(&mut self) {
        if self.is_scraping {
            return;
        }
        let Some((first, format)) = self.queue.pop_front() else { return };
        self.current.push(first);
        self.queue.retain(|(connection, other)| {
            let is_same = *other == format;
            self.current.extend(is_same.then_some(*connection));
            !is_same
        });
        // Sending cannot fail here, because the thread only ends after `jobs` was dropped.
        self.is_scraping = self.jobs.send(format).is_ok();
    }

    /// Returns the result of the running scrape and the connections that wait for it, or `None` if the scrape has not
    /// ended yet.
    pub(super) fn finished(&mut self) -> Option<(Vec<usize>, Result<Scrape, String>)> {
        let result = self.results.try_recv().ok()?;
        self.is_scraping = false;
        Some((mem::take(&mut self.current), result))
    }
}
