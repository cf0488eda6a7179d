//! The engine with `prometheus`.

use prometheus as peer;

engine_of! {
    counter: peer::IntCounter =
        peer::IntCounter::new("counter", "help").expect("the name is valid"),
        add(counter, n) counter.inc_by(n);
    gauge: peer::IntGauge = peer::IntGauge::new("gauge", "help").expect("the name is valid"),
        add(gauge, n) gauge.add(n),
        sub(gauge, n) gauge.sub(n),
        set(gauge, n) gauge.set(n);
    histograms: Latency(peer::Histogram), FineLatency(peer::Histogram), Sizes(peer::Histogram)
        = (bounds) {
            let options = peer::HistogramOpts::new("histogram", "help").buckets(bounds);
            peer::Histogram::with_opts(options).expect("the bounds increase")
        },
        record(histogram, value) histogram.observe(value);
}

include!("../engine.rs");
