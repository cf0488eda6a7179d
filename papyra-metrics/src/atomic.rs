//! The atomics that instruments are built on. By default, they are from `core`. With the feature `portable-atomic`, for targets
//! without 64-bit atomics, they are from the crate of the same name. In tests that the model checker loom runs, they are loom's.

#[cfg(all(loom, test))]
pub(crate) use loom::sync::atomic::{AtomicI64, AtomicU64};

#[cfg(all(not(all(loom, test)), feature = "portable-atomic"))]
pub(crate) use portable_atomic::{AtomicI64, AtomicU64};

#[cfg(not(any(all(loom, test), feature = "portable-atomic")))]
pub(crate) use core::sync::atomic::{AtomicI64, AtomicU64};

pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(any(target_has_atomic = "64", feature = "portable-atomic")))]
compile_error!(
    "this target has no 64-bit atomics; enable the feature `portable-atomic` of papyra-metrics"
);

/// Declares a `const fn`, except under loom, whose atomics register themselves when they are created.
macro_rules! const_fn {
    ($(#[$meta:meta])* pub fn $name:ident() -> Self $body:block) => {
        #[cfg(not(all(loom, test)))]
        $(#[$meta])*
        pub const fn $name() -> Self $body

        #[cfg(all(loom, test))]
        $(#[$meta])*
        pub fn $name() -> Self $body
    };
}
pub(crate) use const_fn;
