//! Scrapes, OTLP messages, readings and registrations allocate no more than documented.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use papyra_metrics::persistence::PersistenceMetrics;
use papyra_metrics::{Counter, Metrics};
use papyra_metrics_export::otlp::Otlp;
use papyra_metrics_export::prometheus::{Format, Prometheus};
use papyra_metrics_export::{Registry, RegistryReader};
use prost::Message;

/// Returns the number of allocations that `work` makes in this thread.
fn allocations<T>(work: impl FnOnce() -> T) -> u64 {
    let mut result = None; // dropped after the measurement
    allocation_counter::measure(|| result = Some(work())).count_total
}

fn registry(backends: usize) -> (Registry, Vec<Arc<PersistenceMetrics>>) {
    let registry = Registry::with_prefix("papyra").unwrap();
    let metrics: Vec<_> = (0..backends).map(|_| Arc::new(PersistenceMetrics::default())).collect();
    for (i, metrics) in metrics.iter().enumerate() {
        let name = if i % 2 == 0 { format!("{i}") } else { format!("ü{i}") };
        registry.register(metrics.clone(), &[("backend", &name)]).unwrap();
    }
    (registry, metrics)
}

#[test]
fn a_scrape_into_a_warm_buffer_allocates_nothing() {
    let (registry, backends) = registry(100);
    let prometheus = Prometheus::new(&registry);
    let mut text = String::new();
    for format in [Format::Text, Format::OpenMetrics] {
        prometheus.encode(format, &mut text);
    }
    for format in [Format::Text, Format::OpenMetrics, Format::Text] {
        text.clear();
        text.reserve(1 << 22);
        backends[7].records_written.add(1_000_000);
        let allocated = allocations(|| prometheus.encode(format, &mut text));
        assert_eq!(allocated, 0, "{format:?}");
    }
    assert!(text.contains("{backend=\"ü7\"} 3000000\n"));
}

#[test]
fn numbers_that_grow_to_their_full_length_allocate_nothing() {
    // If the exporter kept a buffer between scrapes, the buffer could be large enough for one number of backends by
    // chance. So the test tries several numbers of backends.
    for backends in 1..20 {
        let (registry, backends) = registry(backends);
        let prometheus = Prometheus::new(&registry);
        let mut text = String::with_capacity(1 << 20);
        prometheus.encode(Format::Text, &mut text);
        for bit in 0..64 {
            text.clear();
            for metrics in &backends {
                metrics.records_written.add(1 << bit);
                metrics.records_read.add(1 << bit);
                metrics.bytes_written.add(1 << bit);
                metrics.scan_runs.add(1 << bit);
                metrics.write_errors.add(1 << bit);
            }
            let allocated = allocations(|| prometheus.encode(Format::Text, &mut text));
            assert_eq!(allocated, 0, "{text}");
        }
        assert!(text.contains("{backend=\"0\"} 18446744073709551615\n"));
    }
}

#[test]
fn a_scrape_into_a_new_body_allocates_once() {
    let (registry, _backends) = registry(100);
    let prometheus = Prometheus::new(&registry);
    prometheus.scrape(None);
    assert_eq!(allocations(|| prometheus.scrape(None)), 1);
}

#[test]
fn an_otlp_message_of_the_same_series_allocates_only_its_bytes() {
    let (registry, backends) = registry(100);
    let mut otlp = Otlp::new(&registry).with_resource(&[("service.name", "orders")]);
    otlp.encode();
    for total in 1..4 {
        backends[7].records_written.inc();
        backends[7].write.record(Duration::from_micros(3));
        let mut message = Vec::new();
        assert_eq!(allocations(|| message = otlp.encode()), 1);
        let message = ExportMetricsServiceRequest::decode(&*message).unwrap();
        let metrics = &message.resource_metrics[0].scope_metrics[0].metrics;
        let written = metrics.iter().find(|it| it.name == "papyra.records_written").unwrap();
        let Some(metric::Data::Sum(sum)) = &written.data else { panic!("{written:?}") };
        let value = sum.data_points[7].value;
        assert_eq!(value, Some(number_data_point::Value::AsInt(total)));
        let write = metrics.iter().find(|it| it.name == "papyra.write").unwrap();
        let Some(metric::Data::Histogram(write)) = &write.data else { panic!("{write:?}") };
        let point = &write.data_points[7];
        assert_eq!(i64::try_from(point.count), Ok(total));
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    }
}

