//! The functions and types that the code around a measured function uses.

mod cancellation;
mod clock;
mod errors;
mod future;
mod handle;
mod in_flight;
mod outcome;
#[cfg(feature = "std")]
mod sampling;
mod timer;

pub use self::cancellation::*;
pub use self::clock::*;
pub use self::errors::*;
pub use self::future::*;
pub use self::handle::*;
pub use self::in_flight::*;
pub use self::outcome::*;
pub use self::timer::*;

/// Runs a body in a closure, so that `return` and `?` leave only the closure. The closure is passed to a function
/// because it is then `FnOnce`, which is required to return a `&mut` that it captures.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Returns true, which rustc does not know: it treats the code after a diverging branch as reachable.
#[inline]
#[must_use]
pub fn takes_branch() -> bool {
    true
}

/// Gives the branch that is never taken the type of the other branch. Never called.
#[cold]
pub fn other_branch<T>() -> T {
    loop {
        core::hint::spin_loop();
    }
}

/// Takes a value, so that the closure or block around it captures it by value.
#[inline]
pub fn capture<T>(_: T) {}

/// Expands to the metrics of `self`. A macro, because rustc shows its name in the error about a missing field.
#[doc(hidden)]
#[macro_export]
macro_rules! __metrics_of_self {
    ($this:tt) => {
        $this.metrics
    };
}
pub use __metrics_of_self as counters_are_looked_up_in_self_metrics__name_another_place_with_at;
