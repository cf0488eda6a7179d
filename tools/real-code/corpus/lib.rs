//! Nothing: its dependencies are what counts.
