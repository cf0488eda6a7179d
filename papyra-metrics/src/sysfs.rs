//! Short files in which the kernel describes the machine.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

use core::ffi::c_int;

/// Reads the only line of a file below `/sys` into the buffer. Returns `None` if the file does not exist, if the file is not on the
/// file system `sysfs`, or if the line does not fit into the buffer.
pub(crate) fn read<'a>(path: &str, buffer: &'a mut [u8]) -> Option<&'a str> {
    let mut file = File::open(path).ok()?;
    // Rejects a file of another file system, which may be mounted over the path to simulate a different machine.
    if file_system(&file)? != SYSFS_MAGIC {
        return None;
    }
    let len = file.read(buffer).ok()?;
    // A line without a line feed at the end may be truncated.
    let line = buffer.get(..len)?.strip_suffix(b"\n")?;
    core::str::from_utf8(line).ok()
}

/// `SYSFS_MAGIC` of `linux/magic.h`.
const SYSFS_MAGIC: isize = 0x6265_6572;

/// Returns the type of the file system that a file is on.
fn file_system(file: &File) -> Option<isize> {
    /// Space for the C library's `struct statfs`, which has 120 bytes on x86-64. Its first field is the type of the file system.
    #[repr(C)]
    struct FileSystem([isize; 32]);

    unsafe extern "C" {
        fn fstatfs(file: c_int, into: *mut FileSystem) -> c_int;
    }

    let mut found = FileSystem([0; 32]);
    // SAFETY: the descriptor is open, and the buffer is larger than the structure that the call writes.
    let result = unsafe { fstatfs(file.as_raw_fd(), &raw mut found) };
    (result == 0).then_some(found.0[0])
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn only_a_whole_line_of_a_file_in_sysfs_is_read() {
        let path = "/sys/devices/system/cpu/possible";
        let line = std::fs::read_to_string(path).unwrap();
        assert_eq!(read(path, &mut [0; 64]), line.strip_suffix('\n'));
        assert_eq!(read(path, &mut [0; 1]), None);
        assert_eq!(read("/proc/sys/kernel/ostype", &mut [0; 64]), None);
        assert_eq!(read("/sys/devices/system/cpu/impossible", &mut [0; 64]), None);
    }
}
