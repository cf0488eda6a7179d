//! Encodes and decodes integers and byte strings in files and messages. Integers are little endian. The length of a byte
//! string comes before its bytes.

use std::io;

/// A value, or `None`, which marks a deletion.
pub(crate) type Entry = Option<Vec<u8>>;

/// Keys with their values.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The value of the length field that marks a deletion.
const DELETED: u32 = u32::MAX;

pub(crate) fn put_u32(out: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).expect("keys, values and tables are shorter than 4 GiB");
    out.extend(number.to_le_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_le_bytes());
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len());
    out.extend(bytes);
}

pub(crate) fn put_entry(out: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>) {
    put_bytes(out, key);
    match value {
        Some(value) => put_bytes(out, value),
        None => out.extend(DELETED.to_le_bytes()),
    }
}

/// The bytes that remain to be decoded. Every method returns `None` if the bytes end too early.
#[derive(Clone, Copy)]
pub(crate) struct Decoder<'a>(pub(crate) &'a [u8]);

impl<'a> Decoder<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take(8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
    }

    pub(crate) fn len(&mut self) -> Option<usize> {
        self.u32().and_then(|len| len.try_into().ok())
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.len()?;
        self.take(len)
    }

    /// Returns a key with its value, or with `None` if the entry marks a deletion.
    pub(crate) fn entry(&mut self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let key = self.bytes()?;
        let len = self.u32()?;
        if len == DELETED {
            return Some((key, None));
        }
        Some((key, Some(self.take(len.try_into().ok()?)?)))
    }
}

/// Returns the error for a message that cannot be decoded.
pub(crate) fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed message")
}
