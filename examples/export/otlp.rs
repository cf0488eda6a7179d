//! Sends the metrics of two backends to an OpenTelemetry collector every second. The collector may be started later.
//!
//! `cargo run -p papyra-metrics-export-examples --example otlp [URL [SECONDS]]`

use std::env;
use std::error::Error;
use std::thread;
use std::time::Duration;

use papyra_metrics_export::otlp::Otlp;
use papyra_metrics_export::{Periodic, Registry};
use papyra_metrics_export_examples::open_and_write;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:4318/v1/metrics".to_owned());
    let seconds = arguments.next().map_or(Ok(20), |seconds| seconds.parse::<u64>())?;
    let registry = Registry::with_prefix("papyra")?;
    let logs = open_and_write();
    for (name, log) in &logs {
        registry.register(log.metrics(), &[("backend", name)])?;
    }

    println!(
        "Sending to {url} for {seconds} seconds. If no collector is running, start one that prints what it gets:

    pip install --pre rotel
    rotel start --exporter blackhole --debug-log metrics --debug-log-verbosity detailed
"
    );
    let otlp = Otlp::new(&registry).with_resource(&[("service.name", "papyra-example")]);
    let periodic = Periodic::spawn(Duration::from_secs(1), otlp.into_http(&url)?)?;
    for _ in 0..seconds {
        thread::sleep(Duration::from_secs(1));
        match periodic.last_error() {
            Some(error) => {
                println!("not sent; the next request contains these values too: {error}");
            }
            None => println!("sent"),
        }
    }
    if let Err(error) = periodic.stop() {
        println!("The last values could not be sent: {error}");
    }
    Ok(())
}
