//! Publishing metrics in a file, and reading them from another process.

mod common;
mod forgery;
mod histograms;
mod labelled;
mod labels;
mod life;
mod objectives;
mod reading;
