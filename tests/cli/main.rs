//! Tests of the command `papyra-metrics`, and of its subcommands in the command line of a backend.

mod combined;
mod command;
#[path = "../publish/common.rs"]
mod common;
mod describe;
#[path = "../publish/forgery.rs"]
mod forgery;
mod histograms;
#[path = "../publish/labelled.rs"]
mod labelled;
mod labels;
mod rules;
mod watch;
