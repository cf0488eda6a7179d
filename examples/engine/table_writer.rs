//! Writes a sorted table: first blocks of entries, each block with a checksum, and then the index, which a reader keeps in
//! memory.
//!
//! ```text
//! table:  block … | index | footer
//! block:  entry … | CRC-32 of the entries u32
//! index:  first key | number of blocks u32 | for each block (last key, offset u64, length u32) | filter
//! filter: number of hashes u32 | number of words u32 | word u64 …
//! footer: length of the index u32 | CRC-32 of the index u32 | magic number u32
//! ```

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use fastbloom::BloomFilter;

use super::codec;
use super::error::Error;

pub(crate) const MAGIC: u32 = 0x5041_5059;
/// The seed of the hashes in bloom filters. The seed is fixed, because filters are stored, and every process must
/// compute the same hashes.
pub(crate) const FILTER_SEED: u128 = 0x7061_7079;
const FALSE_POSITIVES: f64 = 0.01;
const BLOCK_LEN: usize = 4096;

pub(crate) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}.table"))
}

pub(crate) struct TableWriter {
    out: BufWriter<File>,
    len: u64,
    block: Vec<u8>,
    index: Vec<u8>,
    blocks: usize,
    keys: Vec<Vec<u8>>,
}

impl TableWriter {
    pub(crate) fn create(directory: &Path, number: u64) -> Result<Self, Error> {
        let out = BufWriter::new(File::create_new(path(directory, number))?);
        let (len, block, index, blocks, keys) = Default::default();
        Ok(Self { out, len, block, index, blocks, keys })
    }

    /// Adds an entry. Keys must be ascending.
    pub(crate) fn add(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        codec::put_entry(&mut self.block, key, value);
        self.keys.push(key.to_vec());
        if self.block.len() >= BLOCK_LEN { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), Error> {
        let Some(last) = self.keys.last() else { return Ok(()) };
        let checksum = crc32fast::hash(&self.block);
        self.block.extend(checksum.to_le_bytes());
        codec::put_bytes(&mut self.index, last);
        codec::put_u64(&mut self.index, self.len);
        codec::put_u32(&mut self.index, self.block.len());
        self.out.write_all(&self.block)?;
        self.len += self.block.len() as u64;
        self.blocks += 1;
        self.block.clear();
        Ok(())
    }

    /// Returns the number of bytes added so far, including the bytes of the block that is not yet written.
    pub(crate) fn len(&self) -> u64 {
        self.len + self.block.len() as u64
    }

    /// Writes the rest of the table. If `is_synced`, also syncs the file to the disk.
    pub(crate) fn finish(mut self, is_synced: bool) -> Result<(), Error> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let filter =
            BloomFilter::with_false_pos(FALSE_POSITIVES).seed(&FILTER_SEED).items(self.keys.iter());
        let mut index = Vec::new();
        codec::put_bytes(&mut index, self.keys.first().map_or(&[], Vec::as_slice));
        codec::put_u32(&mut index, self.blocks);
        index.append(&mut self.index);
        index.extend(filter.num_hashes().to_le_bytes());
        codec::put_u32(&mut index, filter.as_slice().len());
        filter.as_slice().iter().for_each(|&word| codec::put_u64(&mut index, word));
        let checksum = crc32fast::hash(&index);
        let len = index.len();
        codec::put_u32(&mut index, len);
        index.extend(checksum.to_le_bytes());
        index.extend(MAGIC.to_le_bytes());
        self.out.write_all(&index)?;
        let file = self.out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        if is_synced {
            file.sync_all()?;
        }
        Ok(())
    }

    /// Removes the file of a table that is not finished or no longer in use. If this fails, the next opening of the store
    /// removes the file.
    pub(crate) fn remove(directory: &Path, number: u64) {
        let _ = fs::remove_file(path(directory, number));
    }
}
