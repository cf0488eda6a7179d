//! Locks the directory of a store.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use super::error::Error;

/// The lock file of a directory. It is locked as long as the store is open, so that no other process opens the store.
pub(crate) struct DirectoryLock(File);

impl DirectoryLock {
    /// Locks a directory for this process.
    pub(crate) fn new(directory: &Path) -> Result<Self, Error> {
        let file = File::create(directory.join("LOCK"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let message = "the store is open elsewhere";
                Err(io::Error::new(io::ErrorKind::ResourceBusy, message).into())
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

impl Drop for DirectoryLock {
    /// Unlocks the file. Closing the file would not be enough while another thread starts a process. The new process
    /// has a copy of the open file until it executes its program, and the copy keeps the lock.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
