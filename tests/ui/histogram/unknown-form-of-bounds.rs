// Expected: one error, which lists the forms of bounds.
papyra_metrics::buckets!(pub Linear: u64 = linear(1, 10));

fn main() {}
