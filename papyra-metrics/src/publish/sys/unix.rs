//! Linux, Android and Apple's systems.

use core::sync::atomic::{AtomicU64, Ordering};
use std::{
    collections::hash_map::RandomState,
    ffi::CString,
    fs::{File, FileType, Metadata, OpenOptions},
    hash::BuildHasher,
    io,
    os::{
        fd::AsRawFd,
        unix::{
            ffi::OsStrExt,
            fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        },
    },
    path::Path,
    sync::OnceLock,
    time::SystemTime,
};

use super::{Holder, Lock};

/// Flags with which opening a fifo does not wait for its other end, and opening a terminal does not make it the
/// controlling terminal.
const NO_WAIT: libc::c_int = libc::O_NONBLOCK | libc::O_NOCTTY;

/// Creates a file that only its owner may read and write.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    // The umask may have removed permissions.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Opens the file at the path for reading and writing, unless the path is a symbolic link.
pub(crate) fn open_no_link(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(NO_WAIT | libc::O_NOFOLLOW).open(path)
}

/// Opens the file at the path for reading and, if `write` is set, for writing.
pub(crate) fn open(path: &Path, write: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(write).custom_flags(NO_WAIT).open(path)
}

/// Fills the buffer with the bytes at the offset.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Returns the device and the inode. No two existing files have the same pair.
pub(crate) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Returns how many bytes the file takes on its device, without its holes.
pub(crate) fn allocated(metadata: &Metadata) -> u64 {
    metadata.blocks().saturating_mul(512)
}

/// Returns whether the range of the file has a hole: bytes for which no storage is allocated.
///
/// Returns `false` on file systems that do not report holes.
#[allow(unsafe_code)] // the standard library does not seek to holes
pub(crate) fn has_hole(file: &File, start: u64, end: u64) -> io::Result<bool> {
    let start = libc::off_t::try_from(start).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open as long as `file` is. The call changes the file position, which is not used.
    let hole = unsafe { libc::lseek(file.as_raw_fd(), start, libc::SEEK_HOLE) };
    // There is always a hole at the end of the file.
    Ok(u64::try_from(hole).is_ok_and(|hole| hole < end))
}

/// Describes something that is not a regular file.
pub(crate) fn describe(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        "a directory"
    } else if file_type.is_symlink() {
        "a symbolic link"
    } else if file_type.is_fifo() {
        "a fifo"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)
}

/// Exchanges two files of one directory in one step, so that each file always has one of the two names.
pub(crate) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    #[cfg(target_vendor = "apple")]
    let flag = libc::RENAME_SWAP;
    #[cfg(not(target_vendor = "apple"))]
    let flag = libc::RENAME_EXCHANGE;
    rename(a, b, flag)
}

/// Renames a file unless something is at the new path.
pub(crate) fn rename_no_replace(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_vendor = "apple")]
    let flag = libc::RENAME_EXCL;
    #[cfg(not(target_vendor = "apple"))]
    let flag = libc::RENAME_NOREPLACE;
    rename(from, to, flag)
}

/// Renames with flags. Returns `Unsupported` if the kernel or the file system does not support the flags.
#[allow(unsafe_code)] // the standard library renames without flags
fn rename(from: &Path, to: &Path, flag: libc::c_uint) -> io::Result<()> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    #[cfg(target_vendor = "apple")]
    // SAFETY: both paths end in a zero and live through the call.
    let result = unsafe { libc::renamex_np(from.as_ptr(), to.as_ptr(), flag) };
    // Calls `renameat2` by its number, because not every C library has the function.
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: both paths end in a zero and live through the call. `AT_FDCWD` stands for the working directory, so no
    // descriptor has to be open.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            from.as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            flag,
        )
    };
    if result == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    Err(match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL | libc::ENOTSUP | libc::EPERM) => {
            io::ErrorKind::Unsupported.into()
        }
        _ => error,
    })
}

