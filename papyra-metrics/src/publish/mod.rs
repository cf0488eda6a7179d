//! Metrics in a file that any other process can read, live and after a crash.
//!
//! [`Published`] places a struct of metrics in a small memory-mapped file. Counting is still one atomic instruction on
//! memory. Every process that may read the file can read the counts with [`Reader`] or with the command
//! `papyra-metrics`, without stopping, locking or asking the process that counts. When that process is killed, its last
//! counts stay.
//!
//! ```
//! use papyra_metrics::Metrics;
//! use papyra_metrics::persistence::PersistenceMetrics;
//! use papyra_metrics::publish::{Published, Reader};
//!
//! # let directory = std::env::temp_dir().join(format!("papyra-metrics-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! # let path = directory.join("log.metrics");
//! let metrics = Published::<PersistenceMetrics>::create(&path)?; // dereferences to the struct
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
//! Structs that derive [`Metrics`](derive@crate::Metrics) and hold only instruments, each in place: `Counter`, `Gauge`,
//! `FloatGauge`, `Peak`, `Histogram`, `ShardedCounter`, `ShardedHistogram`, `CachePadded` and `Family` of those,
//! `AtomicU64`, `AtomicI64`, and flattened structs of these. A struct with anything else is a compile error: a pointer is
//! meaningless in another process, and only atomics may be changed by one.
//!
//! # Life of the file
//!
//! - The file appears under its name complete, with mode 0600. It is never created through a symbolic link, and never
//!   in place of a file that is not a metrics file, even if one is moved to the path in that moment. (File systems and
//!   kernels that cannot exchange two files in one step, such as NFS, check shortly before they rename.)
//! - While the process lives, it holds a lock on the file. A second process that publishes to the same path gets an
//!   error that names the first. When the first has ended, normally or by a crash, the second takes the path over.
//! - Dropping [`Published`] removes the file, unless it is to be [kept](Published::keep) or another file is at the path.
//!   A process that ends otherwise, killed, by `exit`, or with the metrics in a static, leaves it with the last counts.
//! - A process that forks shares the counts with its children. All count in one file, which is live until the last of
//!   them has ended. Only the process that created the file removes it, in pid namespaces too. To have a file for each
//!   process, publish after the fork, each process to its own path.
//! - A process that is killed at the moment in which it publishes or drops can leave a file whose name begins with
//!   `.papyra-metrics-`. The command does not show such files.
//!
//! Do not shorten the file while its process lives: as with every memory-mapped file, that kills the process when it
//! counts next. Removing or replacing the file is harmless. Only the file's owner can do either.
//!
//! # Platforms
//!
//! Linux, Android and Apple's systems, on targets with 64-bit atomics. On others [`Published::create`] returns an
//! error, and [`Published::create_or_private`] counts in private memory. The file belongs on a local file system,
//! preferably in memory, such as `/run`.
//!
//! # Format of the file, version 2
//!
//! Integers are in the byte order of the machine that wrote them. Offsets are in bytes from the beginning of the file.
//! Nothing depends on how Rust lays out structs, since the file contains the offset of each value.
//!
//! | offset | size | header |
//! |---|---|---|
//! | 0 | 8 | `89 70 61 70 79 72 61 0a`: `\x89papyra\n` |
//! | 8 | 4 | `0x01020304`, which shows the byte order |
//! | 12 | 4 | version of the format: 2. It changes if an older reader would misunderstand the file |
//! | 16 | 4 | CRC-32 (IEEE 802.3) of everything from byte 20 to the end of the description |
//! | 20 | 4 | size of an entry: 88, 104 in a file with objectives, or more in files with more data for each metric; readers ignore what they do not know |
//! | 24 | 8 | length of the file |
//! | 32 | 8 | length of the description: this header, the entries, the strings and the lists. The values follow it |
//! | 40 | 4 | number of entries |
//! | 44 | 4 | id of the process that writes |
//! | 48 | 8 | when it began to publish, in nanoseconds since 1970-01-01 00:00 UTC |
//! | 56 | 4 + 4 | name of its program: offset and length |
//! | 64 | | one entry for each metric in declaration order, then the strings (UTF-8) and lists, then the values |
//!
//! | offset | size | entry |
//! |---|---|---|
//! | 0 | 4 + 4 | name: offset and length |
//! | 8 | 4 + 4 | help: offset and length; may be empty |
//! | 16 | 4 + 4 | unit: offset and length; empty if there is none |
//! | 24 | 4 | form: 1 is a counter, 2 a gauge, 3 a histogram, 4 a gauge that is a float, 5 a peak |
//! | 28 | 4 | how many bytes of the name are prefixes |
//! | 32 | 8 | offset of the first cell |
//! | 40 | 8 | distance from one cell to the next |
//! | 48 | 8 | offset of the baseline, or 0 if there is none |
//! | 56 | 4 | number of cells |
//! | 60 | 4 | flags: 1 if the metric is marked as a counter of errors. Other bits are 0, and readers ignore them |
//! | 64 | 4 + 4 | labels: offset of the list and number of labels, each four times 4 bytes: name and value, as offset and length |
//! | 72 | 4 + 4 | bounds of a histogram: offset of the list and number of bounds, each 8 bytes, in base units |
//! | 80 | 8 | base units in one unit of a histogram: 10⁹ of durations, which are in nanoseconds |
//! | 88 | 8 | only in entries of at least 104 bytes: the threshold of a histogram's objective, which is one of its bounds |
//! | 96 | 4 | how many of a billion values should be within the threshold; 0 if there is no objective |
//! | 100 | 4 | 0 |
//!
//! Names and label names match `[a-zA-Z_][a-zA-Z0-9_]*`, units and label values `[a-z0-9_]+`, and no label has a name that
//! [monitoring systems reserve](crate::naming::is_reserved_label). No two metrics have the same
//! name and labels. A histogram has from 1 to 127 bounds, which rise, and a file at most 65,536 histograms. Strings and
//! lists do not overlap. The description has at most 64 MiB, the values at most 256 MiB.
//!
//! Version 1 had the forms 1 and 2 alone and entries of 64 bytes. Files of that version are read too.
//!
//! # Values
//!
//! All values are aligned words of 64 bits. A cell is one word, and so is a baseline. Those of a histogram are blocks of
//! two words for each bucket, its count and the sum of its values in base units, in the order of the bounds; the last
//! bucket has no bound.
//!
//! | form | total | value since the last reset | reset |
//! |---|---|---|---|
//! | counter | the wrapping sum of the cells | total minus baseline | raises the baseline to the total; without a baseline, sets the cells to zero |
//! | histogram | the same for each word of the blocks; the count is the sum of the buckets' counts | the same | the same |
//! | gauge | the wrapping sum of the cells, as a signed number | the total | none |
//! | float gauge | the one cell, as a 64-bit float | the total | none |
//! | peak | the one cell, as a signed number; −2⁶³ if there is none | the total | sets it to −2⁶³ |
//!
//! Read baselines before cells, since a reset raises them to the totals. A reading under load is not a single instant: of
//! the values that a histogram is recording at that moment, it may have the count and not yet the sum. Other words of the
//! values, such as the marks of blocks in use, are the publisher's own.
//!
//! # Lock
//!
//! The publisher holds an exclusive lock of its open file (`F_OFD_SETLK`) from byte 0 to the end, however long the file
//! becomes. A process that replaces the file of a process that has ended locks only byte 0 during the replacement.

mod decode;
mod description;
mod encode;
mod error;
mod file;
mod locate;
mod published;
mod reader;
mod sys;

pub use crate::shared_memory::Publishable;
pub use description::{Metric, Process};
pub use error::{PublishError, ReadError};
pub use published::Published;
pub use reader::Reader;
