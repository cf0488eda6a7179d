//! Every form of the derive and the attribute, without any prelude.

#![no_std]
#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings)]

include!("../forms.rs");
include!("../timed_forms.rs");
