//! An empty library: the benchmarks are the package's bench targets.
