//! Function bodies as raw tokens: what they do, and how they are rewritten.

pub(crate) mod rewrite;
pub(crate) mod tail;
pub(crate) mod usage;
