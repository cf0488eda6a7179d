//! Runs random sequences of operations, as an application could perform them. The values that each kind of reader
//! returns must equal the values of a naive model.
//!
//! The model uses only sums, maps and lists, and shares no code with the crates that are tested. A failing sequence is
//! shrunk, and printed with its seed. This command runs more sequences than the default:
//! `PAPYRA_MODEL_CASES=100000 cargo test -p papyra-metrics-export-tests --test model`

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::net::UdpSocket;
use std::panic;

use metrics_util::debugging::DebuggingRecorder;
use papyra_metrics::Metrics;
use papyra_metrics_export::metrics::Facade;
use papyra_metrics_export::otlp::Otlp;
use papyra_metrics_export::prometheus::{Format, Prometheus};
use papyra_metrics_export::statsd::StatsD;
use papyra_metrics_export::{Registry, RegistryReader};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use backends::{Backend, with_metrics};
use messages::Messages;
use model::{Model, Received};
use readers::{Datagrams, Reader, Recorded, RegistryValues, Scrape};
use telemetry::Telemetry;

mod backends;
mod messages;
mod model;
mod readers;
#[path = "../sdk/mod.rs"]
mod sdk;
mod telemetry;

#[derive(Clone, Debug)]
enum Step {
    /// Creates a backend of this kind and registers it.
    Open {
        kind: u8,
        labels: usize,
    },
    /// Tries to register a backend that the application holds. The registration must fail if the backend is registered
    /// already.
    Register {
        backend: usize,
        labels: usize,
    },
    Unregister {
        backend: usize,
    },
    Drop {
        backend: usize,
    },
    Count {
        backend: usize,
        metric: usize,
        n: u64,
    },
    Set {
        backend: usize,
        metric: usize,
        value: i64,
    },
    Reset {
        backend: usize,
    },
    Drain {
        backend: usize,
    },
    Read {
        reader: usize,
    },
    /// Repeats `times` times: adds a number to one metric, and then reads. The number is larger each time.
    Watch {
        reader: usize,
        backend: usize,
        metric: usize,
        n: u64,
        times: u32,
    },
    /// Collects with the OpenTelemetry reader `first`. In the middle of this collection, adds `n` to a metric and
    /// collects with the other reader.
    CollectNested {
        first: usize,
        backend: usize,
        metric: usize,
        n: u64,
    },
    /// Limits the number of closed backends that the registry remembers.
    Limit {
        backends: usize,
    },
}

const READERS: usize = 10;

/// Returns random steps. Backends have one of these kinds, and are registered with one of the first `labels` of
/// [`LABELS`](backends::LABELS). `reopen` is the weight of steps that register backends again, and of those that
/// unregister backends.
fn step(kinds: &'static [u8], labels: usize, reopen: u32) -> impl Strategy<Value = Step> {
    let number = |digits: std::ops::Range<u32>| {
        (digits, any::<u64>()).prop_map(|(digits, n)| n % 10_u64.pow(digits + 1))
    };
    let backend = || 0..8_usize;
    let level = (number(0..19), any::<bool>(), any::<u8>()).prop_map(|(n, negative, rare)| {
        let level = i64::try_from(n % (1 << 63)).unwrap();
        match rare {
            0 => i64::MIN,
            1 => i64::MAX,
            _ if negative => -level,
            _ => level,
        }
    });
    prop_oneof![
        4 => (proptest::sample::select(kinds), 0..labels)
            .prop_map(|(kind, labels)| Step::Open { kind, labels }),
        reopen => (backend(), 0..labels)
            .prop_map(|(backend, labels)| Step::Register { backend, labels }),
        reopen => backend().prop_map(|backend| Step::Unregister { backend }),
        3 => backend().prop_map(|backend| Step::Drop { backend }),
        8 => (backend(), 0..4_usize, number(0..17))
            .prop_map(|(backend, metric, n)| Step::Count { backend, metric, n }),
        3 => (backend(), 0..4_usize, level)
            .prop_map(|(backend, metric, value)| Step::Set { backend, metric, value }),
        1 => backend().prop_map(|backend| Step::Reset { backend }),
        1 => backend().prop_map(|backend| Step::Drain { backend }),
        9 => (0..READERS).prop_map(|reader| Step::Read { reader }),
        2 => (0..READERS, backend(), 0..4_usize, number(0..6), 1..12_u32).prop_map(
            |(reader, backend, metric, n, times)| Step::Watch { reader, backend, metric, n, times }
        ),
        2 => (0..2_usize, backend(), 0..4_usize, number(0..6)).prop_map(
            |(first, backend, metric, n)| Step::CollectNested { first, backend, metric, n }
        ),
        1 => (0..4_usize).prop_map(|backends| Step::Limit { backends }),
    ]
}

type Readers = [Box<dyn Reader>; READERS - 2];

