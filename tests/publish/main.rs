//! Publishing metrics in a file, and reading them from another process.

mod common;
mod life;
mod reading;
