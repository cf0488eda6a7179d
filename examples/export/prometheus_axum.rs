//! Serves the metrics of two backends from a route of an axum application. Any other framework works the same way: pass the
//! `Accept` header of the request to `scrape`, and send the content type and the body that `scrape` returns.
//!
//! `cargo run -p papyra-metrics-export-examples --example prometheus_axum [ADDRESS]`

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::get;
use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::Prometheus;
use papyra_metrics_export_examples::open_and_write;

async fn metrics(
    State(prometheus): State<Arc<Prometheus>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let scrape = prometheus.scrape(accept);
    ([(header::CONTENT_TYPE, scrape.content_type)], scrape.body)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::with_prefix("papyra")?;
    let logs = open_and_write();
    for (name, log) in &logs {
        registry.register(log.metrics(), &[("backend", name)])?;
    }

    let application = Router::new()
        .route("/", get(|| async { "the application\n" }))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(Prometheus::new(&registry)));

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9464".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    println!(
        "Serving http://{address}/metrics until you press Ctrl-C. Try:\n\n    curl http://{address}/metrics"
    );
    axum::serve(listener, application).await?;
    Ok(())
}
