//! Linux, Android and Apple's systems.

use std::{
    fs::{File, FileType, Metadata, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::Path,
};

/// Without it, opening a fifo waits for its other end.
const NO_WAIT: libc::c_int = libc::O_NONBLOCK | libc::O_NOCTTY;

/// A new file that only its owner may read and write.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    // Whatever the umask says.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// The file at the path, for reading and writing, unless the path is a symbolic link.
pub(crate) fn open_no_link(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(NO_WAIT | libc::O_NOFOLLOW).open(path)
}

/// The file at the path.
pub(crate) fn open(path: &Path, write: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(write).custom_flags(NO_WAIT).open(path)
}

/// Fills the buffer with what stands at the offset.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// What tells a file from every other one that exists.
pub(crate) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// What is no regular file.
pub(crate) fn what_it_is(file_type: FileType) -> &'static str {
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

/// Locks the file until it is closed, by this process and all children that it forks. `false` where another has
/// locked it.
///
/// The lock is of the open file (`F_OFD_SETLK`, POSIX.1-2024), not of the process: it survives other descriptors
/// of the same file being closed, and another part of this process is told as any other process is.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match lock(file, libc::F_OFD_SETLK) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether another open file has the lock. It takes none, so that it never stands in anyone's way.
pub(crate) fn is_locked(file: &File) -> io::Result<bool> {
    lock(file, libc::F_OFD_GETLK)
}

/// Locks, or asks for who has locked and gives whether somebody has.
#[allow(unsafe_code)] // the standard library has no such locks
#[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)] // constants that are small, of types that differ
fn lock(file: &File, command: libc::c_int) -> io::Result<bool> {
    // SAFETY: `flock` is a C struct of integers, for which zeros are a value: from the beginning of the file to
    // its end, by no process.
    let mut range: libc::flock = unsafe { core::mem::zeroed() };
    range.l_type = libc::F_WRLCK as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    // SAFETY: the descriptor is open as long as `file` is, and both commands take a pointer to a `flock`, which
    // they read and write during the call.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut range) };
    if done == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(range.l_type != libc::F_UNLCK as libc::c_short)
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

    /// The first byte, on the boundary of a page.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.0.as_mut_ptr()
    }
}
