//! Everywhere else: each call that could fail does.

use std::{
    fs::{File, FileType, Metadata},
    io,
    path::Path,
};

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

pub(crate) fn what_it_is(file_type: FileType) -> &'static str {
    if file_type.is_dir() { "a directory" } else { "a device" }
}

pub(crate) fn try_lock(_: &File) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn is_locked(_: &File) -> io::Result<bool> {
    unsupported()
}

/// Of no file.
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
