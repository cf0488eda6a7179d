//! The engine with `measured`, whose histogram type has the number of bounds as a parameter.

use measured as peer;
use measured::metric::histogram::Thresholds;

engine_of! {
    counter: peer::Counter = peer::Counter::new(),
        add(counter, n) counter.inc_by(n);
    gauge: peer::Gauge = peer::Gauge::new(),
        add(gauge, n) gauge.inc_by(n),
        sub(gauge, n) gauge.dec_by(n),
        set(gauge, n) gauge.set(n);
    histograms:
        Latency(peer::Histogram<28>),
        FineLatency(peer::Histogram<54>),
        Sizes(peer::Histogram<16>)
        = (bounds) {
            let bounds = bounds.try_into().expect("the parameter is the number of bounds");
            peer::Histogram::with_metadata(Thresholds::with_buckets(bounds))
        },
        record(histogram, value) histogram.observe(value);
}

include!("../engine.rs");
