//! Operating system services: opening files safely, locks that end with a process, renaming, and shared memory.

#[cfg(all(
    any(target_os = "linux", target_os = "android", target_vendor = "apple"),
    target_has_atomic = "64"
))]
#[path = "unix.rs"]
mod imp;

#[cfg(not(all(
    any(target_os = "linux", target_os = "android", target_vendor = "apple"),
    target_has_atomic = "64"
)))]
#[path = "unsupported.rs"]
mod imp;

pub(super) use imp::{
    Mapping, allocated, create_new, describe, exchange, has_hole, identity, lock_holder, open,
    open_no_link, process_token, read_at, rename_no_replace, try_lock,
};

/// The lock that a process requests.
#[derive(Clone, Copy)]
pub(super) enum Lock {
    /// The lock that a publisher holds as long as it publishes.
    Publisher,
    /// The lock of a process that replaces the file of a process that has ended.
    Successor,
}

/// The process that has locked a file, if any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Holder {
    Publisher,
    Successor,
    /// No process, or a process that only reads the file.
    Nobody,
}
