// Includes the files of the example engine in a module that has its own `metrics`.

#[path = "../../examples/engine/background.rs"]
mod background;
#[path = "../../examples/engine/codec.rs"]
mod codec;
#[path = "../../examples/engine/directory_lock.rs"]
mod directory_lock;
#[path = "../../examples/engine/error.rs"]
mod error;
#[path = "../../examples/engine/levels.rs"]
mod levels;
#[path = "../../examples/engine/manifest.rs"]
mod manifest;
#[path = "../../examples/engine/memtable.rs"]
mod memtable;
#[path = "../../examples/engine/merge.rs"]
mod merge;
#[path = "../../examples/engine/recovery.rs"]
mod recovery;
#[path = "../../examples/engine/store.rs"]
#[allow(unused_imports)] // only `#[metrics]` uses one of the labels
mod store;
#[path = "../../examples/engine/table.rs"]
#[allow(unused_variables)] // only `#[metrics]` uses one of the arguments
mod table;
#[path = "../../examples/engine/table_writer.rs"]
mod table_writer;
#[path = "../../examples/engine/wal.rs"]
#[allow(clippy::unused_self)] // one function needs `self` only for `#[metrics]`
mod wal;

/// The example engine, compiled with the `metrics` of the module that includes this file.
pub(crate) struct Engine(store::Store);

impl crate::workload::Engine for Engine {
    fn open(directory: &std::path::Path, is_synced: bool) -> Self {
        let options = store::Options {
            is_synced,
            // Nothing is flushed during a measurement, and all blocks fit into the cache.
            memtable_bytes: 1 << 30,
            cache_bytes: 64 << 20,
            ..store::Options::default()
        };
        let metrics = metrics::SharedMetrics::default();
        Self(store::Store::open(directory, options, metrics).expect("the store can be opened"))
    }

    #[inline(never)]
    fn put(&self, key: &[u8], value: &[u8]) {
        self.0.put(key, value).expect("the store can be written");
    }

    #[inline(never)]
    fn get(&self, key: &[u8]) -> bool {
        self.0.get(key).expect("the store can be read").is_some()
    }
}
