//! The number of CPUs that this machine can have.
//!
//! The kernel sets this number at boot. It includes CPUs that are plugged in later, and is greater than the number of any
//! CPU. It is the same in all processes and containers, although other sources may report fewer CPUs to a container.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

use core::ffi::c_int;

const LIST: &str = "/sys/devices/system/cpu/possible";

/// Returns the highest number of a CPU, plus one, or `None` if the kernel does not say.
pub(super) fn cpus() -> Option<usize> {
    let mut list = File::open(LIST).ok()?;
    // Another file system may be mounted over it, to show a program fewer CPUs than it runs on.
    if file_system(&list)? != SYSFS_MAGIC {
        return None;
    }
    let mut text = [0; 64];
    let len = list.read(&mut text).ok()?;
    // Without the line feed at its end, the list may be longer.
    let text = text.get(..len)?.strip_suffix(b"\n")?;
    last_of(core::str::from_utf8(text).ok()?)?.checked_add(1)
}

/// Returns the last number of a list like `0-3,8`.
fn last_of(list: &str) -> Option<usize> {
    list.rsplit([',', '-']).next()?.parse().ok()
}

/// `SYSFS_MAGIC` of `linux/magic.h`.
const SYSFS_MAGIC: isize = 0x6265_6572;

/// Returns the type of the file system that a file is on.
fn file_system(file: &File) -> Option<isize> {
    /// glibc's `struct statfs`, of 120 bytes on x86-64, the first field of which is the type.
    #[repr(C)]
    struct FileSystem([isize; 32]);

    unsafe extern "C" {
        fn fstatfs(file: c_int, into: *mut FileSystem) -> c_int;
    }

    let mut found = FileSystem([0; 32]);
    // SAFETY: the descriptor is open, and there is more room than the call fills.
    let result = unsafe { fstatfs(file.as_raw_fd(), &raw mut found) };
    (result == 0).then_some(found.0[0])
}

#[cfg(test)]
mod tests {
    use super::{cpus, last_of};

    #[test]
    fn the_list_of_the_kernel_ends_in_the_last_number() {
        assert_eq!(last_of("0"), Some(0));
        assert_eq!(last_of("0-1"), Some(1));
        assert_eq!(last_of("0-3,8-11"), Some(11));
        assert_eq!(last_of("0,2"), Some(2));
        assert_eq!(last_of(""), None);
        assert_eq!(last_of("0-"), None);
    }

    #[test]
    fn the_kernel_says_how_many_cpus_there_can_be_and_this_thread_runs_on_one_of_them() {
        let here = std::fs::read_to_string("/proc/self/stat").unwrap();
        // The first field after the name in brackets is the third of the line; the number of the CPU is the 39th.
        let fields = here.rsplit(')').next().unwrap();
        let here: usize = fields.split_whitespace().nth(39 - 3).unwrap().parse().unwrap();
        let cpus = cpus().expect("sysfs is mounted");
        assert!(here < cpus, "{here} of {cpus}");
    }
}
