//! The time stamp counter of the processor, or `CLOCK_MONOTONIC` if the counter is unsuitable or its rate is not known yet.

mod calibration;

use core::arch::x86_64::{__cpuid, __rdtscp, _rdtsc};
use core::ffi::{c_int, c_long};
use core::num::NonZeroU64;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use self::calibration::{Calibration, Reading};
use crate::sysfs;

static CALIBRATION: Calibration = Calibration::new();

/// Whether the counter is suitable for measuring durations. Set by `INITIALIZE`, when the program or library that
/// contains this code is loaded.
static IS_SUITABLE: AtomicBool = AtomicBool::new(false);

/// The start of a duration. If the lowest bit is 1, the number is a value of the counter, exact to one tick. If the lowest bit is 0,
/// the number is twice the nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug)]
pub struct Instant(NonZeroU64);

impl Instant {
    /// Starts a duration.
    #[inline]
    pub fn now() -> Self {
        if CALIBRATION.is_trusted() {
            let ticks = rdtsc();
            if !CALIBRATION.is_due(ticks) {
                return Self::of_ticks(ticks);
            }
        }
        Self::now_and_calibrate()
    }

    /// Takes a reading for the calibration if one is due. Then starts a duration with the clock that is now in use.
    #[cold]
    fn now_and_calibrate() -> Self {
        if IS_SUITABLE.load(Ordering::Relaxed) {
            let ticks = rdtsc();
            if CALIBRATION.is_due(ticks) {
                CALIBRATION.end_window(ticks, read_both);
            }
            if CALIBRATION.is_trusted() {
                return Self::of_ticks(rdtsc());
            }
        }
        Self::of_nanoseconds(monotonic())
    }

    #[inline]
    fn of_ticks(ticks: u64) -> Self {
        Self(NonZeroU64::MIN | ticks) // `MIN` is 1
    }

    fn of_nanoseconds(nanoseconds: u64) -> Self {
        const MIN: NonZeroU64 = NonZeroU64::new(2).unwrap(); // 1 ns, because the type has no zero
        Self(NonZeroU64::new(nanoseconds << 1).unwrap_or(MIN))
    }

    #[inline]
    fn is_ticks(self) -> bool {
        self.0.get() & 1 == 1
    }

    /// Returns the time since the start, or zero if the clock has been set back in the meantime.
    #[inline]
    pub fn elapsed(self) -> Duration {
        // 146 years. The nanoseconds are converted to a `Duration` here, and back to nanoseconds in a histogram. Up to this limit, the
        // histogram's check for durations that are too long is superfluous, so the compiler removes the check and both conversions.
        const MAX: u64 = u64::MAX >> 2;
        let nanoseconds = if self.is_ticks() {
            CALIBRATION.nanoseconds(rdtscp().wrapping_sub(self.0.get()))
        } else {
            self.elapsed_of_monotonic()
        };
        Duration::from_nanos(nanoseconds.min(MAX))
    }

    #[cold]
    fn elapsed_of_monotonic(self) -> u64 {
        monotonic().saturating_sub(self.0.get() >> 1)
    }
}

/// Reads the counter, possibly before earlier loads have completed.
#[inline]
fn rdtsc() -> u64 {
    // SAFETY: every x86-64 processor has the instruction. A process can be forbidden to execute it (`PR_SET_TSC`). But this module
    // executes it only if the counter is the kernel's clock source, and then `clock_gettime` executes it in the process too.
    unsafe { _rdtsc() }
}

/// Reads the counter after all earlier loads have completed.
#[inline]
fn rdtscp() -> u64 {
    let mut processor = 0;
    // SAFETY: as in `rdtsc`, and `is_suitable` has checked that the processor has this instruction.
    unsafe { __rdtscp(&raw mut processor) }
}

/// Returns the nanoseconds of `CLOCK_MONOTONIC`, which is the clock of `std::time::Instant`. `Instant` does not expose them.
fn monotonic() -> u64 {
    const CLOCK_MONOTONIC: c_int = 1;

    #[repr(C)]
    struct Time {
        seconds: c_long,
        nanoseconds: c_long,
    }

    unsafe extern "C" {
        fn clock_gettime(clock: c_int, into: *mut Time) -> c_int;
    }

    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: the structure is the C library's `struct timespec`, and can be written to. All kernels have this clock.
    unsafe { clock_gettime(CLOCK_MONOTONIC, &raw mut time) };
    // Neither number is negative.
    time.seconds.unsigned_abs() * 1_000_000_000 + time.nanoseconds.unsigned_abs()
}

fn read_both() -> Option<Reading> {
    let before = rdtsc();
    let nanoseconds = monotonic();
    Reading::between(before, nanoseconds, rdtscp())
}

/// Returns whether the processor has `rdtscp` and a counter with a constant rate, and whether the kernel uses the counter for its
/// own clock.
fn is_suitable() -> bool {
    const EXTENDED: u32 = 0x8000_0000;
    const FEATURES: u32 = 0x8000_0001;
    const RDTSCP: u32 = 1 << 27;
    const POWER: u32 = 0x8000_0007;
    const INVARIANT_TSC: u32 = 1 << 8;

    // SAFETY: every x86-64 processor has the instruction `cpuid`. In later versions of Rust, `__cpuid` is safe.
    #[allow(unused_unsafe)]
    let edx = |leaf| unsafe { (__cpuid(EXTENDED).eax >= leaf).then(|| __cpuid(leaf).edx) };
    let has = |leaf, bit| edx(leaf).is_some_and(|edx| edx & bit != 0);
    let is_source =
        || sysfs::read(CLOCK_SOURCE, &mut [0; 16]).is_some_and(|source| source == "tsc");
    has(FEATURES, RDTSCP) && has(POWER, INVARIANT_TSC) && is_source()
}

