//! The struct in the file: counted in through shared memory, and dropped with it.

use core::{fmt, ops::Deref, ptr::NonNull};
use std::{
    boxed::Box,
    fs::File,
    path::{Path, PathBuf},
};

use super::error::{PublishCause, PublishError};
use super::file::{self, Temporary};
use super::sys;
use crate::__private::Publishable;

/// A struct of metrics in a file that any other process can read.
///
/// It derefs to the struct and is [`Metrics`](trait@crate::Metrics) itself. Counting through it is the same one
/// atomic instruction. The [module's documentation](super) tells which structs can be published, and what becomes
/// of the file.
///
/// ```
/// use papyra_metrics::{Metrics, persistence::PersistenceMetrics, publish::Published};
///
/// # let path = std::env::temp_dir().join(format!("papyra-metrics-doc-{}.metrics", std::process::id()));
/// let metrics = Published::<PersistenceMetrics>::create(&path)?;
/// metrics.records_written.inc();
/// assert_eq!(metrics.snapshot()["records_written"], 1);
/// assert!(path.exists());
///
/// drop(metrics);
/// assert!(!path.exists());
/// # Ok::<(), papyra_metrics::publish::PublishError>(())
/// ```
pub struct Published<M: ?Sized> {
    metrics: NonNull<M>,
    memory: Memory,
}

enum Memory {
    Published {
        path: PathBuf,
        /// Removed when dropped, unless it is to be kept.
        keep: bool,
        /// The process that made it.
        pid: u32,
        /// Open, for it has the lock.
        lock: File,
        /// Where the metrics lie.
        _mapping: sys::Mapping,
    },
    /// In a box.
    Private(PublishError),
}

impl<M> Published<M> {
    /// Publishes metrics, all at zero, as the file at this path.
    ///
    /// A file that a process has left there which is no longer alive is replaced.
    ///
    /// # Errors
    ///
    /// Where another process publishes at that path and is alive, where something is there that is no file of
    /// metrics, where the file cannot be made or the disk is full, and on platforms that lack what it takes.
    /// Nothing is left behind.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, PublishError>
    where
        M: Publishable + Default,
    {
        let path = path.as_ref();
        Self::publish(path, M::default()).map_err(|cause| PublishError::new(path, cause))
    }

    /// Publishes metrics as [`create`](Self::create) does, or has them in ordinary memory where that fails:
    /// metrics never fail a backend. [`error`](Self::error) then tells why.
    ///
    /// ```
    /// use papyra_metrics::{persistence::PersistenceMetrics, publish::Published};
    ///
    /// let metrics = Published::<PersistenceMetrics>::create_or_private("/no/such/directory/log.metrics");
    /// metrics.records_written.inc();
    /// assert_eq!(metrics.path(), None);
    /// println!("{}", metrics.error().unwrap()); // cannot publish metrics at /no/such/directory/…
    /// ```
    pub fn create_or_private(path: impl AsRef<Path>) -> Self
    where
        M: Publishable + Default,
    {
        Self::create(path).unwrap_or_else(|error| Self {
            metrics: NonNull::from(Box::leak(Box::default())), // until it is dropped
            memory: Memory::Private(error),
        })
    }

    #[allow(unsafe_code)] // shared memory comes as a raw pointer
    fn publish(path: &Path, metrics: M) -> Result<Self, PublishCause>
    where
        M: Publishable,
    {
        // The process may be in another directory when it removes the file.
        let path = &file::absolute(path)?;
        let temporary = Temporary::beside(path)?;
        let (mapping, values) = file::write_file(&temporary.file, &metrics)?;
        // SAFETY: the mapping has `size_of::<M>()` bytes behind `values`, which is what `write_file` says, and
        // nobody else has a pointer to them. They are no null pointer, for the description lies before.
        let place = unsafe { NonNull::new_unchecked(mapping.as_mut_ptr().add(values).cast::<M>()) };
        if !place.is_aligned() {
            return Err(PublishCause::TooLarge);
        }
        // SAFETY: as above, and aligned. `M` is `Publishable`, so it is atomics and nothing else: what other
        // processes do there, atomically, leaves it an `M`.
        unsafe { place.write(metrics) };
        let Temporary { name, file } = &temporary;
        let lock = file.try_clone().map_err(|error| PublishCause::Io("opening it", error))?;
        let published = Self {
            metrics: place,
            memory: Memory::Published {
                path: path.clone(),
                keep: false,
                pid: std::process::id(),
                lock,
                _mapping: mapping,
            },
        };
        file::put_in_place(name, path)?;
        Ok(published)
    }
}

impl<M: ?Sized> Published<M> {
    /// Keeps the file when the metrics are dropped, for whoever wants to read the last counts.
    ///
    /// The next process that publishes to the path replaces it.
    #[must_use]
    pub fn keep(mut self) -> Self {
        if let Memory::Published { keep, .. } = &mut self.memory {
            *keep = true;
        }
        self
    }

    /// Where the metrics are published, as an absolute path; `None` where they are in private memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.memory {
            Memory::Published { path, .. } => Some(path),
            Memory::Private(_) => None,
        }
    }

    /// Why the metrics are in private memory, if they are.
    pub fn error(&self) -> Option<&PublishError> {
        match &self.memory {
            Memory::Published { .. } => None,
            Memory::Private(error) => Some(error),
        }
    }
}

