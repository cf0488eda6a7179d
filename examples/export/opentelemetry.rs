//! Exports the metrics of two backends with the OpenTelemetry SDK, which prints the messages that it would send.
//!
//! `cargo run -p papyra-metrics-export-examples --example opentelemetry [SECONDS]`

use std::env;
use std::error::Error;
use std::thread;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use papyra_metrics_export::Registry;
use papyra_metrics_export::opentelemetry::OpenTelemetry;
use papyra_metrics_export_examples::open_and_write;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = env::args().nth(1).map_or(Ok(6), |seconds| seconds.parse())?;
    let registry = Registry::with_prefix("papyra")?;
    let logs = open_and_write();
    for (name, log) in &logs {
        registry.register(log.metrics(), &[("backend", name)])?;
    }

    println!(
        "For {seconds} seconds, the SDK prints what it collects: every 2 seconds, and once more at the end. To send it
to a collector, pass the reader an exporter of the crate opentelemetry-otlp instead:

    MetricExporter::builder().with_http().with_endpoint(\"http://127.0.0.1:4318/v1/metrics\").build()?
"
    );
    let exporter = opentelemetry_stdout::MetricExporter::default();
    let reader = PeriodicReader::builder(exporter).with_interval(Duration::from_secs(2)).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let observed = OpenTelemetry::new(&registry, &provider.meter("papyra"));

    thread::sleep(Duration::from_secs(seconds));
    provider.shutdown()?;
    drop(observed);
    Ok(())
}
