//! Tests OTLP without the SDK: messages that a collector decodes, messages that it refuses, and messages after an
//! outage.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, metric};
use papyra_metrics::{Bucket, Counter, FloatGauge, Gauge, Histogram, Metrics};
use papyra_metrics_export::otlp::{Otlp, OtlpHttp};
use papyra_metrics_export::{Export, Periodic, Progress, Registry};
use papyra_metrics_export_tests::wait_for;
use prost::Message;

use crate::opentelemetry::receiver::{Received, receive};

#[derive(Default, Metrics)]
struct LogMetrics {
    /// Records appended.
    records_written: Counter,
    #[metrics(unit = "bytes")]
    bytes_written: Counter,
    open_segments: Gauge,
    fill: FloatGauge,
    /// How long an append takes.
    append: Histogram,
}

fn open(registry: &Registry, name: &str) -> Arc<LogMetrics> {
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[("backend", name)]).unwrap();
    metrics
}

/// A collector that answers each request with the next of `answers`, or with success if no answer is left.
struct Collector {
    received: Arc<Mutex<Received>>,
    /// The request line and the header fields of each request.
    requests: Receiver<String>,
    answers: Sender<Vec<u8>>,
}

impl Collector {
    fn start(listener: TcpListener) -> Self {
        let received = Arc::new(Mutex::new(Received::default()));
        let (request, requests) = channel();
        let (answers, answer) = channel::<Vec<u8>>();
        let accepted = Arc::clone(&received);
        // The thread runs until the test process ends.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (head, message) = receive(&stream);
                let answer = answer.try_recv().unwrap_or_else(|_| http("200 OK", "", &[]));
                if answer.starts_with(b"HTTP/1.1 200") {
                    accepted.lock().unwrap().take(message);
                }
                request.send(head).unwrap();
                stream.write_all(&answer).unwrap();
            }
        });
        Self { received, requests, answers }
    }

    fn received(&self) -> Received {
        let received = self.received.lock().unwrap().clone();
        assert!(received.faults.is_empty(), "{:?}", received.faults);
        received
    }

    fn total(&self, name: &str) -> Option<i64> {
        self.received().totals.get(name).copied()
    }
}

fn http(status: &str, header: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\n{header}Content-Length: {len}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    (listener, url)
}

/// Returns the metrics of a message, by name.
fn decode(message: &[u8]) -> BTreeMap<String, Metric> {
    let message = ExportMetricsServiceRequest::decode(message).unwrap();
    let metrics = message.resource_metrics.into_iter().flat_map(|it| it.scope_metrics);
    metrics.flat_map(|it| it.metrics).map(|metric| (metric.name.clone(), metric)).collect()
}

