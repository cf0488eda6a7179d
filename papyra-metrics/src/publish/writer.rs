//! Makes the file, counts in it, and removes it.

use core::{fmt, ops::Deref, ptr::NonNull, slice};
use std::{
    boxed::Box,
    collections::hash_map::RandomState,
    format, fs,
    fs::File,
    hash::{BuildHasher, Hasher},
    io,
    io::Write,
    path::{Path, PathBuf},
    vec::Vec,
};

use super::error::{PublishCause, PublishError};
use super::layout::{self, MAGIC, Place, Process};
use super::reader::Reader;
use super::sys;
use crate::__private::{Others, Publishable, Table, Walker, Words};
use crate::{Counter, Descriptor, Gauge, Instrument};

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
        file: File,
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
        M: Publishable + Table + Default,
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
        M: Publishable + Table + Default,
    {
        Self::create(path).unwrap_or_else(|error| Self {
            metrics: NonNull::from(Box::leak(Box::default())), // until it is dropped
            memory: Memory::Private(error),
        })
    }

    #[allow(unsafe_code)] // shared memory comes as a raw pointer
    fn publish(path: &Path, metrics: M) -> Result<Self, PublishCause>
    where
        M: Publishable + Table,
    {
        // The process may be in another directory when it removes the file.
        let path = &absolute(path)?;
        let temporary = Temporary::beside(path)?;
        let (mapping, values) = write_file(&temporary.file, &metrics)?;
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
        let file = file.try_clone().map_err(|error| PublishCause::Io("opening it", error))?;
        let published = Self {
            metrics: place,
            memory: Memory::Published {
                path: path.clone(),
                keep: false,
                pid: std::process::id(),
                file,
                _mapping: mapping,
            },
        };
        put_in_place(name, path)?;
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

fn absolute(path: &Path) -> Result<PathBuf, PublishCause> {
    // Also where there is no file name because the path ends in a slash, in dots, or in nothing.
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(PublishCause::NoFileName);
    }
    std::path::absolute(path)
        .map_err(|error| PublishCause::Io("looking for the working directory", error))
}

/// A file that has no name yet, or a name that nobody looks for.
struct Temporary {
    name: PathBuf,
    file: File,
}

impl Temporary {
    /// In the same directory, so that it can be given the name.
    fn beside(path: &Path) -> Result<Self, PublishCause> {
        let number = RandomState::new().build_hasher().finish();
        let name = path.with_file_name(format!(".papyra-metrics-{number:016x}"));
        let file = sys::create_new(&name)
            .map_err(|error| PublishCause::Io("making a file in its directory", error))?;
        Ok(Self { name, file })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It is gone if it has become the file. Else there is nobody to tell, and nobody it disturbs.
        let _ = fs::remove_file(&self.name);
    }
}

/// Writes the description and room for the values, locks the file and maps it. Gives the place of the values.
fn write_file<M: Table>(
    mut file: &File,
    metrics: &M,
) -> Result<(sys::Mapping, usize), PublishCause> {
    let io = |doing| move |error| PublishCause::Io(doing, error);
    let places = Places::of(metrics).ok_or(PublishCause::TooLarge)?;
    let mut bytes = layout::encode(&Process::this(), &places, size_of::<M>(), align_of::<M>())
        .ok_or(PublishCause::TooLarge)?;
    let values = bytes.len();
    // Written and not only reserved: a disk that is full says so here, and not when something is counted.
    bytes.resize(values + size_of::<M>(), 0);
    file.write_all(&bytes).map_err(io("writing it"))?;
    // A crash of the machine then leaves a file that the next process recognizes and replaces.
    file.sync_data().map_err(io("writing it"))?;
    if !sys::try_lock(file).map_err(io("locking it"))? {
        return Err(PublishCause::InUse(None));
    }
    let mapping = sys::Mapping::new(file).map_err(io("mapping it"))?;
    if mapping.len() < bytes.len() {
        return Err(PublishCause::Io("mapping it", io::ErrorKind::UnexpectedEof.into()));
    }
    Ok((mapping, values))
}

/// Gives the file its name, at which a file of a dead process may be.
fn put_in_place(temporary: &Path, path: &Path) -> Result<(), PublishCause> {
    /// Each is one that another process has won and then ended.
    const RACES: u32 = 64;
    let naming = |error| PublishCause::Io("giving the file its name", error);
    for _ in 0..RACES {
        // A link and no renaming, which would replace what is there.
        match fs::hard_link(temporary, path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(naming(error)),
        }
        // Locked until it is replaced, so that only one process replaces it.
        if let Some(_dead) = lock_dead(path)? {
            return fs::rename(temporary, path).map_err(naming);
        }
    }
    Err(PublishCause::InUse(None))
}

