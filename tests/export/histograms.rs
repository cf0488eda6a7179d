//! Tests histograms and float gauges in a registry. They continue when a backend is reopened, and conflicting
//! registrations are refused.

use std::sync::Arc;
use std::time::Duration;

use papyra_metrics::{
    Counter, Descriptor, Distribution, FloatGauge, Gauge, Histogram, Instrument, Kind, Latency,
    Metrics, Sizes, Value, Walker, buckets,
};
use papyra_metrics_export::{RegisterError, Registry, RegistryReader};

#[derive(Default, Metrics)]
struct LogMetrics {
    /// How long an append takes.
    append: Histogram,
    record_size: Histogram<Sizes>,
    appends: Counter,
    fill: FloatGauge,
}

fn log() -> Arc<LogMetrics> {
    Arc::default()
}

/// Returns the distribution with this name and these labels.
fn histogram(reader: &mut RegistryReader, name: &str, labels: &str) -> Distribution {
    let mut samples = reader.read();
    let sample = samples.find(|it| it.name() == name && it.labels().to_string() == labels);
    let sample = sample.unwrap_or_else(|| panic!("there is no {name}{labels}"));
    assert_eq!(sample.kind(), Kind::Histogram);
    sample.value().as_histogram().unwrap().clone()
}

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

