//! Structs that derive `Metrics` and also traits of serde, clap and thiserror. The attributes of all these derives are
//! on the same fields.

use clap::Parser;
use papyra_metrics::{Counter, Gauge, Metrics};
use serde::{Deserialize, Serialize};

/// Writes and failed writes, as plain numbers.
#[derive(
    Clone, Debug, Default, PartialEq, Deserialize, Parser, Serialize, thiserror::Error, Metrics,
)]
#[error("{writes} writes, of which {write_errors} failed")]
#[command(name = "counts")]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[metrics(storage = Storage, prefix = "log_")]
struct Counts {
    /// Writes.
    #[arg(long, default_value_t = 0)]
    #[metrics(unit = "writes")]
    #[serde(default)]
    writes: u64,
    /// Writes that failed.
    #[serde(rename = "failures")]
    #[metrics(errors)]
    #[arg(long = "failures", default_value_t = 0)]
    write_errors: u64,
}

/// A struct of instruments with the attributes of all derives.
#[derive(Debug, Default, Deserialize, Parser, Serialize, thiserror::Error, Metrics)]
#[error("broken")]
struct Backend {
    #[serde(skip)]
    #[arg(skip)]
    writes: Counter,
    #[arg(skip)]
    #[metrics(name = "open_segments")]
    #[serde(skip)]
    open: Gauge,
    #[arg(long)]
    #[metrics(skip)]
    path: String,
}

#[test]
fn a_plain_struct_is_parsed_serialized_displayed_and_counted() {
    let storage = Storage::new();
    storage.writes.add(3);
    storage.write_errors.inc();
    let counts = storage.read();
    assert_eq!(counts.to_string(), "3 writes, of which 1 failed");
    assert_eq!(Counts::parse_from(["counts", "--writes", "3", "--failures=1"]), counts);
    let json = serde_json::to_string(&counts).unwrap();
    assert_eq!(json, r#"{"writes":3,"failures":1}"#);
    assert_eq!(serde_json::from_str::<Counts>(&json).unwrap(), counts);
    assert_eq!(storage.snapshot().to_string(), "log_writes: 3\nlog_write_errors: 1");
}

#[test]
fn a_backend_with_all_derives_counts() {
    let backend = Backend::parse_from(["backend", "--path", "/tmp"]);
    backend.writes.inc();
    assert_eq!(serde_json::to_string(&backend).unwrap(), r#"{"path":"/tmp"}"#);
    assert_eq!(backend.to_string(), "broken");
    assert_eq!(backend.snapshot().to_string(), "writes: 1\nopen_segments: 0");
}
