// Expected: the type is at fault, where it is declared and where its bounds are read, and both times the two types are listed.
papyra_metrics::buckets!(pub Ratios: f64 = [1, 2]);

fn main() {}
