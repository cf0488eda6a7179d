//! The file of a publisher. It is written completely before it gets its name, it replaces only the file of a process
//! that has ended, and it is removed only if it is still the file at its path.

use core::time::Duration;
use std::{
    collections::hash_map::RandomState,
    format, fs,
    fs::File,
    hash::{BuildHasher, Hasher},
    io,
    io::Write,
    path::{Path, PathBuf},
    thread,
};

use super::description::{MAGIC, Process};
use super::encode::encode;
use super::error::PublishCause;
use super::locate::MetricLocator;
use super::reader::Reader;
use super::sys::{self, Holder, Lock};
use crate::__private::Publishable;

pub(super) fn absolute(path: &Path) -> Result<PathBuf, PublishCause> {
    // `file_name` accepts a slash at the end, so the slash is checked separately.
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(PublishCause::InvalidFileName);
    }
    std::path::absolute(path).map_err(PublishCause::io("finding the working directory"))
}

/// A file under a hidden name that no other process uses.
pub(super) struct Temporary {
    name: PathBuf,
    pub(super) file: File,
}

/// Returns a random, hidden path in the directory of `path`.
fn hidden_beside(path: &Path) -> PathBuf {
    let number = RandomState::new().build_hasher().finish();
    path.with_file_name(format!(".papyra-metrics-{number:016x}"))
}

impl Temporary {
    /// Creates a file in the directory of `path`, so that the file can be linked at `path`.
    pub(super) fn beside(path: &Path) -> Result<Self, PublishCause> {
        let name = hidden_beside(path);
        let file =
            sys::create_new(&name).map_err(PublishCause::io("creating a file in its directory"))?;
        Ok(Self { name, file })
    }

    /// Links this file at the path. If a metrics file is at the path already, and the process that published that file has
    /// ended, this file replaces it. Returns an error if anything else is at the path.
    pub(super) fn put_in_place(&self, path: &Path) -> Result<(), PublishCause> {
        /// An attempt fails if another process replaces or locks the file at the path at the same time. A replacement takes
        /// microseconds.
        const MAX_ATTEMPTS: u32 = 64;
        const PAUSE: Duration = Duration::from_millis(1);
        let naming = PublishCause::io("giving the file its name");
        let mut obstacle = PublishCause::InUse(None);
        for _ in 0..MAX_ATTEMPTS {
            // A link, because a rename would replace any file at the path.
            match fs::hard_link(&self.name, path) {
                Ok(()) => {
                    // The file is at the path now, so its hidden name is not needed any more.
                    let _ = fs::remove_file(&self.name);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(naming(error)),
            }
            match lock_stale(path)? {
                Stale::Locked(stale) => {
                    if self.replace(path, &stale).map_err(naming)? {
                        return Ok(());
                    }
                }
                Stale::Gone => {}
                Stale::Busy(cause) => {
                    obstacle = cause;
                    thread::sleep(PAUSE);
                }
            }
        }
        Err(obstacle)
    }

    /// Replaces the stale file at the path by this file. Returns `false`, without having replaced anything, if the stale
    /// file is no longer at the path.
    fn replace(&self, path: &Path, stale: &File) -> io::Result<bool> {
        match sys::exchange(&self.name, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                // This file system or kernel cannot exchange two files. If another file is moved to the path between this check and
                // the rename, that file is lost.
                return if is_at(path, stale) {
                    fs::rename(&self.name, path).map(|()| true)
                } else {
                    Ok(false)
                };
            }
            Err(error) => return Err(error),
        }
        if is_at(&self.name, stale) {
            // If the stale file cannot be removed, it stays under a hidden name, where readers do not look for metrics.
            let _ = fs::remove_file(&self.name);
            return Ok(true);
        }
        // Another file was at the path. It is put back.
        sys::exchange(&self.name, path)?;
        Ok(false)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // The hidden name may have been removed. Or `replace` has given this name to another file and could not put it back at
        // the path. Such a file is kept.
        if is_at(&self.name, &self.file) {
            let _ = fs::remove_file(&self.name);
        }
    }
}

/// Writes the description and zeros for the values, locks the file and maps it. Returns the mapping and the offset of
/// the values.
pub(super) fn write_file<M: Publishable>(
    mut file: &File,
    locations: &MetricLocator,
) -> Result<(sys::Mapping, usize), PublishCause> {
    let mut bytes = encode(&Process::current(), &locations.found, size_of::<M>(), align_of::<M>())
        .ok_or(PublishCause::TooLarge)?;
    let values = bytes.len();
    // Writes zeros instead of only reserving space, so that a full disk is an error here and not a signal during counting.
    bytes.resize(values + size_of::<M>(), 0);
    file.write_all(&bytes).map_err(PublishCause::io("writing the file"))?;
    // Synchronizes the file, so that after a crash of the machine the next process recognizes it as a metrics file and replaces it.
    file.sync_data().map_err(PublishCause::io("writing the file"))?;
    if !sys::try_lock(file, Lock::Publisher).map_err(PublishCause::io("locking the file"))? {
        return Err(PublishCause::InUse(None));
    }
    let mapping = sys::Mapping::new(file).map_err(PublishCause::io("mapping the file"))?;
    if mapping.len() < bytes.len() {
        return Err(PublishCause::Io("mapping the file", io::ErrorKind::UnexpectedEof.into()));
    }
    Ok((mapping, values))
}

