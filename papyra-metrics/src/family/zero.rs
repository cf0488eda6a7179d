//! Zero values of instruments, known at compile time.

use crate::{Buckets, CachePadded, Distribution};
#[cfg(not(all(loom, test)))]
use crate::{Counter, FloatGauge, Gauge, Histogram, Peak, ShardedCounter, ShardedHistogram};

/// A type with a zero value that is known at compile time, such as an instrument with a `const fn new()`.
///
/// [`Family::new`](crate::Family::new) initializes every member with the zero value. Implemented for all instruments of
/// this crate, for `AtomicU64`, `AtomicI64`, `u64`, `i64`, `f64` and [`Distribution`], and for arrays and families. To
/// put families of your own instrument into a `static`, implement this trait for the instrument.
pub trait Zero: Sized {
    /// The zero value.
    const ZERO: Self;
}

macro_rules! zero {
    ($([$($bounds:tt)*] $ty:ty = $zero:expr),* $(,)?) => {$(
        impl<$($bounds)*> Zero for $ty {
            #[allow(clippy::declare_interior_mutable_const)] // copied into each new instrument
            const ZERO: Self = $zero;
        }
    )*};
}

zero! {
    [] u64 = 0,
    [] i64 = 0,
    [] f64 = 0.0,
    [B: Buckets] Distribution<B> = Self::new(),
    [I: Zero] CachePadded<I> = Self::new(I::ZERO),
}

// loom's atomics register themselves when they are created, so they cannot be constants.
#[cfg(not(all(loom, test)))]
zero! {
    [] Counter = Self::new(),
    [] Gauge = Self::new(),
    [] FloatGauge = Self::new(),
    [] Peak = Self::new(),
    [] ShardedCounter = Self::new(),
    [B: Buckets] Histogram<B> = Self::new(),
    [B: Buckets] ShardedHistogram<B> = Self::new(),
}

#[cfg(target_has_atomic = "64")]
zero! {
    [] core::sync::atomic::AtomicU64 = Self::new(0),
    [] core::sync::atomic::AtomicI64 = Self::new(0),
}

#[cfg(feature = "portable-atomic")]
zero! {
    [] portable_atomic::AtomicU64 = Self::new(0),
    [] portable_atomic::AtomicI64 = Self::new(0),
}
