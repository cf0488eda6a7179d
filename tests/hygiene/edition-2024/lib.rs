//! Every form of the derive and the attribute, in edition 2024.

#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings)]

include!("../forms.rs");
include!("../timed_forms.rs");
