// Expected: one error that says that there has to be one.
papyra_metrics::buckets!(pub Empty: u64 = []);

fn main() {}