/// Returns the start time and the time of each data point of a counter.
fn spans(metric: &Metric) -> Vec<(u64, u64)> {
    let Some(metric::Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
    assert_eq!(sum.aggregation_temporality, AggregationTemporality::Cumulative as i32);
    sum.data_points.iter().map(|it| (it.start_time_unix_nano, it.time_unix_nano)).collect()
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_nanos().try_into().unwrap()
}

#[test]
fn a_collector_decodes_what_was_counted_over_resets_and_reopened_backends() {
    let registry = Registry::with_prefix("papyra.storage").unwrap();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let otlp = Otlp::new(&registry).with_resource(&[("service.name", "shop")]);
    let mut otlp = otlp.into_http(&url).unwrap().with_header("authorization", "Bearer token");
    let append: Histogram = Histogram::new();
    for opened in 0..6 {
        let orders = open(&registry, "orders");
        for millis in 1..=20 {
            orders.records_written.add(2);
            orders.bytes_written.add(millis);
            for metrics in [&orders.append, &append] {
                metrics.record_n(Duration::from_micros(7 * millis * millis), millis);
            }
        }
        orders.open_segments.set(-2);
        orders.fill.set(0.25);
        assert_eq!(otlp.export().unwrap(), Progress::Done);
        orders.reset();
        orders.records_written.inc();
        if opened == 5 {
            otlp.export().unwrap();
        }
    }
    let received = collector.received();
    let at_orders = |name: &str| format!("papyra.storage.{name} backend=orders");
    assert_eq!(received.totals[&at_orders("records_written")], 6 * 41);
    assert_eq!(received.totals[&at_orders("written")], 6 * 210);
    assert_eq!(received.gauges[&at_orders("open_segments")], -2);
    assert_eq!(received.float_gauges.get(&at_orders("fill")), Some(&0.25));
    let (histogram, append) = (&received.histograms[&at_orders("append")], append.total().erase());
    let buckets: Vec<_> = append.buckets().collect();
    assert_eq!(histogram.counts, buckets.iter().map(Bucket::count).collect::<Vec<_>>());
    let bounds: Vec<_> = buckets[..histogram.bounds.len()].iter().map(Bucket::upper).collect();
    assert_eq!(histogram.bounds, bounds);
    assert_eq!(histogram.sum.to_string(), append.sum().to_string());
    let about = |unit: &str, help: &str| (unit.to_owned(), help.to_owned());
    assert_eq!(received.about["papyra.storage.append"], about("s", "How long an append takes."));
    assert_eq!(received.about["papyra.storage.written"], about("By", ""));
    assert_eq!(
        received.about["papyra.storage.records_written"],
        about("{record}", "Records appended.")
    );
    let head = collector.requests.recv().unwrap().to_ascii_lowercase();
    for line in [
        "post /v1/metrics http/1.1\r\n",
        "content-type: application/x-protobuf\r\n",
        "authorization: bearer token\r\n",
    ] {
        assert!(head.contains(line), "{head}");
    }
    assert_eq!(registry.problems(), []);
}

#[test]
fn messages_name_the_resource_and_the_scope() {
    let registry = Registry::new();
    let mut otlp = Otlp::new(&registry).with_resource(&[("service.name", "shop")]);
    assert!(otlp.encode().is_empty());
    let _orders = open(&registry, "orders");
    let message = ExportMetricsServiceRequest::decode(&*otlp.encode()).unwrap();
    let [resource_metrics] = &message.resource_metrics[..] else { panic!("{message:?}") };
    let attributes = &resource_metrics.resource.as_ref().unwrap().attributes;
    assert_eq!(attributes.len(), 1);
    assert_eq!(attributes[0].key, "service.name");
    let scope = resource_metrics.scope_metrics[0].scope.as_ref().unwrap();
    assert_eq!(scope.name, "papyra-metrics");
}

#[test]
fn a_series_starts_at_the_previous_reading_and_restarts_if_its_total_is_forgotten() {
    let registry = Registry::new();
    let before = now();
    let mut otlp = Otlp::new(&registry);
    let created = now();
    let orders = open(&registry, "orders");
    let mut spans_now = || spans(&decode(&otlp.encode())["records_written"]);
    let [(start, first)] = spans_now()[..] else { panic!() };
    assert!((before..=created).contains(&start) && first >= start);
    // The series of a backend that is registered later start at the time of the previous reading.
    let users = open(&registry, "users");
    let spans_of_both = spans_now();
    let [(orders_start, second), (users_start, _)] = spans_of_both[..] else { panic!() };
    assert_eq!((orders_start, users_start), (start, first));
    assert!(second >= first);
    // A reopened backend continues its series, unless the registry has forgotten the series.
    drop(orders);
    let orders = open(&registry, "orders");
    assert!(spans_now().iter().any(|&(it, _)| it == start));
    drop((orders, users));
    spans_now();
    registry.set_closed_retention(Duration::ZERO, 0);
    let _orders = open(&registry, "orders");
    let [(restart, _)] = spans_now()[..] else { panic!() };
    assert!(restart > second);
}

#[test]
fn a_total_beyond_the_integers_of_the_protocol_is_a_float() {
    let registry = Registry::new();
    let orders = open(&registry, "orders");
    orders.records_written.add(u64::MAX);
    let metrics = decode(&Otlp::new(&registry).encode());
    let Some(metric::Data::Sum(sum)) = &metrics["records_written"].data else { panic!() };
    let value = format!("{:?}", sum.data_points[0].value.unwrap());
    assert_eq!(value, "AsDouble(1.8446744073709552e19)");
}

#[test]
fn a_collector_that_was_unavailable_has_everything_after_the_next_request() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    let orders = open(&registry, "orders");
    for _ in 0..3 {
        // This backend is opened and closed in each round. It is closed when the collector becomes available.
        let users = open(&registry, "users");
        users.records_written.add(10);
        orders.records_written.add(1);
        let error = otlp.export().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with(&format!("cannot export to {url}: ")), "{error}");
    }
    let collector = Collector::start(TcpListener::bind(address).unwrap());
    for _ in 0..2 {
        otlp.export().unwrap();
        assert_eq!(collector.total("records_written backend=orders"), Some(3));
        assert_eq!(collector.total("records_written backend=users"), Some(30));
    }
}

