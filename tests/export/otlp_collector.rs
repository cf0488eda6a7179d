//! Tests OTLP with a real collector, Rotel, which forwards all data to the test.

use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, metric, number_data_point};
use papyra_metrics::{Counter, Family, FloatGauge, Gauge, Histogram, IoErrorKind, Metrics, Sizes};
use papyra_metrics_export::otlp::Otlp;
use papyra_metrics_export::{Export, Progress, Registry};
use papyra_metrics_export_tests::{Server, directory, find, free_port, wait_for};
use prost::Message;

use crate::opentelemetry::receiver::receive;

#[derive(Default, Metrics)]
struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    append_errors: Family<IoErrorKind, Counter>,
    open_segments: Gauge,
    fill: FloatGauge,
    /// How long an append takes.
    append: Histogram,
    record: Histogram<Sizes>,
}

/// Starts an HTTP server to which a collector forwards its messages. Returns the URL of the server, and the messages.
fn start_backend() -> (String, Receiver<ExportMetricsServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (messages, received) = channel();
    // The thread runs until the test process ends.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (_, message) = receive(&stream);
            let _ = messages.send(message);
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).unwrap();
        }
    });
    (url, received)
}

/// Starts a collector that forwards each request to `backend` at once. Waits until the collector listens.
pub(crate) fn start_collector(name: &str, port: u16, backend: &str) -> Server {
    let directory = directory(name);
    let mut command = Command::new(find("rotel"));
    command.arg("start");
    for (option, value) in [
        ("--otlp-http-endpoint", format!("127.0.0.1:{port}")),
        ("--otlp-grpc-endpoint", format!("127.0.0.1:{}", free_port())),
        ("--exporter", "otlp".to_owned()),
        ("--otlp-exporter-endpoint", backend.to_owned()),
        ("--otlp-exporter-protocol", "http".to_owned()),
        ("--pid-file", directory.join("pid").display().to_string()),
        ("--log-file", directory.join("agent.log").display().to_string()),
    ] {
        command.arg(option).arg(value);
    }
    command.arg("--disable-batching");
    let server = Server::start(&mut command, directory.join("log"));
    wait_for("the collector to listen", || TcpStream::connect(("127.0.0.1", port)).ok());
    server
}

fn next(messages: &Receiver<ExportMetricsServiceRequest>) -> ExportMetricsServiceRequest {
    messages.recv_timeout(Duration::from_secs(30)).unwrap()
}

/// Returns the value and the start time of each data point of a counter.
fn sums(message: &ExportMetricsServiceRequest, name: &str) -> Vec<(i64, u64)> {
    let metrics = message.resource_metrics.iter().flat_map(|it| &it.scope_metrics);
    let mut metrics = metrics.flat_map(|it| &it.metrics);
    let metric = metrics.find(|metric| metric.name == name).unwrap();
    let Some(metric::Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
    let points = sum.data_points.iter().map(|point| match point.value {
        Some(number_data_point::Value::AsInt(value)) => (value, point.start_time_unix_nano),
        _ => panic!("{point:?}"),
    });
    points.collect()
}

/// Returns the first data point of a histogram.
fn histogram(message: &ExportMetricsServiceRequest, name: &str) -> HistogramDataPoint {
    let metrics = message.resource_metrics.iter().flat_map(|it| &it.scope_metrics);
    let mut metrics = metrics.flat_map(|it| &it.metrics);
    let metric = metrics.find(|metric| metric.name == name).unwrap();
    let Some(metric::Data::Histogram(it)) = &metric.data else { panic!("{metric:?}") };
    it.data_points[0].clone()
}

#[test]
fn a_real_collector_forwards_every_value_exactly_once_even_over_a_restart() {
    let registry = Registry::with_prefix("shop").unwrap();
    let log = Arc::new(LogMetrics::default());
    registry.register(log.clone(), &[("db", "größe \"x\"")]).unwrap();
    let write = || {
        log.records_written.add(3);
        log.bytes_written.add(100);
        log.append_errors[IoErrorKind::StorageFull].inc();
        log.open_segments.set(-2);
        log.fill.set(0.1);
        log.append.record_n(Duration::from_nanos(123_456_789), 5);
        log.record.record(4096);
    };
    write();
    let (backend, messages) = start_backend();
    let port = free_port();
    let collector = start_collector("otlp-collector", port, &backend);
    let url = format!("http://127.0.0.1:{port}/v1/metrics");

    // The test sends the encoded message with its own HTTP client. The collector forwards all names, units, attributes,
    // bounds, values, sums and times unchanged.
    let mut otlp = Otlp::new(&registry).with_resource(&[("service.name", "shop")]);
    let sent = otlp.encode();
    let answer = ureq::post(&url).header("content-type", "application/x-protobuf").send(&sent[..]);
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(next(&messages), ExportMetricsServiceRequest::decode(&*sent).unwrap());

    // Then the exporter sends the messages, and the collector is killed and restarted in between.
    let mut otlp = otlp.into_http(&url).unwrap();
    assert_eq!(otlp.export().unwrap(), Progress::Done);
    let first = next(&messages);
    let [(3, start)] = sums(&first, "shop.records_written")[..] else { panic!("{first:?}") };
    drop(collector);
    for _ in 0..2 {
        write();
        assert_eq!(otlp.export().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    let _collector = start_collector("otlp-collector", port, &backend);
    for _ in 0..2 {
        assert_eq!(otlp.export().unwrap(), Progress::Done);
        let message = next(&messages);
        assert_eq!(sums(&message, "shop.records_written"), [(9, start)]);
        assert_eq!(sums(&message, "shop.written"), [(300, start)]);
        let append = histogram(&message, "shop.append");
        assert_eq!((append.count, append.sum), (15, Some(15.0 * 0.123_456_789)));
        assert_eq!(append.start_time_unix_nano, start);
        assert_eq!(append.bucket_counts.iter().filter(|&&count| count == 15).count(), 1);
        assert_eq!(histogram(&message, "shop.record").bucket_counts[3], 3); // up to 4096 bytes
    }
}
