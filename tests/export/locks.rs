//! The registry holds no lock while it runs the code of a backend. So a backend may use the registry, wait for other
//! threads, and panic.

use std::panic;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use opentelemetry::metrics::MeterProvider as _;
use papyra_metrics::{Counter, Descriptor, Gauge, Metrics, Value, Walker};
use papyra_metrics_export::opentelemetry::OpenTelemetry;
use papyra_metrics_export::prometheus::Prometheus;
use papyra_metrics_export::{Registry, RegistryReader};

#[derive(Default, Metrics)]
struct LogMetrics {
    records_written: Counter,
}

#[derive(Default, Metrics)]
struct CacheMetrics {
    hits: Counter,
}

/// Metrics that run one function whenever they are read, and another function when they are dropped.
struct Active<R: Fn(), D: Fn()> {
    descriptors: &'static [Descriptor],
    on_read: R,
    on_drop: D,
}

impl<R: Fn(), D: Fn()> Metrics for Active<R, D> {
    fn descriptors(&self) -> &[Descriptor] {
        self.descriptors
    }

    fn walk(&self, walker: &mut dyn Walker) {
        (self.on_read)();
        walker.instrument(&Value::Counter(7));
    }
}

impl<R: Fn(), D: Fn()> Drop for Active<R, D> {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

const ACTIVE: &[Descriptor] = &[Descriptor::counter("active")];

/// Uses a registry as an application does: registers and unregisters metrics, reads the problems, and prints the registry.
fn use_registry(registry: &Registry) {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, Relaxed).to_string();
    let metrics = Arc::new(LogMetrics::default());
    registry.register(metrics.clone(), &[("call", &call)]).unwrap();
    registry.problems();
    let _ = format!("{registry:?}");
    assert!(registry.unregister(&metrics));
}

