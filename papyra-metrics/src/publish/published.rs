//! `Published<M>`: a struct of metrics in a shared file, or in private memory.

use core::{fmt, mem::ManuallyDrop, ops::Deref, ptr::NonNull};
use std::{
    boxed::Box,
    fs::File,
    path::{Path, PathBuf},
};

use super::error::{PublishCause, PublishError};
use super::file::{self, Temporary};
use super::locate::MetricLocator;
use super::sys;
use crate::__private::Publishable;

/// A struct of metrics in a file that any other process can read, or in private memory.
///
/// It dereferences to the struct and implements [`Metrics`](trait@crate::Metrics). Counting is still a single atomic
/// instruction. The [module's documentation](super) lists which structs can be published and describes the life of the
/// file.
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
///
/// # Optional publishing
///
/// A backend that holds a `Published` does not need a path. [`private`](Self::private), which is also the
/// [`Default`], keeps the metrics in private memory:
///
/// ```
/// use papyra_metrics::{persistence::PersistenceMetrics, publish::{Published, PublishError}};
/// use std::path::Path;
///
/// #[derive(Default)]
/// struct Log {
///     metrics: Published<PersistenceMetrics>,
/// }
///
/// impl Log {
///     fn open() -> Self {
///         Self::default()
///     }
///
///     fn published_at(path: &Path) -> Result<Self, PublishError> {
///         Ok(Self { metrics: Published::create(path)? })
///     }
/// }
///
/// let log = Log::open();
/// log.metrics.records_written.inc();
/// assert!(log.metrics.path().is_none() && log.metrics.error().is_none());
/// ```
pub struct Published<M: ?Sized> {
    metrics: NonNull<M>,
    memory: Memory,
}

/// The smallest page length of any supported platform. A mapping of a file begins at a multiple of this length.
const MIN_PAGE_LEN: usize = 4096;

enum Memory {
    Published {
        path: PathBuf,
        /// Whether the file stays when the metrics are dropped.
        keep: bool,
        /// Identifies the process that created the file.
        creator: u64,
        /// The open file, which holds the lock until it is closed.
        lock: File,
        /// Contains the metrics.
        _mapping: sys::Mapping,
    },
    /// The metrics are in a box, because publishing failed or was not requested.
    Private(Option<PublishError>),
}

impl<M> Published<M> {
    /// Creates default metrics and publishes them in a file at the path.
    ///
    /// The file of a process that has ended is replaced. A struct that is aligned to more than 4096 bytes is a compile
    /// error.
    ///
    /// # Errors
    ///
    /// Returns an error, and leaves no file behind, if
    ///
    /// - a live process publishes at the path,
    /// - a reader has locked the file of a process that has ended,
    /// - something other than a metrics file is at the path,
    /// - the path does not end in a file name,
    /// - the struct does not fit into a metrics file,
    /// - the file cannot be created or the disk is full,
    /// - the platform does not support published metrics.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, PublishError>
    where
        M: Publishable + Default,
    {
        const {
            assert!(
                align_of::<M>() <= MIN_PAGE_LEN,
                "a published struct cannot be aligned to more than 4096 bytes; remove its `#[repr(align(…))]`"
            );
        };
        let path = path.as_ref();
        // In a box, because some structs are too large for the stack of a thread.
        Self::publish(path, Box::default()).map_err(|cause| cause.at(path))
    }

    /// Publishes metrics as [`create`](Self::create) does. If that fails, keeps the metrics in private memory, so that a
    /// backend does not fail because of its metrics. In this case, [`error`](Self::error) returns the reason.
    ///
    /// ```
    /// use papyra_metrics::{persistence::PersistenceMetrics, publish::Published};
    ///
    /// let metrics = Published::<PersistenceMetrics>::create_or_private("/no/such/directory/log.metrics");
    /// metrics.records_written.inc();
    /// assert_eq!(metrics.path(), None);
    /// println!("{}", metrics.error().unwrap()); // cannot publish metrics at "/no/such/directory/…
    /// ```
    pub fn create_or_private(path: impl AsRef<Path>) -> Self
    where
        M: Publishable + Default,
    {
        Self::create(path).unwrap_or_else(|error| Self::in_memory(Some(error)))
    }

    /// Creates default metrics in private memory, where no other process can read them.
    pub fn private() -> Self
    where
        M: Default,
    {
        Self::in_memory(None)
    }

    fn in_memory(error: Option<PublishError>) -> Self
    where
        M: Default,
    {
        // The box is freed on drop.
        Self { metrics: NonNull::from(Box::leak(Box::default())), memory: Memory::Private(error) }
    }