#[test]
fn rejected_data_points_are_a_problem_until_the_collector_accepts_all() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let _orders = open(&registry, "orders");
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    let rejected = "rejected 2 data points: too old";
    assert_eq!(problem_of(2, "too old", &collector, &mut otlp, &registry), about(&url, rejected));
    let rejected = "rejected 1 data point and gives no reason";
    assert_eq!(problem_of(1, "", &collector, &mut otlp, &registry), about(&url, rejected));
    otlp.export().unwrap();
    assert_eq!(registry.problems(), []);
}

#[test]
fn a_warning_of_the_collector_is_a_problem_until_the_next_request() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let _orders = open(&registry, "orders");
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    let warning = "warns: deprecated";
    assert_eq!(problem_of(0, "deprecated", &collector, &mut otlp, &registry), about(&url, warning));
    assert_eq!(problem_of(0, "", &collector, &mut otlp, &registry), [""; 0]);
}

fn about(url: &str, what: &str) -> [String; 1] {
    [format!("the collector at {url} {what}")]
}

/// Exports once to a collector, which answers with this partial success. Returns the problems of the registry.
fn problem_of(
    rejected_data_points: i64,
    error_message: &str,
    collector: &Collector,
    otlp: &mut OtlpHttp,
    registry: &Registry,
) -> Vec<String> {
    let error_message = error_message.to_owned();
    let partial_success = Some(ExportMetricsPartialSuccess { rejected_data_points, error_message });
    let answer = ExportMetricsServiceResponse { partial_success }.encode_to_vec();
    collector.answers.send(http("200 OK", "", &answer)).unwrap();
    otlp.export().unwrap();
    registry.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn no_request_is_sent_before_a_requested_pause_is_over() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let orders = open(&registry, "orders");
    orders.records_written.add(7);
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    let busy = |retry_after: &str| http("503 Service Unavailable", retry_after, &[]);
    // If `Retry-After` exceeds four seconds, the export fails. The next export then sends no request, because the pause
    // is not over.
    collector.answers.send(busy("Retry-After: 3600\r\n")).unwrap();
    let error = otlp.export().unwrap_err().to_string();
    assert!(error.ends_with(": 503 Service Unavailable"), "{error}");
    collector.requests.recv().unwrap();
    assert_eq!(otlp.export().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(collector.requests.try_recv().is_err());

    // If `Retry-After` is short, `Periodic` waits and then sends the request again, even in the final export.
    let otlp = Otlp::new(&registry).into_http(&url).unwrap();
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        collector.answers.send(http(status, "Retry-After: 1\r\n", &[])).unwrap();
    }
    let periodic = Periodic::spawn(Duration::from_secs(3600), otlp).unwrap();
    periodic.stop().unwrap();
    assert_eq!(collector.total("records_written backend=orders"), Some(7));
    assert_eq!(collector.requests.try_iter().count(), 3);
}

