//! Catches the panics of user code, including a panic in the `Drop` of another panic's payload.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// Runs user code. If the code panics, the error is the message of the panic.
///
/// After a panic, the caller must not use state that the code may have left inconsistent.
#[inline]
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(into_message)
}

#[cold]
fn into_message(payload: Box<dyn Any + Send>) -> String {
    let message = message(&*payload);
    // Dropping the payload is user code too, and may panic.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Dropping `second` may panic in the same way, without end, so it is leaked.
        mem::forget(second);
    }
    message
}

fn message(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => "no message".to_owned(),
    }
}
