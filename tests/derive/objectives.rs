//! The descriptors of every form of struct contain the objectives, and the flag that marks an error counter.

use papyra_metrics::{
    Buckets, CachePadded, Counter, Descriptor, Distribution, Family, Histogram, Kind, Label,
    Latency, Metrics, Objective, ShardedHistogram, Sizes, buckets,
};

#[derive(Clone, Copy, Label)]
enum Op {
    Get,
    Put,
}

buckets!(Pages: u64 = [1, 8, 64], unit = "pages");

#[derive(Default, Metrics)]
struct Wal {
    #[metrics(errors)]
    errors: Counter,
    #[metrics(objective(within = "100ms", of = 99.9))]
    append: Histogram,
}

#[derive(Default, Metrics)]
struct Generic<B: Buckets> {
    #[metrics(objective(within = "64", of = 50))]
    sizes: Histogram<B>,
}

#[derive(Debug, Default, Metrics)]
#[metrics(storage = Written)]
struct Plain {
    #[metrics(objective(within = "1s", of = 99.99999))]
    flush: Distribution<Latency>,
    #[metrics(errors)]
    flush_failed: u64,
}

macro_rules! with_literals {
    ($within:literal, $percent:literal) => {
        #[derive(Default, Metrics)]
        struct FromMacro {
            #[metrics(objective(within = $within, of = $percent))]
            append: Histogram,
        }
    };
}
with_literals!("100ms", 33.3);

#[derive(Default, Metrics)]
struct Engine {
    #[metrics(flatten, prefix = "wal_", labels(component = "wal"))]
    wal: Wal,
    #[metrics(flatten)]
    plain: Written,
    #[metrics(flatten)]
    generic: Generic<Sizes>,
    #[metrics(objective(within = "100us", of = 95), labels(tier = "hot"))]
    requests: CachePadded<Family<Op, Histogram>>,
    #[metrics(objective(within = "8", of = 0.5))]
    scanned: ShardedHistogram<Pages>,
    reads: Counter,
}

fn shown(metrics: &dyn Metrics) -> Vec<(String, Option<String>, bool)> {
    let metrics = metrics.descriptors().iter();
    let shown = metrics.map(|it| {
        let objective = it.objective().map(|it| it.to_string());
        (it.series().to_string(), objective, it.is_error_counter())
    });
    shown.collect()
}

#[test]
fn every_series_has_the_objective_and_the_error_flag_of_its_field() {
    let expected = [
        ("wal_errors{component=wal}", None, true),
        ("wal_append{component=wal}", Some("99.9% within 0.1"), false),
        ("flush", Some("99.99999% within 1"), false),
        ("flush_failed", None, true),
        ("sizes", Some("50% within 64"), false),
        ("requests{tier=hot,op=get}", Some("95% within 0.0001"), false),
        ("requests{tier=hot,op=put}", Some("95% within 0.0001"), false),
        ("scanned", Some("0.5% within 8"), false),
        ("reads", None, false),
    ];
    let expected = expected.map(|(series, it, mark)| (series.into(), it.map(Into::into), mark));
    let engine = Engine::default();
    assert_eq!(shown(&engine), expected);
    let Plain { flush_failed, .. } = engine.plain.read();
    assert_eq!(flush_failed, 0);
}

#[test]
fn the_threshold_and_the_percentage_may_come_from_a_macro() {
    let objective = FromMacro::default().descriptors()[0].objective().unwrap();
    assert_eq!(objective.within_base_units(), 100_000_000);
    assert_eq!((objective.within(), objective.percent()), (0.1, 33.3));
}

#[test]
fn a_percentage_that_is_rounded_to_0_or_100_is_rejected() {
    for percent in [4e-8, 99.999_999_96, 0.0, -1.0, 100.0, f64::INFINITY, f64::NAN] {
        let refused = std::panic::catch_unwind(|| Objective::new::<Latency>("20ms", percent));
        let message = *refused.unwrap_err().downcast::<&str>().unwrap();
        assert!(message.contains("rounded to seven decimals"), "{percent}: {message}");
    }
    for (percent, expected) in [(6e-8, "0.0000001"), (99.999_999_94, "99.9999999")] {
        let objective = Objective::new::<Latency>("20ms", percent);
        assert_eq!(objective.percent().to_string(), expected);
    }
}

#[test]
fn descriptors_with_different_objectives_or_error_flags_are_not_equal() {
    const PLAIN: Descriptor = Descriptor::new("append", Kind::Histogram).with_unit("seconds");
    const WITH_OBJECTIVE: Descriptor =
        PLAIN.with_objective(Objective::new::<Latency>("20ms", 99.95));
    assert_eq!(WITH_OBJECTIVE.objective().unwrap().to_string(), "99.95% within 0.02");
    assert_ne!(PLAIN, WITH_OBJECTIVE);
    assert_ne!(Descriptor::counter("failed"), Descriptor::counter("failed").into_error_counter());
    for (within, percent) in [("30ms", 99.0), ("20ms", 100.0), ("20ms", 0.0), ("20", 99.0)] {
        let refused = std::panic::catch_unwind(|| Objective::new::<Latency>(within, percent));
        assert!(refused.is_err(), "{within} {percent}");
    }
}