#[test]
fn a_pause_lasts_at_least_a_second_and_at_most_an_hour() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let _orders = open(&registry, "orders");
    let answered = |headers: &str| {
        collector.answers.send(http("503 Service Unavailable", headers, &[])).unwrap();
        let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
        let first = otlp.export();
        let second = otlp.export();
        assert_eq!(collector.requests.try_iter().count(), 1, "{headers}");
        (first.ok(), second.map_err(|error| error.to_string()))
    };
    for no_pause in ["0", "Wed, 21 Oct 2015 07:28:00 GMT"] {
        let (first, second) = answered(&format!("Retry-After: {no_pause}\r\n"));
        assert_eq!((first, second), (Some(Progress::More), Ok(Progress::More)), "{no_pause}");
    }
    for long in ["18446744073709551615", "Sat, 21 Oct 2090 07:28:00 GMT"] {
        let (first, second) = answered(&format!("Retry-After: {long}\r\n"));
        assert_eq!(first, None, "{long}");
        let reason = second.unwrap_err();
        assert!(reason.ends_with(": the collector accepts requests again in 3600s"), "{reason}");
    }
    // The date is two seconds after the collector's time, whatever the time of this machine is.
    let date =
        "Date: Sat, 21 Oct 2090 07:27:58 GMT\r\nRetry-After: Sat, 21 Oct 2090 07:28:00 GMT\r\n";
    assert_eq!(answered(date).0, Some(Progress::More));
}

#[test]
fn a_collector_that_requests_a_pause_each_time_is_an_error() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let orders = open(&registry, "orders");
    orders.records_written.add(7);
    for _ in 0..6 {
        let busy = http("503 Service Unavailable", "Retry-After: 1\r\n", &[]);
        collector.answers.send(busy).unwrap();
    }
    let otlp = Otlp::new(&registry).into_http(&url).unwrap();
    let periodic = Periodic::spawn(Duration::from_millis(1), otlp).unwrap();
    let error = wait_for("the export to fail", || periodic.last_error());
    assert_eq!(error, format!("cannot export to {url}: 503 Service Unavailable"));
    periodic.stop().unwrap();
    assert_eq!(collector.total("records_written backend=orders"), Some(7));
}

#[test]
fn a_collector_that_resets_a_connection_after_its_response_receives_the_next_request() {
    let (listener, url) = listen();
    // The thread ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            receive(&stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            // If another request arrives here, dropping the stream with unread data resets the connection.
            thread::spawn(move || stream.peek(&mut [0]));
        }
    });
    let registry = Registry::new();
    let _orders = open(&registry, "orders");
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    for _ in 0..3 {
        assert_eq!(otlp.export().unwrap(), Progress::Done);
    }
}

#[test]
fn a_redirected_request_is_an_error_that_names_the_new_url() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let _orders = open(&registry, "orders");
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    let moved = format!("{url}/moved");
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"]
    {
        let location = format!("Location: {moved}\r\n");
        collector.answers.send(http(status, &location, &[])).unwrap();
        let error = otlp.export().unwrap_err().to_string();
        let reason = format!("{status}; use the URL to which it redirects, `{moved}`");
        assert_eq!(error, format!("cannot export to {url}: {reason}"));
        // No request was sent to the new URL.
        assert_eq!(collector.requests.try_iter().count(), 1);
    }
}

