// Expected: two errors on `f64`, which the macro uses as an `Amount` and as `Buckets::Value`. Both messages list the valid types.
papyra_metrics::buckets!(pub Ratios: f64 = [1, 2]);

fn main() {}
