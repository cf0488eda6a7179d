//! The command `papyra-metrics`, and the same in the command line of a backend.

mod command;
#[path = "../publish/common.rs"]
mod common;
mod histograms;
mod watch;
