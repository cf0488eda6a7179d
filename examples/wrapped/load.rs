//! The workload of both programs.

use std::error::Error;
use std::fmt::Display;

/// Writes 200 records of 8 KiB and reads each record. Continues after an error, and prints each error message once.
pub fn write_and_read<E: Display>(
    write: impl Fn(&[u8], &[u8]) -> Result<(), E>,
    read: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, E>,
) {
    let mut errors = Vec::new();
    for number in 0..200_u64 {
        let key = number.to_be_bytes();
        // The value is noise, which a database cannot compress.
        let value: Vec<u8> = (number * 1024..(number + 1) * 1024)
            .flat_map(|word| word.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).to_le_bytes())
            .collect();
        let error = write(&key, &value).err().or_else(|| match read(&key) {
            Ok(found) => {
                assert!(found == Some(value), "record {number} differs");
                None
            }
            Err(error) => Some(error),
        });
        if let Some(text) = error.map(|error| error.to_string())
            && !errors.contains(&text)
        {
            eprintln!("record {number}: {text}");
            errors.push(text);
        }
    }
}

/// Returns the directory that the program's argument names. Without an argument, returns a temporary directory, which is
/// removed when the `TempDir` is dropped.
pub fn directory() -> Result<(std::path::PathBuf, Option<tempfile::TempDir>), Box<dyn Error>> {
    if let Some(path) = std::env::args_os().nth(1) {
        return Ok((path.into(), None));
    }
    let directory = tempfile::tempdir()?;
    Ok((directory.path().to_owned(), Some(directory)))
}
