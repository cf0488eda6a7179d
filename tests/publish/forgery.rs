//! Changes published files and updates their checksums, so that a reader accepts the checksum and performs all other
//! checks.

/// Returns the file with these changes to its description. Each change consists of an offset, and of the new bytes at
/// this offset.
pub(crate) fn forged(file: &[u8], changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut forged = file.to_vec();
    for (at, change) in changes {
        forged[*at..at + change.len()].copy_from_slice(change);
    }
    set_checksum(&mut forged[..description_len(file)]);
    forged
}

/// Computes the checksum of a description, and writes the checksum into the header.
pub(crate) fn set_checksum(description: &mut [u8]) {
    let checksum = crc32fast::hash(&description[20..]);
    description[16..20].copy_from_slice(&checksum.to_ne_bytes());
}

/// Returns the length of a file's description, which begins at the start of the file.
pub(crate) fn description_len(file: &[u8]) -> usize {
    u64::from_ne_bytes(file[32..40].try_into().unwrap()).try_into().unwrap()
}
