// Expected: two errors on the type, at its declaration and where its bounds are used. Both list the valid types.
papyra_metrics::buckets!(pub Ratios: f64 = [1, 2]);

fn main() {}