/// Reads with the reader at this index, and compares the values with the model. Once a limit is set, the two readers of
/// OpenTelemetry are skipped, because the model does not know which of their totals begin again.
fn read(model: &mut Model, reader: usize, readers: &mut Readers, telemetry: &mut Telemetry) {
    if model.limit.is_some() && reader >= readers.len() {
        return;
    }
    model.observe_all();
    if let Some(reader) = readers.get_mut(reader) {
        reader.check(model);
    } else {
        let collector = &mut telemetry.collectors[reader - readers.len()];
        collector.collect();
        collector.assert_equals(model);
    }
}

fn run(steps: &[Step]) {
    let registry = Registry::with_prefix("p.q").unwrap();
    let mut model = Model::default();
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon.set_nonblocking(true).unwrap();
    let statsd = StatsD::udp(&registry, daemon.local_addr().unwrap()).unwrap().with_tags();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let scrape = |formats: &[Format]| Scrape {
        prometheus: Prometheus::new(&registry),
        formats: formats.to_vec(),
        delivered: 0,
    };
    let values = || RegistryValues { reader: RegistryReader::new(&registry), delivered: 0 };
    let mut readers: Readers = [
        Box::new(values()),
        Box::new(values()),
        Box::new(scrape(&[Format::Text])),
        Box::new(scrape(&[Format::OpenMetrics])),
        Box::new(scrape(&[Format::Text, Format::OpenMetrics])),
        Box::new(Datagrams {
            daemon,
            statsd,
            totals: BTreeMap::new(),
            expected: Received::default(),
            delivered: 0,
        }),
        Box::new(Recorded {
            facade: Facade::with_recorder(&registry, recorder),
            snapshotter,
            totals: BTreeMap::new(),
            expected: Received::default(),
            delivered: 0,
        }),
        Box::new(Messages { otlp: Otlp::new(&registry), starts: BTreeMap::new() }),
    ];
    let mut telemetry = Telemetry::new(&registry);
    let has_limit = steps.iter().any(|step| matches!(step, Step::Limit { .. }));
    let last = (0..READERS).map(|reader| Step::Read { reader });
    for step in steps.iter().cloned().chain(last) {
        match step {
            Step::Open { kind, labels } => {
                if model.objects.len() < 8 {
                    let id = model.create(kind);
                    model.register(&registry, id, labels);
                    telemetry.interrupt_here();
                }
            }
            Step::Register { backend, labels } => {
                if let Some(id) = model.id(backend) {
                    model.register(&registry, id, labels);
                }
            }
            Step::Unregister { backend } => model.unregister(&registry, backend),
            Step::Drop { backend } => {
                model.drop(backend);
                if has_limit {
                    // This reading closes the dropped backend now. The order in which backends are closed decides which
                    // of them are forgotten.
                    model.observe_all();
                    drop(RegistryReader::new(&registry).read());
                }
            }
            Step::Count { backend, metric, n } => model.add(backend, metric, n),
            Step::Set { backend, metric, value } => model.set(backend, metric, value),
            Step::Reset { backend } => {
                model.reset(backend, |it| with_metrics!(it, it => it.reset()));
            }
            Step::Drain { backend } => {
                model.reset(backend, |it| with_metrics!(it, it => drop(it.drain())));
            }
            Step::Read { reader } => {
                read(&mut model, reader, &mut readers, &mut telemetry);
            }
            Step::Watch { reader, backend, metric, n, times } => {
                for time in 0..times {
                    model.add(backend, metric, n << (3 * time));
                    read(&mut model, reader, &mut readers, &mut telemetry);
                }
            }
            Step::CollectNested { backend, metric, n, .. } if model.limit.is_some() => {
                model.add(backend, metric, n);
            }
            Step::CollectNested { first, backend, metric, n } => {
                model = telemetry.collect_nested(model, first, move |model| {
                    model.add(backend, metric, n);
                });
            }
            Step::Limit { backends } => model.set_limit(&registry, backends),
        }
    }
    let problems = registry.problems();
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn every_reader_agrees_with_a_naive_model() {
    check(step(&[0, 1, 2, 3, 4, 5, 6], 4, 2), 60);
    // In these sequences, a backend often continues series of several others that have the same labels.
    check(step(&[0, 1, 6], 1, 80), 120);
}

/// Runs random sequences of these steps. Each sequence has fewer than `max_len` steps.
fn check(step: impl Strategy<Value = Step>, max_len: usize) {
    let number = |name, default: u64| env::var(name).map_or(default, |it| it.parse().unwrap());
    let cases = u32::try_from(number("PAPYRA_MODEL_CASES", 1500)).unwrap();
    let seed = number("PAPYRA_MODEL_SEED", RandomState::new().hash_one(0));
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let steps = proptest::collection::vec(step, 1..max_len);
    // To shrink a failing sequence, the runner tries further sequences, which may panic too. This hook suppresses the
    // messages of all panics.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = runner.run(&steps, |steps| {
        let failure = panic::catch_unwind(|| run(&steps));
        failure.map_err(|panic| {
            let message = panic.downcast_ref::<String>().cloned();
            let message = message.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            TestCaseError::fail(message.unwrap_or_default())
        })
    });
    panic::set_hook(hook);
    if let Err(failure) = result {
        panic!("PAPYRA_MODEL_SEED={seed} reproduces this failure: {failure}");
    }
}
