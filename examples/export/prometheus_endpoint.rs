//! Serves the metrics of two backends for Prometheus to scrape.
//!
//! `cargo run -p papyra-metrics-export-examples --example prometheus_endpoint [ADDRESS]`

use std::env;
use std::error::Error;
use std::thread;

use papyra_metrics_export::Registry;
use papyra_metrics_export::prometheus::{Prometheus, serve};
use papyra_metrics_export_examples::open_and_write;

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::with_prefix("papyra")?;
    let logs = open_and_write();
    for (name, log) in &logs {
        registry.register(log.metrics(), &[("backend", name)])?;
    }

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9464".to_owned());
    let server = serve(Prometheus::new(&registry), address)?;
    let address = server.local_addr();
    println!(
        "Serving http://{address}/metrics until you press Ctrl-C. Try:

    curl http://{address}/metrics
    curl -H 'Accept: application/openmetrics-text' http://{address}/metrics

or configure Prometheus to scrape it, and query rate(papyra_records_written_total[1m]):

    global: {{scrape_interval: 5s}}
    scrape_configs: [{{job_name: papyra, static_configs: [{{targets: [\"{address}\"]}}]}}]"
    );
    loop {
        thread::park();
    }
}
