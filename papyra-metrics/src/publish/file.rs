//! The file of a writer: how it comes to be complete before it has its name, how it gets that name from a dead process
//! and from nobody else, and how it goes.

use std::{
    collections::hash_map::RandomState,
    format, fs,
    fs::File,
    hash::{BuildHasher, Hasher},
    io,
    io::Write,
    path::{Path, PathBuf},
    slice,
    vec::Vec,
};

use super::error::PublishCause;
use super::layout::{self, MAGIC, Place, Process};
use super::reader::Reader;
use super::sys;
use crate::__private::{Others, Table, Walker, Words};
use crate::{Counter, Descriptor, Gauge, Instrument};

pub(super) fn absolute(path: &Path) -> Result<PathBuf, PublishCause> {
    // Also where there is no file name because the path ends in a slash, in dots, or in nothing.
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(PublishCause::NoFileName);
    }
    std::path::absolute(path)
        .map_err(|error| PublishCause::Io("looking for the working directory", error))
}

/// A file that has no name yet, or a name that nobody looks for.
pub(super) struct Temporary {
    pub(super) name: PathBuf,
    pub(super) file: File,
}

impl Temporary {
    /// In the same directory, so that it can be given the name.
    pub(super) fn beside(path: &Path) -> Result<Self, PublishCause> {
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
pub(super) fn write_file<M: Table>(
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
pub(super) fn put_in_place(temporary: &Path, path: &Path) -> Result<(), PublishCause> {
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

/// Removes the file, unless another one is at its path. While this one is locked, only somebody who removes it by
/// hand can have made room for another.
pub(super) fn remove(path: &Path, file: &File) {
    let ours = file.metadata().map(|metadata| sys::identity(&metadata));
    let there = fs::symlink_metadata(path).map(|metadata| sys::identity(&metadata));
    if ours.is_ok_and(|ours| there.is_ok_and(|there| there == ours)) {
        // There is nobody to tell. The next process that publishes there replaces it.
        let _ = fs::remove_file(path);
    }
}