/// The result of an attempt to lock the file of a process that has ended.
enum Stale {
    /// The file is locked, so that no other process replaces it at the same time.
    Locked(File),
    /// The file that was examined is no longer at the path.
    Gone,
    /// The file is locked by a process that is not a publisher.
    Busy(PublishCause),
}

/// Locks the file at the path if the process that published it has ended. Returns an error if a live process publishes at the
/// path, or if something other than a metrics file is there.
fn lock_stale(path: &Path) -> Result<Stale, PublishCause> {
    let io = PublishCause::io("examining the file at the path");
    let Some(metadata) = found(fs::symlink_metadata(path)).map_err(io)? else {
        return Ok(Stale::Gone);
    };
    if !metadata.is_file() {
        return Err(PublishCause::Occupied(sys::describe(metadata.file_type())));
    }
    let Some(file) = found(sys::open_no_link(path)).map_err(io)? else { return Ok(Stale::Gone) };
    let opened = file.metadata().map_err(io)?;
    let mut magic = [0; MAGIC.len()];
    if !opened.is_file() || sys::read_at(&file, &mut magic, 0).is_err() || magic != MAGIC {
        return Err(PublishCause::Occupied("a file that is not a metrics file"));
    }
    if !sys::try_lock(&file, Lock::Successor).map_err(io)? {
        return match sys::lock_holder(&file).map_err(io)? {
            Holder::Publisher => {
                let reader = Reader::from_file(file, path).ok();
                Err(PublishCause::InUse(reader.map(|reader| reader.process().clone())))
            }
            Holder::Successor => Ok(Stale::Busy(PublishCause::InUse(None))),
            Holder::Nobody => Ok(Stale::Busy(PublishCause::Locked)),
        };
    }
    // Another process may have replaced the file before it was locked.
    Ok(if is_at(path, &file) { Stale::Locked(file) } else { Stale::Gone })
}

/// Converts the error `NotFound` into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether the path is a name of the open file.
fn is_at(path: &Path, file: &File) -> bool {
    let opened = file.metadata().map(|metadata| sys::identity(&metadata));
    let there = fs::symlink_metadata(path).map(|metadata| sys::identity(&metadata));
    opened.is_ok_and(|opened| there.is_ok_and(|there| there == opened))
}

/// Removes `file` from the path. Does nothing if another file, or no file, is at the path.
pub(super) fn remove(path: &Path, file: &File) {
    if is_at(path, file) {
        remove_unless_replaced(path, file);
    }
}

/// Removes the file at the path, after the caller has checked that it is `file`. If another file was moved to the path after
/// the check, that file is put back.
fn remove_unless_replaced(path: &Path, file: &File) {
    // Errors are ignored, because they cannot be reported when metrics are dropped. The next process that publishes at the path
    // replaces the file.
    let hidden = hidden_beside(path);
    if fs::rename(path, &hidden).is_err() {
        return;
    }
    // Another file is put back by a rename that does not replace a file at the path. If the file system does not support that,
    // the file is put back by a link, which does not replace a file either, and the hidden name is removed.
    let is_removable = is_at(&hidden, file)
        || sys::rename_no_replace(&hidden, path)
            .is_err_and(|error| error.kind() == io::ErrorKind::Unsupported)
            && fs::hard_link(&hidden, path).is_ok();
    if is_removable {
        let _ = fs::remove_file(&hidden);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, string::String, vec::Vec};

    use super::{Temporary, remove_unless_replaced};

    /// A temporary directory, which is removed with its files.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let name = std::format!("papyra-metrics-{name}-{}", std::process::id());
            let directory = std::env::temp_dir().join(name);
            fs::create_dir(&directory).unwrap();
            Self(directory)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_file_that_was_moved_to_the_path_after_the_check_is_not_replaced() {
        let directory = Directory::new("replace");
        let path = directory.0.join("path");
        let stale = fs::File::create(directory.0.join("stale")).unwrap();
        fs::write(&path, "foreign").unwrap();
        let temporary = Temporary::beside(&path).unwrap();
        assert!(!temporary.replace(&path, &stale).unwrap());
        drop(temporary);
        assert_eq!(fs::read_to_string(&path).unwrap(), "foreign");
        assert_eq!(directory.names().len(), 2);

        fs::rename(directory.0.join("stale"), &path).unwrap();
        let temporary = Temporary::beside(&path).unwrap();
        assert!(temporary.replace(&path, &stale).unwrap());
        let there = fs::metadata(&path).unwrap().ino();
        assert_eq!(there, temporary.file.metadata().unwrap().ino());
        drop(temporary);
        assert_eq!(directory.names(), ["path"]);
    }

    #[test]
    fn a_file_that_was_moved_to_the_path_after_the_check_is_not_removed() {
        let directory = Directory::new("remove");
        let path = directory.0.join("path");
        let ours = fs::File::create(&path).unwrap();
        fs::write(directory.0.join("foreign"), "foreign").unwrap();
        fs::rename(directory.0.join("foreign"), &path).unwrap();
        remove_unless_replaced(&path, &ours);
        assert_eq!(fs::read_to_string(&path).unwrap(), "foreign");
        assert_eq!(directory.names(), ["path"]);

        let ours = fs::File::open(&path).unwrap();
        remove_unless_replaced(&path, &ours);
        assert_eq!(directory.names(), [""; 0]);
    }
}
