//! Creates the counters of each contestant, so that their memory can be measured, and lists the sizes of our instruments.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use opentelemetry::KeyValue;
use papyra_metrics::{CachePadded, Counter, Family, Histogram, ShardedCounter, ShardedHistogram};
use papyra_metrics_export::Registry;

use crate::families;
use crate::ours::{Exported, Ten, Thousand};
use crate::peers::{
    Fastmetrics, HELP, MetricsExporter, OpenTelemetry, Prometheus, PrometheusClient, Vise, ViseTen,
    names,
};
use crate::subjects::US;

/// Creates a value in a box, so that its size is part of the memory on the heap.
pub type Make = Box<dyn FnOnce() -> Box<dyn Any>>;

/// The number of backends in a registry.
pub const BACKENDS: usize = 1_000;

/// The counters of one contestant, for three measurements. A field is `None` if the contestant does not support the
/// measurement.
pub struct Registered {
    pub contestant: &'static str,
    pub ten: Option<Make>,
    pub thousand: Option<Make>,
    /// [`BACKENDS`] backends in one registry. Each backend has ten counters, and its own value of a label.
    pub backends: Option<Make>,
}

/// Returns functions that create the counters of each contestant. The counters are not read, because most contestants allocate
/// more memory when they are read.
pub fn registered() -> Vec<Registered> {
    fn make<T: 'static>(new: impl FnOnce() -> T + 'static) -> Option<Make> {
        Some(Box::new(|| Box::new(new())))
    }
    let counters = |len: usize| (0..len).map(|_| AtomicU64::new(0)).collect::<Box<[_]>>();
    vec![
        Registered {
            contestant: "a boxed slice of `AtomicU64`",
            ten: make(move || counters(10)),
            thousand: make(move || counters(1_000)),
            backends: make(move || each_backend(|_| counters(10))),
        },
        Registered {
            contestant: US,
            ten: make(Ten::default),
            thousand: make(Thousand::default),
            backends: make(|| each_backend(|_| Box::new(Ten::default()))),
        },
        Registered {
            contestant: "papyra-metrics, in a registry",
            ten: make(Exported::<Ten>::new),
            thousand: make(Exported::<Thousand>::new),
            backends: make(our_backends),
        },
        Registered {
            contestant: "fastmetrics",
            ten: make(|| Fastmetrics::new(10)),
            thousand: make(|| Fastmetrics::new(1_000)),
            backends: make(fastmetrics_backends),
        },
        Registered {
            contestant: "metrics (metrics-exporter-prometheus)",
            ten: make(|| MetricsExporter::new(10)),
            thousand: make(|| MetricsExporter::new(1_000)),
            backends: make(metrics_backends),
        },
        Registered {
            contestant: "opentelemetry_sdk",
            ten: make(|| OpenTelemetry::new(10)),
            thousand: make(|| OpenTelemetry::new(1_000)),
            backends: make(opentelemetry_backends),
        },
        Registered {
            contestant: "prometheus",
            ten: make(|| Prometheus::new(10)),
            thousand: make(|| Prometheus::new(1_000)),
            backends: make(prometheus_backends),
        },
        Registered {
            contestant: "prometheus-client",
            ten: make(|| PrometheusClient::new(10)),
            thousand: make(|| PrometheusClient::new(1_000)),
            backends: make(prometheus_client_backends),
        },
        // vise names metrics after the fields of a struct, and registers each group only once.
        Registered {
            contestant: "vise",
            ten: make(Vise::new),
            thousand: None,
            backends: make(vise_backends),
        },
    ]
}

fn each_backend<T>(new: impl FnMut(String) -> T) -> Vec<T> {
    (0..BACKENDS).map(|backend| backend.to_string()).map(new).collect()
}

fn our_backends() -> impl Any {
    let registry = Registry::new();
    let backends = each_backend(|backend| {
        let metrics = Arc::new(Ten::default());
        registry.register(Arc::clone(&metrics), &[("backend", &backend)]).unwrap();
        metrics
    });
    (registry, backends)
}

fn fastmetrics_backends() -> impl Any {
    let mut registry = fastmetrics::registry::Registry::default();
    let backends = each_backend(|backend| {
        // A subsystem is looked up by its name, which is a prefix of its metrics' names.
        let part = registry.subsystem_builder(format!("b{backend}"));
        let part = part.with_const_labels([("backend", backend)]).build().unwrap();
        let counters = names(10).map(|name| {
            let counter = fastmetrics::metrics::counter::Counter::<u64>::default();
            part.register(name, HELP, counter.clone()).unwrap();
            counter
        });
        counters.collect::<Vec<_>>()
    });
    (registry, backends)
}

fn metrics_backends() -> impl Any {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let backends = metrics::with_local_recorder(&recorder, || {
        names(10).for_each(|name| metrics::describe_counter!(name, HELP));
        each_backend(|backend| {
            let counters = names(10).map(|name| {
                let counter = metrics::counter!(name, "backend" => backend.clone());
                counter.increment(0);
                counter
            });
            counters.collect::<Vec<_>>()
        })
    });
    (recorder, backends)
}

fn opentelemetry_backends() -> impl Any {
    let sdk = OpenTelemetry::new(10);
    let backends = each_backend(|backend| {
        let attributes = [KeyValue::new("backend", backend)];
        sdk.counters.iter().for_each(|counter| counter.add(1, &attributes));
        attributes
    });
    (sdk, backends)
}

fn prometheus_backends() -> impl Any {
    let registry = prometheus::Registry::new();
    let backends = each_backend(|backend| {
        let counters = names(10).map(|name| {
            let options = prometheus::Opts::new(name, HELP).const_label("backend", &backend);
            let counter = prometheus::IntCounter::with_opts(options).unwrap();
            registry.register(Box::new(counter.clone())).unwrap();
            counter
        });
        counters.collect::<Vec<_>>()
    });
    (registry, backends)
}

fn prometheus_client_backends() -> impl Any {
    let mut registry = prometheus_client::registry::Registry::default();
    let backends = each_backend(|backend| {
        let part = registry.sub_registry_with_label(("backend".into(), backend.into()));
        let counters = names(10).map(|name| {
            let counter = prometheus_client::metrics::counter::Counter::<u64>::default();
            part.register(name, HELP, counter.clone());
            counter
        });
        counters.collect::<Vec<_>>()
    });
    (registry, backends)
}

/// The label of the backends of vise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, vise::EncodeLabelValue, vise::EncodeLabelSet)]
#[metrics(label = "backend")]
struct ViseBackend(usize);

impl fmt::Display for ViseBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn vise_backends() -> impl Any {
    let metrics = vise::MetricsFamily::<ViseBackend, ViseTen>::default();
    let mut registry = vise::Registry::empty();
    registry.register_metrics(&metrics);
    for backend in 0..BACKENDS {
        metrics[&ViseBackend(backend)].a.inc_by(0);
    }
    (registry, metrics)
}

/// Returns the size of each instrument on this machine.
pub fn sizes() -> Vec<(&'static str, usize)> {
    vec![
        ("`AtomicU64`", size_of::<AtomicU64>()),
        ("`Counter`", size_of::<Counter>()),
        ("`CachePadded<Counter>`", size_of::<CachePadded<Counter>>()),
        ("`ShardedCounter`", size_of::<ShardedCounter>()),
        (
            "`Family<_, ShardedCounter>` of 100 members, per member",
            size_of::<Family<families::TwoDigits, ShardedCounter>>() / families::MEMBERS,
        ),
        ("`Histogram`", size_of::<Histogram>()),
        ("`ShardedHistogram`", size_of::<ShardedHistogram>()),
    ]
}
