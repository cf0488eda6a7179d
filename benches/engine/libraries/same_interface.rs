// The modules `fastmetrics` and `prometheus_client` include this file, because the instruments of these two crates have the
// same interface. Each of the two modules imports the instruments of its crate as `peer`.

engine_of! {
    counter: peer::counter::Counter = peer::counter::Counter::default(),
        add(counter, n) counter.inc_by(n);
    gauge: peer::gauge::Gauge = peer::gauge::Gauge::default(),
        add(gauge, n) gauge.inc_by(n),
        sub(gauge, n) gauge.dec_by(n),
        set(gauge, n) gauge.set(n);
    histograms:
        Latency(peer::histogram::Histogram),
        FineLatency(peer::histogram::Histogram),
        Sizes(peer::histogram::Histogram)
        = (bounds) peer::histogram::Histogram::new(bounds),
        record(histogram, value) histogram.observe(value);
}

include!("../engine.rs");
