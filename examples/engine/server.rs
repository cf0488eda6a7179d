//! The server, which runs a task for each client. The functions of the store block, so they are called on tokio's threads for
//! blocking work.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task;

use super::codec::{Pairs, malformed};
use super::error::Error;
use super::metrics::{ErrorKind, SharedMetrics, metrics};
use super::protocol::{Answer, Request, encode_answer, read_frame, write_frame};
use super::store::Store;

/// Serves a store to clients.
pub struct Server {
    store: Arc<Store>,
    metrics: SharedMetrics,
}

impl Server {
    /// Creates a server, which counts in the metrics of the store.
    pub fn new(store: Arc<Store>, metrics: SharedMetrics) -> Arc<Self> {
        Arc::new(Self { store, metrics })
    }

    /// Accepts clients until the future is dropped. Serves each client in a separate task. These tasks continue after the
    /// future is dropped.
    pub async fn run(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = Arc::clone(&self);
                    tokio::spawn(async move {
                        let _ = server.connection(stream).await; // the error is counted
                    });
                }
                Err(error) => {
                    // The usual cause is that too many files are open, which is temporary.
                    self.metrics.connection_errors[ErrorKind::from(&error.into())].inc();
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    #[metrics(errors = connection_errors, in_flight = connections)]
    async fn connection(&self, stream: TcpStream) -> Result<(), Error> {
        stream.set_nodelay(true)?;
        let mut stream = BufStream::new(stream);
        while let Some(frame) = read_frame(&mut stream).await? {
            let request = Request::decode(&frame).ok_or_else(malformed)?;
            let answer = self.answer(request).await;
            write_frame(&mut stream, &encode_answer(&answer)).await?;
        }
        Ok(())
    }

    #[metrics(in_flight = requests_in_flight)]
    async fn answer(&self, request: Request) -> Answer {
        let store = Arc::clone(&self.store);
        let executed = task::spawn_blocking(move || execute(&store, request)).await;
        match executed {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(panic) => Err(panic.to_string()),
        }
    }
}

fn execute(store: &Store, request: Request) -> Result<Pairs, Error> {
    match request {
        Request::Get(key) => {
            let value = store.get(&key)?;
            Ok(value.map(|value| (key, value)).into_iter().collect())
        }
        Request::Put(key, value) => store.put(&key, &value).map(|()| Vec::new()),
        Request::Delete(key) => store.delete(&key).map(|()| Vec::new()),
        Request::Scan(from, limit) => store.scan(&from, limit as usize),
    }
}
