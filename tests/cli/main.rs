//! The command `papyra-metrics`, and the same in the command line of a backend.

mod command;
#[path = "../publish/common.rs"]
mod common;
mod describe;
mod histograms;
#[path = "../publish/labelled.rs"]
mod labelled;
mod labels;
mod rules;
mod watch;
