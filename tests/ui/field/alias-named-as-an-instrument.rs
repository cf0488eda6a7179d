// Expected: four errors, one on each alias, because each alias has the name of an instrument of another kind.

use papyra_metrics::{Family, Histogram, Label, Latency, Metrics};

#[derive(Label, Clone, Copy)]
enum Op {
    Get,
    Put,
}

type Counter = Family<Op, papyra_metrics::Counter>;
type Gauge = Histogram<Latency>;
type ShardedHistogram = Family<Op, Histogram<Latency>>;
type ShardedCounter = Counter;

#[derive(Metrics)]
struct Families {
    requests: Counter,
}

#[derive(Metrics)]
struct Histograms {
    duration: Gauge,
}

#[derive(Metrics)]
struct FamiliesOfHistograms {
    durations: ShardedHistogram,
}

#[derive(Metrics)]
struct Errors {
    #[metrics(errors)]
    errors: ShardedCounter,
}

fn main() {}
