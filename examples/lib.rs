//! Runnable programs, each one story:
//!
//! - `cargo run --example record_log`: an append-only log is written, read, damaged, recovered and compacted, and
//!   its metrics tell.
//! - `cargo run --example custom_instrument`: an instrument of one's own.
//! - `cargo run --example existing_atomics`: a struct of atomics that only adds the derive.