#[test]
fn a_reader_sees_each_bucket_and_the_sum_and_no_reset() {
    let (registry, metrics) = (Registry::with_prefix("papyra").unwrap(), log());
    registry.register(metrics.clone(), &[("backend", "orders")]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    let mut read = || histogram(&mut reader, "papyra_append_seconds", r#"{backend="orders"}"#);
    assert!(read().is_empty());
    metrics.append.record(micros(80));
    metrics.append.record(micros(90));
    assert_eq!(read(), metrics.append.total().erase());
    metrics.reset();
    metrics.append.record(Duration::from_secs(200));
    assert_eq!(read(), metrics.append.total().erase());
    assert_eq!((read().count(), read().sum(), read().unit()), (3, 200.000_17, Some("seconds")));
    drop(metrics.drain());
    assert_eq!(read().count(), 3);
    assert!(registry.problems().is_empty());
}

#[test]
fn a_reopened_backend_continues_each_bucket() {
    let registry = Registry::new();
    let mut readers = [RegistryReader::new(&registry), RegistryReader::new(&registry)];
    let mut expected: Distribution = Histogram::<Latency>::new().get().erase();
    for round in 1..=4 {
        let metrics = log();
        registry.register(metrics.clone(), &[]).unwrap();
        metrics.append.record(micros(10 * round));
        expected.merge(&metrics.append.total().erase()).unwrap();
        if round != 2 {
            assert_eq!(histogram(&mut readers[0], "append_seconds", "{}"), expected);
        }
        metrics.append.record(micros(3));
        expected
            .merge(&{
                let last: Histogram = Histogram::new();
                last.record(micros(3));
                last.get().erase()
            })
            .unwrap();
        drop(metrics);
        if round == 3 {
            // This reading has the last values of the closed backend.
            assert_eq!(histogram(&mut readers[0], "append_seconds", "{}"), expected);
            assert_eq!(readers[0].read().count(), 0);
        }
    }
    assert_eq!(histogram(&mut readers[1], "append_seconds", "{}"), expected);
}

#[test]
fn the_same_metrics_registered_again_are_not_counted_twice() {
    let (registry, metrics) = (Registry::new(), log());
    let mut reader = RegistryReader::new(&registry);
    for round in 1..=3 {
        registry.register(metrics.clone(), &[]).unwrap();
        metrics.append.record(micros(7));
        assert_eq!(histogram(&mut reader, "append_seconds", "{}"), metrics.append.total().erase());
        registry.unregister(&metrics);
        metrics.append.record(micros(70));
        assert_eq!(metrics.append.total().count(), 2 * round);
    }
    registry.register(metrics.clone(), &[]).unwrap();
    assert_eq!(histogram(&mut reader, "append_seconds", "{}"), metrics.append.total().erase());
}

#[test]
fn each_histogram_keeps_its_values_while_others_come_and_go() {
    let registry = Registry::new();
    let backends: Vec<_> = (0..6_u64).map(|_| log()).collect();
    let labels = |i: usize| format!("{i}");
    for (i, metrics) in backends.iter().enumerate() {
        registry.register(metrics.clone(), &[("backend", &labels(i))]).unwrap();
    }
    let mut reader = RegistryReader::new(&registry);
    let mut backends: Vec<_> = backends.into_iter().map(Some).collect();
    for gone in [1, 4, 0, 5] {
        for (i, metrics) in backends.iter().enumerate() {
            let Some(metrics) = metrics else { continue };
            metrics.append.record(micros(i as u64 * 100));
            metrics.record_size.record(i as u64 * 1000);
        }
        // The reader returns the last values of the closed backend once.
        let last = backends[gone].take().unwrap();
        let expected = last.record_size.total().erase();
        drop(last);
        let label = format!("{{backend=\"{gone}\"}}");
        assert_eq!(histogram(&mut reader, "record_size_bytes", &label), expected);
        for (i, metrics) in backends.iter().enumerate() {
            let Some(metrics) = metrics else { continue };
            let label = format!("{{backend=\"{i}\"}}");
            let read = histogram(&mut reader, "append_seconds", &label);
            assert_eq!(read, metrics.append.total().erase());
            let read = histogram(&mut reader, "record_size_bytes", &label);
            assert_eq!(read, metrics.record_size.total().erase());
        }
    }
}

buckets!(Coarse: Duration = [1ms, 20ms]);
buckets!(Coarser: Duration = [1ms, 30ms]);

#[test]
fn histograms_of_one_name_with_different_buckets_are_refused() {
    #[derive(Default, Metrics)]
    struct One {
        append: Histogram<Coarse>,
    }
    #[derive(Default, Metrics)]
    struct Other {
        append: Histogram<Coarser>,
    }
    let registry = Registry::new();
    let (one, other) = (Arc::new(One::default()), Arc::new(Other::default()));
    registry.register(one.clone(), &[("backend", "a")]).unwrap();
    let error = registry.register(other.clone(), &[("backend", "b")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the buckets of `append_seconds` end at 0.001, 0.03 in backend `{backend=\"b\"}`, but at 0.001, 0.02 in backend \
         `{backend=\"a\"}`; declare both with the same buckets, or rename one of them"
    );
    let RegisterError::ConflictingDefinition { new, .. } = error else { panic!("{error}") };
    assert_eq!(new.bounds, ["0.001", "0.03"]);
    // The refused metrics can be registered in another registry.
    let other_registry = Registry::new();
    other_registry.register(other.clone(), &[]).unwrap();
    assert!(other_registry.register(one.clone(), &[("backend", "a")]).is_err());
    assert!(Arc::strong_count(&other) == 2);
}

#[test]
fn buckets_that_become_known_later_are_checked_then() {
    #[derive(Default, Metrics)]
    struct Inner {
        append: Histogram<Coarser>,
    }
    /// Metrics whose histogram is absent until `is_present` is set.
    struct Late {
        inner: Inner,
        is_present: std::sync::atomic::AtomicBool,
    }
    impl Metrics for Late {
        fn descriptors(&self) -> &[Descriptor] {
            self.inner.descriptors()
        }

        fn walk(&self, walker: &mut dyn Walker) {
            if self.is_present.load(std::sync::atomic::Ordering::Relaxed) {
                self.inner.walk(walker);
            } else {
                walker.absent(1);
            }
        }
    }
    #[derive(Default, Metrics)]
    struct One {
        append: Histogram<Coarse>,
    }
    let registry = Registry::new();
    let late = Arc::new(Late { inner: Inner::default(), is_present: false.into() });
    registry.register(late.clone(), &[("backend", "late")]).unwrap();
    let one = Arc::new(One::default());
    registry.register(one.clone(), &[("backend", "one")]).unwrap();
    one.append.record(micros(5));
    let mut reader = RegistryReader::new(&registry);
    assert_eq!(reader.read().count(), 1);
    assert!(registry.problems().is_empty());
    late.is_present.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(histogram(&mut reader, "append_seconds", "{backend=\"one\"}").count(), 1);
    assert_eq!(reader.read().count(), 1);
    let problems = registry.problems();
    assert_eq!(
        problems[0].to_string(),
        "backend {backend=\"late\"}: `append` has buckets that differ from those of another metric of this name; \
         declare both with the same buckets"
    );
}

#[test]
fn a_hand_written_histogram_continues_after_a_reset() {
    /// A histogram that implements only the required methods of `Instrument`. So a reset also resets the total of the
    /// histogram.
    #[derive(Default)]
    struct Plain(Histogram<Coarse>);

    impl Instrument for Plain {
        const KIND: Kind = Kind::Histogram;
        fn value(&self) -> Value {
            Instrument::value(&self.0)
        }
        fn reset(&self) {
            self.0.reset();
        }
        fn take(&self) -> Value {
            Instrument::take(&self.0)
        }
    }

    #[derive(Default, Metrics)]
    struct PlainMetrics {
        append: Plain,
    }
    let (registry, metrics) = (Registry::new(), Arc::new(PlainMetrics::default()));
    registry.register(metrics.clone(), &[]).unwrap();
    let mut reader = RegistryReader::new(&registry);
    metrics.append.0.record(micros(10));
    metrics.append.0.record(micros(2000));
    assert_eq!(histogram(&mut reader, "append", "{}").count(), 2);
    metrics.append.0.reset();
    metrics.append.0.record(micros(30));
    let read = histogram(&mut reader, "append", "{}");
    let counts: Vec<_> = read.buckets().map(|bucket| bucket.count()).collect();
    assert_eq!((counts, read.sum()), (vec![2, 1, 0], 0.002_04));
}

#[test]
fn a_gauge_may_be_a_float_in_one_backend_and_an_integer_in_another() {
    #[derive(Default, Metrics)]
    struct Float {
        fill: FloatGauge,
    }
    #[derive(Default, Metrics)]
    struct Integer {
        fill: Gauge,
    }
    let registry = Registry::new();
    let (float, integer) = (Arc::new(Float::default()), Arc::new(Integer::default()));
    registry.register(float.clone(), &[("backend", "float")]).unwrap();
    registry.register(integer.clone(), &[("backend", "integer")]).unwrap();
    float.fill.set(-0.25);
    integer.fill.set(-3);
    let mut reader = RegistryReader::new(&registry);
    let read: Vec<_> = reader.read().map(|it| it.value().clone()).collect();
    assert!(matches!(read[..], [Value::Float(-0.25), Value::Gauge(-3)]), "{read:?}");
    float.fill.set(f64::INFINITY);
    assert_eq!(reader.read().next().unwrap().value(), &f64::INFINITY);
    // An integer gauge continues the series of a closed float gauge that had the same labels.
    drop(float);
    assert_eq!(reader.read().count(), 2);
    let again = Arc::new(Integer::default());
    registry.register(again.clone(), &[("backend", "float")]).unwrap();
    again.fill.set(i64::MAX);
    let read: Vec<_> = reader.read().map(|it| it.value().clone()).collect();
    assert!(matches!(read[..], [Value::Gauge(-3), Value::Gauge(i64::MAX)]), "{read:?}");
}
