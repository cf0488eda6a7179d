//! The clock that measures durations for [`Timer`](crate::Timer), for a histogram's method `time`, and for functions with
//! `#[metrics(time = …)]`.
//!
//! On x86-64 Linux, this clock is the time stamp counter of the processor, if the counter is suitable, as described below.
//! Otherwise, it is the clock of [`std::time::Instant`].
//!
//! # The time stamp counter
//!
//! `Instant` reads `CLOCK_MONOTONIC`, which the kernel usually computes from the time stamp counter (TSC) of the processor. In this
//! case, this module reads the counter directly, which takes half as long.
//!
//! A counter is suitable only if its rate is constant, even if the processor sleeps or changes its frequency, and if the counters of
//! all processors agree. The processor promises a constant rate (`CPUID` calls the counter invariant). The kernel checks both
//! conditions: it compares the counters of all processors at boot, watches their rates later, and chooses another clock source if
//! a check fails. So this module uses the counter only if the kernel's clock source is `tsc` when this code is loaded.
//!
//! The kernel does not publish the rate of the counter, so the counter is compared with `CLOCK_MONOTONIC`: see `tsc/calibration.rs`.
//! Durations are measured with `CLOCK_MONOTONIC` until the rate is known, which takes about half a second if durations are measured
//! often. The comparison is repeated for as long as durations are measured. If the result changes, for example because the process
//! was restored on another machine, or because the system was suspended, `CLOCK_MONOTONIC` is used until the rate is known again.
//!
//! The end of a duration is read from the same clock as its start. If the clock was set back between start and end, the duration
//! is zero.
//!
//! # Order
//!
//! A processor executes instructions out of order. `rdtsc` may read the counter before earlier loads have completed. If a duration
//! ended with `rdtsc`, a load at the end of the measured function could be left out. So durations end with `rdtscp`, which waits for
//! earlier loads. They start with `rdtsc`, which costs less. If earlier loads are still in progress at the start, the rest of their
//! time is included in the duration. See benches/RESULTS.md for the costs.

#[cfg(all(
    feature = "std",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri),
    not(all(loom, test))
))]
#[allow(unsafe_code)] // instructions and calls that std does not have
#[path = "tsc/mod.rs"]
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
