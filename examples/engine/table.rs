//! Reads a sorted table. `table_writer.rs` describes the format of its file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use fastbloom::BloomFilter;
use quick_cache::{Weighter, sync::Cache};

use super::codec::{Decoder, Entry};
use super::error::Error;
use super::merge::Item;
use super::metrics::{BlockReader, FilterResult, SharedMetrics, metrics};
use super::table_writer::{self, FILTER_SEED, MAGIC};

const FOOTER: usize = 12;

/// A cache of blocks. A block is found by the number of its table and its index in the table. Blocks of removed tables are
/// evicted when they have not been used for long.
pub(crate) type BlockCache = Cache<(u64, usize), Arc<[u8]>, BlockWeight>;

#[derive(Clone)]
pub(crate) struct BlockWeight;

impl Weighter<(u64, usize), Arc<[u8]>> for BlockWeight {
    fn weight(&self, _: &(u64, usize), block: &Arc<[u8]>) -> u64 {
        block.len() as u64
    }
}

/// The parts that all tables of a store share.
#[derive(Clone)]
pub(crate) struct TableContext {
    pub(crate) directory: PathBuf,
    pub(crate) cache: Arc<BlockCache>,
    pub(crate) metrics: SharedMetrics,
}

pub(crate) struct Table {
    pub(crate) number: u64,
    pub(crate) len: u64,
    pub(crate) first_key: Vec<u8>,
    pub(crate) last_key: Vec<u8>,
    path: PathBuf,
    file: File,
    blocks: Vec<Block>,
    filter: BloomFilter,
    cache: Arc<BlockCache>,
    metrics: SharedMetrics,
}

struct Block {
    last_key: Vec<u8>,
    offset: u64,
    len: usize,
}

impl Table {
    pub(crate) fn open(context: &TableContext, number: u64) -> Result<Self, Error> {
        let path = table_writer::path(&context.directory, number);
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::missing(&path),
            _ => error.into(),
        })?;
        let len = file.metadata()?.len();
        let index = read_index(&file, len)?.ok_or_else(|| Error::corrupt(&path, "wrong index"))?;
        let index = decode_index(&index).ok_or_else(|| Error::corrupt(&path, "wrong index"))?;
        let (first_key, blocks, filter) = index;
        let last_key = blocks.last().map_or_else(Vec::new, |block| block.last_key.clone());
        let (cache, metrics) = (Arc::clone(&context.cache), Arc::clone(&context.metrics));
        Ok(Self { number, len, first_key, last_key, path, file, blocks, filter, cache, metrics })
    }

    pub(crate) fn overlaps(&self, first: &[u8], last: &[u8]) -> bool {
        self.first_key.as_slice() <= last && first <= self.last_key.as_slice()
    }

    /// Returns the entry of a key, which is a value or marks a deletion.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Entry>, Error> {
        if !self.overlaps(key, key) {
            return Ok(None);
        }
        if !self.filter.contains(key) {
            self.metrics.filter_results[FilterResult::Negative].inc();
            return Ok(None);
        }
        let block = self.block(self.block_of(key))?;
        let found = entries(&block).find(|(found, _)| *found == key);
        if found.is_none() {
            self.metrics.filter_results[FilterResult::FalsePositive].inc();
        }
        Ok(found.map(|(_, value)| value.map(<[u8]>::to_vec)))
    }

    /// Returns the index of the only block that can have the key.
    fn block_of(&self, key: &[u8]) -> usize {
        self.blocks.partition_point(|block| block.last_key.as_slice() < key)
    }

    /// Returns a block from the cache or from the file. Counts a hit in `cache_hits`, and records a miss in `block_read`.
    fn block(&self, index: usize) -> Result<Arc<[u8]>, Error> {
        let mut is_hit = true;
        let block = self.cache.get_or_insert_with(&(self.number, index), || {
            is_hit = false;
            self.read_block(index, BlockReader::Request)
        });
        if is_hit {
            self.metrics.cache_hits.inc();
        }
        block
    }

    #[metrics(errors = block_errors, time = block_read[reader])]
    fn read_block(&self, index: usize, reader: BlockReader) -> Result<Arc<[u8]>, Error> {
        let Block { offset, len, .. } = self.blocks[index];
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, offset)?;
        let checksum = bytes.split_off(len - 4);
        if crc32fast::hash(&bytes).to_le_bytes() != *checksum {
            return Err(Error::corrupt(&self.path, "a block has a wrong checksum"));
        }
        Ok(bytes.into())
    }

    /// Returns all entries beginning at a key. A compaction bypasses the cache, so as not to fill it with blocks that
    /// no request needs.
    pub(crate) fn iter(
        self: Arc<Self>,
        from: &[u8],
        reader: BlockReader,
    ) -> impl Iterator<Item = Item> + use<> {
        let from = from.to_vec();
        (self.block_of(&from)..self.blocks.len()).flat_map(move |index| {
            let block = match reader {
                BlockReader::Request => self.block(index),
                BlockReader::Compaction => self.read_block(index, reader),
            };
            let items: Vec<Item> = match block {
                Ok(block) => entries(&block)
                    .filter(|(key, _)| *key >= from.as_slice())
                    .map(|(key, value)| Ok((key.to_vec(), value.map(<[u8]>::to_vec))))
                    .collect(),
                Err(error) => vec![Err(error)],
            };
            items
        })
    }
}

/// Returns the entries of a block. The checksum has already been verified.
fn entries(block: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut decoder = Decoder(block);
    std::iter::from_fn(move || decoder.entry())
}

fn read_index(file: &File, len: u64) -> Result<Option<Vec<u8>>, Error> {
    let Some(end) = len.checked_sub(FOOTER as u64) else { return Ok(None) };
    let mut footer = [0; FOOTER];
    file.read_exact_at(&mut footer, end)?;
    let mut footer = Decoder(&footer);
    let (Some(len), Some(checksum), Some(magic)) = (footer.u32(), footer.u32(), footer.u32())
    else {
        return Ok(None);
    };
    let Some(start) = end.checked_sub(len.into()) else { return Ok(None) };
    let mut index = vec![0; len as usize];
    file.read_exact_at(&mut index, start)?;
    Ok((magic == MAGIC && crc32fast::hash(&index) == checksum).then_some(index))
}

fn decode_index(index: &[u8]) -> Option<(Vec<u8>, Vec<Block>, BloomFilter)> {
    let mut index = Decoder(index);
    let first_key = index.bytes()?.to_vec();
    let block = |index: &mut Decoder<'_>| {
        let last_key = index.bytes()?.to_vec();
        Some(Block { last_key, offset: index.u64()?, len: index.len().filter(|&len| len >= 4)? })
    };
    let blocks: Option<Vec<_>> = (0..index.u32()?).map(|_| block(&mut index)).collect();
    let hashes = index.u32()?;
    let words: Option<Vec<_>> = (0..index.u32()?).map(|_| index.u64()).collect();
    let words = words.filter(|words| !words.is_empty() && hashes > 0)?;
    Some((first_key, blocks?, BloomFilter::from_vec(words).seed(&FILTER_SEED).hashes(hashes)))
}