/// Locks the file until it is closed by this process and by all children that it forks. Returns `false` if the file is
/// locked already, by another process, or by this process through another open file.
///
/// The lock belongs to the open file (`F_OFD_SETLK`, POSIX.1-2024), not to the process. So the lock survives when other
/// descriptors of the same file are closed, and also excludes other parts of this process.
pub(crate) fn try_lock(file: &File, lock: Lock) -> io::Result<bool> {
    // A successor locks the first byte alone, so that it is not mistaken for the publisher.
    let len = match lock {
        Lock::Publisher => TO_THE_END,
        Lock::Successor => 1,
    };
    match fcntl_lock(file, libc::F_OFD_SETLK, libc::F_WRLCK, len) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Returns which process has locked the file through another descriptor. Takes no lock, so it cannot prevent another process
/// from locking the file.
pub(crate) fn lock_holder(file: &File) -> io::Result<Holder> {
    // Finds a lock that conflicts with a shared lock. Only an exclusive lock does, and only a process that may write the file can
    // take an exclusive lock. Shared locks, which every process that may read the file can take, are ignored.
    let found = fcntl_lock(file, libc::F_OFD_GETLK, libc::F_RDLCK, TO_THE_END)?;
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    // small constants, whose types differ between systems
    Ok(if found.l_type == libc::F_UNLCK as libc::c_short {
        Holder::Nobody
    } else if found.l_len == TO_THE_END {
        Holder::Publisher
    } else {
        Holder::Successor
    })
}

/// The length of a lock that extends to the end of the file, however long it becomes.
const TO_THE_END: libc::off_t = 0;

/// Sets a lock from the beginning of the file, or finds a lock that would conflict with it, depending on the command.
#[allow(unsafe_code)] // the standard library has no such locks
#[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)] // small constants, whose types differ
fn fcntl_lock(
    file: &File,
    command: libc::c_int,
    kind: impl Into<libc::c_int>,
    len: libc::off_t,
) -> io::Result<libc::flock> {
    // SAFETY: `flock` is a C struct of integers, for which all-zero bytes are a valid value.
    let mut range: libc::flock = unsafe { core::mem::zeroed() };
    range.l_type = kind.into() as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_len = len;
    // SAFETY: the descriptor is open as long as `file` is, and both commands take a pointer to a `flock`, which
    // they read and write during the call.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut range) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(range) }
}

/// Returns a number that identifies this process. A forked child gets another number, even if the child is in another pid
/// namespace and has the same process id there.
pub(crate) fn process_token() -> u64 {
    /// A page that the kernel clears in every child (`MADV_WIPEONFORK`, Linux 4.14).
    static PAGE: OnceLock<Option<memmap2::MmapRaw>> = OnceLock::new();
    let page = PAGE.get_or_init(|| {
        let page = memmap2::MmapMut::map_anon(size_of::<AtomicU64>()).ok()?;
        wipe_on_fork(&page).then(|| page.into())
    });
    // Without such a page, the process id is used.
    let Some(page) = page else { return std::process::id().into() };
    #[allow(unsafe_code)] // only the kernel can distinguish a child from its parent in all cases
    // SAFETY: a mapping of at least eight bytes, aligned to a page, that is never unmapped. Every bit pattern is a
    // `u64`, and it is only accessed here, atomically.
    let token = unsafe { AtomicU64::from_ptr(page.as_mut_ptr().cast()) };
    let fresh = RandomState::new().hash_one((std::process::id(), SystemTime::now())) | 1;
    // Relaxed: the number does not guard other memory.
    match token.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => fresh,
        Err(token) => token,
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(unsafe_code)] // the standard library has no `madvise`
fn wipe_on_fork(page: &memmap2::MmapMut) -> bool {
    // SAFETY: the range is one mapping of ours, private and anonymous. The advice changes nothing in this process.
    unsafe {
        libc::madvise(page.as_ptr().cast_mut().cast(), page.len(), libc::MADV_WIPEONFORK) == 0
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn wipe_on_fork(_: &memmap2::MmapMut) -> bool {
    false // these systems have no pid namespaces, so the process id is enough
}

/// A file as memory, shared with every process that maps it.
#[derive(Debug)]
pub(crate) struct Mapping(memmap2::MmapRaw);

impl Mapping {
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        memmap2::MmapRaw::map_raw(file).map(Self)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns a pointer to the first byte, which is at the beginning of a page.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.0.as_mut_ptr()
    }
}
