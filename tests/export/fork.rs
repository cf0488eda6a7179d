//! Forks a process. The threads of its exporters do not exist in the child, but the child can start new exporters.

#![allow(unsafe_code)] // `fork` is unsafe

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use papyra_metrics::{Counter, Metrics};
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::prometheus::{Prometheus, serve};
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Export, Periodic, Registry};

#[derive(Default, Metrics)]
struct LogMetrics {
    records_written: Counter,
}

fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Runs a function in a forked child process. Returns whether the function ended without a panic.
fn succeeds_in_child(run: impl FnOnce()) -> bool {
    // SAFETY: the child allocates, so no other thread may hold a lock of the allocator during the fork. The only other
    // threads belong to the exporters, and they only wait: one thread for an hour, and the others for clients.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        process::exit(i32::from(result.is_err()));
    }
    let mut status = -1;
    // SAFETY: `status` is valid for writes, and nothing else waits for the child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status == 0
}

/// Runs without the test harness, whose threads would not survive a fork.
fn main() -> ExitCode {
    let registry = Registry::new();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    metrics.records_written.add(1000);
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd = || StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap();
    let received = || {
        let mut datagram = [0; 100];
        let length = daemon.recv(&mut datagram).unwrap();
        String::from_utf8_lossy(&datagram[..length]).into_owned()
    };
    daemon.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let periodic = Periodic::spawn(Duration::from_secs(3600), statsd()).unwrap();
    let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
    let address = server.local_addr();
    assert!(scrape(address).ends_with("\nrecords_written_total 1000\n"));

    let mut exporters = Some((periodic, server));
    let succeeds = succeeds_in_child(|| {
        let (periodic, server) = exporters.take().unwrap();
        let error = periodic.stop().unwrap_err().to_string();
        assert!(
            error.starts_with("the export belongs to the process that this one was forked from")
        );
        server.stop();
        let mut statsd = statsd().with_current_baseline();
        metrics.records_written.add(2);
        statsd.export().unwrap();
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let mut facade = Facade::with_recorder(&registry, recorder).with_current_baseline();
        metrics.records_written.add(3);
        facade.export().unwrap();
        let (_, _, _, value) = snapshotter.snapshot().into_vec().remove(0);
        assert_eq!(value, DebugValue::Counter(3));
        let server = serve(Prometheus::new(&registry), "127.0.0.1:0").unwrap();
        assert!(scrape(server.local_addr()).ends_with("\nrecords_written_total 1005\n"));
    });
    assert!(succeeds, "the child failed");
    assert_eq!(received(), "records_written:2|c");

    // The child has not stopped the exporters of its parent.
    let (periodic, server) = exporters.unwrap();
    assert!(scrape(address).ends_with("\nrecords_written_total 1000\n"));
    periodic.stop().unwrap();
    assert_eq!(received(), "records_written:1000|c");
    server.stop();
    println!("a forked process starts exporters of its own: ok");
    ExitCode::SUCCESS
}