#[test]
fn a_response_that_is_lost_or_not_part_of_the_protocol_is_a_problem() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let _orders = open(&registry, "orders");
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    let page = http("200 OK", "Content-Type: text/html\r\n", b"<!doctype html><title>Shop</title>");
    let truncated = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\x0a".to_vec();
    for (answer, problem) in [
        (
            page,
            "answers with something other than an OTLP message; check whether the URL is that of a",
        ),
        (truncated, "has accepted a request, but its response is lost: "),
    ] {
        collector.answers.send(answer).unwrap();
        assert_eq!(otlp.export().unwrap(), Progress::Done);
        let [reported] = &registry.problems()[..] else { panic!("{:?}", registry.problems()) };
        let expected = format!("the collector at {url} {problem}");
        assert!(reported.to_string().starts_with(&expected), "{reported}");
    }
    otlp.export().unwrap();
    assert_eq!(registry.problems(), []);
}

#[test]
fn a_refused_request_is_an_error_with_the_reason_and_the_next_one_has_everything() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let orders = open(&registry, "orders");
    orders.records_written.add(7);
    let mut otlp = Otlp::new(&registry).into_http(&url).unwrap();
    // An encoded `google.rpc.Status` with code 3 and a message.
    let status = [&[8, 3, 18, 9][..], b"no tenant"].concat();
    collector.answers.send(http("400 Bad Request", "", &status)).unwrap();
    let error = otlp.export().unwrap_err().to_string();
    assert_eq!(error, format!("cannot export to {url}: 400 Bad Request no tenant"));
    orders.records_written.add(1);
    otlp.export().unwrap();
    assert_eq!(collector.total("records_written backend=orders"), Some(8));
}

#[test]
fn the_password_in_a_url_is_sent_and_never_shown() {
    let registry = Registry::new();
    let (listener, url) = listen();
    let collector = Collector::start(listener);
    let _orders = open(&registry, "orders");
    let with_password = url.replace("http://", "http://shop:secret@");
    let mut otlp = Otlp::new(&registry).into_http(&with_password).unwrap();
    collector.answers.send(http("400 Bad Request", "", &[])).unwrap();
    let error = otlp.export().unwrap_err().to_string();
    assert_eq!(error, format!("cannot export to {url}: 400 Bad Request"));
    let head = collector.requests.recv().unwrap().to_ascii_lowercase();
    // `shop:secret` in Base64.
    assert!(head.contains("\r\nauthorization: basic c2hvcdpzzwnyzxq=\r\n"), "{head}");
    collector.answers.send(http("200 OK", "", b"no message")).unwrap();
    otlp.export().unwrap();
    let shown = format!("{:?} {otlp:?}", registry.problems());
    assert!(shown.contains(&url) && !shown.contains("secret"), "{shown}");
    let error = Otlp::new(&registry).into_http("ftp://shop:secret@host/").unwrap_err().to_string();
    assert_eq!(error, "`ftp://host/` is not the URL of a collector; use `http` or `https`");
}

#[test]
fn the_password_in_a_url_with_a_mistake_is_never_shown() {
    for url in [
        "shop:secret@host:4318/v1/metrics",
        "shop:secret@host",
        "http:/shop:secret@host/",
        "http//shop:secret@host/",
        "//shop:secret@host/",
        // The characters `/`, `?` and `#` of a password are not encoded.
        "http://shop:a/secret@host/",
        "http://shop:1/secret@host/",
        "http://shop:a?secret@host/",
        "http://shop:a#secret@host/",
        "http://shop:a@secret/b@host/",
    ] {
        let shown = match Otlp::new(&Registry::new()).into_http(url) {
            Ok(otlp) => format!("{otlp:?}"),
            Err(error) => error.to_string(),
        };
        assert!(shown.contains("host") && !shown.contains("secret"), "{url}: {shown}");
    }
}

#[test]
fn an_invalid_url_is_refused_with_an_example() {
    for url in ["", "127.0.0.1:4318", "/v1/metrics", "http://"] {
        let error = Otlp::new(&Registry::new()).into_http(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{url}");
        assert!(error.to_string().starts_with(&format!("`{url}` is not the URL of a collector; ")));
    }
}
