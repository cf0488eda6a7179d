// Expected: one error, which says that at least one bound is required.
papyra_metrics::buckets!(pub Empty: u64 = []);

fn main() {}
