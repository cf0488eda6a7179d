//! What is asked of the operating system: files that are safe to open, the lock that tells who lives, and shared
//! memory.

#[cfg(all(
    any(target_os = "linux", target_os = "android", target_vendor = "apple"),
    target_has_atomic = "64"
))]
#[path = "sys/unix.rs"]
mod imp;

#[cfg(not(all(
    any(target_os = "linux", target_os = "android", target_vendor = "apple"),
    target_has_atomic = "64"
)))]
#[path = "sys/unsupported.rs"]
mod imp;

pub(super) use imp::{
    Mapping, create_new, identity, is_locked, open, open_no_link, read_at, try_lock, what_it_is,
};
