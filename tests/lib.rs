//! Tests that use the crates as a stranger would. The code of the README runs as this crate's doc tests.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
