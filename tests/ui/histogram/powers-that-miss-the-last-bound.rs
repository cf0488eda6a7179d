// Expected: one error that says that the last bound is not a power.
papyra_metrics::buckets!(pub Sizes: u64 = powers(4, 64, 1000), unit = "bytes");

fn main() {}
