//! The number of CPUs that the machine can have.
//!
//! The kernel sets this number at boot. It includes CPUs that are plugged in later, and is greater than every CPU
//! number. It is the same in all processes and containers, although other sources may report fewer CPUs to a container.

use crate::sysfs;

const LIST: &str = "/sys/devices/system/cpu/possible";

/// Returns the highest CPU number plus one, or `None` if the kernel does not report it.
pub(super) fn cpus() -> Option<usize> {
    last_of(sysfs::read(LIST, &mut [0; 64])?)?.checked_add(1)
}

/// Returns the last number of a list like `0-3,8`.
fn last_of(list: &str) -> Option<usize> {
    list.rsplit([',', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cpus, last_of};

    #[test]
    fn the_last_cpu_number_is_parsed_from_the_kernels_list() {
        assert_eq!(last_of("0"), Some(0));
        assert_eq!(last_of("0-1"), Some(1));
        assert_eq!(last_of("0-3,8-11"), Some(11));
        assert_eq!(last_of("0,2"), Some(2));
        assert_eq!(last_of(""), None);
        assert_eq!(last_of("0-"), None);
    }

    #[test]
    fn this_thread_runs_on_one_of_the_possible_cpus() {
        let here = std::fs::read_to_string("/proc/self/stat").unwrap();
        // The first field after the name in brackets is the third field of the line; the number of the CPU is the 39th field.
        let fields = here.rsplit(')').next().unwrap();
        let here: usize = fields.split_whitespace().nth(39 - 3).unwrap().parse().unwrap();
        let cpus = cpus().expect("sysfs is mounted");
        assert!(here < cpus, "{here} of {cpus}");
    }
}
