//! A small storage engine: a log-structured merge tree of keys and values on real files, and a server for it.
//!
//! | file | subject |
//! |---|---|
//! | `metrics.rs` | the declaration of all metrics, and their labels |
//! | `error.rs` | errors, and their conversion to the kinds that are counted |
//! | `wal.rs` | the write-ahead log, and the replay of a log |
//! | `memtable.rs` | the newest writes, in memory |
//! | `table.rs`, `table_writer.rs` | sorted tables with bloom filters, immutable once written |
//! | `levels.rs`, `merge.rs` | tables by level, the choice of the next compaction, and the merge of sorted sources |
//! | `manifest.rs` | the list of the tables and logs that are in use |
//! | `store.rs`, `background.rs`, `recovery.rs` | reads and writes; flushes and compactions; the opening of a store |
//! | `codec.rs`, `protocol.rs`, `server.rs` | the encoding of data, the requests of clients, and the server on tokio |
//!
//! The README next to this file shows the metrics under load and under faults.

#![forbid(unsafe_code)]
// All functions return the errors of `error.rs`, so their docs need no sections on errors.
#![allow(clippy::missing_errors_doc)]

mod background;
mod codec;
mod directory_lock;
mod error;
mod levels;
mod manifest;
mod memtable;
mod merge;
pub mod metrics;
pub mod protocol;
mod recovery;
pub mod server;
mod store;
mod table;
mod table_writer;
mod wal;

pub use codec::Pairs;
pub use error::Error;
pub use store::{Options, Store};
