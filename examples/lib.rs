//! Programs to run:
//!
//! - `cargo run --example record_log`: an append-only log that is damaged and recovered, with its metrics after each step.
//! - `cargo run --example async_backend`: a log on tokio, with concurrent writers and cancelled writes.
//! - `cargo run --example custom_instrument`: a user-defined instrument.
//! - `cargo run --example existing_atomics`: the derive on a struct of atomics.
//! - `cargo run --example live`: a backend that publishes its metrics, which can be watched from another terminal.
