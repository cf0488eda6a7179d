//! An empty library: the benchmark is the package's bench target.
