//! Catches the panics of user code, including a panic in the `Drop` of another panic's payload.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// Runs user code. Returns the panic's message if it panicked.
///
/// After a panic, the caller must not use state that the code may have left inconsistent.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let message = message(&*payload);
        discard(payload);
        message
    })
}

/// Drops a panic's payload, whose `Drop` is user code too and may panic.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Dropping `second` may panic in the same way, without end, so it is leaked.
        mem::forget(second);
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => "no message".to_owned(),
    }
}