    #[allow(unsafe_code)] // shared memory comes as a raw pointer
    fn publish(path: &Path, metrics: Box<M>) -> Result<Self, PublishCause>
    where
        M: Publishable,
    {
        // Absolute, because the working directory may have changed when the process removes the file.
        let path = &file::absolute(path)?;
        // Every metric consists of atomics in the struct, because `M` is `Publishable`. So the only reason for a failure is
        // that the number of cells of a metric exceeds the range of the file format.
        let locations = MetricLocator::locate(&*metrics).ok_or(PublishCause::TooLarge)?;
        let temporary = Temporary::beside(path)?;
        let (mapping, values) = file::write_file::<M>(&temporary.file, &locations)?;
        let lock = temporary.file.try_clone().map_err(PublishCause::io("opening the file"))?;
        // SAFETY: the mapping has `size_of::<M>()` bytes from `values` on, as `write_file` guarantees. The pointer is
        // not null, because it points into the mapping.
        let shared =
            unsafe { NonNull::new_unchecked(mapping.as_mut_ptr().add(values).cast::<M>()) };
        // The mapping begins at a page boundary, `values` is a multiple of the alignment of `M`, and `create` has
        // checked that this alignment is not larger than a page.
        debug_assert!(shared.is_aligned());
        // The content of the box must not be dropped: it is moved to the shared memory, and is dropped there.
        // SAFETY: `ManuallyDrop<M>` has the layout of `M`, and the pointer comes from a box.
        let metrics: Box<ManuallyDrop<M>> = unsafe { Box::from_raw(Box::into_raw(metrics).cast()) };
        for offset in locations.words() {
            // Word by word, because a copy of the whole struct would publish the bytes in its padding.
            // SAFETY: both pointers are in an `M` and aligned to 8, as the locator has checked. They point to atomics,
            // which are initialized, and to which no other thread has access yet.
            unsafe {
                let from = core::ptr::from_ref(&**metrics).cast::<u64>().byte_add(offset);
                shared.cast::<u64>().byte_add(offset).write(from.read());
            }
        }
        // `shared` is a valid `M` from here on: a `Publishable` struct consists of atomics, which have been copied, and
        // padding.
        let published = Self {
            metrics: shared,
            memory: Memory::Published {
                path: path.clone(),
                keep: false,
                creator: sys::process_token(),
                lock,
                _mapping: mapping,
            },
        };
        temporary.put_in_place(path)?;
        Ok(published)
    }
}

impl<M: ?Sized> Published<M> {
    /// Keeps the file when the metrics are dropped, so that the last counts can be read later.
    ///
    /// The next process that publishes to the path replaces the file. Has no effect on metrics in private memory.
    #[must_use]
    pub fn keep(mut self) -> Self {
        if let Memory::Published { keep, .. } = &mut self.memory {
            *keep = true;
        }
        self
    }

    /// Returns the absolute path of the file, or `None` if the metrics are in private memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.memory {
            Memory::Published { path, .. } => Some(path),
            Memory::Private(_) => None,
        }
    }

    /// Returns the error if publishing failed, or `None` if the metrics are published or publishing was not requested.
    pub fn error(&self) -> Option<&PublishError> {
        match &self.memory {
            Memory::Published { .. } => None,
            Memory::Private(error) => error.as_ref(),
        }
    }
}

/// Creates [`private`](Published::private) metrics.
impl<M: Default> Default for Published<M> {
    fn default() -> Self {
        Self::private()
    }
}

impl<M: ?Sized> Deref for Published<M> {
    type Target = M;

    #[inline]
    #[allow(unsafe_code)] // shared memory comes as a raw pointer
    fn deref(&self) -> &M {
        // SAFETY: the pointer refers to an `M` in the mapping or the box. This `M` lives until `self` is dropped, and
        // there is no mutable reference to it.
        unsafe { self.metrics.as_ref() }
    }
}

// SAFETY: `Published` owns the `M`, and all other fields are `Send`.
#[allow(unsafe_code)] // a raw pointer is not `Send`
unsafe impl<M: ?Sized + Send> Send for Published<M> {}

// SAFETY: `Published` gives out only shared references to the `M`, and all other fields are `Sync`.
#[allow(unsafe_code)] // a raw pointer is not `Sync`
unsafe impl<M: ?Sized + Sync> Sync for Published<M> {}

impl<M: ?Sized> Drop for Published<M> {
    #[allow(unsafe_code)] // shared memory comes as a raw pointer
    fn drop(&mut self) {
        match &self.memory {
            Memory::Private(_) => {
                // SAFETY: `in_memory` has leaked this box, and it is not used after the drop.
                drop(unsafe { Box::from_raw(self.metrics.as_ptr()) });
            }
            Memory::Published { path, keep, creator, lock, .. } => {
                // A forked child does not remove the file, which belongs to its parent.
                if !keep && *creator == sys::process_token() {
                    file::remove(path, lock);
                }
                // SAFETY: the pointer refers to the `M` that `publish` has written, which is not used after the drop.
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
    fn forked_children_count_into_the_file_and_do_not_remove_it() {
        const CHILDREN: u64 = 8;
        let path = path("fork");
        let mut shared = Some(Published::<Shared>::create(&path).unwrap());
        let children: std::vec::Vec<_> = (0..CHILDREN)
            .map(|_| {
                // SAFETY: the child only counts, drops the metrics and exits. It frees memory, which the supported C libraries
                // allow after a fork.
                let child = unsafe { libc::fork() };
                if child == 0 {
                    let metrics = shared.take().unwrap();
                    for _ in 0..100_000 {
                        metrics.records_written.inc();
                    }
                    metrics.open.inc();
                    drop(metrics);
                    // SAFETY: `_exit` only ends the process.
                    unsafe { libc::_exit(0) };
                }
                assert!(child > 0, "{}", std::io::Error::last_os_error());
                child
            })
            .collect();
        for child in children {
            let mut status = 0;
            // SAFETY: `status` is valid for writes.
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
    fn threads_share_the_metrics_whose_memory_is_aligned_and_dropped_once() {
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
        DROPS.take(); // ignores the drop of the struct that could not be published
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
