//! Analyses and rewrites the tokens of function bodies.

pub(crate) mod rewrite;
pub(crate) mod tail;
pub(crate) mod usage;
