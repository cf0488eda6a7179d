//! Metrics in a file that any other process can read, live and after a crash.
//!
//! [`Published`] places a struct of metrics in a small memory-mapped file. Counting is still one atomic instruction,
//! without a system call. Every process that may read the file can read the counts with [`Reader`] or with the command
//! `papyra-metrics`, without stopping, locking or asking the process that counts. If the process that counts is killed,
//! its last counts remain in the file.
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
//! # Publishable structs
//!
//! A struct can be published if it derives [`Metrics`](derive@crate::Metrics) and contains only inline instruments:
//! `Counter`, `Gauge`, `FloatGauge`, `Peak`, `Histogram`, `ShardedCounter`, `ShardedHistogram`, `AtomicU64`, `AtomicI64`,
//! `CachePadded` and `Family` of these instruments, and flattened structs that can be published. A skipped `PhantomData`
//! is allowed too. A struct with anything else is a compile error: a pointer is meaningless in another process, and only
//! atomics may be changed by another process at any time.
//!
//! # Life of the file
//!
//! - The file is complete, with mode 0600, before it appears at the path. It is never created through a symbolic link,
//!   and never replaces a file that is not a metrics file, even if such a file is moved to the path during the
//!   replacement. (On file systems and kernels that cannot exchange two files in one step, such as NFS, the file at the
//!   path is checked shortly before a rename. A file that is moved to the path between the check and the rename is lost.)
//! - While the publishing process lives, it holds a lock on the file. A second process that publishes to the same path
//!   gets an error that names the first process. After the first process has ended, normally or by a crash, the second
//!   process can publish to the path.
//! - Dropping [`Published`] removes the file, unless [`keep`](Published::keep) was called or another file is at the
//!   path. A process that is killed, calls `exit`, or has the metrics in a static leaves the file with the last counts.
//! - A process that forks shares the counts with its children. All of them count in one file, which is live until the
//!   last of them has ended. Only the process that created the file removes it, even if a child has the same process id in
//!   another pid namespace. For a file per process, let each process publish to its own path after the fork.
//! - A process that is killed while it creates or removes the file can leave a file whose name begins with
//!   `.papyra-metrics-`. The command does not show such files.
//!
//! Do not truncate the file while its process lives: as with every memory-mapped file, the next access kills the
//! process. Only the file's owner can truncate it. Removing or replacing the file is harmless.
//!
//! # Platforms
//!
//! Linux, Android and Apple's systems, on targets with 64-bit atomics. On other platforms [`Published::create`] returns
//! an error, and [`Published::create_or_private`] counts in private memory. The file belongs on a local file system,
//! preferably in memory, such as `/run`. On a 32-bit kernel, the two halves of a value are copied one after the other, so a
//! reading is wrong if the value passes a multiple of 2³² between the two copies.
//!
//! # Format of the file, version 2
//!
//! Integers are in the byte order of the machine that wrote them. Offsets are in bytes from the beginning of the file.
//! The format does not depend on Rust's layout of structs, because the file contains the offset of each value.
//!
//! | offset | size | header |
//! |---|---|---|
//! | 0 | 8 | `89 70 61 70 79 72 61 0a`: `\x89papyra\n` |
//! | 8 | 4 | `0x01020304`, which shows the byte order |
//! | 12 | 4 | version of the format: 2. It changes if an older reader would misunderstand the file |
//! | 16 | 4 | CRC-32 (IEEE 802.3) of everything from byte 20 to the end of the description |
//! | 20 | 4 | size of an entry: 88, 104 in a file with objectives, or more in files with more data for each metric; readers ignore the data that they do not know |
//! | 24 | 8 | length of the file |
//! | 32 | 8 | length of the description: this header, the entries, the strings and the lists. The values follow it |
//! | 40 | 4 | number of entries |
//! | 44 | 4 | id of the process that writes |
//! | 48 | 8 | time at which this process began to publish, in nanoseconds since 1970-01-01 00:00 UTC |
//! | 56 | 4 + 4 | name of this process's program: offset and length |
//! | 64 | | one entry for each metric in declaration order, then the strings (UTF-8) and lists, then the values |
//!
//! | offset | size | entry |
//! |---|---|---|
//! | 0 | 4 + 4 | name: offset and length |
//! | 8 | 4 + 4 | help: offset and length; may be empty |
//! | 16 | 4 + 4 | unit: offset and length; the length is 0 if the metric has no unit |
//! | 24 | 4 | form: 1 is a counter, 2 a gauge, 3 a histogram, 4 a float gauge, 5 a peak |
//! | 28 | 4 | length of the prefixes at the beginning of the name, in bytes |
//! | 32 | 8 | offset of the first cell |
//! | 40 | 8 | distance from one cell to the next |
//! | 48 | 8 | offset of the baseline, or 0 if the metric has no baseline |
//! | 56 | 4 | number of cells |
//! | 60 | 4 | flags: 1 if the metric is marked as an error counter. Other bits are 0, and readers ignore them |
//! | 64 | 4 + 4 | labels: offset of the list and number of labels, each 16 bytes: offset and length of the name, then of the value |
//! | 72 | 4 + 4 | bounds of a histogram: offset of the list and number of bounds, each 8 bytes; bounds of durations are in nanoseconds |
//! | 80 | 8 | factor of a histogram between exported values and the values in the file: 10⁹ for durations, which are exported in seconds, 1 for other values; 0 if the metric is not a histogram |
//! | 88 | 8 | only in entries of at least 104 bytes: the threshold of a histogram's objective, which is one of its bounds |
//! | 96 | 4 | parts per billion of the values that should be within the threshold; 0 if there is no objective |
//! | 100 | 4 | 0 |
//!
//! Names and label names match `[a-zA-Z_][a-zA-Z0-9_]*`, units and label values `[a-z0-9_]+`, and no label has a name that
//! [monitoring systems reserve](crate::naming::is_reserved_label). No two metrics have the same
//! name and labels. A histogram has from 1 to 127 bounds in ascending order. A file has at most 65,536 histograms. No two strings
//! or lists overlap. The description has at most 64 MiB, and the values have at most 256 MiB.
//!
//! Version 1 had only the forms 1 and 2, and entries of 64 bytes. Files of that version are read too.
//!
//! # Values
//!
//! All values are aligned words of 64 bits. Each cell and each baseline is one word, except in a histogram. There, each
//! cell and each baseline is a block with two words for each bucket: the count of the bucket, and the sum of its values
//! in the unit of the bounds. The buckets are in the order of the bounds; the last bucket has no bound.
//!
//! | form | total | value since the last reset | reset |
//! |---|---|---|---|
//! | counter | the wrapping sum of the cells | total minus baseline | raises the baseline to the total; without a baseline, sets the cells to zero |
//! | histogram | as for a counter, for each word of the blocks; the count is the sum of the buckets' counts | as for a counter | as for a counter |
//! | gauge | the wrapping sum of the cells, as a signed number | the total | none |
//! | float gauge | the cell, as a 64-bit float | the total | none |
//! | peak | the cell, as a signed number; −2⁶³ if no value was recorded | the total | sets it to −2⁶³ |
//!
//! Read baselines before cells, because a reset raises the baselines to the totals. A reading under load is not taken
//! at a single instant: while a histogram records a value, a reading may contain the count and not yet the sum. Other
//! words of the values, such as the flags of the cells in use, are internal to the publisher.
//!
//! # Lock
//!
//! The publisher holds an exclusive open file description lock (`F_OFD_SETLK`) on the file, from byte 0 to the end,
//! however long the file becomes. A process that replaces the file of a process that has ended locks only byte 0 during
//! the replacement.

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