impl<M: ?Sized> Deref for Published<M> {
    type Target = M;

    #[inline]
    #[allow(unsafe_code)] // shared memory comes as a raw pointer
    fn deref(&self) -> &M {
        // SAFETY: it points to an `M`, in the mapping or the box that lives until `self` is dropped, and nobody has
        // a mutable reference to it.
        unsafe { self.metrics.as_ref() }
    }
}

// SAFETY: it owns the `M`, and everything else in it is `Send`.
#[allow(unsafe_code)] // a raw pointer is not
unsafe impl<M: ?Sized + Send> Send for Published<M> {}

// SAFETY: it lends the `M`, and everything else in it is `Sync`.
#[allow(unsafe_code)] // a raw pointer is not
unsafe impl<M: ?Sized + Sync> Sync for Published<M> {}

impl<M: ?Sized> Drop for Published<M> {
    #[allow(unsafe_code)] // shared memory comes as a raw pointer
    fn drop(&mut self) {
        match &self.memory {
            Memory::Private(_) => {
                // SAFETY: `create_or_private` has leaked this box, and nobody uses it after the drop.
                drop(unsafe { Box::from_raw(self.metrics.as_ptr()) });
            }
            Memory::Published { path, keep, pid, lock, .. } => {
                // A child that has inherited the file leaves it to its parent.
                if !keep && *pid == std::process::id() {
                    file::remove(path, lock);
                }
                // SAFETY: it is the `M` that `publish` has put there, and nobody uses it after the drop.
                unsafe { self.metrics.drop_in_place() };
            }
        }
    }
}

impl<M: fmt::Debug + ?Sized> fmt::Debug for Published<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("path", &self.path())
            .field("error", &self.error())
            .field("metrics", &&**self)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use super::super::{Published, Reader};
    use crate::{Counter, Gauge, Metrics};

    #[derive(Default, Metrics)]
    #[metrics(crate = crate)]
    struct Shared {
        records_written: Counter,
        open: Gauge,
    }

    fn path(name: &str) -> std::path::PathBuf {
        let name = std::format!("papyra-metrics-{name}-{}.metrics", std::process::id());
        std::env::temp_dir().join(name)
    }

    #[test]
    #[allow(unsafe_code)] // forks
    fn children_that_were_forked_count_into_the_file_and_leave_it() {
        const CHILDREN: u64 = 8;
        let path = path("fork");
        let mut shared = Some(Published::<Shared>::create(&path).unwrap());
        let children: std::vec::Vec<_> = (0..CHILDREN)
            .map(|_| {
                // SAFETY: the child does nothing that is not allowed between a fork and the end of a process: it
                // counts, compares numbers, and leaves.
                let child = unsafe { libc::fork() };
                if child == 0 {
                    let metrics = shared.take().unwrap();
                    for _ in 0..100_000 {
                        metrics.records_written.inc();
                    }
                    metrics.open.inc();
                    drop(metrics);
                    // SAFETY: it only ends the process.
                    unsafe { libc::_exit(0) };
                }
                assert!(child > 0, "{}", std::io::Error::last_os_error());
                child
            })
            .collect();
        for child in children {
            let mut status = 0;
            // SAFETY: `status` is a place for an int.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0);
        }
        let metrics = shared.unwrap();
        let snapshot = Reader::open(&path).unwrap().snapshot().unwrap();
        assert_eq!(snapshot["records_written"], CHILDREN * 100_000);
        assert_eq!(snapshot["open"], CHILDREN);
        assert_eq!(metrics.snapshot(), snapshot);
        drop(metrics);
        assert!(!path.exists());
    }

    #[test]
    fn threads_share_it_and_its_memory_is_aligned_and_dropped_once() {
        #[derive(Metrics)]
        #[metrics(crate = crate)]
        #[repr(align(1024))]
        struct Dropped {
            value: Counter,
        }
        static DROPS: Counter = Counter::new();
        impl Default for Dropped {
            fn default() -> Self {
                let value = Counter::new();
                value.add(40);
                Self { value }
            }
        }
        impl Drop for Dropped {
            fn drop(&mut self) {
                DROPS.inc();
            }
        }

        let path = path("drop");
        let metrics = Published::<Dropped>::create(&path).unwrap();
        let mut other = Published::<Dropped>::create_or_private(&path);
        DROPS.take(); // of the struct that was not published
        thread::scope(|scope| {
            scope.spawn(|| metrics.value.inc());
            scope.spawn(|| metrics.value.inc());
        });
        let moved = thread::spawn(move || {
            assert_eq!(metrics.value.get(), 42);
            metrics
        });
        let metrics = moved.join().unwrap();
        assert_eq!(core::ptr::from_ref(&*metrics).addr() % 1024, 0);
        assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap()["value"], 42);
        assert_eq!(DROPS.get(), 0);
        drop(metrics);
        assert_eq!(DROPS.get(), 1);
        other = other.keep();
        assert_eq!((other.path(), other.value.get()), (None, 40));
        drop(other);
        assert_eq!(DROPS.get(), 2);
        assert!(!fs::exists(path).unwrap());
    }
}
