//! Every form of the derive and the attribute, with the dependency under another name.

#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings)]

include!(concat!(env!("OUT_DIR"), "/forms.rs"));
include!(concat!(env!("OUT_DIR"), "/timed_forms.rs"));
