//! The engine with `fastmetrics`.

use fastmetrics::metrics as peer;

include!("same_interface.rs");
