// Expected: one error, on the values of a label that is implemented by hand: its name is reserved.

use papyra_metrics::LabelValues;

const JOBS: &[LabelValues] = &[LabelValues::new("job", &["flush", "compaction"])];

fn main() {
    println!("{JOBS:?}");
}
