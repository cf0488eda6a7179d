// Expected: one error, which says that buckets need a bound.
papyra_metrics::buckets!(pub Empty: u64 = []);

fn main() {}
