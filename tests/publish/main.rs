//! Tests of publishing metrics in a file, and of reading the file from another process.

mod common;
mod forgery;
mod histograms;
mod labelled;
mod labels;
mod life;
mod objectives;
mod reading;