/// The file of a process that is dead, locked. `None` where it has just gone.
fn lock_dead(path: &Path) -> Result<Option<File>, PublishCause> {
    let io = |error| PublishCause::Io("looking at the file that is there", error);
    let Some(metadata) = found(fs::symlink_metadata(path)).map_err(io)? else { return Ok(None) };
    if !metadata.is_file() {
        return Err(PublishCause::NotOurs(sys::what_it_is(metadata.file_type())));
    }
    let Some(file) = found(sys::open_no_link(path)).map_err(io)? else { return Ok(None) };
    let opened = file.metadata().map_err(io)?;
    let mut magic = [0; MAGIC.len()];
    if !opened.is_file() || sys::read_at(&file, &mut magic, 0).is_err() || magic != MAGIC {
        return Err(PublishCause::NotOurs("a file that is not of metrics"));
    }
    if !sys::try_lock(&file).map_err(io)? {
        let reader = Reader::from_file(file, path).ok();
        return Err(PublishCause::InUse(reader.map(|reader| reader.process().clone())));
    }
    // Whoever was faster has put another file there.
    let there = found(fs::symlink_metadata(path)).map_err(io)?;
    let same = there.is_some_and(|there| sys::identity(&there) == sys::identity(&opened));
    Ok(same.then_some(file))
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where the words of each metric are, from the beginning of the struct.
struct Places {
    struct_at: usize,
    struct_len: usize,
    metrics: slice::Iter<'static, Descriptor>,
    found: Vec<(&'static Descriptor, Place)>,
    /// Whether each word lies in the struct.
    all: bool,
}

impl Places {
    /// `None` where a word lies outside of the struct.
    fn of<M: Table>(metrics: &M) -> Option<Vec<(&'static Descriptor, Place)>> {
        let mut places = Self {
            struct_at: core::ptr::from_ref(metrics).addr(),
            struct_len: size_of::<M>(),
            metrics: M::METRICS.iter(),
            found: Vec::with_capacity(M::METRICS.len()),
            all: true,
        };
        metrics.walk(&mut places);
        places.all.then_some(places.found)
    }

    /// Notes where the next metric is.
    fn find(&mut self, words: Option<Words>) {
        match (self.metrics.next(), words.and_then(|words| self.place(words))) {
            (Some(metric), Some(place)) => self.found.push((metric, place)),
            _ => self.all = false,
        }
    }

    fn place(&self, words: Words) -> Option<Place> {
        let last =
            words.stride.checked_mul(words.cells.checked_sub(1)?)?.checked_add(words.first)?;
        self.offset(last)?;
        Some(Place {
            first: self.offset(words.first)?,
            cells: u32::try_from(words.cells).ok()?,
            stride: u64::try_from(words.stride).ok()?,
            mark: words.mark.map(|mark| self.offset(mark).ok_or(())).transpose().ok()?,
        })
    }

    fn offset(&self, word: usize) -> Option<u64> {
        let offset = word.checked_sub(self.struct_at)?;
        u64::try_from(offset).ok().filter(|_| offset + 8 <= self.struct_len)
    }
}

impl Walker for Places {
    fn counters(&mut self, counters: &[&Counter]) {
        for &counter in counters {
            self.find(counter.__words());
        }
    }

    fn gauges(&mut self, gauges: &[&Gauge]) {
        for &gauge in gauges {
            self.find(gauge.__words());
        }
    }

    fn others(&mut self, others: &dyn Others) {
        for i in 0..others.count() {
            self.find(others.words(i));
        }
    }

    fn absent(&mut self, _: usize) {
        self.all = false;
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
            Memory::Published { path, keep, pid, file, .. } => {
                // A child that has inherited the file leaves it to its parent.
                if !keep && *pid == std::process::id() {
                    remove(path, file);
                }
                // SAFETY: it is the `M` that `publish` has put there, and nobody uses it after the drop.
                unsafe { self.metrics.drop_in_place() };
            }
        }
    }
}

/// Removes the file, unless another one is at its path. While this one is locked, only somebody who removes it by
/// hand can have made room for another.
fn remove(path: &Path, file: &File) {
    let ours = file.metadata().map(|metadata| sys::identity(&metadata));
    let there = fs::symlink_metadata(path).map(|metadata| sys::identity(&metadata));
    if ours.is_ok_and(|ours| there.is_ok_and(|there| there == ours)) {
        // There is nobody to tell. The next process that publishes there replaces it.
        let _ = fs::remove_file(path);
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

    use super::{Published, Reader};
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
