//! Serves a store to clients.
//!
//! ```text
//! engine DIRECTORY [ADDRESS [HTTP ADDRESS]]
//! ```
//!
//! The metrics are in `DIRECTORY/engine.metrics`, for `papyra-metrics watch`, and at `http://HTTP ADDRESS/metrics`, for
//! Prometheus.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::routing::get;
use papyra_metrics::Published;
use papyra_metrics_engine_example::metrics::EngineMetrics;
use papyra_metrics_engine_example::server::Server;
use papyra_metrics_engine_example::{Options, Store};
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::Prometheus;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments.next().ok_or("usage: engine DIRECTORY [ADDRESS [HTTP ADDRESS]]")?;
    let directory = PathBuf::from(directory);
    let mut address = |default: &str| {
        arguments.next().map_or_else(|| default.to_owned(), |it| it.to_string_lossy().into_owned())
    };
    let clients = TcpListener::bind(address("127.0.0.1:7070")).await?;
    let http = TcpListener::bind(address("127.0.0.1:9464")).await?;

    // The store works even if its metrics cannot be published.
    std::fs::create_dir_all(&directory)?;
    let published = directory.join("engine.metrics");
    let metrics = Arc::new(Published::<EngineMetrics>::create_or_private(&published));
    match metrics.error() {
        Some(error) => eprintln!("metrics are not published: {error}"),
        None => eprintln!("metrics in {}", published.display()),
    }
    let registry = Registry::new();
    registry.register(Arc::clone(&metrics), &[])?;

    let store = Store::open(&directory, Options::default(), Arc::clone(&metrics))?;
    let store = Arc::new(store);
    eprintln!("metrics at http://{}/metrics", http.local_addr()?);
    println!("clients at {}", clients.local_addr()?);

    let prometheus = Arc::new(Prometheus::new(&registry));
    let scrape = move |headers: HeaderMap| async move {
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let scrape = prometheus.scrape(accept);
        ([(CONTENT_TYPE, scrape.content_type)], scrape.body)
    };
    let routes = Router::new().route("/metrics", get(scrape));
    let server = Server::new(Arc::clone(&store), metrics);
    tokio::select! {
        () = server.run(clients) => {}
        outcome = axum::serve(http, routes) => outcome?,
        outcome = tokio::signal::ctrl_c() => outcome?,
    }
    Ok(())
}
