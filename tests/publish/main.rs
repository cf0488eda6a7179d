//! Publishing metrics in a file, and reading them from another process.

mod common;
mod histograms;
mod life;
mod reading;