const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// Runs when this code is loaded, because `is_suitable` reads a file, and measuring a duration must not do I/O.
#[used]
#[unsafe(link_section = ".init_array")]
static INITIALIZE: extern "C" fn() = {
    extern "C" fn initialize() {
        // If ten readings fail in a row, the clocks are slow to read, as on an emulated machine, and the counter is not used.
        let read = || (0..10).find_map(|_| read_both());
        if let Some(reading) = is_suitable().then(read).flatten() {
            CALIBRATION.begin(reading);
            IS_SUITABLE.store(true, Ordering::Relaxed);
        }
    }
    initialize
};

#[cfg(test)]
mod tests {
    use core::hint::spin_loop;
    use core::num::NonZeroU64;
    use core::sync::atomic::Ordering;
    use core::time::Duration;
    use std::{fs, thread, time};

    use super::{CALIBRATION, CLOCK_SOURCE, IS_SUITABLE, Instant, is_suitable, monotonic, rdtsc};

    /// Measures durations until the counter is used, if it is suitable on this machine.
    fn calibrated() {
        let source = fs::read_to_string(CLOCK_SOURCE).unwrap();
        if source != "tsc\n" || !is_suitable() {
            assert!(!IS_SUITABLE.load(Ordering::Relaxed) && !Instant::now().is_ticks());
            return;
        }
        let begun = time::Instant::now();
        while !Instant::now().is_ticks() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{CALIBRATION:?}");
        }
    }

    fn work_for(duration: Duration) {
        let begun = time::Instant::now();
        while begun.elapsed() < duration {
            spin_loop();
        }
    }

    /// Asserts that this clock and the clock of std measure the same duration of some work, to one part in 10,000.
    fn measures_as_std_does(work: impl Fn()) {
        let outer = time::Instant::now();
        let ours = Instant::now();
        let inner = time::Instant::now();
        work();
        let inner = inner.elapsed();
        let ours = ours.elapsed();
        let outer = outer.elapsed();
        assert!(ours + inner / 10_000 >= inner, "{inner:?} > {ours:?}");
        assert!(ours <= outer + outer / 10_000, "{ours:?} > {outer:?}");
    }

    #[test]
    fn a_measured_duration_is_between_an_inner_and_an_outer_one_of_std() {
        calibrated();
        for milliseconds in [2, 5, 10, 50] {
            measures_as_std_does(|| work_for(Duration::from_millis(milliseconds)));
        }
        measures_as_std_does(|| thread::sleep(Duration::from_millis(20)));
    }

    #[test]
    fn threads_that_are_moved_between_processors_measure_as_std_does() {
        calibrated();
        thread::scope(|scope| {
            // More threads than processors, so that threads move between processors.
            for _ in 0..4 * thread::available_parallelism().unwrap().get() {
                scope.spawn(|| {
                    (0..20)
                        .for_each(|_| measures_as_std_does(|| work_for(Duration::from_millis(3))));
                });
            }
        });
    }

    #[test]
    fn a_duration_that_starts_before_the_calibration_ends_with_the_clock_that_it_started_with() {
        let std = time::Instant::now();
        let ours = Instant::of_nanoseconds(monotonic());
        calibrated();
        work_for(Duration::from_millis(2));
        let (ours, std) = (ours.elapsed(), std.elapsed());
        assert!(ours <= std && ours >= Duration::from_millis(2), "{ours:?} {std:?}");
        assert!(!Instant::of_nanoseconds(0).is_ticks());
        assert!(!Instant::of_nanoseconds(u64::MAX).is_ticks());
        assert!(Instant::of_ticks(0).is_ticks() && Instant::of_ticks(u64::MAX).is_ticks());
    }

    #[test]
    fn before_the_calibration_the_clock_of_std_is_used() {
        // In a new process, in which no duration has been measured.
        const NAME: &str = "clock::instant::tests::before_the_calibration_the_clock_of_std_is_used";
        if std::env::var_os("PAPYRA_METRICS_FIRST").is_some() {
            assert!(!Instant::now().is_ticks());
            return;
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env("PAPYRA_METRICS_FIRST", "1")
            .output()
            .unwrap();
        let text = std::string::String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }

    #[test]
    fn a_duration_that_ends_before_it_starts_is_zero() {
        calibrated();
        let later = Instant(NonZeroU64::new(rdtsc().wrapping_add(1 << 40) | 1).unwrap());
        assert_eq!(later.elapsed(), Duration::ZERO);
        let later = Instant::of_nanoseconds(monotonic() + 1_000_000_000);
        assert_eq!(later.elapsed(), Duration::ZERO);
    }

    #[test]
    fn an_optional_instant_takes_one_word() {
        assert_eq!(size_of::<Option<Instant>>(), 8);
    }
}
