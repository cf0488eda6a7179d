//! Every form of the derive and the attribute, with the metrics known through another crate alone.

#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings)]

include!(concat!(env!("OUT_DIR"), "/forms.rs"));
include!(concat!(env!("OUT_DIR"), "/timed_forms.rs"));
