//! Chooses the calls to time, for functions with `sample = n`.
//!
//! Each call adds a constant to a sum, modulo 2⁶⁴, and is timed if the sum is then at most 2⁶⁴ / n. The constant is 2⁶⁴ divided
//! by the golden ratio. This is a Weyl sequence: the sums of consecutive calls are spread evenly, so 1 call in n is timed.
//! If the calls repeat a fixed pattern, each kind of call has its share of the samples. For example, if every sixteenth
//! write syncs, one sixteenth of the samples are such writes. If exactly every sixteenth call were timed, either all
//! samples or none would be such writes.
//!
//! Each thread has its own sequence. Its start is a hash of the thread's number, so that threads that make few calls, or
//! only one, are sampled as often as others.

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};

/// 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

std::thread_local! {
    /// The sum of this thread. The initial value makes the sum zero at the first call, and a sum of zero is always a sample. So
    /// only a sampled call has to check whether it is the thread's first call. The first call initializes the sequence.
    static SUM: Cell<u64> = const { Cell::new(STEP.wrapping_neg()) };
}

/// Advances the sequence of this thread. Returns whether the call is timed.
#[inline]
pub(super) fn takes_one_in(n: u64) -> bool {
    SUM.with(|sum| {
        let now = sum.get().wrapping_add(STEP);
        sum.set(now);
        is_sample(now, n) && (now != 0 || begins_with_sample(sum, n))
    })
}

/// Returns whether a call with this sum is timed. `n` is a literal at every call site, so after inlining, the compiler
/// computes the quotient.
#[inline]
fn is_sample(sum: u64, n: u64) -> bool {
    sum <= u64::MAX / n
}

/// Initializes the sequence of this thread. Returns whether its first call is timed.
#[cold]
fn begins_with_sample(sum: &Cell<u64>, n: u64) -> bool {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    // Relaxed: the number does not guard other memory.
    let thread = THREADS.fetch_add(1, Ordering::Relaxed) as u64 + 1;
    let now = hash(thread).wrapping_add(STEP);
    sum.set(now);
    is_sample(now, n)
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn hash(number: u64) -> u64 {
    let mut hash = number.wrapping_mul(STEP);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{STEP, hash, is_sample, takes_one_in};

    /// Returns the sums of consecutive calls. `first` is the sum before the first call.
    fn sums(first: u64, calls: usize) -> impl Iterator<Item = u64> {
        let next = |sum: &u64| Some(sum.wrapping_add(STEP));
        std::iter::successors(Some(first.wrapping_add(STEP)), next).take(calls)
    }

    #[test]
    fn one_call_in_n_is_taken_of_any_run_of_calls() {
        for n in [1, 2, 7, 16, 100] {
            for first in [0, 1, u64::MAX, hash(1), hash(2)] {
                let calls = 100_000;
                let taken = sums(first, calls).filter(|sum| is_sample(*sum, n)).count();
                let expected = calls / usize::try_from(n).unwrap();
                assert!(taken.abs_diff(expected) <= 3, "{taken} of {expected}, one in {n}");
            }
        }
    }

    #[test]
    fn what_every_kth_call_does_has_its_share_of_the_samples() {
        for (n, period) in [(16, 16), (16, 8), (16, 13), (16, 34), (16, 100), (8, 8), (2, 2)] {
            let taken =
                || sums(hash(1), 1_000_000).enumerate().filter(|(_, sum)| is_sample(*sum, n));
            let all = taken().count();
            let special = taken().filter(|(call, _)| call % period == 0).count();
            let off_by = (special * period).abs_diff(all);
            assert!(off_by * 50 < all, "{special} of {all} at a period of {period}");
        }
    }

    #[test]
    fn threads_that_call_once_are_taken_as_often_as_others() {
        let taken =
            (1..=1_000).filter(|number| is_sample(hash(*number).wrapping_add(STEP), 16)).count();
        assert!((40..90).contains(&taken), "{taken} of 1,000, one in 16");
    }

    #[test]
    fn the_first_call_of_a_thread_is_taken_no_more_often_than_others() {
        let first = || std::thread::spawn(|| takes_one_in(16)).join().unwrap();
        let taken = (0..1_000).filter(|_| first()).count();
        assert!((30..100).contains(&taken), "{taken} of 1,000, one in 16");
    }
}