#[test]
fn a_warm_reader_allocates_nothing() {
    let registry = Registry::new();
    let backends: Vec<_> = (0..100).map(|_| Arc::new(Ten::default())).collect();
    for (i, backend) in backends.iter().enumerate() {
        registry.register(backend.clone(), &[("backend", &i.to_string())]).unwrap();
    }
    let mut reader = RegistryReader::new(&registry);
    assert_eq!(reader.read().count(), 1000);
    assert_eq!(allocations(|| reader.read().count()), 0);
}

#[derive(Default, Metrics)]
struct Ten {
    a: Counter,
    b: Counter,
    c: Counter,
    d: Counter,
    e: Counter,
    f: Counter,
    g: Counter,
    h: Counter,
    i: Counter,
    j: Counter,
}

#[test]
fn registering_ten_counters_takes_at_most_twenty_allocations_at_first_and_ten_later() {
    let ten = || Arc::new(Ten::default());
    let (first, second) = (ten(), ten());
    let registry = Registry::new();
    let allocated = allocations(|| registry.register(first.clone(), &[]).unwrap());
    assert!(allocated <= 20, "{allocated}");
    let labels = [("backend", "second")];
    let allocated = allocations(|| registry.register(second.clone(), &labels).unwrap());
    assert!(allocated <= 10, "{allocated}");
}

#[test]
fn backends_whose_filters_accept_the_same_metrics_share_their_names() {
    let registry = Registry::new();
    let held = |registry: &Registry, name: &str| {
        let ten = Arc::new(Ten::default());
        let labels = [("backend", name)];
        let register = || registry.register(ten.clone(), &labels).unwrap();
        (allocation_counter::measure(register).bytes_current, ten)
    };
    let filtered = || registry.with_filter(|metric| metric.name() < "f");
    let (first, _first) = held(&filtered(), "first");
    let (second, _second) = held(&filtered(), "second");
    // The second backend needs only the memory of its series. A list of all series may grow for it.
    assert!(3 * second < 2 * first, "{first} and {second} bytes");
    let (all, _all) = held(&registry, "all");
    let (all_again, _all_again) = held(&registry, "all_again");
    assert!(3 * all_again < 2 * all, "{all} and {all_again} bytes");
}

#[test]
fn label_sets_that_come_and_go_do_not_increase_memory() {
    let registry = Registry::new();
    registry.set_closed_retention(Duration::from_secs(3600), 100);
    let open: Vec<_> = (0..5)
        .map(|i| {
            let ten = Arc::new(Ten::default());
            registry.register(ten.clone(), &[("backend", &*i.to_string())]).unwrap();
            ten
        })
        .collect();
    let mut reader = RegistryReader::new(&registry);
    let mut total = 0;
    let mut open_and_close = |numbers: std::ops::Range<u32>| {
        let work = || {
            for number in numbers {
                let ten = Arc::new(Ten::default());
                registry.register(ten.clone(), &[("request", &*format!("{number:08}"))]).unwrap();
                ten.a.inc();
                drop(ten);
                if number % 100 == 0 {
                    total += reader.read().map(|it| it.value().as_u64().unwrap()).sum::<u64>();
                    assert_eq!(reader.read().count(), 10 * open.len());
                }
            }
        };
        allocation_counter::measure(work).bytes_current
    };
    // After these label sets, the maps of the registry have their final capacity.
    open_and_close(0..5000);
    let kept = open_and_close(5000..12_001);
    assert!(kept < 10_000, "{kept} more bytes are held");
    assert_eq!(total, 12_001);
}
