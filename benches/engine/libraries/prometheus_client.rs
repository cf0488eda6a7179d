//! The engine with `prometheus-client`.

use prometheus_client::metrics as peer;

include!("same_interface.rs");
