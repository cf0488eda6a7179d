//! Functions for the tests of the files of a store.

#![allow(dead_code)] // each test binary uses some of the functions

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use papyra_metrics_engine_example::{Options, Store};

pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

pub(crate) fn unsynced() -> Options {
    Options { is_synced: false, ..Options::default() }
}

/// Returns the path of the only log in a directory.
pub(crate) fn log_in(directory: &Path) -> PathBuf {
    let mut paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|it| it == "wal")).unwrap()
}

/// Returns the tables that the manifest does not list, and the logs that are older than the manifest's.
pub(crate) fn leftovers(directory: &Path) -> Vec<String> {
    let manifest = fs::read_to_string(directory.join("MANIFEST")).unwrap();
    let (mut first_log, mut tables) = (String::new(), Vec::new());
    for line in manifest.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["log", number] => first_log = format!("{number:0>8}.wal"),
            ["table", _, number] => tables.push(format!("{number:0>8}.table")),
            _ => {}
        }
    }
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let is_leftover = |name: &String| match name.split_once('.') {
        Some((_, "table")) => !tables.contains(name),
        Some((_, "wal")) => *name < first_log,
        _ => false,
    };
    names.map(|name| name.into_string().unwrap()).filter(is_leftover).collect()
}

pub(crate) fn content(store: &Store) -> Map {
    store.scan(b"", usize::MAX).unwrap().into_iter().collect()
}
