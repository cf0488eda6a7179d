//! Compiles and checks every form of the derive and the attribute in edition 2018.

#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings)]
#![allow(dead_code)] // unused public items are dead code in a test, but not in a library

include!("../forms.rs");
include!("../timed_forms.rs");
include!("../label_forms.rs");
include!("../check.rs");

#[test]
fn every_form_works_in_edition_2018() {
    check();
}
