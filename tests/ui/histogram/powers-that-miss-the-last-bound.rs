// Expected: one error, which says that the last bound is not the first bound times a power of the base.
papyra_metrics::buckets!(pub Sizes: u64 = powers(4, 64, 1000), unit = "bytes");

fn main() {}
