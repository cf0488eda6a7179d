//! Metrics in a file that any other process can read: live, and after a crash.
//!
//! Counters inside a process are no use to an operator's shell. [`Published`] places a struct of metrics in a
//! small memory-mapped file. Counting stays what it was, one atomic instruction on memory; whoever may read the
//! file can read the counts, without stopping, locking or asking the process, with [`Reader`] or with the command
//! `papyra-metrics`. When the process is killed, its last counts stay.
//!
//! ```
//! use papyra_metrics::Metrics;
//! use papyra_metrics::persistence::PersistenceMetrics;
//! use papyra_metrics::publish::{Published, Reader};
//!
//! # let directory = std::env::temp_dir().join(format!("papyra-metrics-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! # let path = directory.join("log.metrics");
//! let metrics = Published::<PersistenceMetrics>::create(&path)?; // derefs to the struct
//! metrics.records_written.inc();
//!
//! // In any other process:
//! let reader = Reader::open(&path)?;
//! assert_eq!(reader.snapshot()?["records_written"], 1);
//! assert!(reader.is_live()?);
//! # drop(metrics);
//! # std::fs::remove_dir(&directory)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What can be published
//!
//! Structs that derive [`Metrics`](derive@crate::Metrics) and hold instruments alone, each in place: `Counter`,
//! `Gauge`, `ShardedCounter`, `CachePadded` of those, `AtomicU64`, `AtomicI64`, and flattened structs of these. A
//! struct with anything else is refused at compile time, since a pointer means nothing in another process, and
//! nothing but an atomic stands being changed by one.
//!
//! # Life of the file
//!
//! - It appears under its name complete, with mode 0600. Nobody sees half of it, and it is never made through a
//!   symbolic link or over a file that is not a metrics file.
//! - While the process lives, it holds a lock on the file. A second process that publishes to the same path gets
//!   an error that says who is there; when the first has ended in whatever way, the second takes the path over.
//! - Dropping [`Published`] removes the file, unless it is to be [kept](Published::keep). A process that ends
//!   otherwise, killed, by `exit`, or with the metrics in a static, leaves it with the last counts.
//! - A process that forks shares the counts with its children: all count into one file, and it counts as live
//!   until the last of them has ended. Only the process that made the file removes it. To have a file for each
//!   process, publish after the fork, each to a path of its own.
//!
//! Do not shorten the file while its process lives: like every memory-mapped file, that kills the process when
//! it counts next. Removing or replacing the file harms nobody. Only the file's owner can do either.
//!
//! # Platforms
//!
//! Linux, Android and Apple's systems, on targets with 64-bit atomics. Elsewhere [`Published::create`] gives an
//! error, so [`Published::create_or_private`] counts in private memory. The file belongs on a local file system,
//! best on one in memory, such as `/run`.
//!
//! # The file, version 1
//!
//! Integers are in the byte order of the machine that wrote them. Offsets count bytes from the beginning of the
//! file. Nothing depends on how Rust lays out structs: the file says where each value is.
//!
//! | at | size | header |
//! |---|---|---|
//! | 0 | 8 | `89 70 61 70 79 72 61 0a`: `\x89papyra\n` |
//! | 8 | 4 | `0x01020304`, which shows the byte order |
//! | 12 | 4 | version of the format: 1. It changes when a reader of today would misunderstand |
//! | 16 | 4 | CRC-32 (IEEE 802.3) of everything from byte 20 up to the end of the description |
//! | 20 | 4 | size of an entry: 64, or more in files that say more of a metric |
//! | 24 | 8 | length of the file |
//! | 32 | 8 | length of the description: this header, the entries and the texts. The values lie behind it |
//! | 40 | 4 | number of entries |
//! | 44 | 4 | process that writes: its id |
//! | 48 | 8 | when it began to publish, in nanoseconds since 1970-01-01 00:00 UTC |
//! | 56 | 4 + 4 | name of its program: offset and length |
//! | 64 | | the entries, one for each metric in declaration order, then the texts (UTF-8), then the values |
//!
//! | at | size | entry |
//! |---|---|---|
//! | 0 | 4 + 4 | name: offset and length |
//! | 8 | 4 + 4 | help: offset and length; empty where there is none |
//! | 16 | 4 + 4 | unit: offset and length; empty where there is none |
//! | 24 | 4 | kind: 1 is a counter, 2 a gauge |
//! | 28 | 4 | how many bytes of the name are prefixes |
//! | 32 | 8 | offset of the first cell |
//! | 40 | 8 | distance from one cell to the next |
//! | 48 | 8 | offset of the mark, or 0 where there is none |
//! | 56 | 4 | number of cells |
//! | 60 | 4 | 0 |
//!
//! Cells and marks are aligned words of 64 bits. The total of a metric is the wrapping sum of its cells, for a
//! gauge as a signed number. The value of a counter is its total less its mark; read the mark first, since a reset
//! moves it up to the total. A reset of a counter without a mark sets its cells to zero. Only these words change
//! while the file exists.

mod error;
mod file;
mod layout;
mod reader;
mod sys;
mod writer;

pub use crate::words::Publishable;
pub use error::{PublishError, ReadError};
pub use layout::{Metric, Process};
pub use reader::Reader;
pub use writer::Published;
