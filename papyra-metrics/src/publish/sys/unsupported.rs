//! Other platforms: every call that can fail returns an error.

use std::{
    fs::{File, FileType, Metadata},
    io,
    path::Path,
};

use super::{Holder, Lock};

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "published metrics need Linux, Android or macOS, and 64-bit atomics",
    ))
}

pub(crate) fn create_new(_: &Path) -> io::Result<File> {
    unsupported()
}

pub(crate) fn open_no_link(_: &Path) -> io::Result<File> {
    unsupported()
}

pub(crate) fn open(_: &Path, _: bool) -> io::Result<File> {
    unsupported()
}

pub(crate) fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

pub(crate) fn allocated(metadata: &Metadata) -> u64 {
    metadata.len()
}

pub(crate) fn has_hole(_: &File, _: u64, _: u64) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn describe(file_type: FileType) -> &'static str {
    if file_type.is_dir() { "a directory" } else { "a device" }
}

pub(crate) fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn rename_no_replace(_: &Path, _: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn try_lock(_: &File, _: Lock) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn lock_holder(_: &File) -> io::Result<Holder> {
    unsupported()
}

pub(crate) fn process_token() -> u64 {
    u64::from(std::process::id())
}

/// Uninhabited, because no file can be mapped.
#[derive(Debug)]
pub(crate) enum Mapping {}

impl Mapping {
    pub(crate) fn new(_: &File) -> io::Result<Self> {
        unsupported()
    }

    pub(crate) fn len(&self) -> usize {
        match *self {}
    }

    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        match *self {}
    }
}
