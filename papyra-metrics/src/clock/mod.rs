//! The clock that durations are measured with, by [`Timer`](crate::Timer), `time` of a histogram, and functions with `time`.
//!
//! Everywhere but on x86-64 Linux it is [`std::time::Instant`].
//!
//! # On x86-64 Linux
//!
//! `Instant` reads `CLOCK_MONOTONIC`, for which the kernel mostly scales the time stamp counter (TSC) of the processor. If it does
//! so, the counter is read directly, which takes half as long.
//!
//! A counter is fit for that only if it counts at one rate, also while the processor sleeps or changes its frequency, and if the
//! counters of all processors agree. The processor promises the first (`CPUID` calls it invariant). The kernel tests both: when
//! it starts, it compares the counters of all processors, and if they differ, or if a watchdog finds that a rate is not constant,
//! it chooses another clock source. So the counter is used only if the kernel's own clock source is `tsc` when this code is loaded.
//!
//! The kernel does not say at which rate the counter counts, so the counter is compared with `CLOCK_MONOTONIC`: see
//! `calibration.rs`. Until the rate is known, for the first fraction of a second, `CLOCK_MONOTONIC` is read. The comparison goes
//! on for as long as durations are measured. If the rate is found to have changed, as it may after a process was restored on
//! another machine, or after the system was suspended, `CLOCK_MONOTONIC` is read again until the rate is known.
//!
//! A duration ends with the clock that it began with. It is zero if that clock was set back meanwhile.
//!
//! # Order
//!
//! A processor executes instructions in another order than that of the program. `rdtsc` may read the counter before earlier loads
//! have arrived. At the end of a duration that is wrong: of a function that ends in a load from memory, the load would not be
//! measured. So durations end with `rdtscp`, which waits for earlier loads. They begin with `rdtsc`: if loads of the caller are
//! still on their way, the rest of the wait for them is measured too. See benches/RESULTS.md for the costs.

#[cfg(all(
    feature = "std",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri),
    not(all(loom, test))
))]
mod calibration;
#[cfg(all(
    feature = "std",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri),
    not(all(loom, test))
))]
#[allow(unsafe_code)] // instructions and calls that std does not have
#[path = "tsc.rs"]
mod instant;

#[cfg(not(all(
    feature = "std",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri),
    not(all(loom, test))
)))]
#[path = "portable.rs"]
mod instant;

pub use instant::Instant;
