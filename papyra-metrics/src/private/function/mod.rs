//! The functions and types that are used by the code that `#[metrics]` adds to a function.

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

/// Calls a closure with the body of a function, so that `return` and `?` leave only the closure. The closure is passed to a
/// function so that rustc infers an `FnOnce` closure: only an `FnOnce` closure can return a `&mut` that it captures.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Returns true. rustc does not know that the result is always true. So rustc treats code after `if takes_branch() { body }` as
/// reachable, even if the body never ends or always returns.
#[inline]
#[must_use]
pub fn takes_branch() -> bool {
    true
}

/// The `else` branch of `if takes_branch() { body } else { other_branch() }`. It has whatever type the body has, and
/// never runs.
#[cold]
pub fn other_branch<T>() -> T {
    loop {
        core::hint::spin_loop();
    }
}

/// Takes ownership of a value, so that a closure or `async` block that calls this function captures the value by value.
#[inline]
pub fn capture<T>(_: T) {}

/// Expands to the field `metrics` of `self`. If there is no such field, rustc's error shows the name of this macro. So the macro
/// is re-exported below under a name that explains what to do.
#[doc(hidden)]
#[macro_export]
macro_rules! __metrics_of_self {
    ($this:tt) => {
        $this.metrics
    };
}
pub use __metrics_of_self as counters_are_looked_up_in_self_metrics__add_at_to_use_another_field;