#[test]
fn a_backend_uses_the_registry_while_it_is_read_and_when_it_is_dropped() {
    let registry = Registry::new();
    let is_scraping = AtomicBool::new(false);
    let active = {
        let (reading, dropping) = (registry.clone(), registry.clone());
        Active {
            descriptors: ACTIVE,
            on_read: move || {
                use_registry(&reading);
                // The scrape reads this backend again. That second reading must not start another scrape.
                if !is_scraping.swap(true, Relaxed) {
                    assert!(
                        Prometheus::new(&reading).scrape(None).body.contains("active_total 7\n")
                    );
                    is_scraping.store(false, Relaxed);
                }
            },
            on_drop: move || {
                use_registry(&dropping);
                Prometheus::new(&dropping).scrape(None);
            },
        }
    };
    let active = Arc::new(active);
    registry.register(active.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    assert!(reader.read().any(|sample| sample.name() == "active" && *sample.value() == 7));
    // Now the registry holds the last `Arc`, and the next reading drops it.
    drop(active);
    assert!(reader.read().any(|sample| sample.name() == "active" && *sample.value() == 7));
    assert!(reader.read().all(|sample| sample.name() != "active"));
    assert!(registry.problems().is_empty());
}

#[test]
fn a_backend_may_scrape_the_exporter_that_reads_it() {
    let registry = Registry::new();
    let prometheus = Arc::new(Prometheus::new(&registry));
    let first = AtomicBool::new(true);
    let scraping = Arc::clone(&prometheus);
    let active = Active {
        descriptors: ACTIVE,
        on_read: move || {
            if first.swap(false, Relaxed) {
                assert!(scraping.scrape(None).body.contains("active_total 7\n"));
            }
        },
        on_drop: || (),
    };
    let active = Arc::new(active);
    let log = Arc::new(LogMetrics::default());
    registry.register(active.clone(), &[]).unwrap();
    registry.register(log.clone(), &[]).unwrap();
    assert!(prometheus.scrape(None).body.contains("active_total 7\n"));
    log.records_written.inc();
    drop(log);
    // Even after a nested scrape, exactly one scrape contains the last values of a closed backend.
    assert!(prometheus.scrape(None).body.contains("records_written_total 1\n"));
    for _ in 0..3 {
        assert!(!prometheus.scrape(None).body.contains("records_written"));
    }
    assert!(registry.problems().is_empty());
}

#[test]
fn a_backend_may_use_the_exporter_that_drops_it() {
    let registry = Registry::new();
    let prometheus = Arc::new(Prometheus::new(&registry));
    let (dropped, drops) = mpsc::channel();
    let active = {
        let (scraping, registry) = (Arc::clone(&prometheus), registry.clone());
        let on_drop = move || {
            use_registry(&registry);
            dropped.send(scraping.scrape(None).body).unwrap();
        };
        Arc::new(Active { descriptors: ACTIVE, on_read: || (), on_drop })
    };
    registry.register(active.clone(), &[]).unwrap();
    let log = Arc::new(LogMetrics::default());
    registry.register(log.clone(), &[("backend", "log")]).unwrap();
    log.records_written.add(3);
    // Now the registry holds the last `Arc`, and the next scrape drops it.
    drop(active);
    let outer = prometheus.scrape(None).body;
    let inner = drops.try_recv().unwrap();
    for body in [&outer, &inner] {
        assert!(body.contains("records_written_total{backend=\"log\"} 3\n"), "{body}");
    }
    assert!(outer.contains("active_total 7\n"), "{outer}");
    assert!(!prometheus.scrape(None).body.contains("active"));
}

#[test]
fn a_filter_and_a_list_of_metrics_may_use_the_registry() {
    let registry = Registry::new();
    let inner = registry.clone();
    let handle = registry.with_filter(move |_| {
        use_registry(&inner);
        true
    });
    let metrics = Arc::new(CacheMetrics::default());
    handle.register(metrics.clone(), &[]).unwrap();
    assert!(RegistryReader::new(&registry).read().any(|sample| sample.name() == "hits"));
}

#[test]
fn registering_under_a_lock_that_a_collection_needs_does_not_deadlock() {
    let registry = Registry::new();
    let (provider, reader) = crate::sdk::provider();
    let _exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
    let application = Arc::new(Mutex::new(()));
    let (arrived, arrival) = mpsc::channel();
    let active = {
        let (application, first) = (Arc::clone(&application), AtomicBool::new(true));
        Active {
            descriptors: ACTIVE,
            on_read: move || {
                if first.swap(false, Relaxed) {
                    arrived.send(()).unwrap();
                }
                drop(application.lock().unwrap());
            },
            on_drop: || (),
        }
    };
    let active = Arc::new(active);
    registry.register(active.clone(), &[]).unwrap();

    let metrics = Arc::new(CacheMetrics::default());
    metrics.hits.add(5);
    let guard = application.lock().unwrap();
    let collection = thread::spawn({
        let reader = reader.clone();
        move || crate::sdk::collect(&reader)
    });
    arrival.recv().unwrap();
    // The collection holds the SDK's lock, and waits for the lock that this thread holds.
    registry.register(metrics.clone(), &[]).unwrap();
    drop(guard);
    assert_eq!(collection.join().unwrap()["active"], 7);
    papyra_metrics_export_tests::wait_for("the new instrument", || {
        (crate::sdk::collect(&reader).get("hits") == Some(&5)).then_some(())
    });
}

#[test]
fn a_backend_may_register_and_drop_metrics_during_a_collection() {
    let registry = Registry::new();
    let (provider, reader) = crate::sdk::provider();
    let _exported = OpenTelemetry::new(&registry, &provider.meter("papyra"));
    let later: Arc<CacheMetrics> = Arc::default();
    let active = {
        let (registry, later) = (registry.clone(), later.clone());
        let dropping = registry.clone();
        let first = AtomicBool::new(true);
        Active {
            descriptors: ACTIVE,
            on_read: move || {
                if first.swap(false, Relaxed) {
                    registry.register(later.clone(), &[]).unwrap();
                }
            },
            on_drop: move || use_registry(&dropping),
        }
    };
    let active = Arc::new(active);
    registry.register(active.clone(), &[]).unwrap();
    assert_eq!(crate::sdk::collect(&reader)["active"], 7);
    drop(active);
    papyra_metrics_export_tests::wait_for("the new instrument", || {
        (crate::sdk::collect(&reader).get("hits") == Some(&0)).then_some(())
    });
}

#[test]
fn readers_do_not_wait_for_a_reader_that_a_backend_blocks() {
    let registry = Registry::new();
    let barrier = Arc::new(Barrier::new(2));
    let active = {
        let (barrier, first) = (Arc::clone(&barrier), AtomicBool::new(true));
        Active {
            descriptors: ACTIVE,
            on_read: move || {
                if first.swap(false, Relaxed) {
                    barrier.wait();
                    barrier.wait();
                }
            },
            on_drop: || (),
        }
    };
    let (active, log) = (Arc::new(active), Arc::new(LogMetrics::default()));
    registry.register(log.clone(), &[]).unwrap();
    registry.register(active.clone(), &[]).unwrap();
    let blocked = thread::spawn({
        let registry = registry.clone();
        move || {
            let mut reader = RegistryReader::new(&registry);
            let samples: Vec<_> =
                reader.read().map(|sample| sample.value().as_u64().unwrap()).collect();
            samples
        }
    });
    barrier.wait();
    // The blocked reading has read zero from `log`. The next reading begins later, reads 3, and ends first.
    log.records_written.add(3);
    let mut reader = RegistryReader::new(&registry);
    let read = |reader: &mut RegistryReader| {
        reader.read().map(|sample| sample.value().as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(read(&mut reader), [3, 7]);
    assert!(registry.unregister(&active));
    barrier.wait();
    // The registry discards the zero of the blocked reading, because it is older than the 3. Otherwise, the zero would
    // be mistaken for a reset.
    assert_eq!(blocked.join().unwrap(), [3, 7]);
    log.records_written.add(1);
    assert_eq!(read(&mut reader), [4, 7]);
    assert_eq!(read(&mut reader), [4]);
}

#[test]
fn a_thread_reads_what_it_has_set_while_another_thread_reads() {
    #[derive(Default, Metrics)]
    struct QueueMetrics {
        waiting: Gauge,
    }

    // A processor may delay a write for some hundred nanoseconds, and execute later loads in the meantime. Without
    // optimizations, a reading takes longer than this delay. So this test can fail only in optimized builds.
    const ROUNDS: u64 = if cfg!(debug_assertions) { 10_000 } else { 20_000_000 };

    let registry = Registry::new();
    let metrics = Arc::new(QueueMetrics::default());
    registry.register(metrics.clone(), &[]).unwrap();
    let is_over = AtomicBool::new(false);
    let stale = thread::scope(|scope| {
        scope.spawn(|| {
            let mut reader = RegistryReader::new(&registry);
            while !is_over.load(Relaxed) {
                reader.read().count();
            }
        });
        let mut reader = RegistryReader::new(&registry);
        let stale = (0..ROUNDS).find(|&round| {
            metrics.waiting.set(round);
            *reader.read().next().unwrap().value() != round
        });
        is_over.store(true, Relaxed);
        stale
    });
    assert_eq!(stale, None);
}

#[test]
fn labels_are_free_again_when_metrics_that_were_registered_twice_are_dropped_during_a_reading() {
    let registry = Registry::new();
    let barrier = Arc::new(Barrier::new(2));
    let active = {
        let barrier = Arc::clone(&barrier);
        let on_read = move || {
            barrier.wait();
            barrier.wait();
        };
        Arc::new(Active { descriptors: ACTIVE, on_read, on_drop: || () })
    };
    registry.register(active.clone(), &[]).unwrap();
    let log = Arc::new(LogMetrics::default());
    registry.register(log.clone(), &[]).unwrap();
    let reading = thread::spawn({
        let registry = registry.clone();
        move || RegistryReader::new(&registry).read().count()
    });
    barrier.wait();
    // The reading still holds the metrics of the first registration.
    assert!(registry.unregister(&log));
    registry.register(log.clone(), &[]).unwrap();
    drop(log);
    let reopened = Arc::new(LogMetrics::default());
    let registered = registry.register(reopened.clone(), &[]);
    barrier.wait();
    drop(active);
    reading.join().unwrap();
    registered.unwrap();
}

/// A panic payload whose `Drop` panics.
struct PanickingPayload(&'static str);

impl Drop for PanickingPayload {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

#[test]
fn a_reading_survives_panics_of_a_backend_its_payload_and_its_drop() {
    let registry = Registry::new();
    let active = Active {
        descriptors: ACTIVE,
        on_read: || panic::panic_any(PanickingPayload("the payload")),
        on_drop: || panic!("the drop"),
    };
    let (active, log) = (Arc::new(active), Arc::new(LogMetrics::default()));
    registry.register(log.clone(), &[]).unwrap();
    registry.register(active.clone(), &[]).unwrap();
    log.records_written.add(2);
    let mut reader = RegistryReader::new(&registry);
    let mut read =
        || reader.read().map(|sample| sample.value().as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(read(), [2]);
    let problems = || registry.problems().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(problems(), ["backend {}: reading its metrics panicked: no message"]);
    // Now the registry holds the last `Arc`, and the next reading drops it.
    drop(active);
    assert_eq!(read(), [2]);
    assert_eq!(read(), [2]);
    assert_eq!(problems(), ["backend {}: reading its metrics panicked: no message"]);
}

#[test]
fn a_refused_registration_claims_no_name_and_no_labels() {
    #[derive(Default, Metrics)]
    struct Mixed {
        fresh: Counter,
        records_written: papyra_metrics::Gauge,
    }
    #[derive(Default, Metrics)]
    struct Fresh {
        fresh: papyra_metrics::Gauge,
    }
    let registry = Registry::new();
    let log = Arc::new(LogMetrics::default());
    registry.register(log.clone(), &[]).unwrap();
    let mixed = Arc::new(Mixed::default());
    registry.register(mixed.clone(), &[("backend", "mixed")]).unwrap_err();
    let fresh = Arc::new(Fresh::default());
    registry.register(fresh.clone(), &[("backend", "mixed")]).unwrap();
    // The registry neither holds the refused backend nor considers it registered.
    assert_eq!(Arc::strong_count(&mixed), 1);
    assert!(!registry.unregister(&mixed));
    let names: Vec<_> =
        RegistryReader::new(&registry).read().map(|sample| sample.name().to_owned()).collect();
    assert_eq!(names, ["records_written", "fresh"]);
}
