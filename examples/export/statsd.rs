//! Sends the metrics of two backends to a StatsD daemon every second. The daemon may be started later.
//!
//! `cargo run -p papyra-metrics-export-examples --example statsd [ADDRESS [SECONDS]]`

use std::env;
use std::error::Error;
use std::thread;
use std::time::Duration;

use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Periodic, Registry};
use papyra_metrics_export_examples::open_and_write;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8125".to_owned());
    let seconds = arguments.next().map_or(Ok(20), |seconds| seconds.parse::<u64>())?;
    let registry = Registry::with_prefix("papyra")?;
    let logs = open_and_write();
    for (name, log) in &logs {
        registry.register(log.metrics(), &[("backend", name)])?;
    }

    println!(
        "Sending to {address} for {seconds} seconds. Increments are kept until a daemon is running. Receive them with:

    nc -ukl {host_and_port}

or, if a StatsD daemon is running, in its console:

    echo counters | nc 127.0.0.1 8126
",
        host_and_port = address.rsplit_once(':').map_or(String::new(), |(host, port)| format!("{host} {port}"))
    );
    let periodic = Periodic::spawn(Duration::from_secs(1), StatsD::udp(&registry, &address)?)?;
    for _ in 0..seconds {
        thread::sleep(Duration::from_secs(1));
        match periodic.last_error() {
            Some(error) => println!("not sent; the next export includes these counts: {error}"),
            None => println!("sent"),
        }
    }
    if let Err(error) = periodic.stop() {
        println!("The last counts could not be sent: {error}");
    }
    Ok(())
}
